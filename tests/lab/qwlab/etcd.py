"""Starts an etcd cluster. Works with 3.4 (Debian's) up to 3.7; the binary may be another than the one on PATH."""
import os

from . import ask, certificates
from .errors import LabError

CLIENT_PORT, PEER_PORT = 2379, 2380
ROOT_PASSWORD = "lab-root"


def add_arguments(parser):
    parser.add_argument("--members", type=int, default=3, help="voting members (default 3)")
    parser.add_argument("--learners", type=int, default=0, help="further members that may not vote")
    parser.add_argument("--election-timeout", type=int, default=1000, help="milliseconds (default 1000, as etcd's)")
    parser.add_argument("--heartbeat", type=int, default=100, help="milliseconds (default 100, as etcd's)")
    parser.add_argument("--pre-vote", action="store_true", help="default: off, whatever the version's own default is")
    parser.add_argument("--tls", action="store_true", help="clients must speak TLS")
    parser.add_argument("--server-cert", default="server", choices=["server", "server-expired", "server-wrong-name"])
    parser.add_argument("--client-cert", action="store_true", help="clients must show a certificate (implies --tls)")
    parser.add_argument("--auth", action="store_true", 
                        help=f"users root (password {ROOT_PASSWORD}) and monitor (lab-monitor, without any right)")
    parser.add_argument("--binary", default=os.environ.get("QW_ETCD_BINARY") or "etcd", help="default: $QW_ETCD_BINARY, or etcd")
    parser.add_argument("--flag", action="append", default=[], help="one more flag of etcd itself, such as --flag=--auto-compaction-retention=1")


def up(keeper, options):
    names = keeper.fresh_names("etcd", options.members)
    addresses = {name: keeper.network.add_host(name) for name in names}
    cluster = _Cluster(keeper, options)
    initial = ",".join(f"{name}=http://{address}:{PEER_PORT}" for name, address in addresses.items())
    for name in names:
        keeper.start(cluster.process(name, addresses[name], ["--initial-cluster", initial, "--initial-cluster-state", "new"]))
    for name in names:
        keeper.wait(lambda name=name: cluster.has_leader(name), f"{name} to see a leader")
    learners = keeper.fresh_names("etcd-learner", options.learners)
    for name in learners:
        cluster.add_learner(name, names[0], initial)
    if options.auth:
        cluster.require_password(names[0])
    return names + learners


class _Cluster:
    def __init__(self, keeper, options):
        self._keeper = keeper
        self._options = options
        self._scheme = "https" if options.tls or options.client_cert else "http"
        self._certificates = keeper.make_certificates() if self._scheme == "https" else None
        self._context = ask.tls_context(self._certificates) if self._certificates else None

    def process(self, name, address, initial):
        client, peer = f"{self._scheme}://{address}:{CLIENT_PORT}", f"http://{address}:{PEER_PORT}"
        options = self._options
        command = [
            options.binary, "--name", name, "--data-dir", self._keeper.data_folder(name),
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster-token", "lab",
            *initial,
            "--heartbeat-interval", str(options.heartbeat), "--election-timeout", str(options.election_timeout),
            f"--pre-vote={'true' if options.pre_vote else 'false'}",
            # A killed process loses nothing that it gave to the kernel, so the disk need not be waited for.
            "--unsafe-no-fsync", "--logger", "zap", "--log-outputs", "stderr", "--log-level", "warn", *options.flag]
        if self._certificates:
            pair = self._certificates[options.server_cert]
            command += ["--cert-file", pair["cert"], "--key-file", pair["key"]]
        if options.client_cert:
            command += ["--client-cert-auth", "--trusted-ca-file", self._certificates["ca"]]
        process = self._keeper.process(name, "etcd", name, command)
        process.facts = {"address": address, "port": CLIENT_PORT, "peer_port": PEER_PORT, "url": client}
        return process

    def has_leader(self, name):
        # `leader` is the only sign that is true from the first moment; the term is that of the last applied entry.
        return int(self.ask(name, "/v3/maintenance/status").get("leader", "0")) != 0

    def add_learner(self, name, member, initial):
        address = self._keeper.network.add_host(name)
        peer = f"http://{address}:{PEER_PORT}"
        # A member that has just got its leader refuses changes of the membership for a moment.
        self._keeper.wait(lambda: self.ask(member, "/v3/cluster/member/add", {"peerURLs": [peer], "isLearner": True}),
                          f"{name} to be admitted")
        self._keeper.start(self.process(name, address, ["--initial-cluster", f"{initial},{name}={peer}",
                                                        "--initial-cluster-state", "existing"]))
        self._keeper.wait(lambda: self.has_leader(name), f"{name} to see a leader")

    def require_password(self, member):
        for path, body in (("user/add", {"name": "root", "password": ROOT_PASSWORD}),
                           ("role/add", {"name": "root"}),
                           ("user/grant", {"user": "root", "role": "root"}),
                           ("user/add", {"name": "monitor", "password": "lab-monitor"}),
                           ("enable", {})):
            try:
                self.ask(member, "/v3/auth/" + path, body)
            except ask.NotReady as problem:
                raise LabError(f"etcd auth: {problem}") from None

    def ask(self, name, path, body=None):
        address = self._keeper.network.hosts[name]["address"]
        return ask.etcd(address, CLIENT_PORT, path, body, self._context)


