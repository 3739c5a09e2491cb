"""Starts a Kafka cluster without ZooKeeper, every node broker and controller. Works with 3.9 and 4.x; jars by ../kafka-jars."""
import os
import shutil
import subprocess

from . import kafka_wire
from .command import run
from .errors import LabError, NotToBeHad

# Clients of every kind (plain, or what --sasl and --tls ask for); controllers; the brokers among themselves, always plain.
PORT, CONTROLLER_PORT, PEER_PORT = 9092, 9093, 9094
USERS = {"lab": "lab-lab", "monitor": "lab-monitor"}
_JARS = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "kafka-jars")
_CLUSTER_ID = "bGFiLWxhYi1sYWItbGFiLQ"
_JVM = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.awt.headless=true"]
# Small, and quick wherever that changes no behaviour that a test looks at.
_SMALL = """\
auto.create.topics.enable=false
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=2
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
log.initial.task.delay.ms=500
log.retention.check.interval.ms=500
log.segment.delete.delay.ms=500
log.cleaner.backoff.ms=500
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=4
background.threads=2
"""
# Elections and fencing in about 2 s instead of 10 s.
_FAST = """\
controller.quorum.election.timeout.ms=500
controller.quorum.election.backoff.max.ms=500
controller.quorum.fetch.timeout.ms=1000
controller.quorum.request.timeout.ms=1000
broker.heartbeat.interval.ms=300
broker.session.timeout.ms=2000
replica.lag.time.max.ms=2000
replica.fetch.wait.max.ms=200
"""


def add_arguments(parser):
    parser.add_argument("--nodes", type=int, default=3, help="each is broker and controller (default 3)")
    parser.add_argument("--version", default=os.environ.get("QW_KAFKA_VERSION") or "3.9.2",
                        help="default: $QW_KAFKA_VERSION, or 3.9.2")
    parser.add_argument("--fast", action="store_true", help="shortens elections and what a broker's death takes to show")
    parser.add_argument("--sasl", action="store_true",
                        help="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and unsecured OAUTHBEARER; users "
                        + " and ".join(f"{user} ({password})" for user, password in USERS.items()))
    parser.add_argument("--tls", action="store_true", help="clients must speak TLS, to controllers too")
    parser.add_argument("--client-cert", action="store_true", help="clients must show a certificate (implies --tls)")
    parser.add_argument("--server-cert", default="server", choices=["server", "server-expired", "server-wrong-name"])
    parser.add_argument("--heap", default="256m", help="of each node's JVM (default 256m)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one more property of every node")


def prepare(options):
    """Runs in the command line's own process: the download, when there is one, holds up no other verb of the lab."""
    done = subprocess.run([_JARS, options.version], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise (NotToBeHad if done.returncode == 77 else LabError)(done.stderr.strip().splitlines()[-1])
    options.jars = done.stdout.strip()


def up(keeper, options):
    names = keeper.fresh_names("kafka", options.nodes)
    cluster = _Cluster(keeper, options, {name: keeper.network.add_host(name) for name in names})
    cluster.format()
    for name in names:
        keeper.start(cluster.process(name))
    for name in names:
        keeper.wait(lambda name=name: cluster.knows_all(name), f"{name} to know all brokers")
    cluster.warm_up()
    return names


class _Cluster:
    def __init__(self, keeper, options, addresses):
        self._keeper = keeper
        self._options = options
        self._addresses = addresses
        self._ids = {name: number for number, name in enumerate(addresses, 1)}
        self._tls = options.tls or options.client_cert
        self._certificates = keeper.make_certificates() if self._tls else None

    def format(self):
        """Kafka's own formatting takes a JVM a node; what it writes is one snapshot that all share and one small file."""
        first = next(iter(self._ids))
        for name in self._ids:
            self._write_properties(name)
        scram = []
        if self._options.sasl:
            scram = [word for user, password in USERS.items() for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512")
                     for word in ("--add-scram", f"{kind}=[name={user},password={password}]")]
        run(["java", "-Xmx96m", *_JVM, "-cp", self._options.jars + "/*", "kafka.tools.StorageTool", "format",
             "-t", _CLUSTER_ID, "-c", self._properties(first), *scram])
        for name, number in self._ids.items():
            if name == first:
                continue
            os.makedirs(self._log_folder(name))
            shutil.copy(os.path.join(self._log_folder(first), "bootstrap.checkpoint"), self._log_folder(name))
            with open(os.path.join(self._log_folder(name), "meta.properties"), "w", encoding="ascii") as file:
                file.write(f"version=1\ncluster.id={_CLUSTER_ID}\nnode.id={number}\n")

    def process(self, name):
        archive = os.path.join(self._options.jars, "classes.jsa")
        shared = [f"-XX:SharedArchiveFile={archive}"] if os.path.exists(archive) else []
        log = "-Dorg.slf4j.simpleLogger."
        command = ["java", "-Xms64m", f"-Xmx{self._options.heap}", *_JVM, *shared,
                   f"-Djdk.net.hosts.file={self._hosts_file()}",
                   log + "showDateTime=true", log + "dateTimeFormat=HH:mm:ss.SSS", log + "showThreadName=false",
                   log + "log.org.apache.kafka.image=warn",
                   "-cp", self._options.jars + "/*", "kafka.Kafka", self._properties(name)]
        process = self._keeper.process(name, "kafka", name, command)
        process.facts = {"address": self._addresses[name], "port": PORT, "controller_port": CONTROLLER_PORT,
                         "peer_port": PEER_PORT, "node_id": self._ids[name]}
        return process

    def knows_all(self, name):
        with kafka_wire.Broker(self._addresses[name], PEER_PORT) as broker:
            return len(broker.brokers()) == len(self._ids)

    def warm_up(self):
        """The first use of a coordinator makes a topic, meanwhile requests hang or fail. One letter a partition of it."""
        first = next(iter(self._addresses.values()))
        addresses = {self._ids[name]: address for name, address in self._addresses.items()}

        def ready(letter):
            with kafka_wire.Broker(first, PEER_PORT) as broker:
                broker.coordinator(letter, kafka_wire.TRANSACTION)
                number = broker.coordinator(letter, kafka_wire.GROUP)
            with kafka_wire.Broker(addresses[number], PEER_PORT) as broker:
                broker.coordinates(letter)
            return True

        for letter in "abcd":
            self._keeper.wait(lambda letter=letter: ready(letter), "coordinators of groups and transactions")

    def _write_properties(self, name):
        options, number = self._options, self._ids[name]
        security = ("SASL_" if options.sasl else "") + ("SSL" if self._tls else "PLAINTEXT")
        voters = ",".join(f"{self._ids[other]}@{address}:{CONTROLLER_PORT}" for other, address in self._addresses.items())
        listeners = ",".join(f"{kind}://{self._addresses[name]}:{port}" for kind, port in
                             (("CLIENT", PORT), ("CONTROLLER", CONTROLLER_PORT), ("PEER", PEER_PORT)))
        copies = min(3, len(self._ids))
        lines = ["process.roles=broker,controller", f"node.id={number}", f"controller.quorum.voters={voters}",
                 f"listeners={listeners}", "controller.listener.names=CONTROLLER", "inter.broker.listener.name=PEER",
                 f"listener.security.protocol.map=CLIENT:{security},CONTROLLER:{security},PEER:PLAINTEXT",
                 f"log.dirs={self._log_folder(name)}", f"default.replication.factor={copies}",
                 f"offsets.topic.replication.factor={copies}", f"transaction.state.log.replication.factor={copies}",
                 f"transaction.state.log.min.isr={min(2, copies)}", _SMALL]
        lines += [_FAST] if options.fast else []
        lines += self._tls_lines() if self._tls else []
        lines += _sasl_lines() if options.sasl else []
        with open(self._properties(name), "w", encoding="utf-8") as file:
            file.write("\n".join([*lines, *options.set]) + "\n")

    def _tls_lines(self):
        """Controllers, which check one another, always have a good certificate; clients are shown the one asked for."""
        def store(name):
            path = os.path.join(self._keeper.folder, "certs", name + ".pem")
            with open(path, "w", encoding="ascii") as file:
                for part in ("key", "cert"):
                    with open(self._certificates[name][part], encoding="ascii") as source:
                        file.write(source.read())
            return path

        return ["ssl.keystore.type=PEM", f"ssl.keystore.location={store('server')}",
                "ssl.truststore.type=PEM", f"ssl.truststore.location={self._certificates['ca']}",
                "listener.name.client.ssl.keystore.type=PEM",
                f"listener.name.client.ssl.keystore.location={store(self._options.server_cert)}",
                f"ssl.client.auth={'required' if self._options.client_cert else 'none'}"]

    def _hosts_file(self):
        """SASL looks the peer's name up, and no name server is to be reached from a namespace: 10 s for each connection."""
        path = os.path.join(self._keeper.folder, "data", "hosts")
        with open(path, "w", encoding="ascii") as file:
            file.write("127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in self._addresses.items()))
        return path

    def _properties(self, name):
        return os.path.join(self._keeper.data_folder(name), "server.properties")

    def _log_folder(self, name):
        return os.path.join(self._keeper.data_folder(name), "log")


def _sasl_lines():
    plain = 'username="lab" password="%s" %s' % (USERS["lab"], " ".join(f'user_{u}="{p}"' for u, p in USERS.items()))
    common = "org.apache.kafka.common.security"
    modules = {"plain": f"plain.PlainLoginModule required {plain}",
               "scram-sha-256": "scram.ScramLoginModule required",
               "scram-sha-512": "scram.ScramLoginModule required",
               "oauthbearer": 'oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="lab"'}
    lines = ["sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
             "sasl.mechanism.controller.protocol=PLAIN"]
    for listener in ("client", "controller"):
        for mechanism, module in modules.items():
            lines.append(f"listener.name.{listener}.{mechanism}.sasl.jaas.config={common}.{module};")
    return lines
