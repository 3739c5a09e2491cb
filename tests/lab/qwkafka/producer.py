"""Produces at a known rate and says what the ends of the partitions were, and when: the truth about lag in seconds."""
import math
import time

from confluent_kafka import Producer

from .settings import Ending, exists, partitions_of, say

_TICK = 0.05


def add_arguments(what):
    parser = what.add_parser("produce", help="messages at a known rate, in turn over the partitions")
    parser.add_argument("topic")
    parser.add_argument("--rate", type=float, default=10, help="messages a second, on average (default 10)")
    parser.add_argument("--pattern", choices=("steady", "bursty", "diurnal"), default="steady",
                        help="bursty: all in the first tenth of each period; diurnal: a sine with that period")
    parser.add_argument("--period", type=float, default=10, help="seconds (default 10)")
    parser.add_argument("--count", type=int, help="end after so many messages")
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.add_argument("--size", type=int, default=100, help="bytes of a message (default 100)")
    parser.add_argument("--partition", type=int, help="only this one")
    parser.add_argument("--transactional", metavar="ID", help="commits a transaction each --per-transaction seconds")
    parser.add_argument("--per-transaction", type=float, default=1)
    parser.add_argument("--timeout", type=int, default=600, help="seconds after which a broker aborts an open transaction")
    parser.add_argument("--hold", action="store_true", help="never commits: the transaction stays open")
    parser.add_argument("--hold-while", metavar="PATH", help="keeps the transaction open while this file exists")
    parser.set_defaults(act=_produce)


def _produce(settings, options):
    producer = _Producer(settings, options)
    ending, started, sent, said = Ending(options.seconds), time.monotonic(), 0, 0.0
    while not ending and (options.count is None or sent < options.count):
        now = time.monotonic() - started
        due = int(_due(options, now))
        for _ in range(due - sent if options.count is None else min(due, options.count) - sent):
            producer.send()
        sent = max(sent, due)
        producer.tick()
        if now - said >= 0.1:
            said = now
            say("produced", sent=sent, ends=producer.ends)
        time.sleep(_TICK)
    producer.finish()
    say("finished", sent=sent, ends=producer.ends)


def _due(options, now):
    """How many messages should have been sent by now."""
    if options.pattern == "steady":
        return options.rate * now
    whole, rest = divmod(now, options.period)
    if options.pattern == "bursty":
        return options.rate * options.period * (whole + min(1.0, rest / (options.period / 10)))
    # The integral of rate * (1 - cos).
    return options.rate * (now - options.period / (2 * math.pi) * math.sin(2 * math.pi * now / options.period))


class _Producer:
    def __init__(self, settings, options):
        self._options = options
        more = {"linger.ms": 5, "partitioner": "random", "sticky.partitioning.linger.ms": 0}
        if options.transactional:
            more.update({"transactional.id": options.transactional, "transaction.timeout.ms": options.timeout * 1000})
        self._producer = Producer(settings.with_(more))
        self._partitions = partitions_of(self._producer, options.topic)
        self._number = 0
        self._begun = None
        self._payload = b"x" * options.size
        self.ends = {}  # of messages that brokers have acknowledged
        if options.transactional:
            self._producer.init_transactions(20)

    def send(self):
        if self._options.transactional and self._begun is None:
            self._producer.begin_transaction()
            self._begun = time.monotonic()
        wanted = self._options.partition
        partition = self._partitions[self._number % len(self._partitions)] if wanted is None else wanted
        self._number += 1
        while True:
            try:
                self._producer.produce(self._options.topic, self._payload, partition=partition, on_delivery=self._delivered)
                return
            except BufferError:
                self._producer.poll(0.1)

    def tick(self):
        self._producer.poll(0)
        held = self._options.hold or exists(self._options.hold_while)
        if self._begun is not None and not held and time.monotonic() - self._begun > self._options.per_transaction:
            self._producer.commit_transaction(20)
            self._begun = None

    def finish(self):
        self._producer.flush(10)
        if self._begun is not None and not self._options.hold:
            self._producer.commit_transaction(20)

    def _delivered(self, error, message):
        if error is None:
            self.ends[str(message.partition())] = message.offset() + 1
        else:
            say("lost", error=str(error))
