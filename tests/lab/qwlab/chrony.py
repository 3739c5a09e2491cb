"""Starts chronyd, each in a namespace of its own, whose served clock is off by an exact amount. `-x` keeps it from touching
the clock of this machine: it believes a reference clock that a feeder tells it of ten times a second (facts/servers.md 10)."""
import os
import sys

from . import ask
from .command import run
from .errors import LabError

PORT, COMMAND_PORT, DATE_PORT = 123, 323, 8080
_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "chrony")
# No `makestep`: it would try to step the clock, which -x refuses, and the offset would stay 0.
_CONFIGURATION = """port {port}
cmdport {command_port}
bindcmdaddress 0.0.0.0
bindcmdaddress /
allow all
cmdallow all
refclock SOCK {folder}/reference.sock refid FAKE poll -1 filter 1 precision 1e-6
pidfile {folder}/chronyd.pid
"""


def add_arguments(parser):
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--offset", type=float, default=0.0, help="seconds by which all of them are ahead (see also `lab clock`)")
    parser.add_argument("--date", action="store_true", help="also a web server at each, whose Date is off by as much")


def up(keeper, options):
    names = keeper.fresh_names("chrony", options.nodes)
    for name in names:
        keeper.network.add_host(name)
        set_offset(keeper, name, options.offset)
        _start(keeper, name, options.date)
    for name in names:
        address = keeper.network.hosts[name]["address"]
        keeper.wait(lambda address=address: _offset(address) is not None, f"{name} to be synchronised")
    return names


def set_offset(keeper, name, offset):
    """A served clock steps; what asks it sees that within 2 s, once chronyd believes its reference clock again."""
    if not name.startswith("chrony"):
        raise LabError(f"{name}: only the clocks that chronyd serves can be set, never this machine's")
    path = os.path.join(keeper.data_folder(name), "offset")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(f"{offset!r}\n")
    os.replace(path + ".new", path)


def _start(keeper, name, date):
    folder = keeper.data_folder(name)
    configuration = os.path.join(folder, "chrony.conf")
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(_CONFIGURATION.format(port=PORT, command_port=COMMAND_PORT, folder=folder))
    address = keeper.network.hosts[name]["address"]
    server = keeper.process(name, "chrony", name, ["chronyd", "-x", "-d", "-u", "root", "-f", configuration])
    server.facts = {"address": address, "port": PORT, "command_port": COMMAND_PORT}
    keeper.start(server)
    feeder = keeper.process(f"{name}-reference", "reference clock", name, [sys.executable, os.path.join(_FOLDER, "feed"), folder])
    feeder.facts = {"address": address}
    keeper.start(feeder)
    if date:
        web = keeper.process(f"{name}-date", "date", name,
                             [sys.executable, os.path.join(_FOLDER, "date"), folder, str(DATE_PORT)])
        web.facts = {"address": address, "port": DATE_PORT}
        keeper.start(web)


def _offset(address):
    """What chronyd says once it is synchronised."""
    try:
        fields = run(["chronyc", "-h", address, "-p", str(COMMAND_PORT), "-c", "tracking"]).strip().split(",")
    except LabError as problem:
        raise ask.NotReady(str(problem)) from None
    if len(fields) < 14 or fields[13] == "Not synchronised":
        raise ask.NotReady("not synchronised")
    return float(fields[4])
