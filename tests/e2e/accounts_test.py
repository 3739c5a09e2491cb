#!/usr/bin/python3
"""Pastes every block of probes/ACCOUNTS.md into the real server, asks it through the printed configuration, and again with less.

    QW_BUILD_DIR=build/release tests/e2e/accounts_test.py [Accounts.test_redis]
"""
import os
import re
import shutil
import subprocess
import sys
import unittest

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests/docs"))

from pasting import BLOCKS, PAGE, WITHIN, Pasting, commands  # noqa: E402  (the path has to be set first)

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all",
          "--no-new-privs"]


class Accounts(Pasting):
    def setUp(self):
        super().setUp()
        self.paste("passwords")

    def test_etcd(self):
        member = self.up("etcd", "--members", "1")["etcd-1"]
        self.variables = {"ETCD_ENDPOINTS": member["url"], "ETCDCTL_API": "3"}
        self.shell('etcdctl --endpoints="$ETCD_ENDPOINTS" user add root:lab-root')
        self.shell('etcdctl --endpoints="$ETCD_ENDPOINTS" user grant-role root root')
        self.paste("etcd")
        self.shell('etcdctl --endpoints="$ETCD_ENDPOINTS" auth enable')
        address = {"10.0.0.1:2379": f"{member['address']}:{member['port']}"}
        self.configure("etcd", address)
        full = self.all_answered()
        self.assertEqual(full.values("leaders"), [1])
        self.assertEqual(full.values("quorum_members"), [1])
        version = next(reading["labels"]["version"] for reading in full.all["facts"]["readings"]
                       if reading["name"] == "quorumwatch_member_info")
        self.configure("etcd", address, lambda text: text.replace(", username: quorumwatch, password_file: etcd.password", ""))
        less = self.once()
        if version.startswith("3.4."):
            self.assertEqual(less.reasons, "")
        else:
            self.assertIn("user name is empty", less.reasons)
        self.write("etcd.password", "another one")
        self.configure("etcd", address)
        if not version.startswith("3.4."):
            self.assertIn("authenticate as quorumwatch", self.once().reasons)

    def test_etcd_certificate(self):
        member = self.up("etcd", "--members", "1", "--client-cert")["etcd-1"]
        for name in ("ca.crt", "ca.key"):
            shutil.copy(os.path.join(self.path("lab"), "certs", name), self.path("etcd-" + name))
        self.paste("etcd-certificate")
        address = {"10.0.0.1:2379": f"{member['address']}:{member['port']}"}
        self.configure("etcd-certificate", address)
        self.assertEqual(self.all_answered().values("leaders"), [1])
        self.configure("etcd-certificate", address, lambda text: text.replace(", cert_file: etcd.crt, key_file: etcd.key", ""))
        less = self.once()
        self.assertFalse(less.success)
        self.assertRegex(less.reasons, "certificate: the peer (calls our client certificate bad|demands a client certificate)")

    def test_redis(self):
        nodes = self.up("redis", "--replicas", "1", "--sentinels", "1", "--password", "lab-redis", "--sentinel-password", "lab-redis")
        address = {name: f"{node['address']}:{node['port']}" for name, node in nodes.items()}
        self.variables = {"REDIS_NODES": f"{address['redis-1']} {address['redis-2']}", "SENTINELS": address["sentinel-1"],
                          "REDISCLI_AUTH": "lab-redis"}
        self.assertEqual(self.paste("redis").split(), ["OK", "OK"])
        self.assertEqual(self.paste("sentinel").split(), ["OK"])
        self.configure("redis", {"10.0.1.1:6379": address["redis-1"], "10.0.1.2:6379": address["redis-2"],
                                 "10.0.1.1:26379": address["sentinel-1"]})
        full = self.all_answered()
        self.assertEqual(full.values("leaders"), [1])
        self.assertEqual(len(full.values("sentinel_quorum_reachable")), 1)
        self.assertEqual(full.clocks(), {address["redis-1"]: "redis_time", address["redis-2"]: "redis_time",
                                         address["sentinel-1"]: "redis_info"})

        def less(right, of="REDIS_NODES"):
            """A round without one of the rights, which is given back afterwards."""
            text = 'for node in $%s; do redis-cli -h "${node%%:*}" -p "${node##*:}" ACL SETUSER quorumwatch "%s"; done'
            self.shell(text % (of, "-" + right))
            one = self.once()
            self.shell(text % (of, "+" + right))
            return one

        self.assertEqual(less("ping", "SENTINELS").reasons, "")
        for right in ("ping", "role"):
            one = less(right)
            self.assertTrue(one.success and not one.reasons and one.values("leaders") == [1], right)
        one = less("time")
        self.assertEqual(one.reasons, "")
        self.assertEqual(set(one.clocks()), {address["sentinel-1"]})
        one = less("info")
        self.assertEqual(one.unanswered(), {address["redis-1"], address["redis-2"]})
        self.assertIn("NOPERM", one.reasons)
        for right in ("info", "sentinel|masters"):
            one = less(right, "SENTINELS")
            self.assertEqual(one.unanswered(), {address["sentinel-1"]}, right)
            self.assertIn("NOPERM", one.reasons)
        one = less("sentinel|ckquorum", "SENTINELS")
        self.assertEqual(one.reasons, "")
        self.assertEqual(one.values("sentinel_quorum_reachable"), [])
        self.assertEqual(less("sentinel|master", "SENTINELS").reasons, "")
        with open(self.path("quorumwatch.yml"), "a", encoding="utf-8") as file:
            file.write("  sentinel_master: mymaster\n")
        self.assertEqual(less("sentinel|masters", "SENTINELS").reasons, "")
        self.assertIn("NOPERM", less("sentinel|master", "SENTINELS").reasons)
        self.all_answered()

    def test_postgres(self):
        nodes = self.up("postgres", "--standbys", "1", "--password", "lab-postgres")
        first, second = nodes["postgres-1"], nodes["postgres-2"]
        self.variables = {"PGHOST": first["address"], "PGUSER": "postgres", "PGDATABASE": "postgres"}
        network = re.sub(r"\d+$", "0/24", first["address"])

        def admit(name):
            """The page's line, and none that is for everybody."""
            line = BLOCKS[f"conf {name} pg_hba.conf"].replace("10.0.9.0/24", network)
            for node in (first, second):
                path = os.path.join(node["data"], "pg_hba.conf")
                with open(path, encoding="utf-8") as file:
                    kept = [old for old in file if not re.match(r"\S+ (all|replication) all ", old)]
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines([*kept, line])
                self.shell(f"psql -h {node['address']} -c 'SELECT pg_reload_conf()'")

        self.paste("postgres")
        admit("postgres")
        self.configure("postgres", {f"10.0.2.{i}:5432": f"{node['address']}:5432" for i, node in ((1, first), (2, second))})
        full = self.until(lambda one: one.success and not one.reasons and one.values("replication_link_up") == [1], "the standby's link")
        self.assertEqual(full.values("leaders"), [1])
        self.assertEqual(full.values("postgres_hidden"), [])
        self.shell("psql -c 'REVOKE pg_monitor FROM quorumwatch'")
        less = self.until(lambda one: len(one.values("postgres_hidden")) == 2, "both servers to hide something")
        self.assertEqual(less.labels("postgres_hidden", "part"), {"receiver", "senders"})
        self.assertEqual(less.reasons, "")
        self.shell("psql -c 'GRANT pg_monitor TO quorumwatch'")
        self.until(lambda one: not one.values("postgres_hidden"), "nothing to be hidden")

        self.shell(f"psql -h {second['address']} -c 'SELECT pg_promote()'")
        less = self.until(lambda one: "history" in one.labels("postgres_hidden", "part") and one.values("split_brain", kind="unfenced") == [1],
                          "two primaries, and the fork to be hidden")
        self.assertEqual(less.values("split_brain_diverged_bytes"), [])
        for node in (first, second):
            self.variables["PGHOST"] = node["address"]
            self.paste("postgres-history")
        self.assertIn("history", self.once().labels("postgres_hidden", "part"), "pg_hba.conf does not admit it yet")
        admit("postgres-history")
        # Each of both lines is needed, the other is kept.
        with open(os.path.join(second["data"], "pg_hba.conf"), encoding="utf-8") as file:
            self.assertEqual(len(re.findall(" quorumwatch ", file.read())), 2)
        self.until(lambda one: not one.values("postgres_hidden") and len(one.values("split_brain_diverged_bytes")) == 1, "the fork")

    def kafka(self, nodes):
        """A cluster that allows nothing to whom it does not know."""
        started = self.up("kafka", "--nodes", str(nodes), "--fast", "--sasl",
                          "--set", "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                          "--set", "super.users=User:lab;User:ANONYMOUS", skip="Kafka's jars can not be had here")
        self.nodes = [started[f"kafka-{i + 1}"]["address"] for i in range(nodes)]
        os.mkdir(self.path("tools"))
        for tool in ("configs", "acls", "topics"):
            os.symlink(os.path.join(ROOT, "deploy/demo/kafka-tool"), self.path(f"tools/kafka-{tool}.sh"))
        self.variables = {"KAFKA_BOOTSTRAP": f"{self.nodes[0]}:9092", "PATH": self.path("tools") + ":" + os.environ["PATH"]}
        self.write("admin.properties", "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config="
                   "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"lab\" password=\"lab-lab\";\n")
        # The lab's own way around the authorizer.
        client = f"{ROOT}/tests/lab/kafka-client --bootstrap {self.nodes[0]}:9094"
        self.shell(f"{client} topic create orders --partitions 1 --copies 1 --set retention.ms=3600000")
        self.shell(f"{client} produce orders --count 20 --rate 1000 && {client} commit --group billing orders/0=1")

    def test_kafka(self):
        self.kafka(2)
        self.configure("kafka", {"10.0.3.1:9092": f"{self.nodes[0]}:9092", "10.0.3.1:9093": f"{self.nodes[0]}:9093",
                                 "10.0.3.2:9093": f"{self.nodes[1]}:9093"})
        user, topics, groups, cluster = commands(BLOCKS["sh kafka"])
        self.shell(user)
        # Each node learns of a new user and of a new right in its own time.
        less = self.until(lambda one: "CLUSTER_AUTHORIZATION_FAILED" in one.reasons and one.values("kafka_partitions") == [0],
                          "the controllers to refuse, and no partition to be seen")
        self.assertEqual(less.values("leaders"), [])
        self.until_page(self.start(), r"(?m)^quorumwatch_kafka_partitions\{.*\} 0$", "no partition to be seen")
        with open(self.path("log"), encoding="utf-8") as file:
            self.assertIn("kafka shows no topic", file.read())
        self.shell(groups)
        self.until(lambda one: one.values("kafka_partitions") == [0], "no partition to be seen")
        self.shell(cluster)
        less = self.all_answered()
        self.assertEqual(less.values("leaders"), [1])
        self.assertEqual(less.values("consumer_lag_messages"), [], "of a topic that may not be described")
        self.shell(topics)
        full = self.until(lambda one: one.values("consumer_lag_messages") == [19] and one.retentions() == [3600], "lag and retention")
        self.assertEqual(full.reasons, "")
        self.assertEqual(len(full.followed()), 1, "the controller that does not lead follows the one that does")
        remove = commands(BLOCKS["sh kafka"].replace(" --add ", " --remove --force "))
        self.shell(remove[1].replace("--operation Describe ", ""))
        self.until(lambda one: one.values("consumer_lag_messages") == [19] and not one.retentions(), "no retention")
        self.shell(remove[3].replace("--operation Describe ", ""))
        self.until(lambda one: not one.followed() and not one.values("quorum_failures_tolerated"),
                   "nobody to be followed, and no word of a quorum that may be lost")
        self.shell(remove[2])
        self.shell(remove[3].replace(" --operation ClusterAction", ""))
        self.until(lambda one: not one.values("consumer_lag_messages"), "no group to be seen")

    def test_kafka_canary(self):
        self.kafka(1)
        user = commands(BLOCKS["sh kafka"])[0]
        create, allow = commands(BLOCKS["sh kafka-canary"])
        self.shell(user)
        self.shell(create)
        self.configure("kafka-canary", {"10.0.3.1:9092": f"{self.nodes[0]}:9092"})
        page = self.start()
        self.until_page(page, r"(?m)^quorumwatch_kafka_canary_up\{.*\} 0$", "the canary to be refused")
        self.shell(allow)
        self.until_page(page, r"(?m)^quorumwatch_kafka_canary_received_total\{.*\} [1-9]", "messages to come back")
        self.until_page(page, r"(?m)^quorumwatch_kafka_canary_up\{.*\} 1$", "the canary to sing")

    def test_clocks(self):
        self.addCleanup(self.lab, "down")
        address = self.lab("host", "clock")["address"]
        network = re.sub(r"\d+$", "0/24", address)
        lines = BLOCKS["conf clocks chrony.conf"].replace("10.0.9.0/24", network)
        self.configure("clocks", {"10.0.5.1": address})
        # `local` serves time without a source; -x keeps chronyd from touching this machine's clock.
        own = f"local stratum 8\npidfile {self.path('chronyd.pid')}\nallow all\n"
        for name, text in (("without", own), ("with", own + lines)):
            self.write("chrony.conf", text)
            self.lab("run", "--at", "clock", name, "--", "chronyd", "-x", "-d", "-u", "root", "-f", self.path("chrony.conf"))
            if name == "with":
                self.all_answered()
                break
            less = self.until(lambda one: one.success, "NTP to answer")
            self.assertEqual(less.unanswered(), {f"chrony://{address}"})
            self.lab("kill", name)

    def test_nodes(self):
        self.addCleanup(self.lab, "down")
        self.lab("host", "home")
        namespace = self.lab("show")["hosts"]["home"]["namespace"]
        inside = ["ip", "netns", "exec", namespace]
        # As on a new machine, whatever this one allows.
        self.shell('sysctl -w net.ipv4.ping_group_range="1 0" net.ipv4.ip_unprivileged_port_start=1024', inside)
        self.configure("nodes", {"10.0.0.1": "127.0.0.1"})
        os.chmod(self.path("quorumwatch.yml"), 0o644)
        nobody = [*inside, *NOBODY]
        less = self.once(nobody)
        self.assertIn("net.ipv4.ping_group_range", less.reasons)
        self.assertEqual(less.values("rtt_seconds"), [])
        self.write("reflector.yml", "reflector: {listen: [\"127.0.0.1:862\"]}\ntargets: [{system: host, name: here}]\n")
        os.chmod(self.path("reflector.yml"), 0o644)
        reflector = [*nobody, self.daemon, "run", "--config.file=reflector.yml", "--web.listen-address=127.0.0.1:0"]
        refused = subprocess.run(reflector, cwd=self.folder, capture_output=True, text=True, check=False, timeout=WITHIN)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("net.ipv4.ip_unprivileged_port_start", refused.stderr)
        self.paste("nodes", inside)
        self.assertEqual(len(self.all_answered(nobody).values("rtt_seconds", method="icmp")), 1)
        self.assertTrue(self.listens(reflector))

    def listens(self, command):
        """Whether a daemon gets as far as to serve its page, which it does after its reflector."""
        with subprocess.Popen(command, cwd=self.folder, stderr=subprocess.PIPE, text=True) as daemon:
            try:
                return any("listening" in line for line in daemon.stderr)
            finally:
                daemon.terminate()

    def test_host(self):
        self.configure("host", {})
        os.chmod(self.path("quorumwatch.yml"), 0o644)
        one = self.once(NOBODY)
        self.assertTrue(one.success)
        for source in ("kernel_clock", "tcp"):
            self.assertEqual(one.values("host_source_up", source=source), [1], source)

    def test_every_block_of_the_page_is_used_above(self):
        with open(os.path.realpath(__file__), encoding="utf-8") as file:
            text = file.read()
        for info in BLOCKS:
            kind, name, *_ = info.split()
            call = {"sh": rf"(paste\(|BLOCKS\[)\"(sh )?{name}\"", "yaml": rf"configure\(\"{name}\"",
                    "conf": rf"(admit\(|BLOCKS\[)\"(conf )?{name}( [a-z.]+)?\""}[kind]
            self.assertTrue(re.search(call, text), f"{PAGE}: nothing runs the block '{info}'")


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        print("NOT TESTED: needs root, to start servers in network namespaces")
        sys.exit(1 if os.environ.get("CI") else 77)
    unittest.main(verbosity=2)
