"""A booted Debian in a container of systemd-nspawn: a tree that nobody changes below, and what is written on top of it, in memory."""
import os
import shutil
import subprocess
import tempfile
import time


class Container:
    """Shares one network namespace with the lab; everything else is its own."""

    def __init__(self, tree, namespace):
        self.folder = tempfile.mkdtemp(prefix="qw-booted-")
        self.root = os.path.join(self.folder, "root")
        self.namespace = namespace
        self._log = None
        self._nspawn = None
        self._leader = None
        try:
            _run("mount", "-t", "tmpfs", "-o", "size=2G", "tmpfs", self.folder)
            upper, work = os.path.join(self.folder, "upper"), os.path.join(self.folder, "work")
            for one in (upper, work, self.root):
                os.mkdir(one)
            _run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={tree},upperdir={upper},workdir={work}", self.root)
        except BaseException:
            self.stop()
            raise

    def boot(self, within=60):
        """Returns when the system is up; what a container can not have may have failed."""
        self._log = open(os.path.join(self.folder, "console.log"), "w", encoding="utf-8")
        self._nspawn = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "-b", "--register=no", "--keep-unit", "--private-users=no", "--resolv-conf=off",
             "--link-journal=no",
             # As a machine has it: who lacks CAP_SYS_TIME may read the kernel's clock, and a container always lacks it.
             "--system-call-filter=@clock", f"--network-namespace-path=/run/netns/{self.namespace}"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        limit = time.monotonic() + within
        while not self._up():
            if self._nspawn.poll() is not None or time.monotonic() > limit:
                raise RuntimeError("the container did not boot:\n" + self.console())
            time.sleep(0.1)

    def _up(self):
        self._leader = self._leader or self._first_process()
        return self._leader and self.call("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def _first_process(self):
        network = os.stat(f"/run/netns/{self.namespace}").st_ino
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                    numbers = next(line for line in file if line.startswith("NSpid:")).split()
                if len(numbers) > 2 and numbers[-1] == "1" and os.stat(f"/proc/{pid}/ns/net").st_ino == network:
                    return pid
            except (OSError, StopIteration):
                continue
        return None

    def call(self, *command, timeout=120):
        """Runs a command inside; the finished process, whatever its exit code."""
        return subprocess.run(
            ["nsenter", "-t", self._leader, "-m", "-u", "-i", "-n", "-p", "-C", "env", "-i", "HOME=/root", "LC_ALL=C",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", *command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=timeout)

    def run(self, *command, timeout=120):
        """The same, which must succeed; what it printed."""
        done = self.call(*command, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def write(self, path, text, mode=0o644):
        place = self.root + path
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(place, mode)

    def put(self, source, path):
        shutil.copy(source, self.root + path)

    def get(self, url):
        """A page of the container's network; empty when there is none."""
        return subprocess.run(["ip", "netns", "exec", self.namespace, "curl", "-sS", "--max-time", "5", url], capture_output=True,
                              text=True, check=False).stdout

    def console(self):
        with open(os.path.join(self.folder, "console.log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def stop(self):
        if self._nspawn and self._nspawn.poll() is None:
            if self._leader:
                subprocess.run(["kill", "-KILL", self._leader], check=False)
            try:
                self._nspawn.wait(20)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait()
        if self._log:
            self._log.close()
        for place in (self.root, self.folder):
            subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)


def _run(*command):
    subprocess.run(command, check=True)
