"""One server process of the lab: a child of the keeper that dies with it."""
import ctypes
import os
import signal
import subprocess

from .errors import LabError

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Process:
    """A command that can be started, paused, killed and started again in one namespace, with one log."""

    def __init__(self, name, system, host, command, log):
        self.name = name
        self.system = system
        self.host = host
        self.namespace = None
        self.command = command
        self.log = log
        self.facts = {}
        self.paused = False
        self.family = False  # its children leave its process group (PostgreSQL's do), and share its fate all the same
        self._child = None

    def start(self, extra=()):
        if self.running():
            raise LabError(f"{self.name}: is running already")
        keeper = os.getpid()
        namespace = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY) if self.namespace else None

        def enter():
            # Runs in the child, between fork and exec. The keeper may have died in between: then nobody would end us.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:
                os._exit(1)
            if namespace is not None and _libc.setns(namespace, _CLONE_NEWNET) != 0:
                os._exit(126)

        try:
            with open(self.log, "ab") as log:
                self._child = subprocess.Popen([*self.command, *extra], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                               preexec_fn=enter, start_new_session=True)
        except FileNotFoundError:
            raise LabError(f"{self.name}: {self.command[0]} is not installed (tests/packages installs it)") from None
        finally:
            if namespace is not None:
                os.close(namespace)
        self.paused = False

    def running(self):
        return self._child is not None and self._child.poll() is None

    def kill(self, number=signal.SIGKILL):
        """Returns when the process has ended. etcd takes 8 s to stop on SIGTERM, so tests kill it."""
        if not self.running():
            return
        self._send(number)
        try:
            self._child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name}: still there 20 s after signal {int(number)}") from None

    def pause(self):
        self._need_running()
        self._send(signal.SIGSTOP)
        self.paused = True

    def resume(self):
        self._need_running()
        self._send(signal.SIGCONT)
        self.paused = False

    def state(self):
        if self._child is None:
            return "new"
        if self._child.poll() is not None:
            return "dead"
        return "stopped" if self.paused else "running"

    def shown(self):
        exit_code = self._child.poll() if self._child else None
        return {"system": self.system, "host": self.host, "pid": self._child.pid if self.running() else 0,
                "state": self.state(), "exit_code": exit_code, "log": self.log, **self.facts}

    def last_words(self):
        try:
            with open(self.log, "rb") as log:
                return log.read()[-1200:].decode(errors="replace")
        except OSError:
            return ""

    def _send(self, number):
        # Of an order to end, the parent makes its own of it; what can not be refused is for each.
        family = self.family and number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT)
        children = _descendants(self._child.pid) if family else set()
        _signal(os.killpg, self._child.pid, number)
        # A stopped parent makes no more children; those that it made in between are found the second time.
        for pid in children | (_descendants(self._child.pid) if family else set()):
            _signal(os.kill, pid, number)

    def _need_running(self):
        if not self.running():
            raise LabError(f"{self.name}: is not running")


def _signal(how, pid, number):
    try:
        how(pid, number)
    except ProcessLookupError:
        pass


def _descendants(pid):
    """Children and theirs, while the parents live."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                    parents[int(entry)] = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                pass
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found
