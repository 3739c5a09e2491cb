"""The demo's PostgreSQL: a primary and its standby, what writes there, and what can be broken about them."""
import os
import subprocess

import demo

PARTS = """\
postgres-1 postgres-2                   a PostgreSQL primary and its standby
postgres-writer                         writes a row to the primary five times a second"""


def start():
    demo.lab("up", "postgres", "--standbys", "1", "--slots")
    addresses = ",".join(node["address"] for node in demo.nodes_of(demo.lab("show"), "postgres").values())
    # With two primaries it writes to the first one that it finds, as clients do that nobody told.
    where = f"host={addresses} user=postgres target_session_attrs=read-write connect_timeout=1"
    demo.lab("run", "postgres-writer", "--", "sh", "-c",
             f"while :; do psql -Xqc 'insert into lab values (now()::text)' '{where}'; sleep 0.2; done")


def target(shown):
    """Its lines in the daemon's configuration."""
    members = ", ".join(f"{node['address']}:{node['port']}" for node in demo.nodes_of(shown, "postgres").values())
    return f"""\
  - system: postgres
    name: orders
    members: [{members}]
    username: forks
"""


def split(shown):
    old, new = _pair(shown)
    _sql(shown, new, "select pg_promote()")
    for node in (old, new):
        _sql(shown, node, f"insert into lab select 'written to {node}' from generate_series(1, 20)")
    return (f"{new} was promoted while {old} is still the primary, and both have taken 20 rows. Nothing fences PostgreSQL: what\n"
            f"{old} writes on its own timeline is lost when it follows {new}, and that grows with every row.")


def lag(shown):
    _, standby = _pair(shown)
    _sql(shown, standby, "select pg_wal_replay_pause()")
    return (f"{standby} receives all that is written, and applies nothing of it: as behind a long query, its readers see the\n"
            "past. The link is up all the while.")


def cut(shown):
    _, standby = _pair(shown)
    demo.lab("cut", standby)
    return (f"{standby} lost its primary; the daemon still reaches both. It goes on calling its link \"streaming\" for a minute, with\n"
            "nothing left to replay; its lag grows all the same, and the link is reported down after 3 s.")


# Name: (what it does, the metric to watch, how to break it).
BREAKS = {
    "postgres-split": ("promotes the standby beside the primary", 'quorumwatch_split_brain.*{.*system="postgres"', split),
    "postgres-lag": ("pauses the standby's replay", 'quorumwatch_replication_lag_.*{.*system="postgres"', lag),
    "postgres-cut": ("cuts the standby from its primary", 'quorumwatch_replication_l.*{.*system="postgres"', cut),
}


def sides(shown):
    """The older and the newer primary where there are two, by their timelines; else the standby and the primary."""
    names = list(demo.nodes_of(shown, "postgres"))
    primaries = _primaries(shown)
    newer = _newest(shown, primaries) if primaries else names[0]
    return next(name for name in primaries + names if name != newer), newer


def heal(shown):
    """Undoes what shows in the servers themselves; cuts and kills, any heal undoes."""
    healed = []
    primaries = _primaries(shown)
    if len(primaries) == 2:
        newest = _newest(shown, primaries)
        lost = next(node for node in primaries if node != newest)
        demo.lab("kill", lost)
        demo.lab("start", lost, "--follow", newest, "--rebuild")
        healed.append(f"{lost} was made anew as a standby of {newest}")
    for node in _running(shown):
        if _sql(shown, node, "select pg_is_in_recovery() and pg_is_wal_replay_paused()") == "t":
            _sql(shown, node, "select pg_wal_replay_resume()")
            healed.append(f"{node} replays again")
    return healed


def _pair(shown):
    """The primary and the standby that follows it."""
    primaries = _primaries(shown)
    standbys = [node for node in _running(shown) if node not in primaries]
    if len(primaries) != 1 or not standbys:
        raise demo.Trouble(f"PostgreSQL has {len(primaries)} primaries and {len(standbys)} standbys at the moment: "
                           "deploy/demo/heal, then try again")
    return primaries[0], standbys[0]


def _primaries(shown):
    return [node for node in _running(shown) if _sql(shown, node, "select pg_is_in_recovery()") == "f"]


def _newest(shown, primaries):
    return max(primaries, key=lambda node: _sql(shown, node, "select pg_walfile_name(pg_current_wal_lsn())"))


def _running(shown):
    return [name for name, node in demo.nodes_of(shown, "postgres").items() if node["state"] == "running"]


def _sql(shown, node, statement):
    """What it answers; nothing while it starts."""
    done = subprocess.run(["psql", "-XAtqc", statement, "-h", shown["nodes"][node]["address"], "-U", "postgres"],
                          capture_output=True, text=True, timeout=20, check=False,
                          env={**os.environ, "PGCONNECT_TIMEOUT": "5"})
    return done.stdout.strip()
