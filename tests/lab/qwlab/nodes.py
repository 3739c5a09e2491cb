"""Makes namespaces that a delay line joins. No servers: whoever wants some starts them there, with `run NAME --at node-1`."""
import os
import socket
import subprocess

from . import ask
from .command import run
from .errors import LabError, NotToBeHad

LINE = "delayline"
_PREFIX, _PREFIX6 = "10.63.0", "fd63::"
# Option: (the delay line's own word, its unit there).
_SETTINGS = {"delay": 1000, "jitter": 1000, "loss": 1, "duplicate": 1, "reorder": 1, "hold": 1000}
_NOTHING = {"delay": 0, "jitter": 0, "loss": 0, "duplicate": 0, "reorder": 0, "hold": 10}


def add_arguments(parser):
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1, help="of all that happens by chance")
    parser.add_argument("--record", action="store_true", help="write each packet's true way to delayline.record")
    add_settings(parser)


def add_settings(parser):
    for name in ("delay", "jitter", "hold"):
        parser.add_argument(f"--{name}", type=float, metavar="MS")
    for name in ("loss", "duplicate", "reorder"):
        parser.add_argument(f"--{name}", type=float, metavar="RATIO")


def prepare(_):
    """Before a lab is made for it."""
    _binary()


def up(keeper, options):
    if keeper.line is not None:
        raise LabError("this lab has its delay line already")
    if not 2 <= options.count <= 30:
        raise LabError("--count: 2 to 30")
    keeper.network.add_host(LINE, "watcher")
    names = keeper.fresh_names("node", options.count)
    for number, name in enumerate(names, 1):
        keeper.network.add_host(name)
        _join(keeper, name, number)
    keeper.line = DelayLine(keeper, names, options)
    return names


def link(keeper, options):
    """Changes directions; what they are then is told."""
    if keeper.line is None:
        raise LabError("no delay line here: up nodes makes one")
    others = [options.to] if options.to else [name for name in keeper.line.names if name != options.node]
    for other in others:
        keeper.line.change(options.node, other, _given(options))
        if not options.one_way:
            keeper.line.change(other, options.node, _given(options))
    return {"links": keeper.line.changed()}


class DelayLine:
    """The running line: what each direction was told, and what all of them are when nobody has broken anything."""

    def __init__(self, keeper, names, options):
        self.names = names
        self._socket = os.path.join(keeper.data_folder(LINE), "control")
        self._record = os.path.join(keeper.folder, "delayline.record") if options.record else None
        command = [_binary(), "--control", self._socket, "--seed", str(options.seed)]
        command += ["--record", self._record] if self._record else []
        process = keeper.process(LINE, LINE, LINE, [*command, *names])
        process.facts = {"record": self._record} if self._record else {}
        keeper.start(process)
        keeper.wait(self._answers, "the delay line to answer")
        self._base = {**_NOTHING, **_given(options)}
        self._links = {(one, other): dict(_NOTHING) for one in names for other in names if one != other}
        self.heal(names)

    def change(self, one, other, settings):
        if (one, other) not in self._links:
            raise LabError(f"no link from '{one}' to '{other}'; the line joins: {', '.join(self.names)}")
        words = " ".join(f"{name}={value * _SETTINGS[name]}" for name, value in settings.items())
        reply = self._ask(f"{one} {other} {words}") if words else "ok"
        if reply != "ok":
            raise LabError(f"delay line: {reply}")
        self._links[one, other].update(settings)

    def heal(self, names):
        for (one, other), settings in self._links.items():
            if (one in names or other in names) and settings != self._base:
                self.change(one, other, self._base)

    def changed(self):
        return [{"from": one, "to": other, **settings} for (one, other), settings in self._links.items()
                if settings != self._base]

    def _answers(self):
        return self._ask(f"{self.names[0]} {self.names[1]} delay=0") == "ok"

    def _ask(self, command):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.settimeout(5)
            try:
                connection.connect(self._socket)
                connection.sendall(command.encode())
                return connection.recv(1024).decode()
            except OSError as problem:
                raise ask.NotReady(f"the delay line: {problem}") from None


def _join(keeper, name, number):
    """Gives a node the interface line0, whose other end is in the line's namespace under the node's name."""
    hosts = keeper.network.hosts
    namespace, line = hosts[name]["namespace"], hosts[LINE]["namespace"]
    run(["ip", "link", "add", "line0", "netns", namespace, "type", "veth", "peer", "name", name, "netns", line])
    # The line's own kernel has nothing to say there.
    run(["ip", "-n", line, "link", "set", name, "addrgenmode", "none"])
    run(["ip", "-n", line, "link", "set", name, "up"])
    hosts[name]["line"], hosts[name]["line6"] = f"{_PREFIX}.{number}", f"{_PREFIX6}{number}"
    inside = ["ip", "-n", namespace]
    run(inside + ["address", "add", f"{_PREFIX}.{number}/24", "dev", "line0"])
    run(inside + ["address", "add", f"{_PREFIX6}{number}/64", "dev", "line0", "nodad"])
    run(inside + ["link", "set", "line0", "up"])
    # As distributions with a newer systemd have it: everybody may ask for an echo. In a container that must not write it, root
    # may all the same.
    subprocess.run(["ip", "netns", "exec", namespace, "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647"],
                   capture_output=True, check=False)


def _given(options):
    return {name: getattr(options, name) for name in _SETTINGS if getattr(options, name) is not None}


def _binary():
    here = os.path.dirname(os.path.realpath(__file__))
    build = os.environ.get("QW_BUILD_DIR") or os.path.join(here, "..", "..", "..", "build", "release")
    path = os.path.realpath(os.path.join(build, "tests", "delayline"))
    if not os.access(path, os.X_OK):
        raise NotToBeHad(f"no {path}: build the target delayline, or set QW_BUILD_DIR")
    return path
