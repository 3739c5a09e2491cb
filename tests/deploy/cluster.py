"""A real kube-apiserver over Debian's etcd, on free ports of loopback, and a client that says what it answers."""
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

RESOURCES = {"Namespace": "namespaces", "ServiceAccount": "serviceaccounts", "ConfigMap": "configmaps", "Service": "services", "Pod": "pods",
             "DaemonSet": "daemonsets", "NetworkPolicy": "networkpolicies", "PodMonitor": "podmonitors", "PrometheusRule": "prometheusrules",
             "CustomResourceDefinition": "customresourcedefinitions"}
EVERYWHERE = ("Namespace", "CustomResourceDefinition")


def path_of(one, named=True):
    """Where the API server keeps an object, or those of its kind."""
    version, kind, meta = one["apiVersion"], one["kind"], one["metadata"]
    path = f"/apis/{version}" if "/" in version else f"/api/{version}"
    if kind not in EVERYWHERE:
        path += f"/namespaces/{meta['namespace']}"
    return f"{path}/{RESOURCES[kind]}" + (f"/{meta['name']}" if named else "")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """No kubelet, no controller, no scheduler: objects are checked and stored, and nothing more comes of them."""

    def __init__(self, apiserver):
        self._folder = tempfile.mkdtemp(prefix="qw-apiserver-")
        self._processes = []
        self.admin = secrets.token_hex(16)
        peer, client, secure = free_ports(3)
        self.url = f"https://127.0.0.1:{secure}"
        try:
            self._certificates()
            self._start("etcd", ["etcd", "--name", "t", "--data-dir", self._at("etcd"), "--listen-client-urls", f"http://127.0.0.1:{client}",
                                 "--advertise-client-urls", f"http://127.0.0.1:{client}", "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                                 "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--initial-cluster", f"t=http://127.0.0.1:{peer}"])
            with open(self._at("tokens.csv"), "w", encoding="utf-8") as file:
                file.write(f'{self.admin},admin,admin,"system:masters"\n')
            self._start("apiserver", [
                apiserver, f"--etcd-servers=http://127.0.0.1:{client}", "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
                f"--secure-port={secure}", f"--tls-cert-file={self._at('server.crt')}", f"--tls-private-key-file={self._at('server.key')}",
                f"--service-account-key-file={self._at('accounts.key')}", f"--service-account-signing-key-file={self._at('accounts.key')}",
                "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24,fd00::/112",
                "--authorization-mode=RBAC", f"--token-auth-file={self._at('tokens.csv')}", "--allow-privileged=true",
                "--endpoint-reconciler-type=none"])
            self._context = ssl.create_default_context(cafile=self._at("server.crt"))
            self._wait_ready()
        except BaseException:
            self.stop()
            raise

    def ask(self, method, path, body=None, token=None, kind="application/json"):
        """The status code and the answer, an object or a text."""
        request = urllib.request.Request(self.url + path, method=method, data=None if body is None else json.dumps(body).encode())
        request.add_header("Authorization", f"Bearer {token or self.admin}")
        request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._context) as reply:
                code, text = reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            code, text = error.code, error.read().decode()
        return code, json.loads(text) if text.startswith("{") else text

    def apply(self, one, dry=False):
        """Server-side apply; a field that the server does not know is an error."""
        more = "&dryRun=All" if dry else ""
        return self.ask("PATCH", path_of(one) + "?fieldManager=tests&force=true&fieldValidation=Strict" + more, one,
                        kind="application/apply-patch+yaml")

    def helm_flags(self):
        """How helm finds this cluster, and no other."""
        return ["--kube-apiserver", self.url, "--kube-token", self.admin, "--kube-ca-file", self._at("server.crt")]

    def stop(self):
        """The API server first: it does not stop without its etcd."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder)

    def _at(self, name):
        return os.path.join(self._folder, name)

    def _start(self, name, command):
        with open(self._at(name + ".log"), "w", encoding="utf-8") as log:
            self._processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def _certificates(self):
        subprocess.run(["openssl", "genrsa", "-out", self._at("accounts.key"), "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", self._at("server.key"), "-out", self._at("server.crt")],
                       check=True, capture_output=True)

    def _wait_ready(self):
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if any(one.poll() is not None for one in self._processes):
                break
            try:
                if self.ask("GET", "/readyz") == (200, "ok"):
                    return
            except OSError:
                pass
            time.sleep(0.02)
        logs = ""
        for name in ("etcd", "apiserver"):
            with open(self._at(name + ".log"), encoding="utf-8") as file:
                logs += f"-- {name}\n" + "".join(file.readlines()[-15:])
        raise RuntimeError("the API server is not ready\n" + logs)


def resource_definition(schema, kind, plural):
    """The CustomResourceDefinition whose strict JSON schema this is (../shared/k8s_schema)."""
    def structural(part):
        if isinstance(part, list):
            return [structural(one) for one in part]
        if not isinstance(part, dict):
            return part
        part = {name: {key: structural(one) for key, one in value.items()} if name == "properties" else structural(value)
                for name, value in part.items()}
        if part.get("type") == ["integer", "string"]:
            del part["type"]
            part["x-kubernetes-int-or-string"] = True
        # What is not named is unknown to the server already.
        if part.get("additionalProperties") is False:
            del part["additionalProperties"]
        return part

    body = structural(schema)
    body["properties"]["metadata"] = {"type": "object"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.monitoring.coreos.com",
                         "annotations": {"api-approved.kubernetes.io": "unapproved, a test"}},
            "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced",
                     "names": {"kind": kind, "listKind": kind + "List", "plural": plural, "singular": kind.lower()},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": body}}]}}
