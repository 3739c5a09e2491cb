"""The demo's mesh: three daemons that measure each other over a delay line, and what can be broken about their network."""
import os

import demo
import clocks_part

PARTS = """\
mesh-1 mesh-2 mesh-3                    a daemon each in node-1 to node-3, with its reflector; 1 ms of delay line between them;
                                        one of them at a time asks the target clocks/reference"""
MESH = {"mesh-1": "node-1", "mesh-2": "node-2", "mesh-3": "node-3"}
STARVED = "mesh-2"
# A process number in here is one that stands still most of the time: so what is broken shows, and heal need not remember it.
SWITCH = os.path.join(demo.FOLDER, "mesh-starved")
# As the kernel treats a container whose quota of processor time is spent; works the same however many processors there are.
_THROTTLE = f"""\
while :; do
  if pid=$(cat '{SWITCH}' 2>/dev/null); then kill -STOP "$pid"; sleep 0.05; kill -CONT "$pid"; sleep 0.01; else sleep 0.2; fi
done"""


def start():
    demo.lab("up", "nodes", "--count", "3", "--delay", "0.5")
    shown = demo.lab("show")
    hosts = shown["hosts"]
    members, peers = (", ".join(hosts[node][way] for node in MESH.values()) for way in ("line", "address"))
    with open(os.path.join(demo.FOLDER, "reference.yml"), "w", encoding="utf-8") as file:
        file.write(f"- targets: ['chrony://{clocks_part.own(shown)}']\n")
    path = os.path.join(demo.FOLDER, "mesh.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""\
defaults: {{interval: 1s, timeout: 900ms}}
reflector: {{listen: ["0.0.0.0:862"]}}
targets:
  - system: nodes
    name: mesh
    members: [{members}]
  - system: host
    name: localhost
    chrony: {clocks_part.own(shown)}
  # One of the three at a time asks it, and its address comes from a file.
  - system: clocks
    name: reference
    members: {{files: [reference.yml]}}
    placement: one_node
placement: {{peers: [{peers}]}}
""")
    for name, node in MESH.items():
        demo.lab("run", "--at", node, name, "--", os.path.join(demo.BUILD, "quorumwatch"), "run", f"--config.file={path}",
                 f"--web.listen-address=0.0.0.0:{demo.DAEMON_PORT}")
    demo.lab("run", "mesh-throttle", "--", "sh", "-c", _THROTTLE)


def scrape_config(shown):
    """Its lines in Prometheus' configuration."""
    watched = ", ".join(f'"{shown["nodes"][name]["address"]}:{demo.DAEMON_PORT}"' for name in MESH)
    return f"""\
  - job_name: mesh
    static_configs: [{{targets: [{watched}]}}]
"""


def line_address(shown, node):
    return shown["hosts"][node]["line"]


def loss(shown):
    demo.lab("link", "node-1", "node-2", "--loss", "0.2", "--one-way")
    return (f"One packet in five from node-1 to node-2 ({line_address(shown, 'node-2')}) is lost, none of those that come back. mesh-1\n"
            "sees answers missing and knows where they got lost: the reflector says how many packets have reached it.")


def delay(shown):
    demo.lab("link", "node-1", "node-2", "--delay", "20")
    return (f"The way between node-1 and node-2 ({line_address(shown, 'node-2')}) takes 20 ms instead of 0.5 ms, in both directions.\n"
            "Nothing is lost, and node-3 is as near to both as before.")


def asymmetric(shown):
    demo.lab("link", "node-1", "node-2", "--delay", "30", "--one-way")
    return (f"From node-1 to node-2 ({line_address(shown, 'node-2')}) it takes 30 ms, back 0.5 ms as before. Half of the difference looks\n"
            "like a clock that is wrong by 15 ms; the offset's bound grows by as much, so nothing is claimed that is not so.")


def starve(shown):
    pid = shown["nodes"][STARVED]["pid"]
    if not pid:
        raise demo.Trouble(f"{STARVED} does not run: deploy/demo/heal, then try again")
    with open(SWITCH + ".new", "w", encoding="ascii") as file:
        file.write(f"{pid}\n")
    os.replace(SWITCH + ".new", SWITCH)
    return (f"{STARVED} ({line_address(shown, MESH[STARVED])}) gets 10 ms of every 60 ms from its processor, as a container does whose\n"
            "quota is spent. Packets wait in its socket, not on the wire: the round trip stays what it was, and what the peer held is told apart.")


# Name: (what it does, the metric to watch, how to break it, whose metric it is).
BREAKS = {
    "link-loss": ("loses packets one way", 'quorumwatch_rtt_loss_(direction_ratio|confirmed){.*"10.63.0.2"', loss, "mesh-1"),
    "link-delay": ("makes a way longer", 'quorumwatch_rtt_seconds{', delay, "mesh-1"),
    "link-asymmetric": ("makes a way longer in one direction", 'quorumwatch_(rtt_seconds|clock_(offset|bound)_seconds){.*"10.63.0.2"',
                        asymmetric, "mesh-1"),
    "cpu-starved-peer": ("starves a peer of its processor", 'quorumwatch_rtt_(seconds|peer_held_seconds|slow){.*"10.63.0.2"',
                         starve, "mesh-1"),
}


def heal(shown):
    healed = []
    if shown["links"]:
        demo.lab("heal", *MESH.values())
        healed.append("the links between the nodes are as they were")
    if os.path.exists(SWITCH):
        os.remove(SWITCH)
        healed.append(f"{STARVED} has its processor back")
    return healed
