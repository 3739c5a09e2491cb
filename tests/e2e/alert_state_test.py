#!/usr/bin/env python3
"""What the daemon remembers of its alerts: over kill -9 at any moment, a full disk and a damaged file.

    QW_BUILD_DIR=build/release tests/e2e/alert_state_test.py
"""
import datetime
import glob
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

DAEMON = os.path.join(os.environ.get("QW_BUILD_DIR", "build/release"), "quorumwatch")
# What one save does to its files, in order; each is where the machine may stop.
SAVE = ["openat", "write", "fsync", "close", "rename"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Alertmanager:
    """Takes all alerts, and remembers them with the time of their arrival."""

    def __init__(self):
        self.taken = []
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.taken += [(time.time(), alert) for alert in json.loads(body)]
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, name):
        return [alert for _, alert in self.taken if alert["labels"]["alertname"] == name]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class AlertState(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="quorumwatch-state-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.state = self.path("state")
        os.mkdir(self.state)
        self.port = free_port()
        self.log = open(self.path("log"), "a+")
        self.addCleanup(self.log.close)
        self.alertmanager = Alertmanager()
        self.addCleanup(self.alertmanager.close)
        self.running = []
        self.addCleanup(lambda: [self.kill(daemon) for daemon in list(self.running)])
        url = f"http://127.0.0.1:{self.alertmanager.server.server_port}"
        with open(self.path("quorumwatch.yml"), "w") as out:
            out.write("targets: []\nrules: {files: [rules.yml], interval: 500ms}\n"
                      f"alertmanagers: [{{url: '{url}'}}]\nalerting: {{watchdog: false}}\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def rules(self, *rules):
        with open(self.path("rules.yml"), "w") as out:
            json.dump({"groups": [{"name": "g", "rules": list(rules)}]}, out)

    def start(self, *before):
        daemon = subprocess.Popen([*before, DAEMON, "run", f"--config.file={self.path('quorumwatch.yml')}",
                                   f"--web.listen-address=127.0.0.1:{self.port}", f"--storage.path={self.state}"],
                                  stderr=self.log)
        self.running.append(daemon)
        return daemon

    def kill(self, daemon):
        daemon.kill()
        daemon.wait()
        self.running.remove(daemon)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
            return reply.read().decode()

    def alert(self, name):
        try:
            alerts = json.loads(self.get("/api/v1/alerts"))["data"]["alerts"]
        except OSError:
            return None
        return next((alert for alert in alerts if alert["labels"]["alertname"] == name), None)

    def firing(self, name):
        alert = self.alert(name)
        return alert is not None and alert["state"] == "firing"

    def metric(self, name):
        return next(float(line.split()[-1]) for line in self.get("/metrics").splitlines() if line.startswith(name + " "))

    def until(self, holds, within=10):
        deadline = time.monotonic() + within
        while not holds():
            self.assertLess(time.monotonic(), deadline, self.tail())
            time.sleep(0.02)

    def tail(self):
        self.log.flush()
        with open(self.path("log")) as log:
            return "".join(log.readlines()[-10:])

    def test_what_was_pending_fires_after_for_and_the_downtime(self):
        self.rules({"alert": "Later", "expr": "vector(1)", "for": "6s"})
        daemon = self.start()
        self.until(lambda: self.alert("Later"))
        began = time.monotonic()
        time.sleep(4)
        self.kill(daemon)
        killed = time.monotonic()
        time.sleep(1)
        self.start()
        self.until(lambda: self.alert("Later"))
        downtime = time.monotonic() - killed
        self.until(lambda: self.firing("Later"), 20)
        took = time.monotonic() - began
        self.assertGreater(took, 5.5)
        self.assertLess(took, 6 + downtime + 1)

    def test_what_ended_meanwhile_is_told_of(self):
        ends = time.time() + 6
        self.rules({"alert": "Ends", "expr": f"vector(time()) < {ends}"})
        daemon = self.start()
        self.until(lambda: self.alertmanager.of("Ends"))
        started = self.alertmanager.of("Ends")[0]["startsAt"]
        self.until(lambda: os.path.exists(os.path.join(self.state, "alerts.state")))
        self.kill(daemon)
        time.sleep(max(0, ends - time.time()) + 0.5)
        self.assertFalse([alert for alert in self.alertmanager.of("Ends") if alert.get("endsAt")])
        self.start()
        self.until(lambda: [alert for alert in self.alertmanager.of("Ends") if alert.get("endsAt")], 5)
        ended = [alert for alert in self.alertmanager.of("Ends") if alert.get("endsAt")][-1]
        self.assertAlmostEqual(seconds(ended["startsAt"]), seconds(started), delta=0.2)

    def test_killed_at_every_step_of_a_save_the_state_is_the_old_or_the_new_one(self):
        if not shutil.which("strace"):
            self.skipTest("needs strace")
        # The first one fires for ever; the second one changes all the time, so that there is something to save.
        self.rules({"alert": "Always", "expr": "vector(1)"}, {"alert": "Flips", "expr": "vector(time() % 2) >= 1"})
        daemon = self.start()
        self.until(lambda: self.firing("Always"))
        self.until(lambda: self.metric("quorumwatch_alert_state_last_save_timestamp_seconds") > 0)
        since = seconds(self.alert("Always")["activeAt"])
        self.kill(daemon)
        killed = 0
        for syscall in SAVE:
            # Of the temporary file and of the folder.
            for when in (1, 2):
                if when == 2 and syscall in ("write", "rename"):
                    continue
                daemon = self.start("strace", "-f", "-o", self.path("trace"), "-P", os.path.join(self.state, "alerts.state.tmp"),
                                    "-P", self.state, "-e", f"trace={','.join(SAVE)}",
                                    "-e", f"inject={syscall}:signal=KILL:when={when}")
                try:
                    daemon.wait(timeout=20)
                    killed += 1
                except subprocess.TimeoutExpired:
                    self.fail(f"{syscall} {when} never came: " + open(self.path("trace")).read())
                self.running.remove(daemon)
                with self.subTest(syscall=syscall, when=when):
                    daemon = self.start()
                    self.until(lambda: self.firing("Always"))
                    self.assertEqual(self.metric("quorumwatch_alert_state_corrupt_total"), 0)
                    # Each start may move it by a few milliseconds.
                    self.assertAlmostEqual(seconds(self.alert("Always")["activeAt"]), since, delta=0.5)
                    self.kill(daemon)
        self.assertEqual(killed, 8)

    def test_a_damaged_file_is_set_aside(self):
        with open(os.path.join(self.state, "alerts.state"), "wb") as out:
            out.write(b"quorumwatch-alerts 1\n00000000 0000000000000000\nx")
        self.rules({"alert": "Always", "expr": "vector(1)"})
        self.start()
        self.until(lambda: self.firing("Always"))
        self.assertEqual(self.metric("quorumwatch_alert_state_corrupt_total"), 1)
        self.assertEqual(len(glob.glob(os.path.join(self.state, "alerts.state.corrupt-*"))), 1)

    def test_no_data_is_not_resolved(self):
        if not shutil.which("redis-server"):
            self.skipTest("needs redis-server")
        port = free_port()

        def redis():
            server = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder],
                                      stdout=subprocess.DEVNULL)
            self.addCleanup(lambda: (server.kill(), server.wait()))
            return server

        with open(self.path("quorumwatch.yml")) as file:
            config = file.read()
        with open(self.path("quorumwatch.yml"), "w") as out:
            out.write(config.replace("targets: []", "targets: [{system: redis, name: one, "
                                     f"members: ['127.0.0.1:{port}'], interval: 200ms, timeout: 150ms}}]"))
        self.rules({"alert": "Leads", "expr": "quorumwatch_leader_claim == 1"},
                   {"alert": "Silent", "expr": "absent(quorumwatch_leader_claim)"},
                   {"alert": "Pending", "expr": "quorumwatch_leader_claim == 1", "for": "1h"})
        server = redis()
        self.start()
        self.until(lambda: self.firing("Leads"))
        self.assertNotIn("unknown", self.alert("Leads"))
        since = self.alert("Pending")["activeAt"]
        server.kill()
        server.wait()
        self.until(lambda: self.alert("Leads").get("unknown"))
        self.assertEqual(self.alert("Leads")["state"], "firing")
        self.assertEqual(self.alert("Pending")["activeAt"], since)
        self.assertIn('quorumwatch_alert_unknown{alertname="Leads"', self.get("/metrics"))
        self.until(lambda: self.firing("Silent"))
        redis()
        self.until(lambda: not self.alert("Leads").get("unknown"))
        self.until(lambda: [alert for alert in self.alertmanager.of("Silent") if alert.get("endsAt")])
        self.assertEqual(self.alert("Pending")["activeAt"], since)
        self.assertFalse([alert for alert in self.alertmanager.of("Leads") if alert.get("endsAt")])

    def test_alerts_go_out_from_a_full_disk(self):
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.state], stderr=subprocess.DEVNULL)
        if mounted.returncode != 0:
            self.skipTest("needs the right to mount")
        self.addCleanup(subprocess.run, ["umount", "-l", self.state])
        ballast = os.path.join(self.state, "ballast")
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=1k"], stderr=subprocess.DEVNULL)
        self.rules({"alert": "Always", "expr": "vector(1)"})
        self.start()
        self.until(lambda: self.alertmanager.of("Always"))
        self.until(lambda: self.metric("quorumwatch_alert_state_save_errors_total") > 0)
        self.assertEqual(self.metric("quorumwatch_alert_state_last_save_timestamp_seconds"), 0)
        os.unlink(ballast)
        self.until(lambda: self.metric("quorumwatch_alert_state_last_save_timestamp_seconds") > 0, 7)


if __name__ == "__main__":
    unittest.main(verbosity=2)
