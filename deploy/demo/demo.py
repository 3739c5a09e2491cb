"""What `run`, `break` and `heal` share: the demo's lab, its addresses, and who leads at the moment."""
import json
import os
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
LAB = os.path.join(ROOT, "tests", "lab", "lab")
# One directory, one demo. The end-to-end test has one of its own.
FOLDER = os.environ.get("QW_DEMO_DIR") or os.path.join(ROOT, "build", "demo")
BUILD = os.environ.get("QW_BUILD_DIR") or os.path.join(ROOT, "build", "release")
DAEMON_PORT, PROMETHEUS_PORT = 10979, 9090
SENTINEL_MASTER = "mymaster"


class Trouble(Exception):
    """One sentence for the user."""


class NotToBeHad(Trouble):
    """What was to be started can not be had on this machine."""


def lab(*arguments):
    """Carries out one verb of the lab and returns what it says."""
    done = subprocess.run([LAB, "--dir", FOLDER, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise (NotToBeHad if done.returncode == 77 else Trouble)(done.stderr.strip())
    return json.loads(done.stdout) if done.stdout.strip() else {}


def running_demo():
    """The lab's `show`, for `break` and `heal`."""
    if os.geteuid() != 0:
        raise Trouble("needs root, as deploy/demo/run does")
    try:
        shown = lab("show")
    except Trouble:
        raise Trouble("no demo is running: start it with deploy/demo/run in another terminal") from None
    if "prometheus" not in shown["nodes"]:
        raise Trouble("the demo is still starting: wait until it says what to open")
    return shown


def url(shown, part):
    port = PROMETHEUS_PORT if part == "prometheus" else DAEMON_PORT
    return f"http://{shown['nodes'][part]['address']}:{port}"


def fetch(address, body=None, timeout=1.0):
    """The reply's text, or nothing when there is none in time."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data=body), timeout=timeout) as reply:
            return reply.read().decode()
    except OSError:
        return None


def nodes_of(shown, system):
    return {name: node for name, node in shown["nodes"].items() if node["system"] == system}


def etcd_leader(shown):
    """The running member that every answering member can agree is the leader: the one that claims it."""
    for name, node in nodes_of(shown, "etcd").items():
        text = node["state"] == "running" and fetch(node["url"] + "/v3/maintenance/status", b"{}")
        status = json.loads(text) if text else {}
        if status.get("leader") and status["leader"] == status["header"]["member_id"]:
            return name
    raise Trouble("etcd has no leader at the moment: deploy/demo/heal, then try again")


def redis(node, *words):
    done = subprocess.run(["redis-cli", "-h", node["address"], "-p", str(node["port"]), *words], capture_output=True,
                          text=True, timeout=10, check=False)
    return done.stdout.strip()


def redis_primaries(shown):
    return [name for name, node in nodes_of(shown, "redis").items()
            if node["state"] == "running" and redis(node, "role").startswith("master")]


def one_redis_primary(shown):
    primaries = redis_primaries(shown)
    if len(primaries) != 1:
        raise Trouble(f"Redis has {len(primaries)} primaries at the moment: deploy/demo/heal, wait 15 s, then try again")
    return primaries[0]


def redis_sides(shown):
    """The older and the newer primary where there are two, by the word of most Sentinels; else a replica and the primary."""
    names = list(nodes_of(shown, "redis"))
    primaries = redis_primaries(shown)
    words = [redis(node, "sentinel", "get-master-addr-by-name", SENTINEL_MASTER).split() for node in nodes_of(shown, "sentinel").values()
             if node["state"] == "running"]

    def votes(name):
        return sum(word[:1] == [shown["nodes"][name]["address"]] for word in words)

    newer = max(primaries or names, key=votes)
    older = next(name for name in primaries + names if name != newer)
    return older, newer


def until(condition, seconds, what):
    """Waits for `condition`; what it returned, or Trouble."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.1)
    raise Trouble(f"{what}: not within {seconds} s")


def main(act):
    """Runs `act` and turns Trouble into a line and an exit code."""
    try:
        return act(sys.argv[1:])
    except Trouble as trouble:
        print(f"{os.path.basename(sys.argv[0])}: {trouble}", file=sys.stderr)
        return 1
