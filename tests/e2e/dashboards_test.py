#!/usr/bin/python3
"""Asks the demo's Prometheus every query of the shipped dashboards, at rest and while things are broken: each must return something,
and the panel that is for a break must show it.

    QW_BUILD_DIR=build/release tests/e2e/dashboards_test.py
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [_HERE, os.path.join(_HERE, "..", "dashboards")]

import dashboards  # noqa: E402  (the path has to be set first)
from demo_test import DEMO, LAB, SKIPPED, ended_within, log_of, output, started, until  # noqa: E402

# What Grafana would put there for this demo, which is scraped each second and has run for some minutes.
WINDOWS = {"__rate_interval": "15s", "__range": "3m", "__interval": "5s"}
# What returns nothing while all is well, by its place in any dashboard, and the break that it needs.
NEEDS = {
    "annotation 'Leader changes'": "etcd-kill",
    "annotation 'Firing alerts'": "redis-split",
    "overview: panel 'Firing alerts' A": "redis-split",
    "split-brain: panel 'Length of the overlap' A": "redis-split",
    "split-brain: panel 'Diverged' A": "postgres-split",
    # Counted from the first member that does not answer on.
    "self: panel 'Members that could not be asked' A": "etcd-kill",
    "leader-elections: panel 'Alarms of etcd' A": "etcd-alarm",
    "replication-lag: panel 'Synchronous standbys' A": "postgres-synchronous",
}
# What is needed and is no break of the demo: the panel that is for it, how it is brought about, and how it ends. The variables are those of
# deploy/demo/env.
BY_HAND = {
    "etcd-alarm": (("leader-elections", "Alarms of etcd", 1), """
        id=$(curl -sf "$ETCD_MEMBER/v3/maintenance/status" -d '{}' | grep -o '"member_id":"[0-9]*"' | tr -dc 0-9)
        curl -sf "$ETCD_MEMBER/v3/maintenance/alarm" -d '{"action": "ACTIVATE", "alarm": "NOSPACE", "memberID": "'"$id"'"}'
        """, 'etcdctl --endpoints="$ETCD_ENDPOINTS" alarm disarm'),
    "postgres-synchronous": (("replication-lag", "Synchronous standbys", 1),
                             """psql -Xc "alter system set synchronous_standby_names = '*'" -c "select pg_reload_conf()" """,
                             'psql -Xc "alter system reset synchronous_standby_names" -c "select pg_reload_conf()"'),
}
# By break: the panels that are for it, and the value that they must reach. Those of a round hold at the same time.
SHOWS = [
    {
        "etcd-kill": [("overview", "Elections", 0.5), ("leader-elections", "Elections", 0.5)],
        "redis-split": [("overview", "Two leaders", 1), ("split-brain", "Two leaders that take writes, or two clusters", 1),
                        ("split-brain", "Claims and proof", 2)],
        "postgres-split": [("split-brain", "Diverged", 1)],
        "kafka-stall": [("consumer-lag", "Status", 8)],
        "link-loss": [("round-trip", "Loss", 0.05), ("round-trip", "Loss that is certain", 1)],
        "clock-step": [("overview", "Clocks proved wrong", 1), ("clock-skew", "State of each clock", 2), ("clock-skew", "Clocks that were set", 0.5)],
    },
    {
        "postgres-cut": [("overview", "Replica furthest behind", 2), ("replication-lag", "Links down", 1)],
        "kafka-rebalance": [("consumer-lag", "Rebalances", 0.5)],
        "kafka-broker": [("consumer-lag", "Partitions in trouble", 1), ("self", "Members that could not be asked", 0.5)],
        "link-delay": [("overview", "Round trips", 0.03), ("round-trip", "Round trip, median of the round", 0.03)],
        # Not beside clock-step: of three clocks no two would agree, and nobody is out of step with a majority.
        "clock-skew": [("overview", "Clocks: at least so far off", 0.2), ("clock-skew", "Out of step with the majority", 1)],
        "cpu-starved-peer": [("round-trip", "Held and sent late", 0.005)],
    },
]

# A busy machine makes ways and peers slow by itself: that these panels show nothing before the break can not be asked for.
NOISY = ("link-delay", "cpu-starved-peer")


def main():
    if os.geteuid() != 0:
        print("NOT TESTED: the demo needs root, for network namespaces")
        return 1 if os.environ.get("CI") else SKIPPED
    folder = tempfile.mkdtemp(prefix="qw-dashboards-")
    os.environ["QW_DEMO_DIR"] = folder
    process = subprocess.Popen([os.path.join(DEMO, "run"), "--no-build"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, start_new_session=True)
    try:
        prometheus = started(process)
        with_kafka = "kafka-1" in json.loads(output([LAB, "--dir", folder, "show"]))["nodes"]
        if not with_kafka:
            print("NOT TESTED: panels about Kafka, whose jars can not be had here")
            assert not os.environ.get("CI"), "no Kafka on a CI machine"
        hold(prometheus, with_kafka)
    except BaseException:
        print(f"daemon's log:\n{log_of(folder, 'quorumwatch')}")
        raise
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            ended_within(process, 60)
        shutil.rmtree(folder, ignore_errors=True)
    print("the dashboards show the demo")
    return 0


def hold(prometheus, with_kafka):
    """All that is wanted of a running demo."""
    boards = dashboards.load()
    queries = [query for name, board in boards.items() for query in dashboards.queries(name, board)]
    if not with_kafka:
        queries = [query for query in queries if "_consumer_" not in query.expression and "_kafka_" not in query.expression]
    for place in NEEDS:
        assert any(place in str(query) for query in queries), f"{place}: no dashboard has it"
    at_rest = [query for query in queries if not need(query)]
    print(f"{len(queries)} queries, {len(at_rest)} of them at rest", flush=True)
    all_return(prometheus, at_rest, 90, "at rest")
    show_by_hand(prometheus, queries)
    for shows in SHOWS:
        breaks = [name for name in shows if with_kafka or not name.startswith("kafka")]
        for name in breaks:
            for panel in [] if name in NOISY else shows[name]:
                until(lambda panel=panel: largest(prometheus, of_panel(queries, panel)) < panel[2], 60, f"{panel} to be calm")
        for name in breaks:
            output([os.path.join(DEMO, "break"), name])
        all_return(prometheus, [query for query in queries if need(query) in breaks], 45, "while broken")
        for name in breaks:
            for panel in shows[name]:
                until(lambda panel=panel: largest(prometheus, of_panel(queries, panel)) >= panel[2], 45, f"{panel} to show {name}")
        output([os.path.join(DEMO, "heal")])


def show_by_hand(prometheus, queries):
    def in_demo(commands):
        output(["sh", "-ec", f'eval "$("{DEMO}/env")"\n{commands}'])

    for panel, begin, _ in BY_HAND.values():
        assert largest(prometheus, of_panel(queries, panel)) < panel[2], f"{panel} shows it already"
        in_demo(begin)
    for name, (panel, _, end) in BY_HAND.items():
        until(lambda panel=panel: largest(prometheus, of_panel(queries, panel)) >= panel[2], 20, f"{panel} to show {name}")
        in_demo(end)


def of_panel(queries, panel):
    board, title, _ = panel
    found = [query for query in queries if query.board == board and f"panel '{title}' " in query.place]
    assert found, f"{board}: no panel '{title}'"
    return found


def need(query):
    """The break without which it returns nothing; nothing: none."""
    return next((name for place, name in NEEDS.items() if place in str(query)), None)


def all_return(prometheus, queries, seconds, when):
    """Each returns something within the time; not all at the same time, as some things come and go."""
    deadline = time.monotonic() + seconds
    while True:
        queries = [query for query in queries if not ask(prometheus, query)]
        if not queries:
            return
        assert time.monotonic() < deadline, f"{when}, within {seconds} s, nothing is returned to:\n" + "\n".join(
            f"{query}: {query.filled(WINDOWS)}" for query in queries)
        time.sleep(0.5)


def largest(prometheus, queries):
    values = [float(series["value"][1]) for query in queries for series in ask(prometheus, query)]
    return max(values, default=float("-inf"))


def ask(prometheus, query):
    address = f"{prometheus}/api/v1/query?query={urllib.parse.quote(query.filled(WINDOWS))}"
    with urllib.request.urlopen(address, timeout=10) as reply:
        return json.load(reply)["data"]["result"]


if __name__ == "__main__":
    sys.exit(main())
