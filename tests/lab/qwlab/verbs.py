"""What can be asked of a lab: one function a verb, carried out by the keeper."""
import argparse
import signal

from . import chrony, etcd, kafka, nodes, postgres, redis
from .errors import LabError
from .network import NODES, WATCHERS

SYSTEMS = {"chrony": chrony, "etcd": etcd, "kafka": kafka, "nodes": nodes, "postgres": postgres, "redis": redis}


def carry_out(keeper, request):
    options = argparse.Namespace(**request)
    return _VERBS[options.verb](keeper, options)


def _up(keeper, options):
    return {"started": SYSTEMS[options.system].up(keeper, options)}


def _run(keeper, options):
    """Starts any program under the lab's care, in a watcher's namespace, which cuts between nodes do not reach."""
    if options.name in keeper.processes and keeper.processes[options.name].running():
        raise LabError(f"{options.name}: is running already")
    home = options.at or options.name
    if home not in keeper.network.hosts:
        keeper.network.add_host(home, "watcher")
    process = keeper.process(options.name, "program", home, options.command)
    process.facts = {"address": keeper.network.hosts[home]["address"]}
    keeper.start(process)
    return process.shown()


def _host(keeper, options):
    return {"address": keeper.network.add_host(options.name, "watcher")}


def _cut(keeper, options):
    ranges = []
    if options.from_monitor:
        ranges.append(WATCHERS)
    for other in options.from_nodes or []:
        ranges.append(keeper.network.hosts[_host_of(keeper, other)]["address"].rpartition(".")[2])
    keeper.network.cut(_host_of(keeper, options.node), ranges or [NODES])
    return {}


def _heal(keeper, options):
    names = [_host_of(keeper, node) for node in options.nodes] or list(keeper.network.hosts)
    for name in names:
        keeper.network.heal(name)
    if keeper.line is not None:
        keeper.line.heal(names)
    return {}


def _kill(keeper, options):
    for process in _processes(keeper, options.nodes):
        process.kill(signal.SIGINT if options.in_order else signal.SIGKILL)
    return {}


def _stop(keeper, options):
    for process in _processes(keeper, options.nodes):
        process.pause()
    return {}


def _cont(keeper, options):
    for process in _processes(keeper, options.nodes):
        process.resume()
    return {}


def _start(keeper, options):
    for process in _processes(keeper, options.nodes):
        extra = ["--force-new-cluster"] if options.force_new_cluster else []
        if options.follow:
            postgres.follow(keeper, process, options.follow, options.rebuild)
        keeper.start(process, extra)
    return {}


def _clock(keeper, options):
    for process in _processes(keeper, options.nodes):
        chrony.set_offset(keeper, process.name, options.offset)
    return {}


def _show(keeper, _):
    return keeper.shown()


def _down(keeper, _):
    keeper.tear_down()
    return {}


def _host_of(keeper, node):
    if node in keeper.processes:
        return keeper.processes[node].host
    if node in keeper.network.hosts:
        return node
    raise LabError(f"no node '{node}' here; there are: {', '.join(sorted({*keeper.processes, *keeper.network.hosts}))}")


def _processes(keeper, names):
    for name in names:
        if name not in keeper.processes:
            raise LabError(f"no server '{name}' here; there are: {', '.join(sorted(keeper.processes))}")
    return [keeper.processes[name] for name in names]


_VERBS = {"up": _up, "run": _run, "host": _host, "cut": _cut, "link": nodes.link, "heal": _heal, "kill": _kill, "stop": _stop,
          "cont": _cont, "start": _start, "clock": _clock, "show": _show, "down": _down}
