"""The lab's network: one bridge in the namespace of the caller, one namespace for each host.

Addresses of the lab's /24: .1 to .99 are nodes, .100 to .199 are watchers (a daemon or a Prometheus in a namespace), .254 is
the bridge itself, that is the machine the lab runs on. Nodes can be cut from nodes while every watcher still reaches them.
"""
import fcntl
import ipaddress
import json
import os
import random

from .command import run
from .errors import LabError

NODES = "1-99"
WATCHERS = "100-254"
_LOCK = "/run/lock/quorumwatch-lab"


class Network:
    def __init__(self, lab_id):
        self.bridge = f"qw{lab_id}"
        self.prefix = None
        self.hosts = {}
        self._next = {"node": 1, "watcher": 100}
        self._cuts = {}

    def create(self):
        """Makes the bridge on a free subnet. The lock keeps two labs from finding the same one free."""
        os.makedirs(os.path.dirname(_LOCK), exist_ok=True)
        with open(_LOCK, "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.prefix = _free_prefix()
            run(["ip", "link", "add", self.bridge, "type", "bridge"])
            run(["ip", "address", "add", f"{self.prefix}.254/24", "dev", self.bridge])
        # Without this the bridge waits before it forwards, and IPv6 housekeeping delays the first packets.
        run(["ip", "link", "set", self.bridge, "type", "bridge", "forward_delay", "0"])
        run(["ip", "link", "set", self.bridge, "up"])

    @property
    def monitor(self):
        return f"{self.prefix}.254"

    def add_host(self, name, kind="node"):
        """Makes a namespace with an address of its own; returns the address."""
        number = self._next[kind]
        if (kind == "node" and number > 99) or number > 199:
            raise LabError(f"{name}: the lab's subnet is full")
        self._next[kind] = number + 1
        host = {"namespace": f"{self.bridge}-{number}", "address": f"{self.prefix}.{number}"}
        inside = ["ip", "-n", host["namespace"]]
        run(["ip", "netns", "add", host["namespace"]])
        self.hosts[name] = host
        run(["ip", "link", "add", host["namespace"], "type", "veth", "peer", "name", "eth0", "netns", host["namespace"]])
        run(["ip", "link", "set", host["namespace"], "master", self.bridge, "up"])
        run(inside + ["link", "set", "lo", "up"])
        run(inside + ["address", "add", f"{host['address']}/24", "dev", "eth0"])
        run(inside + ["link", "set", "eth0", "up"])
        # The bridge's host is the way out, so that a process in here gets "refused" or silence and never "no route".
        run(inside + ["route", "add", "default", "via", self.monitor])
        return host["address"]

    def cut(self, name, ranges):
        """Drops everything between the host and these last bytes of addresses ("1-99", "7"), both ways, until heal()."""
        cuts = self._cuts.setdefault(name, set())
        cuts.update(ranges)
        others = ", ".join(_nft_range(self.prefix, part) for part in _without_overlap(cuts))
        own = self.hosts[name]["address"]
        # One line a statement: nft reads two chains on one line as a syntax error, and then nothing is cut.
        self._nft(name, f"""
table inet qwcut
delete table inet qwcut
table inet qwcut {{
  chain arriving {{
    type filter hook input priority -10; policy accept;
    ip saddr {own} accept
    ip saddr {{ {others} }} counter drop
  }}
  chain leaving {{
    type filter hook output priority -10; policy accept;
    ip daddr {own} accept
    ip daddr {{ {others} }} counter drop
  }}
}}
""")

    def heal(self, name):
        if self._cuts.pop(name, None):
            self._nft(name, "delete table inet qwcut\n")

    def is_cut(self, name):
        return sorted(self._cuts.get(name, ()))

    def remove(self):
        for host in self.hosts.values():
            _remove_namespace(host["namespace"])
        run(["ip", "link", "delete", self.bridge], check=False)
        self.hosts = {}

    def _nft(self, name, rules):
        run(["ip", "netns", "exec", self.hosts[name]["namespace"], "nft", "-f", "-"], text=rules)


def remove_by_name(bridge):
    """Removes what a lab left behind whose keeper is gone."""
    for line in run(["ip", "netns", "list"]).splitlines():
        namespace = line.split()[0]
        if namespace.startswith(bridge + "-"):
            _remove_namespace(namespace)
    run(["ip", "link", "delete", bridge], check=False)


def _remove_namespace(namespace):
    for pid in run(["ip", "netns", "pids", namespace], check=False).split():
        try:
            os.kill(int(pid), 9)
        except ProcessLookupError:
            pass
    # The pair lives until the last process of the namespace has ended, unless it is deleted by name.
    run(["ip", "link", "delete", namespace], check=False)
    run(["ip", "netns", "delete", namespace], check=False)


def _free_prefix():
    used = []
    for route in json.loads(run(["ip", "-4", "-j", "route", "show", "table", "all"]) or "[]"):
        if route.get("dst", "default") != "default":
            used.append(ipaddress.ip_network(route["dst"], strict=False))
    for link in json.loads(run(["ip", "-4", "-j", "address"]) or "[]"):
        for address in link.get("addr_info", []):
            used.append(ipaddress.ip_network(f"{address['local']}/{address['prefixlen']}", strict=False))
    for _ in range(1000):
        prefix = f"10.{random.randint(64, 254)}.{random.randint(0, 254)}"
        candidate = ipaddress.ip_network(f"{prefix}.0/24")
        if not any(candidate.overlaps(network) for network in used if network.prefixlen > 8):
            return prefix
    raise LabError("no free /24 in 10.0.0.0/8")


def _nft_range(prefix, part):
    first, _, last = part.partition("-")
    return f"{prefix}.{first}-{prefix}.{last}" if last else f"{prefix}.{first}"


def _without_overlap(parts):
    """nft refuses a set whose elements overlap."""
    ranges = [part for part in parts if "-" in part]

    def covered(part):
        return "-" not in part and any(int(r.split("-")[0]) <= int(part) <= int(r.split("-")[1]) for r in ranges)

    return sorted(part for part in parts if not covered(part))
