#!/usr/bin/python3
"""The incident report of a cluster that was broken and healed, and of a daemon that was killed in between: each break in order, with
its time within an interval.

    QW_BUILD_DIR=build/release tests/e2e/report_test.py
"""
import datetime
import json
import os
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
INTERVAL = 1.0
# A round may take as long as its time-out until it is told, and this machine may be busy.
WITHIN = INTERVAL + 1.0


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="qw-report-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.lab("up", "redis", "--replicas", "2", "--sentinels", "3", "--fast", "--sentinels-apart")
        cls.addClassCleanup(cls.lab, "down", "--remove")
        cls.show = cls.lab("show")
        cls.state = os.path.join(cls.folder, "state")
        os.mkdir(cls.state)
        cls.log = open(os.path.join(cls.folder, "log"), "a+")
        cls.addClassCleanup(cls.log.close)
        nodes = cls.show["nodes"]
        address = {name: f"{node['address']}:{node['port']}" for name, node in nodes.items()}
        cls.address = address
        members = json.dumps([address[f"redis-{i}"] for i in (1, 2, 3)])
        sentinels = json.dumps([address[f"sentinel-{i}"] for i in (1, 2, 3)])
        with open(os.path.join(cls.folder, "q.yml"), "w") as out:
            out.write(f"defaults: {{interval: {INTERVAL}s, timeout: 800ms}}\n".replace(".0s", "s")
                      + f"targets:\n  - {{system: redis, name: sessions, members: {members}, sentinels: {sentinels}}}\n"
                      + "rules: {files: [r.rules.yml], interval: 500ms}\n")
        with open(os.path.join(cls.folder, "r.rules.yml"), "w") as out:
            json.dump({"groups": [{"name": "g", "rules": [
                {"alert": "LinkDown", "expr": "quorumwatch_replication_link_up == 0",
                 "annotations": {"summary": "A replica | has lost its leader"}}]}]}, out)

    @classmethod
    def lab(cls, *words):
        return labs.lab(os.path.join(cls.folder, "lab"), *words, build=BUILD)

    def start(self):
        with open(os.path.join(self.folder, "log")) as log:
            log.seek(0, os.SEEK_END)
            daemon = subprocess.Popen([DAEMON, "run", f"--config.file={self.folder}/q.yml", "--web.listen-address=127.0.0.1:0",
                                       f"--storage.path={self.state}"], stderr=self.log)
            self.addCleanup(lambda: (daemon.kill(), daemon.wait()))
            seen = ""

            def listens():
                nonlocal seen
                seen += log.read()
                return re.search(r"listening.*?address=\"?([0-9.]+:[0-9]+)", seen)

            self.url = "http://" + self.until(listens, 20, "listening").group(1)
        return daemon

    def events(self):
        with urllib.request.urlopen(self.url + "/api/v1/journal", timeout=5) as reply:
            return json.load(reply)["data"]["events"]

    def event(self, change, what, after, subject=None):
        """The first such event at or after a time, or nothing."""
        for event in self.events():
            if event["change"] == change and event["what"] == what and seconds(event["at"]) >= after - INTERVAL:
                if subject is None or event.get("subject") == subject:
                    return event
        return None

    def until(self, condition, within, what):
        deadline = time.monotonic() + within
        while True:
            result = condition()
            if result:
                return result
            self.assertLess(time.monotonic(), deadline, f"{what}: {self.tail()}")
            time.sleep(0.1)

    def tail(self):
        with open(os.path.join(self.folder, "log")) as log:
            return "".join(log.readlines()[-20:])

    def report(self, *words):
        done = subprocess.run([DAEMON, "report", f"--storage.path={self.state}", *words], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_each_break_is_told_in_order_and_in_time(self):
        daemon = self.start()
        replica = self.address["redis-3"]
        self.until(lambda: self.event("happened", "started", 0), 20, "started")
        time.sleep(3 * INTERVAL)
        self.assertFalse([event for event in self.events() if event["kind"] != "daemon"], "all is well")

        # A replica that stands still, and goes on.
        stopped = time.time()
        self.lab("stop", "redis-3")
        silent = self.until(lambda: self.event("began", "member_silent", stopped, replica), 15, "silent")
        self.lab("cont", "redis-3")
        going_on = time.time()
        ended = self.until(lambda: self.event("ended", "member_silent", going_on, replica), 15, "answers")
        self.assertLess(abs(seconds(silent["at"]) - stopped), WITHIN)
        self.assertLess(abs(seconds(ended["at"]) - going_on), WITHIN)

        # The primary dies while the daemon is killed: what it could not see is not told, what it finds is.
        self.until(lambda: os.path.getsize(os.path.join(self.state, "journal/00000001.jsonl")) > 0 and self.on_disk("ended", "member_silent"),
                   10, "on disk")
        killed_daemon = time.time()
        daemon.kill()
        daemon.wait()
        time.sleep(2)
        started_again = time.time()
        daemon = self.start()
        self.until(lambda: len([e for e in self.events() if e["what"] == "started"]) == 2, 20, "started again")

        time.sleep(2 * INTERVAL)
        killed = time.time()
        self.lab("kill", "redis-1")
        gone = self.until(lambda: self.event("began", "member_silent", killed, self.address["redis-1"]), 15, "primary is gone")
        election = self.until(lambda: self.event("happened", "unplanned", killed), 60, "fail-over")
        self.assertLess(abs(seconds(gone["at"]) - killed), WITHIN)
        self.assertIn(election["subject"], (self.address["redis-2"], replica))
        fires = self.until(lambda: self.event("began", "firing", killed), 20, "alert")
        self.lab("start", "redis-1")
        self.until(lambda: self.event("ended", "member_silent", killed, self.address["redis-1"]), 30, "heals")
        daemon.terminate()
        daemon.wait(20)

        text = self.report("--since=1h", "sessions")
        print(text, file=sys.stderr)
        # Each in the timeline, in this order.
        timeline = text.split("## Timeline")[1].split("## Alerts")[0]
        told = [silent, ended, gone, election]
        places = [timeline.find(event["at"][11:23]) for event in told]
        self.assertNotIn(-1, places, text)
        self.assertEqual(places, sorted(places), text)
        self.assertIn("**" + fires["at"][11:23], timeline)
        before = text.split("## What came before what")[1].split("## Timeline")[0]
        self.assertIn("not a cause", before)
        self.assertRegex(before, r"before(, and still so)?: \*\*redis sessions\*\* " + re.escape(self.address["redis-1"]))
        gaps = text.split("## When the daemon itself was down")[1]
        gap = re.search(r"\* (\S+ \S+) to (\S+ \S+) UTC .*killed", gaps)
        self.assertTrue(gap, gaps)
        # The journal is touched each 5 s.
        self.assertLess(abs(seconds(gap.group(1)) - killed_daemon), 7)
        self.assertLess(abs(seconds(gap.group(2)) - started_again), 5)
        self.assertIn("it was stopped", gaps)
        self.assertIn("A replica \\| has lost", text)
        self.assertIn("by nobody", text, "there is no Alertmanager")
        self.assertNotIn("still so**", text)

        # A torn line costs itself alone.
        with open(os.path.join(self.state, "journal/00000001.jsonl"), "a") as file:
            file.write('{"at":"2026-')
        self.assertIn("1 lines of the journal were damaged", self.report())

    def on_disk(self, change, what):
        with open(os.path.join(self.state, "journal/00000001.jsonl")) as file:
            return any(f'"change":"{change}"' in line and f'"what":"{what}"' in line for line in file)

    def test_a_full_disk_is_counted_and_hurts_nobody(self):
        state = os.path.join(self.folder, "full")
        os.mkdir(state)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", state], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("needs the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", state])
        ballast = os.path.join(state, "ballast")
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=1k"], stderr=subprocess.DEVNULL)
        before, self.__class__.state = self.state, state
        self.addCleanup(lambda: setattr(self.__class__, "state", before))
        self.start()

        def metric(name):
            with urllib.request.urlopen(self.url + "/metrics", timeout=5) as reply:
                return next(float(line.split()[-1]) for line in reply.read().decode().splitlines() if line.startswith(name + " "))

        self.until(lambda: metric("quorumwatch_journal_write_errors_total") > 0, 20, "errors")
        self.assertEqual(metric("quorumwatch_journal_events_written_total"), 0)
        self.assertTrue(self.event("happened", "started", 0), "in memory all the same")
        os.unlink(ballast)
        self.until(lambda: metric("quorumwatch_journal_events_written_total") > 0, 20, "written")
        self.assertEqual(metric("quorumwatch_journal_events_dropped_total"), 0)


def seconds(text):
    """Of "2026-11-21T09:33:34.123456789Z" and "2026-11-21 09:33:34", in UTC."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.datetime.fromisoformat(whole + "+00:00").timestamp() + float("0." + (fraction or "0"))


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("needs root")
        sys.exit(1 if os.environ.get("CI") else 77)
    unittest.main(verbosity=2)
