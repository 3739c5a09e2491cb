#!/usr/bin/python3
"""Three daemons measure each other over the delay line while its links are cut, cut one way and made long one way: the matrix of
their pages must show each as it is, and none of it as a clock that is wrong.

    QW_BUILD_DIR=build/release tests/e2e/mesh_test.py
"""
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
NODES = ("node-1", "node-2", "node-3")
DELAY_MS = 0.5


class Mesh(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="qw-mesh-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.lab("up", "nodes", "--count", "3", "--delay", str(DELAY_MS))
        cls.addClassCleanup(cls.lab, "down", "--remove")
        cls.hosts = cls.lab("show")["hosts"]
        config = os.path.join(cls.folder, "mesh.yml")
        with open(config, "w", encoding="utf-8") as file:
            members = ", ".join(cls.hosts[node]["line"] for node in NODES)
            file.write(f"""\
defaults: {{interval: 1s, timeout: 900ms}}
reflector: {{listen: ["0.0.0.0"]}}
targets:
  - {{system: nodes, name: mesh, members: [{members}], methods: [stamp]}}
  - {{system: host, name: here}}
""")
        for node in NODES:
            cls.lab("run", "--at", node, f"daemon-{node}", "--", DAEMON, "run", f"--config.file={config}",
                    "--web.listen-address=0.0.0.0:10979")

    @classmethod
    def lab(cls, *words):
        return labs.lab(cls.folder, *words, build=BUILD)

    def tearDown(self):
        self.lab("heal")

    # What a node's page says of another node.

    def page(self, node):
        try:
            with urllib.request.urlopen(f"http://{self.hosts[node]['address']}:10979/metrics", timeout=5) as reply:
                return reply.read().decode()
        except OSError:
            return ""

    def value(self, node, family, to, **labels):
        """The one value of the family with these labels about `to`, or nothing."""
        wanted = {"member": self.hosts[to]["line"], **labels}
        for found, text in re.findall(rf"^quorumwatch_{family}{{(.*)}} (\S+)$", self.page(node), re.MULTILINE):
            pairs = dict(re.findall(r'(\w+)="([^"]*)"', found))
            if all(pairs.get(name) == value for name, value in wanted.items()):
                return float(text)
        return None

    def rtt_ms(self, node, to):
        found = self.value(node, "rtt_seconds", to, method="stamp")
        return None if found is None else found * 1e3

    def matrix(self):
        """Round trips in ms, rounded to what a busy machine adds; nothing where nobody answers."""
        return {(one, other): self.rtt_ms(one, other) for one in NODES for other in NODES if one != other}

    def until_matrix(self, expected, what, seconds=30):
        """`expected`: for each pair a round trip in ms, or nothing."""

        def fits():
            seen = self.matrix()
            return seen if all(self.near(seen[pair], expected[pair]) for pair in expected) else None

        return self.until(fits, seconds, f"{what}: expected {expected}, last {self.matrix()}")

    @staticmethod
    def near(seen, expected):
        if seen is None or expected is None:
            return seen is expected
        return expected * 0.9 <= seen <= expected + 1

    until = staticmethod(labs.until)

    def healthy(self):
        return {(one, other): 2 * DELAY_MS for one in NODES for other in NODES if one != other}

    def link(self, one, other, *settings):
        self.lab("link", one, other, *settings)

    def clock_interval(self, node, to):
        offset = self.value(node, "clock_offset_seconds", to, source="stamp")
        bound = self.value(node, "clock_bound_seconds", to, source="stamp")
        return None if offset is None or bound is None else (offset, bound)

    def retransmits(self, node):
        """By peer, as the node's daemon counts them; and all of the namespace, as its kernel does."""
        pattern = r'^quorumwatch_tcp_retransmits_total{.*?peer="([^"]+)".*} (\S+)$'
        peers = {peer: float(count) for peer, count in re.findall(pattern, self.page(node), re.MULTILINE)}
        snmp = subprocess.run(["ip", "netns", "exec", self.hosts[node]["namespace"], "cat", "/proc/net/snmp"], capture_output=True,
                              text=True, check=True).stdout
        names, values = (line.split() for line in snmp.splitlines() if line.startswith("Tcp:"))
        return peers, float(values[names.index("RetransSegs")])

    # The tests. Each starts and ends with a mesh that is well.

    def test_a_well_mesh_shows_every_pair(self):
        self.until_matrix(self.healthy(), "every pair at twice the delay")
        for one, other in self.healthy():
            offset, bound = self.until(lambda one=one, other=other: self.clock_interval(one, other), 10, f"{one}'s clock of {other}")
            # All of them have this machine's clock: the truth is 0.
            self.assertLessEqual(abs(offset), bound, f"{one} about {other}")
            self.assertLess(bound, 0.002, f"{one} about {other}")

    def test_a_partition_shows_who_is_on_which_side(self):
        self.until_matrix(self.healthy(), "a mesh that is well")
        for other in ("node-2", "node-3"):
            self.link("node-1", other, "--loss", "1")
        expected = {**self.healthy(), **{pair: None for pair in self.healthy() if "node-1" in pair}}
        self.until_matrix(expected, "node-1 alone")
        self.lab("heal")
        self.until_matrix(self.healthy(), "a mesh that is healed")

    def test_a_one_way_cut_is_named_by_its_direction(self):
        self.until_matrix(self.healthy(), "a mesh that is well")
        before = {node: self.value(node, "rtt_sent_total", other, method="stamp")
                  for node, other in (("node-1", "node-2"), ("node-2", "node-1"))}
        self.assertTrue(all(before.values()), before)
        # A tenth passes: with nothing at all nobody can tell where the rest got lost.
        self.link("node-1", "node-2", "--loss", "0.9", "--one-way")
        self.until(lambda: self.value("node-1", "rtt_loss_confirmed", "node-2", method="stamp", direction="forward") == 1, 30,
                   "node-1 to see that what it sends is lost")
        self.until(lambda: self.value("node-2", "rtt_loss_confirmed", "node-1", method="stamp", direction="backward") == 1, 30,
                   "node-2 to see that what comes back is lost")
        for one, other in (("node-1", "node-3"), ("node-3", "node-1"), ("node-2", "node-3"), ("node-3", "node-2")):
            self.assertNotEqual(self.value(one, "rtt_loss_confirmed", other, method="stamp", direction="any"), 1, f"{one}, {other}")
        self.assertNotEqual(self.value("node-1", "rtt_loss_confirmed", "node-2", method="stamp", direction="backward"), 1)
        self.assertNotEqual(self.value("node-2", "rtt_loss_confirmed", "node-1", method="stamp", direction="forward"), 1)
        self.link("node-1", "node-2", "--loss", "1", "--one-way")
        expected = {**self.healthy(), ("node-1", "node-2"): None, ("node-2", "node-1"): None}
        self.until_matrix(expected, "no round trip where one way is closed")
        self.lab("heal")
        self.until_matrix(self.healthy(), "a mesh that is healed")

    def test_an_asymmetric_delay_is_a_longer_way_and_no_wrong_clock(self):
        self.until_matrix(self.healthy(), "a mesh that is well")
        self.link("node-1", "node-2", "--delay", "30", "--one-way")
        long_way = 30 + DELAY_MS
        self.until_matrix({**self.healthy(), ("node-1", "node-2"): long_way, ("node-2", "node-1"): long_way}, "one long way")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            for one, other in (("node-1", "node-2"), ("node-2", "node-1")):
                offset, bound = self.clock_interval(one, other) or (0, 0)
                self.assertLessEqual(abs(offset), bound, f"{one} about {other}")
                self.assertNotEqual(self.value(one, "clock_state", other, state="proved_skewed"), 1, f"{one} about {other}")
            time.sleep(0.5)

    def test_what_tcp_sends_again_is_counted_by_peer_as_the_kernel_counts_it(self):
        self.until(lambda: self.retransmits("node-1")[0], 20, "the first look at connections")
        peers, kernel = self.retransmits("node-1")
        self.link("node-1", "node-2", "--loss", "0.3", "--one-way")
        where = f"http://{self.hosts['node-2']['line']}:10979/metrics"
        for _ in range(12):
            subprocess.run(["ip", "netns", "exec", self.hosts["node-1"]["namespace"], "curl", "-s", "-o", "/dev/null", "--max-time", "5",
                            where], check=False)
        self.lab("heal")
        peer = self.hosts["node-2"]["line"]

        def agree():
            seen, told = self.retransmits("node-1")
            return told > kernel and sum(seen.values()) - sum(peers.values()) == told - kernel and seen

        seen = self.until(agree, 20, lambda: f"before {peers} and {kernel}, now {self.retransmits('node-1')}")
        self.assertEqual(sum(seen.values()) - sum(peers.values()), seen[peer] - peers.get(peer, 0), "on another peer's account")


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("NOT TESTED: the mesh needs root, for network namespaces")
        sys.exit(1 if os.environ.get("CI") else 77)
    if not os.access(os.path.join(BUILD, "tests/delayline"), os.X_OK):
        print("NOT TESTED: the mesh needs the program delayline")
        sys.exit(1 if os.environ.get("CI") else 77)
    unittest.main(verbosity=2)
