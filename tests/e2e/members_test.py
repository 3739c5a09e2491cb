#!/usr/bin/python3
"""A daemon that finds the members of a real etcd cluster in a file: a member is added, the leader is killed, the file is broken,
taken away and replaced as Kubernetes replaces it, all without a reload and without a counter that begins anew.

    QW_BUILD_DIR=build/release tests/e2e/members_test.py
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import labs

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("QW_BUILD_DIR", os.path.join(ROOT, "build/release")))
DAEMON = os.path.join(BUILD, "quorumwatch")
# A file is looked at every 5 s; the rest is one round, and what a busy machine adds.
SEEN_WITHIN = 10


class Members(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="qw-members-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.lab("up", "etcd", "--members", "3", "--pre-vote")
        cls.addClassCleanup(cls.lab, "down", "--remove")
        nodes = cls.lab("show")["nodes"]
        cls.members = [f"{nodes[name]['address']}:{nodes[name]['port']}" for name in ("etcd-1", "etcd-2", "etcd-3")]

    @classmethod
    def lab(cls, *words):
        return labs.lab(os.path.join(cls.folder, "lab"), *words)

    # A folder of members as a ConfigMap is mounted: names are links through ..data, which is replaced in one step.

    def mount(self, content):
        self.generation += 1
        real = os.path.join(self.mounted, f"..{self.generation}")
        os.makedirs(real)
        with open(os.path.join(real, "etcd.yml"), "w", encoding="utf-8") as file:
            file.write(content)
        link = os.path.join(self.mounted, "..data_tmp")
        os.symlink(os.path.basename(real), link)
        os.rename(link, os.path.join(self.mounted, "..data"))
        if not os.path.lexists(os.path.join(self.mounted, "etcd.yml")):
            os.symlink("..data/etcd.yml", os.path.join(self.mounted, "etcd.yml"))

    @staticmethod
    def file_of(members):
        return f"- targets: {json.dumps(members)}\n  labels: {{env: test}}\n"

    def setUp(self):
        self.work = tempfile.mkdtemp(dir=self.folder)
        self.mounted = os.path.join(self.work, "members")
        os.makedirs(self.mounted)
        self.generation = 0
        self.config = os.path.join(self.work, "qw.yml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("defaults: {interval: 500ms, timeout: 450ms}\ntargets:\n"
                       "  - {system: etcd, name: main, members: {files: [members/*.yml]}}\n")

    def start(self):
        log = os.path.join(self.work, "log")
        with open(log, "w", encoding="utf-8") as out:
            daemon = subprocess.Popen([DAEMON, "run", f"--config.file={self.config}", "--web.listen-address=127.0.0.1:0",
                                       f"--storage.path={self.work}/state"], stderr=out)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        self.log = pathlib.Path(log).read_text
        self.page_at = self.until(lambda: (re.search(r"listening address=(\S+)", self.log()) or [None, None])[1], 10,
                                  "the daemon does not listen")

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.page_at}{path}", timeout=5) as reply:
            return reply.read().decode()

    def values(self, family):
        """By the other labels, as text."""
        found = {}
        for labels, value in re.findall(rf"^quorumwatch_{family}{{(.*)}} (\S+)$", self.get("/metrics"), re.MULTILINE):
            pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            if pairs.get("target") == "main":
                found[pairs.get("member") or pairs.get("cause") or ""] = float(value)
        return found

    def asked(self):
        return sorted(self.values("leader_claim"))

    def elections(self):
        return sum(self.values("leader_elections_total").values())

    def until(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while True:
            result = condition()
            if result:
                return result
            self.assertLess(time.monotonic(), deadline, f"{what}\n{self.log() if hasattr(self, 'log') else ''}")
            time.sleep(0.1)

    def test_members_come_and_go_without_a_reload(self):
        one, two, three = self.members
        self.mount(self.file_of([one, two]))
        self.start()
        self.until(lambda: self.asked() == [one, two], 10, "the first two are not asked")
        self.assertEqual(self.values("members_found"), {"": 2})

        # An election that is counted, so that there is something to lose.
        self.until(lambda: self.values("leader_epoch"), 10, "nobody leads")
        before = self.elections()
        leader = max(self.lab_leader())
        self.lab("stop", leader)
        self.until(lambda: self.elections() > before, 20, "no election was seen")
        self.lab("cont", leader)
        self.until(lambda: self.asked() == [one, two], 20, "it does not come back")
        time_of_counting = self.elections()

        began = time.monotonic()
        self.mount(self.file_of([three, two, one]))
        self.until(lambda: self.asked() == sorted(self.members), SEEN_WITHIN, "the third member is not asked")
        print(f"a new member was asked after {time.monotonic() - began:.1f} s")
        self.assertGreaterEqual(self.elections(), time_of_counting, "the count began anew")
        self.assertIn("is new", self.log())

        # Broken: what was known stays, and it shows.
        self.mount("- targets: [nonsense nonsense]\n")
        self.until(lambda: self.values("members_discovery_failed") == {"": 1}, SEEN_WITHIN, "the failure does not show")
        self.assertEqual(self.values("members_found"), {"": 3})
        self.assertEqual(self.asked(), sorted(self.members))
        self.assertRegex(self.log(), r"can not be found.*etcd\.yml:1:13: \[0\]\.targets\[0\]: ")
        checked = subprocess.run([DAEMON, "check", self.config], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 2, checked.stdout)
        self.assertIn("etcd.yml:1:13: [0].targets[0]: 'nonsense nonsense': ", checked.stderr)

        # Gone: so does it.
        os.unlink(os.path.join(self.mounted, "..data"))
        self.until(lambda: "the file is gone" in self.log() or "No such file" in self.log(), SEEN_WITHIN, "its absence does not show")
        self.assertEqual(self.asked(), sorted(self.members))

        # Right again, and a member less: nothing speaks of it any more.
        self.mount(self.file_of([one, three]))
        self.until(lambda: self.asked() == sorted([one, three]), SEEN_WITHIN, "the list is not read again")
        self.assertEqual(self.values("members_discovery_failed"), {"": 0})
        # Whoever is no member is known by what the others say of it, under no name of ours.
        self.until(lambda: f'member="{two}"' not in self.get("/metrics"), 5, "a member that is none still has series")
        self.assertGreaterEqual(self.elections(), time_of_counting)
        journal = self.get("/api/v1/journal")
        self.assertIn("members_changed", journal)
        self.assertIn("members_not_found", journal)
        self.assertIn(f"{two} is gone", journal)
        self.assertNotIn("configuration reloaded", self.log())

    def lab_leader(self):
        """The node that leads, by the members' own word."""
        claims = self.values("leader_claim")
        leading = [member for member, value in claims.items() if value == 1]
        if not leading:  # the one that is on no list
            leading = [member for member in self.members if member not in claims]
        return [f"etcd-{self.members.index(member) + 1}" for member in leading]

    def test_a_reload_keeps_what_was_found(self):
        self.mount(self.file_of(self.members))
        self.start()
        self.until(lambda: self.asked() == sorted(self.members), 10, "they are not asked")
        self.mount("[")
        with urllib.request.urlopen(urllib.request.Request(f"http://{self.page_at}/-/reload", method="POST"), timeout=10) as reply:
            self.assertEqual(reply.status, 200)
        self.assertEqual(self.values("members_found"), {"": 3})
        self.assertEqual(self.values("members_discovery_failed"), {"": 1})
        self.assertEqual(self.asked(), sorted(self.members))

    def test_once_looks_before_it_asks(self):
        self.mount(self.file_of(self.members))
        done = subprocess.run([DAEMON, "once", f"--config.file={self.config}"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        for member in self.members:
            self.assertIn(member, done.stdout)


def unavailable():
    """Why it can not run here; empty where it can."""
    if os.geteuid() != 0:
        return "needs root for namespaces"
    if not shutil.which("etcd"):
        return "etcd is not installed"
    return ""


if __name__ == "__main__":
    if reason := unavailable():
        print(f"skipped: {reason}", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") else 77)
    unittest.main(verbosity=2)
