#!/usr/bin/python3
"""Tries the demo as a new user would: start, look through Prometheus, break, look again, heal, Ctrl-C, nothing left behind."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
DEMO = os.path.join(ROOT, "deploy", "demo")
LAB = os.path.join(ROOT, "tests", "lab", "lab")
SKIPPED = 77


def main():
    if os.geteuid() != 0:
        print("NOT TESTED: the demo needs root, for network namespaces")
        return 1 if os.environ.get("CI") else SKIPPED
    folder = tempfile.mkdtemp(prefix="qw-demo-")
    os.environ["QW_DEMO_DIR"] = folder
    process = subprocess.Popen([os.path.join(DEMO, "run"), "--no-build"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, start_new_session=True)
    try:
        prometheus = started(process)
        shown = json.loads(output([LAB, "--dir", folder, "show"]))
        page_is_clean(shown)
        behaves(prometheus, shown)
        kafka_behaves(prometheus, shown)
        mesh_behaves(prometheus)
        clocks_behave(prometheus)
        pages_without_prometheus(shown, folder)
        os.killpg(process.pid, signal.SIGINT)
        ended_within(process, 60)
        left_nothing(folder, shown)
    finally:
        if process.poll() is None:
            print(f"daemon's log:\n{log_of(folder, 'quorumwatch')}")
            os.killpg(process.pid, signal.SIGTERM)
            ended_within(process, 60)
        shutil.rmtree(folder, ignore_errors=True)
    print("the demo works")
    return 0


def started(process):
    """Reads what `run` prints until it says that it runs; returns Prometheus' address."""
    said = []
    for line in process.stdout:
        said.append(line)
        found = re.match(r"\s+(http://[\d.:]+)/graph", line)
        if found:
            return found.group(1)
    raise AssertionError("the demo did not start:\n" + "".join(said))


def page_is_clean(shown):
    """promtool is the judge of names, types, help texts and escaping on the live page."""
    page = output(["curl", "-sS", "--max-time", "5", f"http://{shown['nodes']['quorumwatch']['address']}:10979/metrics"])
    judged = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, f"promtool check metrics: {judged.stdout}{judged.stderr}"


def behaves(prometheus, shown):
    etcd, sessions = '{system="etcd",target="control-plane"}', '{system="redis",target="sessions"}'
    for target in (etcd, sessions):
        until(lambda target=target: value(prometheus, "quorumwatch_leaders" + target) == 1, 30, f"one leader of {target}")
    # Both count from zero, so that a missing series is not taken for "nothing happened".
    elections = f"sum(quorumwatch_leader_elections_total{etcd})"
    before = until(lambda: number(value(prometheus, elections)), 10, "an election counter")[0]
    assert value(prometheus, f"max(quorumwatch_split_brain{sessions}) or vector(0)") == 0, "a split brain before anything broke"

    said = output([os.path.join(DEMO, "break"), "etcd-partition"])
    assert "curl -s http" in said, said
    until(lambda: value(prometheus, elections) > before, 20, "the partition's election to be counted")
    until(lambda: value(prometheus, "quorumwatch_leaders" + etcd) == 1, 20, "one leader on the larger side")
    assert "reaches its peers again" in output([os.path.join(DEMO, "heal")])

    said = output([os.path.join(DEMO, "break"), "redis-split"])
    assert "20 writes" in said, said
    until(lambda: value(prometheus, f'quorumwatch_split_brain{{system="redis",kind="unfenced"}}') == 1, 20,
          "the split brain to be reported")
    both_page("redis", prometheus, shown)
    output([os.path.join(DEMO, "heal"), "redis-split"])
    until(lambda: value(prometheus, "quorumwatch_leaders" + sessions) == 1, 60, "one primary after the healing")
    postgres_behaves(prometheus)
    assert "nothing was broken" in output([os.path.join(DEMO, "heal")])


def both_page(system, prometheus, shown):
    """The daemon and Prometheus raise the same alert with the same labels, and Alertmanager makes one page of both."""
    daemon = f"http://{shown['nodes']['quorumwatch']['address']}:10979"

    def raised(by):
        return sorted(sorted(alert["labels"].items()) for alert in get(by + "/api/v1/alerts")["data"]["alerts"]
                      if alert["state"] == "firing" and alert["labels"]["alertname"] == "QuorumwatchSplitBrain"
                      and alert["labels"].get("system") == system)

    until(lambda: raised(daemon) and raised(prometheus), 20, "both to raise the alert")
    assert raised(daemon) == raised(prometheus), f"{raised(daemon)} by the daemon, {raised(prometheus)} by Prometheus"
    until(lambda: pages(shown, "FIRING", system) == 1, 10, "the page")
    held = [alert for alert in get(f"http://{shown['nodes']['alertmanager']['address']}:9093/api/v2/alerts")
            if alert["labels"]["alertname"] == "QuorumwatchSplitBrain" and alert["labels"].get("system") == system]
    assert len(held) == 1, held


def pages(shown, what, system):
    """How often people were told so."""
    with open(shown["nodes"]["pages"]["log"], encoding="utf-8") as file:
        return len(re.findall(rf"^\S+ {what} +critical QuorumwatchSplitBrain: {system} ", file.read(), re.M))


def pages_without_prometheus(shown, folder):
    """With Prometheus dead the daemon's page arrives all the same, and at once."""
    before = pages(shown, "FIRING", "postgres")
    output([LAB, "--dir", folder, "kill", "prometheus"])
    output([os.path.join(DEMO, "break"), "postgres-split"])
    broken = time.monotonic()
    until(lambda: pages(shown, "FIRING", "postgres") > before, 5, "the page, without Prometheus")
    print(f"the page arrived {time.monotonic() - broken:.1f} s after the split")
    output([os.path.join(DEMO, "heal"), "postgres-split"])
    until(lambda: pages(shown, "RESOLVED", "postgres") > 0, 60, "the end of it to be told")


def get(address):
    with urllib.request.urlopen(address, timeout=5) as reply:
        return json.load(reply)


def postgres_behaves(prometheus):
    def of(family, more=""):
        return value(prometheus, f'max(quorumwatch_{family}{{system="postgres"{more}}})')

    def is_healthy():
        return of("leaders") == 1 and of("replication_link_up") == 1 and number(of("replication_lag_seconds")) and of(
            "replication_lag_seconds") < 1

    until(is_healthy, 30, "PostgreSQL to be healthy")
    output([os.path.join(DEMO, "break"), "postgres-lag"])
    until(lambda: (of("replication_lag_seconds") or 0) > 2, 30, "the paused standby's lag")
    assert of("replication_link_up") == 1, "the link of a standby that only replays nothing"
    assert "replays again" in output([os.path.join(DEMO, "heal"), "postgres-lag"])
    until(is_healthy, 30, "the standby to catch up")

    output([os.path.join(DEMO, "break"), "postgres-cut"])
    until(lambda: of("replication_link_up") == 0 and (of("replication_lag_seconds") or 0) > 2, 30, "the cut link to be reported")
    assert of("split_brain") == 0, "a split brain because of a cut standby"
    output([os.path.join(DEMO, "heal"), "postgres-cut"])

    # While the link comes back, which takes PostgreSQL its time: the split does not need it.
    output([os.path.join(DEMO, "break"), "postgres-split"])
    until(lambda: of("split_brain", ',kind="unfenced"') == 1, 20, "PostgreSQL's split brain to be reported")
    until(lambda: (of("split_brain_diverged_bytes") or 0) > 0, 20, "the bytes that have diverged")
    assert "made anew" in output([os.path.join(DEMO, "heal"), "postgres-split"])
    until(is_healthy, 60, "one primary with its standby after the healing")
    until(lambda: of("split_brain") == 0, 10, "the end of the split brain")


def kafka_behaves(prometheus, shown):
    if "kafka-1" not in shown["nodes"]:
        print("NOT TESTED: Kafka in the demo, whose jars can not be had here")
        assert not os.environ.get("CI"), "no Kafka on a CI machine"
        return

    def status(group, name):
        return value(prometheus, f'max(quorumwatch_consumer_status{{consumer_group="{group}",status="{name}"}})') == 1

    def both_ok():
        return status("shipping", "ok") and status("ledger", "ok")

    until(both_ok, 60, "the consumers to be well")
    output([os.path.join(DEMO, "break"), "kafka-stall"])
    output([os.path.join(DEMO, "break"), "kafka-open-transaction"])
    until(lambda: status("shipping", "stalled"), 40, "the stalled consumer to be reported")
    until(lambda: status("ledger", "blocked"), 40, "the open transaction to be reported")
    healed = output([os.path.join(DEMO, "heal")])
    assert "kafka-stall is undone" in healed and "kafka-open-transaction is undone" in healed, healed
    until(both_ok, 40, "the consumers to be well again")


def mesh_behaves(prometheus):
    """What mesh-1 says of node-2, and what a break of the way there or of the daemon there does to it."""

    def of(family, more=""):
        return value(prometheus, f'max(quorumwatch_{family}{{job="mesh",member="10.63.0.2"{more}}})') or 0

    def is_well():
        return 0 < of("rtt_seconds") < 0.01 and of("rtt_peer_held_seconds") < 0.005

    until(is_well, 30, "the mesh to be well")
    output([os.path.join(DEMO, "break"), "link-asymmetric"])
    until(lambda: of("rtt_seconds") > 0.03 and of("clock_bound_seconds") > 0.015, 20, "the long way, and a clock that is less sure")
    assert of("clock_state", ',state="proved_skewed"') == 0, "a wrong clock because of a long way"
    output([os.path.join(DEMO, "break"), "link-loss"])
    until(lambda: of("rtt_loss_confirmed", ',direction="forward"') == 1, 30, "the loss, by its direction")
    assert "as they were" in output([os.path.join(DEMO, "heal"), "link-loss"])
    until(is_well, 20, "the links to be well again")
    output([os.path.join(DEMO, "break"), "cpu-starved-peer"])
    until(lambda: of("rtt_peer_held_seconds") > 0.005, 20, "what the starved peer holds")
    assert of("rtt_seconds") < 0.01, "a starved peer is taken for a long way"
    assert "processor back" in output([os.path.join(DEMO, "heal"), "cpu-starved-peer"])
    until(is_well, 20, "the starved peer to be well again")


def clocks_behave(prometheus):
    def widest():
        return value(prometheus, 'max(abs(quorumwatch_clock_offset_seconds{system="clocks",source="ntp"}))') or 0

    def steps():
        return value(prometheus, 'sum(quorumwatch_clock_steps_total{system="clocks"})') or 0

    until(lambda: value(prometheus, 'count(quorumwatch_clock_offset_seconds{system="clocks",source="ntp"})') == 3 and widest() < 0.01, 20,
          "three clocks that agree")
    output([os.path.join(DEMO, "break"), "clock-skew"])
    until(lambda: abs(widest() - 0.75) < 0.01, 20, "the clock that is 0.75 s ahead")
    before = steps()
    output([os.path.join(DEMO, "break"), "clock-step"])
    until(lambda: widest() > 29 and steps() > before, 20, "the clock that was set")
    healed = output([os.path.join(DEMO, "heal"), "clock-step"])
    assert "chrony-2 serves the right time" in healed and "chrony-3 serves the right time" in healed, healed
    until(lambda: widest() < 0.01, 20, "the clocks to agree again")


def left_nothing(folder, shown):
    assert not os.path.exists(folder), f"{folder} is still there"
    namespaces = output(["ip", "netns", "list"])
    for host in shown["hosts"].values():
        assert host["namespace"] not in namespaces, f"{host['namespace']} is still there"
    assert shown["bridge"] not in output(["ip", "link", "show"]), "the bridge is still there"
    for name, node in shown["nodes"].items():
        assert not os.path.exists(f"/proc/{node['pid']}/exe"), f"{name} still runs as {node['pid']}"


def value(prometheus, expression):
    """The one value of an instant query, or nothing."""
    try:
        with urllib.request.urlopen(f"{prometheus}/api/v1/query?query={urllib.parse.quote(expression)}", timeout=5) as reply:
            result = json.load(reply)["data"]["result"]
    except OSError:
        return None
    assert len(result) <= 1, f"{expression}: {len(result)} series"
    return float(result[0]["value"][1]) if result else None


def number(found):
    """A value as something that is true even when it is zero."""
    return None if found is None else (found,)


def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"waiting for {what}: not within {seconds} s"
        time.sleep(0.1)


def output(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def ended_within(process, seconds):
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise AssertionError(f"the demo did not end within {seconds} s of Ctrl-C") from None


def log_of(folder, part):
    try:
        with open(os.path.join(folder, part + ".log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]
    except OSError:
        return "none"


if __name__ == "__main__":
    sys.exit(main())
