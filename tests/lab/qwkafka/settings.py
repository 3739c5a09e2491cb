"""What all clients share: where the brokers are, and how a line of output looks."""
import json
import os
import signal
import sys
import time


class Settings:
    def __init__(self, bootstrap, properties):
        if not bootstrap:
            raise ValueError("no brokers: --bootstrap ADDRESS:PORT[,...]")
        self._common = {"bootstrap.servers": bootstrap, "client.id": "lab", "socket.timeout.ms": 10000,
                        "reconnect.backoff.max.ms": 500, "log_level": 3,
                        **dict(entry.split("=", 1) for entry in properties)}

    def with_(self, more):
        return {**self._common, **more}


class Ending:
    """Whether SIGTERM or SIGINT has come, or the time is over."""

    def __init__(self, seconds=None):
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._signalled = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, *_):
        self._signalled = True

    def __bool__(self):
        return self._signalled or (self._deadline is not None and time.monotonic() > self._deadline)


def partitions_of(client, topic):
    """The numbers of a topic's partitions; a topic that was just made takes a moment until every broker knows it."""
    deadline = time.monotonic() + 10
    while True:
        partitions = client.list_topics(topic, 10).topics[topic].partitions
        if partitions:
            return sorted(partitions)
        if time.monotonic() > deadline:
            raise ValueError(f"no topic {topic}")
        time.sleep(0.05)


def exists(path):
    """A file that switches a client's misbehaviour on: what is broken can be seen from outside, and undone."""
    return path is not None and os.path.exists(path)


_ROUTINE = ("produced", "committed")
_quiet = False


def be_quiet():
    """From now on only what is out of the ordinary is said."""
    global _quiet
    _quiet = True


def say(event, **facts):
    if _quiet and event in _ROUTINE:
        return
    # A single write, since several threads speak.
    sys.stdout.write(json.dumps({"at": round(time.time(), 3), "event": event, **facts}) + "\n")
    sys.stdout.flush()
