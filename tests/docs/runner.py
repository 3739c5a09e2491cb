"""Does with a document's code blocks what kinds.py says. Read by tests/e2e/documents_test.py."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time

import blocks
import kinds

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("QW_BUILD_DIR", os.path.join(ROOT, "build/release")))
DAEMON = os.path.join(BUILD, "quorumwatch")
NO_FOLDERS = {"build", ".cache", ".git", "node_modules", "__pycache__"}
WITHIN = 60
# What the commands of all documents find in their folder besides the checkout.
CONFIG = """\
defaults: {interval: 1s, timeout: 900ms}
targets: [{system: host, name: here}]
rules: {files: ["dashboards/alerts/*.rules.yml"]}
"""


def read(path):
    """A file of the checkout."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class Missing(Exception):
    """A tool that can not be had here."""


class Runner:
    """Does what the kinds say, in a folder that looks like the checkout and in a network of its own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="qw-documents-")
        for name in os.listdir(ROOT):
            if name not in NO_FOLDERS:
                os.symlink(os.path.join(ROOT, name), os.path.join(self.folder, name))
        os.mkdir(os.path.join(self.folder, "build"))
        os.symlink(BUILD, os.path.join(self.folder, "build/release"))
        os.symlink(os.path.join(ROOT, "dashboards/alerts"), os.path.join(self.folder, "alerts"))
        for name in ("tools", "state"):
            os.mkdir(os.path.join(self.folder, name))
        os.symlink(DAEMON, os.path.join(self.folder, "tools/quorumwatch"))
        self.write("quorumwatch.yml", CONFIG)
        self.write("my-values.yaml", "image: {repository: registry.example/quorumwatch}\n")
        self.certificates = None
        self.daemons = []
        self.labs = []
        self.done = {}
        self.network = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; echo up; exec sleep 3600"],
                                        stdout=subprocess.PIPE, text=True)
        if self.network.stdout.readline() != "up\n":
            raise OSError("no network namespace can be made here")

    def close(self):
        for daemon in self.daemons:
            daemon.terminate()
        for daemon in self.daemons:
            daemon.wait(timeout=WITHIN)
        for folder in self.labs:
            subprocess.run([os.path.join(ROOT, "tests/lab/lab"), "--dir", folder, "down", "--remove"], capture_output=True, check=False)
        self.network.kill()
        self.network.wait()
        self.network.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def inside(self, *command):
        return ["nsenter", f"--net=/proc/{self.network.pid}/ns/net", "--", *command]

    def environment(self):
        return {**os.environ, "PATH": os.path.join(self.folder, "tools") + ":" + os.environ["PATH"], "QW_BUILD_DIR": BUILD,
                "STATE_DIRECTORY": os.path.join(self.folder, "state")}

    def run(self, *command):
        """Nothing, or how it failed."""
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=4 * WITHIN,
                              env=self.environment())
        return "" if done.returncode == 0 else f"exit code {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}"

    # Documents and blocks.

    def problems(self, path, text):
        """What is wrong with the blocks of a document, a line each."""
        for pattern, kind in kinds.OWN_TEST:
            if re.fullmatch(pattern, path):
                return self.count(kind) or [f"{path}: {problem}" for problem in self.elsewhere(kind)]
        return [f"{block.where()}: {problem}" for block in blocks.read(text, path) for problem in self.block(path, block)]

    def count(self, kind):
        name = type(kind).__name__
        self.done[name] = self.done.get(name, 0) + 1
        return []

    def block(self, path, block):
        kind = kinds.block_kind(path, block)
        if kind is None:
            return [f"no test runs it, and tests/docs/kinds.py does not say why: {block.text.splitlines()[0]}"]
        self.count(kind)
        if isinstance(kind, kinds.Shell):
            return self.shell(block.text)
        if isinstance(kind, kinds.Figure):
            return []
        return [problem for problem in [self.checked(kind, block.text)] if problem]

    def checked(self, kind, text):
        if isinstance(kind, kinds.Cpp):
            return self.compiled(text)
        self.make_files(text)
        self.write("block.yml", text)
        if isinstance(kind, kinds.Config):
            return self.run("quorumwatch", "check", "block.yml")
        if isinstance(kind, kinds.WebConfig):
            return (self.run("quorumwatch", "check", "quorumwatch.yml", "--web.config.file=block.yml")
                    or self.run("promtool", "check", "web-config", "block.yml"))
        return self.run("quorumwatch", "check-rules", "block.yml") or self.run("promtool", "check", "rules", "block.yml")

    def make_files(self, text):
        """Secrets and certificates that a configuration names."""
        for name in set(re.findall(r"[\w.-]+\.(?:password|token|crt|key)\b", text)):
            if name.endswith((".crt", ".key")):
                if not self.certificates:
                    self.certificates = os.path.join(self.folder, "certificates")
                    subprocess.run([os.path.join(ROOT, "tests/lab/certs"), self.certificates], check=True, capture_output=True)
                source = "ca.crt" if "ca" in name.split(".")[0].split("-") else "client." + name.rpartition(".")[2]
                shutil.copy(os.path.join(self.certificates, source), os.path.join(self.folder, name))
            else:
                self.write(name, "a-secret")

    def compiled(self, text):
        head = "".join(f"#include {name}\n" for name in ("<gtest/gtest.h>", '"tests/lab/lab.hpp"'))
        body = re.sub(r"^\s*\.\.\.$", "", text, flags=re.M)
        self.write("block.cpp", head + "namespace qw {\n" + body + "}\n")
        return self.run("clang++-19", "-std=c++23", "-fsyntax-only", "-Wall", "-Wno-unused-variable", "-I", ROOT, "block.cpp")

    # Commands.

    def shell(self, text):
        found, script = [], ""
        for command in kinds.commands(text):
            kind = kinds.command_kind(command)
            if kind is None:
                found.append(f"no test runs it, and tests/docs/kinds.py does not say why: {command}")
                continue
            self.count(kind)
            # What a line sets the next ones use.
            if isinstance(kind, kinds.Run) and re.fullmatch(r"\w+=\S*", command):
                script += command + "\n"
                continue
            found += [f"{command}: {problem}" for problem in self.command(command, kind, script)]
        return found

    def command(self, command, kind, script):
        if isinstance(kind, kinds.Elsewhere):
            return self.elsewhere(kind)
        if isinstance(kind, kinds.ByHand):
            return self.by_hand(command)
        if isinstance(kind, kinds.Daemon):
            return self.daemon(command)
        if isinstance(kind, kinds.Instead):
            return self.instead(command, kind)
        place = os.path.join(self.folder, "lab")
        moved = re.sub(r"/tmp/\w+", place, command)
        if moved != command:
            # Servers are started in namespaces of their own, joined to this machine's network.
            if place not in self.labs:
                self.labs.append(place)
            outcome = self.run("bash", "-euc", script + moved)
        else:
            outcome = self.run(*self.inside("bash", "-euc", script + command))
            # The daemon of the line before has yet to write the journal that this one reads.
            patience = time.monotonic() + (10 if command.startswith("quorumwatch report") else 0)
            while outcome and time.monotonic() < patience:
                time.sleep(0.1)
                outcome = self.run(*self.inside("bash", "-euc", script + command))
        return [outcome] if outcome else []

    def elsewhere(self, kind):
        if not os.path.exists(os.path.join(ROOT, kind.test)) or kind.words not in read(kind.test):
            return [f"{kind.test}, which is said to run it, has no '{kind.words}'"]
        return []

    def by_hand(self, command):
        program = command.split()[0].removeprefix("build/release/")
        if "/" not in program:
            return []
        if not glob.glob(os.path.join(ROOT, program)) and not glob.glob(os.path.join(ROOT, program + ".cpp")):
            # Two programs of a folder may be made of one source.
            made = os.path.join(ROOT, os.path.dirname(program), "CMakeLists.txt")
            if not os.path.exists(made) or os.path.basename(program) not in read(os.path.relpath(made, ROOT)):
                return [f"there is no {program}"]
        return []

    def daemon(self, command):
        """Started in the network where later commands find it, and left running."""
        log = open(os.path.join(self.folder, "daemon.log"), "w+", encoding="utf-8")
        daemon = subprocess.Popen(self.inside("bash", "-euc", "exec " + command), cwd=self.folder, stderr=log, env=self.environment())
        self.daemons.append(daemon)
        deadline = time.monotonic() + WITHIN
        try:
            while self.run(*self.inside("curl", "-sf", "http://127.0.0.1:10979/-/ready")):
                if daemon.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    return ["never ready: " + log.read()[-600:]]
                time.sleep(0.02)
            return []
        finally:
            log.close()

    def instead(self, command, kind):
        for pattern, replacement in kind.changes:
            command = re.sub(pattern, replacement, command)
        if kind.tool in ("helm", "kustomize"):
            path = subprocess.run([os.path.join(ROOT, "tests/deploy/tool"), kind.tool], capture_output=True, text=True, check=False)
            if path.returncode != 0:
                raise Missing(f"{kind.tool}: {path.stderr.strip()[-200:]}")
            tool = os.path.join(self.folder, "tools", kind.tool)
            if not os.path.exists(tool):
                os.symlink(path.stdout.strip().splitlines()[-1], tool)
        # Kustomize follows no link out of its folder.
        done = subprocess.run(["bash", "-euc", command], cwd=ROOT if kind.tool == "kustomize" else self.folder, capture_output=True,
                              text=True, check=False, timeout=WITHIN, env=self.environment())
        if done.returncode != 0 or not done.stdout.strip():
            return [f"'{command}' gives exit code {done.returncode}: {done.stderr.strip()[-600:]}"]
        if kind.tool == "ctest" and "Total Tests: 0" in done.stdout:
            return [f"'{command}' finds no test"]
        return []
