"""A Pod of a render, as far as it goes without Kubernetes: its files in a folder, its arguments, its user, its probes."""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import rendering as r

# What the Secrets and ConfigMaps hold that are not ours.
FOREIGN = {"etcd-client": ("ca.crt", "tls.crt", "tls.key"), "redis": ("password",), "orders-ca": ("ca.crt",), "web": ("web-config.yml",)}
# What the kubelet says of the Pod.
FIELDS = {"metadata.name": "quorumwatch-x7k2p", "spec.nodeName": "node-1", "status.podIP": "10.1.2.3"}


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Pod:
    def __init__(self, documents):
        self._documents = documents
        self._container = r.container(documents)
        self._process = None
        self._log = None
        self._port = 0

    def __enter__(self):
        self._root = tempfile.mkdtemp(prefix="qw-pod-")
        os.chmod(self._root, 0o755)
        self._certificate()
        volumes = {one["name"]: one for one in r.pod_spec(self._documents)["volumes"]}
        for mount in self._container["volumeMounts"]:
            self._fill(volumes[mount["name"]], self.inside(mount["mountPath"]), writable=not mount.get("readOnly"))
        self._environment = {**os.environ}
        for one in self._container.get("env", []):
            self._environment[one["name"]] = self._value(one)
        return self

    def _value(self, one):
        """As the kubelet has it: $(NAME) is what an earlier variable holds."""
        if "value" in one:
            return re.sub(r"\$\((\w+)\)", lambda found: self._environment[found[1]], one["value"])
        field = one["valueFrom"].get("fieldRef", {}).get("fieldPath")
        return FIELDS[field] if field else "secret"

    def __exit__(self, *_):
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._log:
            self._log.close()
        shutil.rmtree(self._root)

    def inside(self, path):
        return self._root + path

    def run(self, program, *arguments):
        return r.run([program, *arguments], env=self._environment)

    def start(self, program):
        """Runs the program with the container's arguments, but on free ports of loopback."""
        self._port, reflector = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
        (config,) = [one.split("=", 1)[1] for one in self._container["args"] if one.startswith("--config.file=")]
        with open(self.inside(config), encoding="utf-8") as file:
            text = file.read()
        with open(self.inside(config), "w", encoding="utf-8") as file:
            file.write(text.replace("0.0.0.0:10862", f"127.0.0.1:{reflector}"))
        arguments = [re.sub(r"=(/(?:etc|var)/.*)", lambda found: "=" + self.inside(found[1]), one) for one in self._container["args"]]
        arguments = [re.sub(r"^(--web.listen-address=).*", rf"\g<1>127.0.0.1:{self._port}", one) for one in arguments]
        user = str(r.pod_spec(self._documents)["securityContext"]["runAsUser"])
        drop = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all",
                "--no-new-privs"] if os.geteuid() == 0 else []
        self._log = open(self.inside("/log"), "w+", encoding="utf-8")
        self._process = subprocess.Popen([*drop, program, *arguments], env=self._environment, stdout=self._log, stderr=self._log)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as reply:
            return reply.read().decode()

    def wait(self, probe, seconds=30):
        """Until the container's probe succeeds."""
        path = self._container[probe]["httpGet"]["path"]
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.get(path)
                return
            except (urllib.error.URLError, ConnectionError) as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self._log.seek(0)
                    raise AssertionError(f"{probe}: {error}\n{self._log.read()}") from error
            time.sleep(0.02)

    def memory(self):
        with open(f"/proc/{self._process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) * 1024

    def memory_limit(self):
        return int(self._container["resources"]["limits"]["memory"].removesuffix("Mi")) << 20

    def stop(self):
        """As the kubelet does: a signal, and patience until terminationGracePeriodSeconds. The exit code."""
        self._process.terminate()
        return self._process.wait(timeout=r.pod_spec(self._documents)["terminationGracePeriodSeconds"])

    def _certificate(self):
        self._pem = os.path.join(self._root, "pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                        "-subj", "/CN=test", "-keyout", self._pem + ".key", "-out", self._pem], check=True, capture_output=True)

    def _fill(self, volume, folder, writable):
        os.makedirs(folder)
        if writable and os.geteuid() == 0:
            user = r.pod_spec(self._documents)["securityContext"]["runAsUser"]
            os.chown(folder, user, user)
        files = r.volume_text(self._documents, volume) or {}
        name = volume.get("secret", {}).get("secretName") or volume.get("configMap", {}).get("name")
        for key in FOREIGN.get(name, ()):
            with open(self._pem + (".key" if key.endswith(".key") else ""), encoding="utf-8") as file:
                files[key] = file.read() if key.endswith((".crt", ".key")) else "secret\n"
        for key, text in files.items():
            # The files of the container, not of this machine.
            text = re.sub(r"(?<![\w.])(/etc/(?:quorumwatch|ssl)/)", lambda found: self.inside(found[1]), text)
            with open(os.path.join(folder, key), "w", encoding="utf-8") as file:
                file.write(text)
