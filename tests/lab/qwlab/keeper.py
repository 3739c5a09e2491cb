"""The process that owns a lab: parent of its servers, the only one that changes its network; serves the command line's
requests one at a time on a Unix socket. Its servers die with it, and it dies with its owner, if it was given one."""
import json
import os
import select
import shutil
import signal
import socket
import time
import traceback

from . import ask, certificates, registry, verbs
from .errors import LabError
from .network import Network
from .process import Process

READY_SECONDS = 60


class Keeper:
    def __init__(self, lab_id, folder, owner=None, temporary=False):
        self.lab_id = lab_id
        self.folder = folder
        self.network = Network(lab_id)
        self.processes = {}
        self.certificates = None
        self.line = None  # between the nodes of `up nodes`
        self.ending = False
        self._started_now = []
        self._temporary = temporary
        self._owner = os.pidfd_open(owner) if owner else None

    # What a system's starter may use.

    def fresh_names(self, stem, count):
        taken = {*self.processes, *self.network.hosts}
        names, number = [], 1
        while len(names) < count:
            if f"{stem}-{number}" not in taken:
                names.append(f"{stem}-{number}")
            number += 1
        return names

    def data_folder(self, name):
        path = os.path.join(self.folder, "data", name)
        os.makedirs(path, exist_ok=True)
        return path

    def make_certificates(self):
        """For every address that a node of this lab may ever get, so that one set serves all systems."""
        if self.certificates is None:
            nodes = [f"{self.network.prefix}.{number}" for number in range(1, 100)]
            self.certificates = certificates.make(os.path.join(self.folder, "certs"), nodes)
        return self.certificates

    def process(self, name, system, host, command):
        process = Process(name, system, host, command, os.path.join(self.folder, name + ".log"))
        process.namespace = self.network.hosts[host]["namespace"] if host else None
        self.processes[name] = process
        return process

    def start(self, process, extra=()):
        process.start(extra)
        self._started_now.append(process)
        self.write_state()

    def wait(self, ready, what, seconds=READY_SECONDS):
        """Asks until `ready` says yes. A server that ends meanwhile, or an owner that does, ends the waiting."""
        deadline, last = time.monotonic() + seconds, "no answer"
        while True:
            try:
                if ready():
                    return
            except ask.NotReady as problem:
                last = str(problem)
            if self.owner_gone():
                raise LabError("the owner of the lab has ended")
            for process in self._started_now:
                if process.state() == "dead":
                    raise LabError(f"waiting for {what}: {process.name} has ended: {process.last_words()}")
            if time.monotonic() > deadline:
                raise LabError(f"waiting for {what}: not within {seconds} s: {last}")
            time.sleep(0.02)

    # The life of the lab.

    def owner_gone(self):
        return self._owner is not None and bool(select.select([self._owner], [], [], 0)[0])

    def serve(self, listener):
        while not self.ending:
            watched = [listener] if self._owner is None else [listener, self._owner]
            readable, _, _ = select.select(watched, [], [])
            if self._owner in readable:
                break
            connection, _ = listener.accept()
            with connection:
                self._answer(connection)
        if not self.ending:
            self.tear_down()
            # Nobody is left who could read the logs.
            shutil.rmtree(self.folder if self._temporary else os.path.join(self.folder, "data"), ignore_errors=True)

    def tear_down(self):
        """Leaves logs, and nothing else that anybody could notice."""
        self.ending = True
        for process in self.processes.values():
            try:
                process.kill()
            except LabError:
                traceback.print_exc()
        self.network.remove()
        if os.path.exists(self._state_file()):
            os.remove(self._state_file())
        registry.forget(self.lab_id)

    def shown(self):
        nodes = {name: process.shown() for name, process in self.processes.items()}
        hosts = {name: {**host, "cut_from": self.network.is_cut(name)} for name, host in self.network.hosts.items()}
        return {"id": self.lab_id, "dir": self.folder, "keeper": os.getpid(), "bridge": self.network.bridge,
                "monitor": self.network.monitor, "nodes": nodes, "hosts": hosts, "certificates": self.certificates or {},
                "links": self.line.changed() if self.line else []}

    def write_state(self):
        temporary = os.path.join(self.folder, ".state.json")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(self.shown(), file, indent=1)
        os.replace(temporary, self._state_file())

    def _state_file(self):
        return os.path.join(self.folder, "state.json")

    def _answer(self, connection):
        try:
            connection.settimeout(5)
            request = json.loads(connection.makefile("r", encoding="utf-8").readline())
            self._started_now = []
            reply = {"ok": verbs.carry_out(self, request)}
            if not self.ending:
                self.write_state()
        except LabError as problem:
            reply = {"error": str(problem)}
        except Exception as problem:  # A bug of ours must reach the user and must not end the servers.
            traceback.print_exc()
            reply = {"error": f"bug in the lab: {problem!r} (see {self.folder}/keeper.log)"}
        try:
            connection.sendall(json.dumps(reply).encode() + b"\n")
        except OSError:
            pass  # Whoever asked has gone; the lab is in its new state all the same.


def run(lab_id, folder, options, ready):
    """The keeper's main: `ready` is a descriptor that gets one line, empty or a complaint."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keeper = Keeper(lab_id, folder, options.owner, options.temporary)

    def end(*_):
        keeper.tear_down()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    try:
        registry.note(lab_id, os.getpid(), folder)
        keeper.network.create()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(registry.socket_path(lab_id))
        listener.listen(16)
        keeper.write_state()
    except (LabError, OSError) as problem:
        keeper.tear_down()
        os.write(ready, f"{problem}\n".encode())
        return
    os.write(ready, b"\n")
    os.close(ready)
    keeper.serve(listener)
