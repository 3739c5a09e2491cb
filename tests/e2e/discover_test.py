#!/usr/bin/python3
"""`quorumwatch discover` on a machine with real servers: what it prints passes `check`, and every member of it answers the daemon.

    QW_BUILD_DIR=build/release tests/e2e/discover_test.py [Discover.test_kafka]

Other labs may run on this machine; what is found of them is printed too, and left alone here.
"""
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

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("QW_BUILD_DIR", os.path.join(ROOT, "build/release")))
DAEMON = os.path.join(BUILD, "quorumwatch")
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all",
          "--no-new-privs"]
# A machine of two cores may be busy with eight other tests; an answer is waited for, never assumed.
WITHIN = 60


class Discover(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qw-discover-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def lab(self, *words):
        done = subprocess.run([os.path.join(ROOT, "tests/lab/lab"), "--dir", self.path("lab"), "--owner", str(os.getpid()), *words],
                              capture_output=True, text=True, check=False, env={**os.environ, "QW_BUILD_DIR": BUILD})
        if done.returncode == 77:
            self.skipTest("Kafka's jars can not be had here")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def up(self, *words):
        self.lab("up", *words)
        self.addCleanup(self.lab, "down")

    def places(self, system, port="port"):
        return [f"{node['address']}:{node[port]}" for node in self.lab("show")["nodes"].values() if node["system"] == system]

    def path(self, name):
        return os.path.join(self.folder, name)

    def discover(self, prefix=()):
        done = subprocess.run([*prefix, DAEMON, "discover"], capture_output=True, text=True, check=False, timeout=WITHIN)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def check(self, text, name="quorumwatch.yml"):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([DAEMON, "check", self.path(name)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{done.stderr}\n{text}")

    def ours(self, printed):
        """The printed configuration without the members of other labs, by the network of this one."""
        network = re.sub(r"\d+$", "", next(iter(self.lab("show")["nodes"].values()))["address"])
        head, *targets = re.split(r"(?m)^(?=  - system: )", printed)
        mine = [target for target in targets if re.search(rf"(?m)^[^#]*- (\w+://)?{re.escape(network)}", target)]
        self.assertTrue(mine, printed)
        # All clocks of a machine are one target.
        mine = [re.sub(rf"(?m)^      - (?!(\w+://)?{re.escape(network)}).*\n", "", target) for target in mine]
        return head + "".join(mine), mine

    def value(self, targets, system, key):
        """The list under a key, of the one target of this system."""
        found = [target for target in targets if target.startswith(f"  - system: {system}\n")]
        self.assertEqual(len(found), 1, f"{system}\n" + "".join(targets))
        block = re.search(rf"(?m)^    {key}:\n((?:      - .*\n)+)", found[0])
        return sorted(line.split()[1] for line in block[1].splitlines()) if block else []

    def start(self, name="quorumwatch.yml"):
        """The daemon with what was printed, and the address of its page."""
        log = open(self.path("log"), "w+", encoding="utf-8")
        self.addCleanup(log.close)
        daemon = subprocess.Popen([DAEMON, "run", f"--config.file={self.path(name)}", "--web.listen-address=127.0.0.1:0"], stderr=log)
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

    def everybody_answers(self, targets):
        """Until between two looks of the page every target has had a round, and no member of any was left unasked."""
        page = self.start()
        names = [tuple(re.match(r"  - system: (\S+)\n    name: (\S+)\n", target).groups()) for target in targets]
        deadline = time.monotonic() + WITHIN
        before = None
        while True:
            with urllib.request.urlopen(page, timeout=10) as reply:
                text = reply.read().decode()
            now = {name: state(text, *name) for name in names}
            if before is None:
                before = now
            fresh = all(now[name]["rounds"] > before[name]["rounds"] + 1 for name in names)
            if fresh and all(now[name]["success"] == 1 and now[name]["unanswered"] == before[name]["unanswered"] for name in names):
                return
            if fresh:
                before = now
            self.assertLess(time.monotonic(), deadline, f"{before}\n{now}")
            time.sleep(0.2)

    def test_etcd_redis_postgres_and_chrony(self):
        self.up("etcd", "--members", "3")
        self.up("redis", "--replicas", "1", "--sentinels", "3", "--fast")
        self.up("postgres", "--standbys", "1")
        self.up("chrony")
        nodes = self.lab("show")["nodes"]
        # What the printed comment asks for.
        subprocess.run(["psql", "-XAtq", "-h", nodes["postgres-1"]["address"], "-U", "postgres", "-c",
                        "CREATE ROLE quorumwatch LOGIN IN ROLE pg_monitor"], check=True)
        printed = self.discover()
        self.check(printed)
        text, targets = self.ours(printed)
        self.assertEqual(self.value(targets, "etcd", "members"), sorted(self.places("etcd")))
        self.assertEqual(self.value(targets, "redis", "members"), sorted(self.places("redis")))
        self.assertEqual(self.value(targets, "redis", "sentinels"), sorted(self.places("sentinel")))
        self.assertEqual(self.value(targets, "postgres", "members"), sorted(self.places("postgres")))
        self.assertEqual(self.value(targets, "clocks", "members"),
                         [f"chrony://{place}" for place in sorted(self.places("chrony", "command_port"))])
        self.check(text)
        self.everybody_answers(targets)
        self.check(self.discover(NOBODY), "nobody.yml")

    def test_tls_and_passwords(self):
        self.up("redis", "--replicas", "1", "--sentinels", "1", "--fast", "--tls", "--password", "lab-secret-1",
                "--sentinel-password", "lab-secret-2")
        self.up("postgres", "--standbys", "0", "--tls", "--password", "lab-secret-3")
        node = self.lab("show")["nodes"]["postgres-1"]
        subprocess.run(["psql", "-XAtq", "-h", node["address"], "-U", "postgres", "-c",
                        "CREATE ROLE quorumwatch LOGIN PASSWORD 'lab-secret-3' IN ROLE pg_monitor"], check=True,
                       env={**os.environ, "PGSSLMODE": "disable"})
        printed = self.discover()
        self.assertNotIn("lab-secret", printed)
        self.check(printed)
        text, targets = self.ours(printed)
        # What the comments leave to the user: the passwords, and here no account of our own in Redis.
        for name, password in (("redis.password", 1), ("sentinel.password", 2), ("postgres.password", 3)):
            self.assertRegex(text, rf"(?m)^    # (sentinel_)?password_file: {name}$")
            with open(self.path(name), "w", encoding="ascii") as file:
                file.write(f"lab-secret-{password}")
        self.check(re.sub(r"(?m)^    # ((sentinel_)?password_file: )", r"    \1", text))
        self.everybody_answers(targets)

    def test_kafka(self):
        self.up("kafka", "--nodes", "2", "--fast")
        printed = self.discover()
        self.check(printed)
        text, targets = self.ours(printed)
        self.assertEqual(self.value(targets, "kafka", "bootstrap"), sorted(self.places("kafka")))
        self.assertEqual(self.value(targets, "kafka", "controllers"), sorted(self.places("kafka", "controller_port")))
        self.check(text)
        self.everybody_answers(targets)


def state(page, system, target):
    """What the daemon says of one target, as numbers."""
    wanted = {f'system="{system}"', f'target="{target}"'}

    def numbers(family):
        found = re.findall(rf"(?m)^quorumwatch_{family}\{{(.*)\}} (\S+)$", page)
        return [float(value) for labels, value in found if wanted <= set(labels.split(","))]

    return {"success": sum(numbers("probe_success")), "rounds": sum(numbers("probe_rounds_total")),
            "unanswered": sum(numbers("probe_members_unanswered_total"))}


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        print("NOT TESTED: needs root, to start servers in network namespaces")
        sys.exit(1 if os.environ.get("CI") else 77)
    unittest.main(verbosity=2)
