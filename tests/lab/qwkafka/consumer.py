"""Consumes as a group's members do, well or badly, and says what it has committed, and when."""
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from .settings import Ending, exists, say

_COMMIT_SECONDS = 0.5


def add_arguments(what):
    parser = what.add_parser("consume", help="read and commit as members of a group")
    parser.add_argument("topics", nargs="+")
    parser.add_argument("--group", required=True)
    parser.add_argument("--members", type=int, default=1, help="in this process (default 1)")
    parser.add_argument("--slow", type=float, default=0, metavar="SECONDS", help="what a message costs")
    parser.add_argument("--stall-after", type=int, metavar="N", help="stays a member but reads no more after N messages")
    parser.add_argument("--stall-while", metavar="PATH", help="likewise while this file exists")
    parser.add_argument("--rejoin-while", metavar="PATH",
                        help="the last member leaves and joins each second while this file exists")
    parser.add_argument("--isolation", choices=("read_committed", "read_uncommitted"), default="read_committed")
    parser.add_argument("--session-timeout", type=int, default=6000, help="milliseconds (default 6000)")
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.set_defaults(act=_consume)


def _consume(settings, options):
    ending = Ending(options.seconds)
    members = [_Member(settings, options, number, ending) for number in range(options.members)]
    threads = [threading.Thread(target=member.run, daemon=True) for member in members]
    for thread in threads:
        thread.start()
    # Only this thread gets signals, and only while it runs Python.
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.05)
    return 1 if any(member.failed for member in members) else 0


class _Member:
    def __init__(self, settings, options, number, ending):
        self._settings, self._options, self._number, self._ending = settings, options, number, ending
        self._rejoins = number == options.members - 1
        self._read = 0
        self.failed = False

    def run(self):
        try:
            while not self._ending:
                self._be_a_member()
        except KafkaException as problem:
            self.failed = True
            say("failed", member=self._number, error=str(problem))

    def _be_a_member(self):
        """Until the end, or until it is time to leave and join again."""
        consumer = Consumer(self._settings.with_({
            "group.id": self._options.group, "isolation.level": self._options.isolation,
            "enable.auto.commit": False, "enable.partition.eof": True,
            "auto.offset.reset": "earliest", "session.timeout.ms": self._options.session_timeout,
            "heartbeat.interval.ms": min(1000, self._options.session_timeout // 3), "max.poll.interval.ms": 300000,
            "fetch.wait.max.ms": 100, "topic.metadata.refresh.interval.ms": 2000}))
        consumer.subscribe(self._options.topics, on_assign=self._assigned, on_revoke=self._revoked)
        self._next, self._stalled = {}, False
        joined = committed = time.monotonic()
        try:
            while not self._ending:
                self._stall_or_go_on(consumer)
                message = consumer.poll(0.1)
                if message is not None:
                    self._take(message)
                if time.monotonic() - committed > _COMMIT_SECONDS:
                    committed = time.monotonic()
                    self._commit(consumer)
                if self._rejoins and exists(self._options.rejoin_while) and time.monotonic() - joined > 1:
                    break
            self._commit(consumer)
        finally:
            consumer.close()

    def _assigned(self, consumer, partitions):
        self._next, self._stalled = {}, False
        say("assigned", member=self._number, partitions=[_key(p.topic, p.partition) for p in partitions])

    def _revoked(self, consumer, _):
        self._commit(consumer)
        say("revoked", member=self._number)

    def _stall_or_go_on(self, consumer):
        after = self._options.stall_after
        stall = exists(self._options.stall_while) or (after is not None and self._read >= after)
        if stall != self._stalled:
            (consumer.pause if stall else consumer.resume)(consumer.assignment())
            self._stalled = stall
            say("stalled" if stall else "goes on", member=self._number)

    def _take(self, message):
        place = message.topic(), message.partition()
        if message.error() is not None:
            # The end of a partition is past the marks of transactions, which are no messages: Java's consumer commits it too.
            if message.error().code() == KafkaError._PARTITION_EOF:
                self._next[place] = message.offset()
            return
        if self._options.slow:
            time.sleep(self._options.slow)
        self._read += 1
        self._next[place] = message.offset() + 1

    def _commit(self, consumer):
        """What was read since the last time. If a rebalance has taken the partitions away, somebody else reads it again."""
        if not self._next:
            return
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in self._next.items()]
        self._next = {}
        try:
            consumer.commit(offsets=offsets, asynchronous=False)
            say("committed", member=self._number, read=self._read,
                offsets={_key(o.topic, o.partition): o.offset for o in offsets})
        except KafkaException as problem:
            say("not committed", member=self._number, error=str(problem))


def _key(topic, partition):
    return f"{topic}/{partition}"
