"""What a group has committed and where the partitions end, read as a consumer reads it; and commits at will."""
from confluent_kafka import Consumer, TopicPartition

from .settings import partitions_of, say

_SECONDS = 10


def add_arguments(what):
    describe = what.add_parser("describe", help="a group's lag, partition by partition")
    describe.add_argument("topics", nargs="+")
    describe.add_argument("--group", required=True)
    describe.set_defaults(act=_describe)
    commit = what.add_parser("commit", help="sets offsets of a group without members, also past the end")
    commit.add_argument("--group", required=True)
    commit.add_argument("offsets", nargs="+", metavar="TOPIC/PARTITION=OFFSET")
    commit.set_defaults(act=_commit)


def _describe(settings, options):
    everything, stable = (Consumer(settings.with_({"group.id": options.group, "isolation.level": level}))
                          for level in ("read_uncommitted", "read_committed"))
    found = {}
    for topic in options.topics:
        partitions = partitions_of(everything, topic)
        for committed in everything.committed([TopicPartition(topic, p) for p in partitions], _SECONDS):
            place = TopicPartition(topic, committed.partition)
            start, end = everything.get_watermark_offsets(place, _SECONDS)
            _, stable_end = stable.get_watermark_offsets(place, _SECONDS)
            # Below zero: the group has committed nothing here.
            offset = committed.offset if committed.offset >= 0 else None
            found[f"{topic}/{committed.partition}"] = {
                "committed": offset, "start": start, "end": end, "stable_end": stable_end,
                "lag": None if offset is None else end - offset}
    for consumer in (everything, stable):
        consumer.close()
    say("described", group=options.group, partitions=found)


def _commit(settings, options):
    places = []
    for entry in options.offsets:
        name, _, offset = entry.partition("=")
        topic, _, partition = name.rpartition("/")
        places.append(TopicPartition(topic, int(partition), int(offset)))
    consumer = Consumer(settings.with_({"group.id": options.group}))
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()
    say("committed", group=options.group, offsets={f"{p.topic}/{p.partition}": p.offset for p in places})
