"""The demo's Kafka: three nodes, what produces and consumes there, and what can be broken about them."""
import os
import subprocess

import demo

CLIENT = os.path.join(demo.ROOT, "tests", "lab", "kafka-client")
PARTS = """\
kafka-1 kafka-2 kafka-3                 a Kafka without ZooKeeper, each node broker and controller
kafka-producer                          20 messages a second to the topic orders
kafka-consumer                          group shipping: two members that keep up with it
kafka-slow                              group analytics: reads orders more slowly than they come
kafka-payments                          transactions of a second each, to the topic payments
kafka-ledger                            group ledger: reads what of it is committed"""
# The daemon's canary sings here.
CANARY_TOPIC = "quorumwatch-canary"
# A file here makes a client misbehave: so what is broken shows, and heal need not remember it.
SWITCHES = os.path.join(demo.FOLDER, "kafka-switches")
# Kafka's own tools, under the names of its distribution.
TOOLS = os.path.join(demo.FOLDER, "kafka-bin")
_TOOL = os.path.join(demo.ROOT, "deploy", "demo", "kafka-tool")
_TOOL_NAMES = ("consumer-groups", "topics", "configs", "get-offsets", "leader-election", "metadata-quorum", "transactions",
               "console-consumer")


def start():
    """Without its jars the demo goes on, and says so."""
    try:
        # Kafka's own fetch time-out: with the lab's shorter one, three JVMs that share two processors with all of this come close to it.
        demo.lab("up", "kafka", "--fast", "--heap", "128m", "--set", "controller.quorum.fetch.timeout.ms=2000")
    except demo.NotToBeHad as trouble:
        print(f"demo: NO KAFKA in this demo: {trouble}", flush=True)
        return
    os.makedirs(SWITCHES)
    os.makedirs(TOOLS)
    for tool in _TOOL_NAMES:
        os.symlink(_TOOL, os.path.join(TOOLS, f"kafka-{tool}.sh"))
    shown = demo.lab("show")
    _client(shown, "topic", "create", "orders", "payments", "--partitions", "6")
    _client(shown, "topic", "create", CANARY_TOPIC, "--partitions", "3")
    _keep(shown, "kafka-producer", "produce", "orders", "--rate", "20")
    _keep(shown, "kafka-consumer", "consume", "orders", "--group", "shipping", "--members", "2",
          "--stall-while", _switch("kafka-stall"), "--rejoin-while", _switch("kafka-rebalance"))
    _keep(shown, "kafka-slow", "consume", "orders", "--group", "analytics", "--slow", "0.08")
    _keep(shown, "kafka-payments", "produce", "payments", "--rate", "10", "--transactional", "payments",
          "--hold-while", _switch("kafka-open-transaction"))
    _keep(shown, "kafka-ledger", "consume", "payments", "--group", "ledger")


def target(shown):
    """Its lines in the daemon's configuration."""
    nodes = demo.nodes_of(shown, "kafka").values()
    if not nodes:
        return ""
    bootstrap, controllers = (", ".join(f"{node['address']}:{node[port]}" for node in nodes)
                              for port in ("port", "controller_port"))
    return f"""\
  - system: kafka
    name: streams
    bootstrap: [{bootstrap}]
    controllers: [{controllers}]
    consumer_window: 10s
    canary: {{topic: {CANARY_TOPIC}, interval: 250ms}}
"""


def stall(shown):
    _turn_on(shown, "kafka-stall")
    return ("Both members of the group shipping read no more, yet stay members, as with a message that they cannot get past.\n"
            "The group looks healthy to Kafka; only its commits stand still while orders go on.")


def dead_consumer(shown):
    _need(shown)
    demo.lab("kill", "kafka-consumer")
    return "kafka-consumer was killed. Kafka believes in its members for another 6 s; then the group shipping is empty."


def broker(shown):
    _need(shown)
    demo.lab("kill", "kafka-2")
    return ("kafka-2 was killed. Its partitions get other leaders within 5 s and have one replica less; what it coordinated and\n"
            "led is dark until then, and everything else stays exact.")


def rebalance(shown):
    _turn_on(shown, "kafka-rebalance")
    return "A member of the group shipping leaves and joins again each second; each time the partitions are shared out anew."


def open_transaction(shown):
    _turn_on(shown, "kafka-open-transaction")
    return ("kafka-payments commits its transaction no more. The group ledger has read all that it may read: what waits behind\n"
            "the open transaction is not its fault.")


def retention(shown):
    _turn_on(shown, "kafka-retention")
    _client(shown, "topic", "set", "orders", "retention.ms=2000", "segment.ms=1000")
    return ("The topic orders keeps 2 s of messages now. The group analytics is further behind than that: messages are deleted\n"
            "before it has committed them.")


# Name: (what it does, the metric to watch, how to break it).
BREAKS = {
    "kafka-stall": ("lets a consumer read no more, alive", 'quorumwatch_consumer_status{.*="shipping".* 1$', stall),
    "kafka-dead-consumer": ("kills a consumer", 'quorumwatch_consumer_(members|lag_messages){.*="shipping"', dead_consumer),
    "kafka-broker": ("kills a broker", "quorumwatch_kafka_(broker_up|partitions_under_replicated)", broker),
    "kafka-rebalance": ("makes a member leave and join for ever", 'quorumwatch_consumer_rebalances_total{.*="shipping"',
                        rebalance),
    "kafka-open-transaction": ("leaves a transaction open", 'quorumwatch_consumer_lag_(blocked_)?messages{.*="ledger"',
                               open_transaction),
    "kafka-retention": ("deletes what a consumer has not done yet", 'quorumwatch_consumer_(lost_messages_total|status){.*="analytics"',
                        retention),
}


def heal(shown):
    """Undoes the switches; what was killed, any heal starts again."""
    healed = []
    for name in sorted(os.listdir(SWITCHES)) if os.path.isdir(SWITCHES) else []:
        if name == "kafka-retention":
            _client(shown, "topic", "set", "orders")
        os.remove(_switch(name))
        healed.append(f"{name} is undone")
    return healed


def _turn_on(shown, name):
    _need(shown)
    with open(_switch(name), "w", encoding="ascii"):
        pass


def _switch(name):
    return os.path.join(SWITCHES, name)


def _need(shown):
    if not demo.nodes_of(shown, "kafka"):
        raise demo.Trouble("this demo runs without Kafka, whose jars could not be had when it started")


def _command(shown, *arguments):
    brokers = ",".join(f"{node['address']}:{node['port']}" for node in demo.nodes_of(shown, "kafka").values())
    return [CLIENT, "--bootstrap", brokers, *arguments]


def _client(shown, *arguments):
    done = subprocess.run(_command(shown, *arguments), capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise demo.Trouble(done.stderr.strip())


def _keep(shown, name, *arguments):
    demo.lab("run", name, "--", *_command(shown, "--quiet", *arguments))
