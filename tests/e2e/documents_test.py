#!/usr/bin/python3
"""Every code block of every document is run, or is listed with the test that runs it or the reason why nobody does (tests/docs).

    QW_BUILD_DIR=build/release tests/e2e/documents_test.py [Documents.test_blocks]
"""
import glob
import os
import re
import sys
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests/docs"))

import kinds  # noqa: E402  (the path has to be set first)
from runner import NO_FOLDERS, Missing, Runner, read  # noqa: E402


def documents():
    """The paths of all documents, from the top of the checkout."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in NO_FOLDERS)
        for name in sorted(files):
            path = os.path.relpath(os.path.join(folder, name), ROOT)
            if name.endswith(".md") and not any(re.match(pattern, path) for pattern in kinds.NOT_DOCUMENTS):
                yield path


class Documents(unittest.TestCase):
    def setUp(self):
        self.runner = Runner()
        self.addCleanup(self.runner.close)

    def test_blocks(self):
        for path in documents():
            with self.subTest(path):
                try:
                    self.assertEqual([], self.runner.problems(path, read(path)))
                except Missing as missing:
                    print(f"NOT TESTED: {path}: {missing}")
                    if os.environ.get("CI"):
                        raise
        print("blocks and commands: " + ", ".join(f"{number} {name}" for name, number in sorted(self.runner.done.items())))

    def test_links_lead_somewhere(self):
        for path in documents():
            # Runbooks have a lint of their own.
            text = re.sub(r"(?ms)^```.*?^```", "", read(path))
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r'<img src="([^"]+)"', text):
                if "://" not in target:
                    with self.subTest(path, link=target):
                        self.assertTrue(os.path.exists(os.path.join(ROOT, os.path.dirname(path), target)))

    def test_caps_are_those_of_the_code(self):
        rows = re.findall(r"^\|.*\| (`.*`) in `([a-z_/.]+)` \|$", read("SECURITY.md"), re.M)
        self.assertGreater(len(rows), 10)
        for words, path in rows:
            for word in re.findall(r"`([^`]+)`", words):
                with self.subTest(path, word=word):
                    self.assertIn(word, read(path))

    def test_architecture_names_every_folder(self):
        page = read("daemon/README.md")
        for folder in ("daemon", "probes"):
            for name in os.listdir(os.path.join(ROOT, folder)):
                if name not in NO_FOLDERS and os.path.isdir(os.path.join(ROOT, folder, name)):
                    shown = f"`{name}/`" if folder == "daemon" else f"`../probes/{name}/`"
                    self.assertTrue(shown in page, f"daemon/README.md does not name {shown}")
        parts = {os.path.basename(path).removesuffix(".cpp") for path in glob.glob(os.path.join(ROOT, "daemon/*.cpp"))} - NOT_A_PART
        for part in sorted(parts):
            self.assertTrue(f"`{part}`" in page, f"daemon/README.md does not name daemon/{part}.cpp")


# Files of daemon/ that are a piece of one that the page names.
NOT_A_PART = {"main", "round_table", "default_config"}

GOOD = """\
# A page

    quorumwatch check quorumwatch.yml      # says what is wrong
    tests/run fast

```sh
quorumwatch probes >/dev/null
```

```yaml
targets: [{system: redis, name: r, members: ["10.0.0.1:6379"], password_file: redis.password, tls: {ca_file: my-ca.crt}}]
```
"""
# What the document says, and what must be found in it.
BAD = [
    ("    rm -rf /\n", "no test runs it"),
    ("    quorumwatch check missing.yml\n", "exit code 2"),
    ("    quorumwatch check quorumwatch.yml --no.such.flag\n", "exit code"),
    ("    tests/bench/no_such_bench\n", "there is no tests/bench/no_such_bench"),
    ("    ctest --test-dir build/release -R NoTestHasThisName\n", "finds no test"),
    ("```yaml\ntargets: [{system: redis, nmae: r}]\n```\n", "nmae"),
    ("```yaml\ntls_server_config: {cert_file: server.crt}\n```\n", "key_file"),
    ("```yaml\ngroups: [{name: g, rules: [{alert: A, expr: 'up ='}]}]\n```\n", "exit code"),
    ("```yaml\nsomething: else\n```\n", "no test runs it"),
    ("```cpp\nTEST(Lab, Flies) { lab::Lab lab; lab.fly(); }\n```\n", "fly"),
]


class SelfTest(unittest.TestCase):
    """That the test above can fail."""

    def setUp(self):
        self.runner = Runner()
        self.addCleanup(self.runner.close)

    def test_nothing_is_found_in_a_good_document(self):
        self.assertEqual([], self.runner.problems("good.md", GOOD))
        self.assertEqual(self.runner.done, {"Shell": 2, "Run": 2, "ByHand": 1, "Config": 1})

    def test_each_bad_block_is_found(self):
        for text, words in BAD:
            with self.subTest(text):
                found = self.runner.problems("bad.md", "Text.\n\n" + text)
                self.assertEqual(len(found), 1, found)
                self.assertIn(words, found[0])

    def test_a_test_that_no_longer_runs_it_is_found(self):
        gone = kinds.Elsewhere("tests/run", "words that are not there")
        self.assertEqual(len(self.runner.elsewhere(gone)), 1)
        self.assertEqual(len(self.runner.elsewhere(kinds.Elsewhere("tests/e2e/no_such_test.py", ""))), 1)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("NOT TESTED: needs root, to run commands in a network of their own")
        sys.exit(1 if os.environ.get("CI") else 77)
    unittest.main(verbosity=2)
