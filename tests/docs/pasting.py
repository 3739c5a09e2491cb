"""Pastes blocks of probes/ACCOUNTS.md into servers of the lab. For tests/e2e/accounts_test.py."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

import blocks

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("QW_BUILD_DIR", os.path.join(ROOT, "build/release")))
DAEMON = os.path.join(BUILD, "quorumwatch")
PAGE = "probes/ACCOUNTS.md"
BLOCKS = {block.info: block.text for block in blocks.of(os.path.join(ROOT, PAGE))}
# A machine of two cores may be busy with eight other tests; an answer is waited for, never assumed.
WITHIN = 30


class Pasting(unittest.TestCase):
    """A folder with passwords, a lab, and what the page says to do with both."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qw-accounts-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.variables = {}
        # Where nobody may look: the checkout may be root's alone.
        os.chmod(self.folder, 0o755)
        self.daemon = self.path("quorumwatch")
        shutil.copy(DAEMON, self.daemon)

    # The lab.

    def lab(self, *words, skip=None):
        done = subprocess.run([os.path.join(ROOT, "tests/lab/lab"), "--dir", self.path("lab"), "--owner", str(os.getpid()), *words],
                              capture_output=True, text=True, check=False, env={**os.environ, "QW_BUILD_DIR": BUILD})
        if done.returncode == 77 and skip and os.environ.get("CI") != "true":
            print(f"NOT TESTED: {skip}")
            self.skipTest(skip)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def up(self, system, *options, skip=None):
        """The nodes by name."""
        self.lab("up", system, *options, skip=skip)
        self.addCleanup(self.lab, "down")
        return self.lab("show")["nodes"]

    # The page.

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def shell(self, text, prefix=()):
        done = subprocess.run([*prefix, "bash", "-euo", "pipefail", "-c", text], cwd=self.folder, capture_output=True, text=True, check=False,
                              env={**os.environ, **self.variables})
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}{done.stderr}")
        self.assertNotRegex(done.stdout, r"(?m)^(ERR|NOPERM|NOAUTH|WRONGPASS)", text)
        return done.stdout

    def paste(self, name, prefix=()):
        return self.shell(BLOCKS[f"sh {name}"], prefix)

    def configure(self, name, addresses, change=lambda text: text):
        """The printed lines with real addresses; every printed one must be given."""
        text = re.sub(r"\b10\.0\.\d+\.\d+(?::\d+)?", lambda found: addresses[found[0]], BLOCKS[f"yaml {name}"])
        self.write("quorumwatch.yml", "targets:\n" + change(text))

    def once(self, prefix=()):
        done = subprocess.run([*prefix, self.daemon, "once", "--output=json", "--config.file=quorumwatch.yml"], cwd=self.folder,
                              capture_output=True, text=True, check=False)
        self.assertNotEqual(done.stdout, "", done.stderr)
        return Round(json.loads(done.stdout))

    def until(self, condition, what, prefix=()):
        """The first round of which this holds."""
        deadline = time.monotonic() + WITHIN
        while True:
            last = self.once(prefix)
            if condition(last):
                return last
            self.assertLess(time.monotonic(), deadline, f"{what}\n{json.dumps(last.all, indent=1)}")
            time.sleep(0.1)

    def all_answered(self, prefix=()):
        return self.until(lambda one: one.success and not one.reasons, "everybody to answer", prefix)

    def start(self):
        """The daemon with the printed configuration, and the address of its page."""
        log = open(self.path("log"), "w+", encoding="utf-8")
        self.addCleanup(log.close)
        daemon = subprocess.Popen([self.daemon, "run", "--config.file=quorumwatch.yml", "--web.listen-address=127.0.0.1:0"], cwd=self.folder,
                                  stderr=log)
        self.addCleanup(lambda: (daemon.kill(), daemon.wait()))
        deadline = time.monotonic() + WITHIN
        while True:
            log.seek(0)
            text = log.read()
            found = re.search(r"listening.*?address=\"?([0-9.]+:[0-9]+)", text)
            if found:
                return f"http://{found[1]}/metrics"
            self.assertLess(time.monotonic(), deadline, text)
            time.sleep(0.02)

    def until_page(self, url, pattern, what):
        deadline = time.monotonic() + WITHIN
        while True:
            with urllib.request.urlopen(url, timeout=5) as reply:
                text = reply.read().decode()
            if re.search(pattern, text):
                return
            self.assertLess(time.monotonic(), deadline, f"{what}\n" + "\n".join(re.findall(r"(?m)^quorumwatch_kafka_canary.*$", text)))
            time.sleep(0.1)


class Round:
    """What `quorumwatch once --output=json` says of one target."""

    def __init__(self, parsed):
        self.all = parsed
        self.success = parsed["success"]
        self.reasons = "; ".join(f"{one['member']}: {one['reason']}" for one in parsed["facts"]["unanswered"])

    def samples(self, family, **labels):
        return [sample for sample in self.all["samples"] if sample["name"] == "quorumwatch_" + family
                and all(sample["labels"].get(name) == value for name, value in labels.items())]

    def values(self, family, **labels):
        return [sample["value"] for sample in self.samples(family, **labels)]

    def labels(self, family, label):
        return {sample["labels"][label] for sample in self.samples(family)}

    def unanswered(self):
        return {one["member"] for one in self.all["facts"]["unanswered"]}

    def clocks(self):
        return {clock["member"]: clock["source"] for clock in self.all["facts"]["clocks"]}

    def followed(self):
        return [claim["follows"] for claim in self.all["facts"]["claims"] if claim["claim"] == "not_leader" and claim["follows"]]

    def retentions(self):
        """What the topics are known to keep; a running daemon makes quorumwatch_consumer_retention_seconds of it."""
        return [topic["retention_seconds"] for topic in self.all["facts"]["topics"] if topic["retention_seconds"] is not None]


def commands(text):
    """A block taken apart where a command ends."""
    return re.sub(r"\\\n *", "", text).splitlines()
