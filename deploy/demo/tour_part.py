"""The tour of the demo: what to break, where to look then, and which alert pages after how long."""
import demo

# Break: (whose status page, which target on it, what is seen there, the alert and when it fires where one does).
STOPS = {
    "etcd-kill": ("quorumwatch", "etcd/control-plane", "an election that nobody asked for; no further voter may fail", "QuorumwatchQuorumAtRisk, 5 min"),
    "etcd-partition": ("quorumwatch", "etcd/control-plane", "two claims in two epochs for a second or two: fenced, no harm", ""),
    "redis-failover": ("quorumwatch", "redis/sessions", "two servers say master, one is followed: a hand-over", ""),
    "redis-split": ("quorumwatch", "redis/sessions", "a split brain, with the bytes that will be lost", "QuorumwatchSplitBrain, at once"),
    "postgres-split": ("quorumwatch", "postgres/orders", "two primaries on two timelines, and how far they diverge", "QuorumwatchSplitBrain, at once"),
    "postgres-lag": ("quorumwatch", "postgres/orders", "the lag grows second by second, the link is up", "QuorumwatchReplicationLag, 90 s"),
    "postgres-cut": ("quorumwatch", "postgres/orders", "the link is down after 3 s, the lag grows", "QuorumwatchReplicationLinkDown, 1 min"),
    "kafka-stall": ("quorumwatch", "kafka/streams", "shipping is stalled: members live, nothing is committed", "QuorumwatchConsumerStalled, 2 min"),
    "kafka-dead-consumer": ("quorumwatch", "kafka/streams", "shipping is stopped: nobody is in the group", "QuorumwatchConsumerStopped, 1 min"),
    "kafka-broker": ("quorumwatch", "kafka/streams", "a broker is missing, partitions have one replica less", "QuorumwatchPartitionsUnderReplicated, 5 min"),
    "kafka-rebalance": ("quorumwatch", "kafka/streams", "shipping rebalances all the time", "QuorumwatchRebalanceStorm, some 15 s"),
    "kafka-open-transaction": ("quorumwatch", "kafka/streams", "ledger is blocked by an open transaction", "QuorumwatchConsumerBlocked, 2 min"),
    "kafka-retention": ("quorumwatch", "kafka/streams", "messages are deleted before analytics has read them", "QuorumwatchMessagesLost, at once"),
    "link-loss": ("mesh-1", "nodes/mesh", "one packet in five is lost, and in which direction", "QuorumwatchPacketLoss, seconds"),
    "link-delay": ("mesh-1", "nodes/mesh", "40 ms to node-2, the wire is slow", "QuorumwatchRoundTripSlow, 5 min"),
    "link-asymmetric": ("mesh-1", "nodes/mesh", "a longer way one way: the clock's bound grows, no false skew", "QuorumwatchRoundTripSlow, 5 min"),
    "cpu-starved-peer": ("mesh-1", "nodes/mesh", "the peer holds packets, the round trip stays", "QuorumwatchRoundTripSlow, 5 min"),
    "clock-skew": ("quorumwatch", "clocks/time", "+750 ms give or take microseconds, and who is out of step", "QuorumwatchClockSkewed, 10 s"),
    "clock-step": ("quorumwatch", "clocks/time", "a clock that jumped by 30 s, and whose it is", "QuorumwatchClockStepped, at once"),
}


def lines(shown):
    """A line each, under the address of the page to look at."""
    page = ""
    for name, (whose, target, seen, alert) in STOPS.items():
        if target.startswith("kafka/") and not demo.nodes_of(shown, "kafka"):
            continue
        if page != (page := f"{demo.url(shown, whose)}/target/{target}"):
            yield page
        yield f"    deploy/demo/break {name:24} {seen}" + (f" ({alert})" if alert else "")
