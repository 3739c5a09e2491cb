"""The command line: reads it, makes the keeper where there is none, and passes the request on."""
import argparse
import json
import os
import shutil
import socket
import sys

from . import nodes, registry, verbs
from .errors import LabError


def main(arguments):
    options = _parser().parse_args(arguments)
    try:
        if options.verb == "sweep":
            registry.sweep()
        elif options.verb == "list":
            for lab_id, folder, alive in registry.labs():
                print(lab_id, folder, "alive" if alive else "its keeper is dead (lab sweep)")
        else:
            reply = _carry_out(options)
            if reply:
                print(json.dumps(reply, indent=1))
    except LabError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return problem.exit_code
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="lab", description="Real servers in network namespaces of their own.")
    parser.add_argument("--dir", default="lab-data", help="the lab's logs and state; one directory, one lab")
    parser.add_argument("--owner", type=int, help="the lab ends when this process does")
    parser.add_argument("--temporary", action="store_true", help="when the owner has ended, --dir goes too")
    what = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name, text):
        return what.add_parser(name, help=text)

    up = verb("up", "start a cluster and wait until it works").add_subparsers(dest="system", required=True)
    for system, module in verbs.SYSTEMS.items():
        module.add_arguments(up.add_parser(system))

    run = verb("run", "start any program in a namespace of its own that no cut reaches")
    run.add_argument("name")
    run.add_argument("--at", help="in this host's namespace instead")
    run.add_argument("command", nargs=argparse.REMAINDER)
    verb("host", "make such a namespace and print its address").add_argument("name")

    cut = verb("cut", "a node loses its peers; the monitor still reaches it")
    cut.add_argument("node")
    cut.add_argument("--from-monitor", action="store_true", help="the monitor loses the node; its peers still reach it")
    cut.add_argument("--from", dest="from_nodes", nargs="+", metavar="NODE", help="only these peers")
    link = verb("link", "change what the delay line does between a node and another, or all others")
    link.add_argument("node")
    link.add_argument("to", nargs="?")
    link.add_argument("--one-way", action="store_true", help="only what goes from the first to the second")
    nodes.add_settings(link)
    verb("heal", "undo cuts and links: of these nodes or of all").add_argument("nodes", nargs="*")
    kill = verb("kill", "kill -9, and wait for the end")
    kill.add_argument("nodes", nargs="+")
    kill.add_argument("--in-order", action="store_true", help="SIGINT: it ends in its own way (PostgreSQL: a fast shutdown)")
    verb("stop", "SIGSTOP").add_argument("nodes", nargs="+")
    verb("cont", "SIGCONT").add_argument("nodes", nargs="+")
    start = verb("start", "start again what was killed, with its data")
    start.add_argument("nodes", nargs="+")
    start.add_argument("--force-new-cluster", action="store_true", help="etcd: make a one-member cluster of the data")
    start.add_argument("--follow", metavar="NODE", help="PostgreSQL: as a standby of this one")
    start.add_argument("--rebuild", action="store_true", help="with --follow: from a fresh copy, as after a split brain")
    clock = verb("clock", "set the clock that chronyd serves; never this machine's")
    clock.add_argument("nodes", nargs="+")
    clock.add_argument("--offset", type=float, required=True, help="seconds by which it is ahead from now on")
    verb("show", "everything about the lab, as JSON")
    verb("down", "end everything; the logs stay").add_argument("--remove", action="store_true", help="remove --dir too")
    verb("list", "the labs of this machine")
    verb("sweep", "remove what labs left behind whose keepers were killed")
    return parser


def _carry_out(options):
    if os.geteuid() != 0:
        raise LabError("needs root, for network namespaces")
    folder = os.path.abspath(options.dir)
    lab_id = _living_lab(folder)
    if options.verb == "down":
        return _down(options, folder, lab_id)
    if options.verb == "up" and hasattr(verbs.SYSTEMS[options.system], "prepare"):
        verbs.SYSTEMS[options.system].prepare(options)
    if lab_id is None:
        if options.verb not in ("up", "run", "host"):
            raise LabError(f"no lab in {folder}")
        lab_id = _start_keeper(folder, options)
    request = vars(options).copy()
    if request.get("command", [])[:1] == ["--"]:
        del request["command"][0]
    return _ask(lab_id, request)


def _down(options, folder, lab_id):
    """Idempotent: there may be no lab, or one whose keeper was killed."""
    if lab_id is not None:
        _ask(lab_id, {"verb": "down"})
    registry.sweep()
    shutil.rmtree(folder if options.remove else os.path.join(folder, "data"), ignore_errors=True)
    return None


def _living_lab(folder):
    for lab_id, where, alive in registry.labs():
        if alive and where == folder:
            return lab_id
    return None


def _ask(lab_id, request):
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(registry.socket_path(lab_id))
            connection.sendall(json.dumps(request).encode() + b"\n")
            reply = json.loads(connection.makefile("r", encoding="utf-8").readline())
        except (OSError, ValueError) as problem:
            raise LabError(f"the lab's keeper does not answer: {problem}") from None
    if "error" in reply:
        raise LabError(reply["error"])
    return reply["ok"]


def _start_keeper(folder, options):
    registry.sweep()
    os.makedirs(folder, exist_ok=True)
    lab_id = registry.new_id()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        os.close(reading)
        from . import keeper  # Not above: only the keeper needs it, and every other verb should be quick.
        _detach(os.path.join(folder, "keeper.log"), writing)
        try:
            keeper.run(lab_id, folder, options, writing)
        finally:
            os._exit(0)
    os.close(writing)
    os.wait()
    with os.fdopen(reading) as file:
        complaint = file.readline()
    if complaint != "\n":
        registry.forget(lab_id)
        raise LabError(complaint.strip() or f"the lab's keeper did not start: see {folder}/keeper.log")
    return lab_id


def _detach(log, kept):
    """Holds on to nothing of the caller's: a pipe held open would keep whoever reads it waiting for ever."""
    sys.stdout.flush()
    null, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number, source in ((0, null), (1, output), (2, output)):
        os.dup2(source, number)
    for number in range(3, 256):
        if number != kept:
            try:
                os.close(number)
            except OSError:
                pass
