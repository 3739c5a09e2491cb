"""Starts a PostgreSQL primary with standbys that stream from it, each in a namespace of its own, as the user postgres."""
import os
import shutil

from .command import run
from .errors import LabError
from . import ask

PORT = 5432
_BINARIES = "/usr/lib/postgresql/15/bin"
# The lab's folder may be root's alone, so its servers may pass it (PostgreSQL itself refuses only to be root).
_AS_POSTGRES = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "--pdeathsig", "keep",
                "--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"]
# monitor: what the documentation asks for. forks: what more rights add. nobody: less than is asked for.
_ROLES = """
create role monitor login{password} in role pg_monitor;
create role forks login replication{password} in role pg_monitor;
create role nobody login{password};
create table lab (line text);
"""


def add_arguments(parser):
    parser.add_argument("--standbys", type=int, default=1)
    parser.add_argument("--sync", action="store_true", help="commits wait for a standby")
    parser.add_argument("--slots", action="store_true", help="each standby has a replication slot of its own name")
    parser.add_argument("--password", help="of the roles monitor, forks and nobody (scram-sha-256); else none is asked for")
    parser.add_argument("--tls", action="store_true", help="no connection without TLS but the lab's own")
    parser.add_argument("--client-cert", action="store_true", help="clients must show a certificate (implies --tls)")
    parser.add_argument("--server-cert", default="server", choices=["server", "server-expired", "server-wrong-name"])
    parser.add_argument("--binaries", default=os.environ.get("QW_POSTGRES_BINARIES") or _BINARIES,
                        help=f"folder with initdb, postgres, pg_basebackup (default: $QW_POSTGRES_BINARIES, or {_BINARIES})")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one more setting of every server")


def up(keeper, options):
    group = _Group(keeper, options)
    primary, *standbys = keeper.fresh_names("postgres", 1 + options.standbys)
    for name in (primary, *standbys):
        keeper.network.add_host(name)
    group.initialize(primary)
    group.start(primary)
    group.sql(primary, _ROLES.format(password=f" password '{options.password}'" if options.password else ""))
    for name in standbys:
        group.copy(name, primary)
        group.start(name)
    keeper.wait(lambda: group.streaming(primary) == len(standbys), "all standbys to stream")
    if options.sync:
        group.sql(primary, "alter system set synchronous_standby_names = '*'", "select pg_reload_conf()")
        keeper.wait(lambda: group.synchronous(primary) > 0, "a standby to be synchronous")
    return [primary, *standbys]


def follow(keeper, process, leader, rebuild):
    """Makes a stopped server a standby of `leader` for when it starts again: with its own data, as after a clean switch-over,
    or with a fresh copy, since what it wrote on its own timeline is in the way."""
    if process.running():
        raise LabError(f"{process.name}: is running: stop it first")
    if leader not in keeper.processes:
        raise LabError(f"no server '{leader}' here")
    group = process.group
    if rebuild:
        shutil.rmtree(group.folder(process.name))
        group.copy(process.name, leader)
    else:
        group.point(process.name, leader)


class _Group:
    def __init__(self, keeper, options):
        self._keeper = keeper
        self._options = options
        self._tls = options.tls or options.client_cert
        self._certificates = keeper.make_certificates() if self._tls else None

    def folder(self, name):
        return os.path.join(self._keeper.data_folder(name), "data")

    def initialize(self, name):
        self._run(name, "initdb", "-D", self._own(name), "-A", "trust", "-U", "postgres", "--no-sync", "--locale=C",
                  "-E", "UTF8")
        network, how = self._keeper.network.prefix + ".0/24", "scram-sha-256" if self._options.password else "trust"
        kind = "hostssl" if self._tls else "host"
        certificate = " clientcert=verify-ca" if self._options.client_cert else ""
        self._write(name, "pg_hba.conf", f"host all postgres {network} trust\nhost replication postgres {network} trust\n"
                                         f"{kind} all all all {how}{certificate}\n{kind} replication all all {how}{certificate}\n")
        with open(os.path.join(self.folder(name), "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write("\n".join(["include 'lab.conf'", ""]))
        self._configure(name)

    def copy(self, name, leader):
        self._make_slot(name, leader)
        slot = ["-S", _slot(name)] if self._options.slots else []
        self._run(name, "pg_basebackup", "-h", self._address(leader), "-p", str(PORT), "-U", "postgres", "-D", self._own(name),
                  "-X", "stream", "-c", "fast", "--no-sync", *slot)
        self._configure(name)
        self.point(name, leader)

    def point(self, name, leader):
        self._make_slot(name, leader)
        slot = f"primary_slot_name = '{_slot(name)}'\n" if self._options.slots else ""
        self._write(name, "lab-primary.conf", f"primary_conninfo = 'host={self._address(leader)} port={PORT} user=postgres "
                                              f"application_name={name}'\n{slot}")
        self._write(name, "standby.signal", "")

    def start(self, name):
        command = [*_AS_POSTGRES, os.path.join(self._options.binaries, "postgres"), "-D", self.folder(name)]
        process = self._keeper.process(name, "postgres", name, command)
        process.family = True
        process.group = self
        process.facts = {"address": self._address(name), "port": PORT, "data": self.folder(name)}
        self._keeper.start(process)
        self._keeper.wait(lambda: self._ask(name, "select 1") == "1", f"{name} to answer")

    def streaming(self, primary):
        return int(self._ask(primary, "select count(*) from pg_stat_replication where state = 'streaming'"))

    def synchronous(self, primary):
        return int(self._ask(primary, "select count(*) from pg_stat_replication where sync_state = 'sync'"))

    def sql(self, name, *statements):
        arguments = [argument for statement in statements for argument in ("-c", statement)]
        return run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self._address(name), "-p", str(PORT), "-U", "postgres",
                    *arguments]).strip()

    def _make_slot(self, name, leader):
        if self._options.slots:
            self.sql(leader, f"select pg_create_physical_replication_slot('{_slot(name)}') where not exists"
                             f" (select from pg_replication_slots where slot_name = '{_slot(name)}')")

    def _ask(self, name, statement):
        try:
            return self.sql(name, statement)
        except LabError as problem:
            raise ask.NotReady(str(problem)) from None

    def _configure(self, name):
        lines = ["listen_addresses = '*'", f"port = {PORT}", "unix_socket_directories = ''", f"cluster_name = '{name}'",
                 "wal_level = replica", "hot_standby = on", "max_wal_senders = 10", "max_replication_slots = 10",
                 self._wal_keep(), "password_encryption = 'scram-sha-256'", "wal_log_hints = on", "fsync = off", "shared_buffers = 16MB", "max_connections = 40",
                 "wal_receiver_status_interval = 1s", "wal_retrieve_retry_interval = 200ms", "log_checkpoints = off",
                 "include_if_exists 'lab-primary.conf'"]
        if self._tls:
            pair = self._certificates[self._options.server_cert]
            for source, name_here in ((pair["cert"], "lab.crt"), (pair["key"], "lab.key"), (self._certificates["ca"], "ca.crt")):
                with open(source, encoding="ascii") as file:
                    self._write(name, name_here, file.read(), 0o600)
            lines += ["ssl = on", "ssl_cert_file = 'lab.crt'", "ssl_key_file = 'lab.key'", "ssl_ca_file = 'ca.crt'"]
        lines += [entry.replace("=", " = ", 1) for entry in self._options.set]
        self._write(name, "lab.conf", "\n".join(lines) + "\n")

    def _wal_keep(self):
        version = int(run([os.path.join(self._options.binaries, "postgres"), "--version"]).split()[2].split(".")[0])
        return "wal_keep_size = 256MB" if version >= 13 else "wal_keep_segments = 16"

    def _own(self, name):
        """The data folder, made for the user postgres."""
        path = self.folder(name)
        os.makedirs(path, mode=0o700, exist_ok=True)
        shutil.chown(path, "postgres", "postgres")
        return path

    def _write(self, name, file_name, text, mode=0o600):
        path = os.path.join(self.folder(name), file_name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        shutil.chown(path, "postgres", "postgres")

    def _run(self, name, program, *arguments):
        path = os.path.join(self._options.binaries, program)
        if not os.access(path, os.X_OK):
            raise LabError(f"{name}: {path} is not installed (tests/packages installs it)")
        run([*_AS_POSTGRES, path, *arguments])

    def _address(self, name):
        return self._keeper.network.hosts[name]["address"]


def _slot(name):
    return name.replace("-", "_")
