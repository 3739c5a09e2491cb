"""Starts a Redis primary with replicas and Sentinels; Sentinel i lives in the namespace of server i, if there is one."""
import os

from . import ask

PORT, SENTINEL_PORT, MASTER = 6379, 26379, "mymaster"
# Every period of a Sentinel shortened, so that a fail-over settles in 2 s instead of 11 s (Redis 7.0 has the command).
_FAST = ("info-period 200 publish-period 200 ping-period 100 ask-period 100 slave-reconf-timeout 1000 "
         "tilt-trigger 2000 tilt-period 3000").split()


def add_arguments(parser):
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--sentinels", type=int, default=3)
    parser.add_argument("--quorum", type=int, help="Sentinels that must agree (default: the majority)")
    parser.add_argument("--down-after", type=int, default=1000, help="milliseconds until a Sentinel thinks a server down")
    parser.add_argument("--password", help="of the servers, and of the replication between them")
    parser.add_argument("--sentinel-password", help="of the Sentinels")
    parser.add_argument("--acl", action="append", default=[],
                        help='one ACL line of the servers, such as "monitor on >pw +ping +info +role +time"')
    parser.add_argument("--sentinel-acl", action="append", default=[],
                        help="one ACL line of the Sentinels, which know fewer commands (no TIME, for one)")
    parser.add_argument("--tls", action="store_true", help="no plain port anywhere")
    parser.add_argument("--client-cert", action="store_true", help="clients must show a certificate (implies --tls)")
    parser.add_argument("--server-cert", default="server", choices=["server", "server-expired", "server-wrong-name"])
    parser.add_argument("--sentinels-apart", action="store_true", help="each Sentinel in a namespace of its own")
    parser.add_argument("--fast", action="store_true", help="shortens the Sentinels' periods with SENTINEL DEBUG")
    parser.add_argument("--binary", default=os.environ.get("QW_REDIS_BINARY") or "redis-server",
                        help="default: $QW_REDIS_BINARY, or redis-server")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one more directive of the servers")


def up(keeper, options):
    group = _Group(keeper, options)
    servers = keeper.fresh_names("redis", 1 + options.replicas)
    for name in servers:
        keeper.network.add_host(name)
    sentinels = keeper.fresh_names("sentinel", options.sentinels)
    homes = []
    for index, name in enumerate(sentinels):
        shared = index < len(servers) and not options.sentinels_apart
        homes.append(servers[index] if shared else name)
        if not shared:
            keeper.network.add_host(name)
    for name in servers:
        keeper.start(group.server(name, servers[0]))
    keeper.wait(lambda: group.replicas_online(servers[0]) == options.replicas, "all replicas to be online")
    # A Sentinel that starts earlier sees the replicas only at its next INFO, 10 s later.
    for name, home in zip(sentinels, homes):
        keeper.start(group.sentinel(name, home, servers[0]))
    for name, home in zip(sentinels, homes):
        keeper.wait(lambda home=home: group.sentinel_answers(home), f"{name} to answer")
    for name, home in zip(sentinels, homes):
        keeper.wait(lambda home=home: group.sentinel_knows_all(home), f"{name} to know everybody")
    wanted = group.write_nothing(servers[0])
    for name in servers[1:]:
        keeper.wait(lambda name=name: group.position(name) >= wanted, f"{name} to have all that was written")
    return servers + sentinels


class _Group:
    def __init__(self, keeper, options):
        self._keeper = keeper
        self._options = options
        self._certificates = keeper.make_certificates() if options.tls or options.client_cert else None
        self._context = ask.tls_context(self._certificates) if self._certificates else None

    def server(self, name, primary):
        hosts, options = self._keeper.network.hosts, self._options
        lines = [*self._common(name, PORT, options.acl), 'save ""', "appendonly no", "repl-diskless-sync-delay 0"]
        if name != primary:
            lines.append(f"replicaof {hosts[primary]['address']} {PORT}")
        if options.password:
            lines += [f"requirepass {options.password}", f"masterauth {options.password}"]
        lines += [entry.replace("=", " ", 1) for entry in options.set]
        process = self._process(name, name, lines, [])
        process.facts = self._facts(name, PORT)
        return process

    def sentinel(self, name, home, primary):
        options = self._options
        quorum = options.quorum or options.sentinels // 2 + 1
        lines = [*self._common(name, SENTINEL_PORT, options.sentinel_acl),
                 f"sentinel monitor {MASTER} {self._keeper.network.hosts[primary]['address']} {PORT} {quorum}",
                 f"sentinel down-after-milliseconds {MASTER} {options.down_after}",
                 f"sentinel failover-timeout {MASTER} {3000 if options.fast else 6000}",
                 f"sentinel parallel-syncs {MASTER} 1"]
        if options.password:
            lines.append(f"sentinel auth-pass {MASTER} {options.password}")
        if options.sentinel_password:
            lines += [f"requirepass {options.sentinel_password}", f"sentinel sentinel-pass {options.sentinel_password}"]
        process = self._process(name, home, lines, ["--sentinel"])
        process.facts = self._facts(home, SENTINEL_PORT)
        return process

    def replicas_online(self, primary):
        with self._connect(primary, PORT, self._options.password) as server:
            info = server.info("replication")
        return sum("state=online" in value for key, value in info.items() if key.startswith("slave"))

    def write_nothing(self, primary):
        """Moves the offset without any data, and returns it."""
        with self._connect(primary, PORT, self._options.password) as server:
            server.ask("PUBLISH", "lab", "ready")
            return int(server.info("replication")["master_repl_offset"])

    def position(self, replica):
        """A replica is online for its master before it has loaded, and gets nothing until its first acknowledgement, which
        comes once a second: who cuts it off before has a replica with nothing."""
        with self._connect(replica, PORT, self._options.password) as server:
            told = server.info("replication")
        return int(told["slave_repl_offset"]) if told.get("master_link_status") == "up" else -1

    def sentinel_answers(self, home):
        with self._connect(home, SENTINEL_PORT, self._options.sentinel_password) as sentinel:
            sentinel.ask("PING")
            if self._options.fast:
                sentinel.ask("SENTINEL", "DEBUG", *_FAST, "default-down-after", self._options.down_after)
        return True

    def sentinel_knows_all(self, home):
        options = self._options
        with self._connect(home, SENTINEL_PORT, options.sentinel_password) as sentinel:
            known = sentinel.info("sentinel").get("master0", "")
        return f"slaves={options.replicas},sentinels={options.sentinels}" in known and "status=ok" in known

    def _common(self, name, port, acl):
        lines = ["bind 0.0.0.0", "protected-mode no", f"dir {self._keeper.data_folder(name)}"]
        if self._certificates:
            pair = self._certificates[self._options.server_cert]
            lines += ["port 0", f"tls-port {port}", "tls-replication yes", f"tls-ca-cert-file {self._certificates['ca']}",
                      f"tls-cert-file {pair['cert']}", f"tls-key-file {pair['key']}",
                      f"tls-auth-clients {'yes' if self._options.client_cert else 'no'}"]
        else:
            lines.append(f"port {port}")
        return lines + [f"user {line}" for line in acl]

    def _process(self, name, home, lines, mode):
        # Both kinds of server rewrite their file, so it lives in the data folder.
        path = os.path.join(self._keeper.data_folder(name), "redis.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return self._keeper.process(name, "sentinel" if mode else "redis", home,
                                    [self._options.binary, path, *mode])

    def _facts(self, home, port):
        address = self._keeper.network.hosts[home]["address"]
        return {"address": address, "port": port}

    def _connect(self, home, port, password):
        return ask.Redis(self._keeper.network.hosts[home]["address"], port, self._context, password)
