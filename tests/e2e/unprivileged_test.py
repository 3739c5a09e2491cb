#!/usr/bin/python3
"""The daemon as nobody, without a capability: every method that the kernel allows works, and what it does not allow is named
together with the setting that would allow it. And without a file: it watches its own host.

    QW_BUILD_DIR=build/release tests/e2e/unprivileged_test.py
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
LAB = os.path.join(ROOT, "tests/lab/lab")
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all",
          "--no-new-privs"]
CONFIG = """\
defaults: {interval: 1s, timeout: 900ms}
reflector: {listen: ["127.0.0.1:10862"]}
targets:
  - {system: host, name: here}
  - {system: nodes, name: by-stamp, members: [127.0.0.1], methods: [stamp], port: 10862}
  - {system: nodes, name: by-icmp, members: [127.0.0.1], methods: [icmp]}
  - {system: nodes, name: by-icmp6, members: ["::1"], methods: [icmp]}
  - {system: nodes, name: by-tcp, members: [127.0.0.1], methods: [tcp], tcp_port: 10979}
"""
# As the sandbox of a service with ProtectClock=yes and without AF_NETLINK: clock_adjtime, adjtimex and such sockets are refused.
SANDBOX = """\
import ctypes, errno, os, struct, sys
def step(code, jump_true, jump_false, value):
    return struct.pack("HBBI", code, jump_true, jump_false, value)
LOAD, EQUAL, RETURN, ALLOW, ERRNO = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000
program = b"".join([
    step(LOAD, 0, 0, 0),
    step(EQUAL, 5, 0, 305),
    step(EQUAL, 4, 0, 159),
    step(EQUAL, 0, 2, 41),
    step(LOAD, 0, 0, 16),
    step(EQUAL, 2, 0, 16),
    step(RETURN, 0, 0, ALLOW),
    step(RETURN, 0, 0, ERRNO | errno.EPERM),
    step(RETURN, 0, 0, ERRNO | errno.EAFNOSUPPORT)])
kept = ctypes.create_string_buffer(program, len(program))
filters = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(kept)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filters, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execv(sys.argv[1], sys.argv[1:])
"""


class Unprivileged(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="qw-nobody-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        # Where nobody may look: the checkout may be root's alone.
        self.daemon = os.path.join(self.folder, "quorumwatch")
        shutil.copy(DAEMON, self.daemon)
        self.lab = os.path.join(self.folder, "lab")
        self.addCleanup(self.call, "down")

    def call(self, *words):
        done = subprocess.run([LAB, "--dir", self.lab, "--owner", str(os.getpid()), *words], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def start(self, config, ping_groups=None, sandbox=()):
        """As nobody, in a namespace of its own, whose settings are a new machine's."""
        address = self.call("host", "home")["address"]
        if ping_groups:
            namespace = self.call("show")["hosts"]["home"]["namespace"]
            subprocess.run(["ip", "netns", "exec", namespace, "sysctl", "-qw", f"net.ipv4.ping_group_range={ping_groups}"], check=True)
        arguments = ["run", "--web.listen-address=0.0.0.0:10979"]
        if config:
            path = os.path.join(self.folder, "quorumwatch.yml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(config)
            arguments.append(f"--config.file={path}")
        self.call("run", "--at", "home", "daemon", "--", *NOBODY, *sandbox, self.daemon, *arguments)
        self.address = address

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.address}:10979{path}", timeout=5) as reply:
                return reply.read().decode()
        except OSError:
            return ""

    def values(self, family, **labels):
        """Of every series of the family with these labels."""
        out = []
        for found, text in re.findall(rf"^quorumwatch_{family}{{(.*)}} (\S+)$", self.get("/metrics"), re.MULTILINE):
            pairs = dict(re.findall(r'(\w+)="([^"]*)"', found))
            if all(pairs.get(name) == value for name, value in labels.items()):
                out.append(float(text))
        return out

    def until(self, condition, what):
        deadline = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what}\n{self.log()}")
            time.sleep(0.1)

    def log(self):
        with open(os.path.join(self.lab, "daemon.log"), encoding="utf-8") as file:
            return file.read()

    def capabilities(self):
        pid = self.call("show")["nodes"]["daemon"]["pid"]
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            fields = dict(line.split(":\t") for line in file.read().splitlines() if ":\t" in line)
        return fields["Uid"].split()[0], {name: int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapAmb", "CapBnd")}

    def test_every_method_works_that_the_kernel_allows(self):
        self.start(CONFIG, ping_groups="0 2147483647")
        for target in ("by-stamp", "by-icmp", "by-icmp6", "by-tcp"):
            self.until(lambda target=target: self.values("rtt_seconds", target=target), f"a round trip of {target}")
            self.assertEqual(self.values("probe_success", target=target), [1.0], target)
        self.assertTrue(self.values("clock_bound_seconds", target="by-stamp"))
        uid, capabilities = self.capabilities()
        self.assertEqual(uid, "65534")
        self.assertEqual(set(capabilities.values()), {0}, capabilities)
        for source in ("kernel_clock", "tcp"):
            self.assertEqual(self.values("host_source_up", source=source), [1.0], source)
        # Our own probes by TCP are connections of this host, most of them closed by now.
        self.until(lambda: sum(self.values("tcp_segments_sent_total", peer="127.0.0.1")) > 0, "segments to be counted")
        self.assertEqual(self.values("tcp_close_reports_lost_total"), [0.0])

    def test_what_is_not_allowed_is_named_with_the_setting_that_would_allow_it(self):
        self.start(CONFIG)
        self.until(lambda: "net.ipv4.ping_group_range" in self.get("/api/v1/targets"), "the refusal of an echo")
        self.assertEqual(self.values("rtt_seconds", target="by-icmp"), [])
        for target in ("by-stamp", "by-tcp"):
            self.until(lambda target=target: self.values("rtt_seconds", target=target), f"a round trip of {target}")

    @unittest.skipUnless(os.uname().machine == "x86_64", "the numbers of system calls are those of x86-64")
    def test_what_a_sandbox_forbids_is_named_and_the_rest_goes_on(self):
        script = os.path.join(self.folder, "sandbox.py")
        with open(script, "w", encoding="ascii") as file:
            file.write(SANDBOX)
        self.start("defaults: {interval: 1s, timeout: 900ms}\ntargets: [{system: host, name: here}]\n",
                   sandbox=["/usr/bin/python3", script])
        self.until(lambda: self.values("host_source_up", source="kernel_clock") == [0.0], "the refusal of the kernel's clock")
        self.assertEqual(self.values("host_source_up", source="tcp"), [0.0])
        self.assertEqual(self.values("probe_success", target="here"), [1.0])
        state = self.get("/api/v1/targets")
        self.assertIn("ProtectClock=yes", state)
        self.assertIn("RestrictAddressFamilies=", state)
        # Nothing is made up: no counts, and no word about who leads a machine.
        page = self.get("/metrics")
        self.assertNotIn("quorumwatch_tcp_", page)
        self.assertNotIn('quorumwatch_leader_claim{member="localhost"', page)

    def test_a_port_that_is_not_allowed_is_named(self):
        self.start('reflector: {listen: ["127.0.0.1:862"]}\ntargets: [{system: host, name: here}]\n')
        self.until(lambda: self.call("show")["nodes"]["daemon"]["state"] == "dead", "the daemon to refuse")
        self.assertIn("net.ipv4.ip_unprivileged_port_start", self.log())

    def test_without_a_file_it_watches_its_own_host(self):
        self.start(None)
        self.until(lambda: self.values("rtt_seconds", target="loopback", method="stamp"), "the round trip over loopback")
        self.until(lambda: self.values("host_source_up", source="kernel_clock") == [1.0], "the kernel's clock")
        self.assertEqual(self.values("clock_synchronised", target="localhost", source="kernel"),
                         self.values("clock_synchronised", target="localhost"))
        self.assertEqual(len(self.values("tcp_close_reports_lost_total")), 1)
        before = self.values("probe_success", target="localhost")
        urllib.request.urlopen(urllib.request.Request(f"http://{self.address}:10979/-/reload", data=b""), timeout=5).close()
        self.assertEqual(self.values("probe_success", target="localhost"), before, "a reload lost the host")


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        print("NOT TESTED: needs root, to become nobody in a network namespace")
        sys.exit(1 if os.environ.get("CI") else 77)
    unittest.main(verbosity=2)
