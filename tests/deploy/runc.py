"""An image in a container, without an engine: unpacked by umoci, run by runc, as strictly as a cluster would."""
import json
import os
import subprocess
import tarfile
import time


def unpack(archive, folder):
    """The bundle that an OCI archive becomes; umoci checks the archive's digests. Its files are in rootfs/."""
    layout, bundle = os.path.join(folder, "layout"), os.path.join(folder, "bundle")
    with tarfile.open(archive) as tar:
        tar.extractall(layout)
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as file:
        (described,) = json.load(file)["manifests"]
    name = described["annotations"]["org.opencontainers.image.ref.name"]
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:{name}", bundle], check=True, capture_output=True)
    return bundle


def inside(root, path):
    """Where a path leads in an unpacked image: its links are followed there, and not on this machine."""
    parts, place = path.split("/")[::-1], "/"
    for _ in range(100):
        if not parts:
            return place
        step = os.path.normpath(os.path.join(place, parts.pop()))
        if os.path.islink(root + step):
            target = os.readlink(root + step)
            parts += target.split("/")[::-1]
            step = "/" if target.startswith("/") else os.path.dirname(step)
        place = step
    raise AssertionError(f"{path} leads in a circle")


class Container:
    """One process, its root read-only, no capability, no new privileges; by default with the image's own command and user."""

    def __init__(self, bundle, namespace=None, arguments=None, user=None, group=None, mounts=(), environment=()):
        """`mounts` are (folder here, place inside, writable); `namespace` is a network namespace in /run/netns."""
        self.name = f"qw-image-{os.getpid()}-{time.monotonic_ns()}"
        self.bundle = bundle
        self._state = os.path.join(os.path.dirname(bundle), "runc")
        self._process = None
        self._log = open(os.path.join(os.path.dirname(bundle), "log"), "w+", encoding="utf-8")
        with open(os.path.join(bundle, "config.json"), encoding="utf-8") as file:
            config = json.load(file)
        process = config["process"]
        process.update(terminal=False, noNewPrivileges=True, capabilities={})
        if arguments is not None:
            process["args"] = [process["args"][0], *arguments]
        if user is not None:
            process["user"] = {"uid": user, "gid": group}
        process["env"] += environment
        config["root"]["readonly"] = True
        # What umoci makes of the image's volumes would be anybody's.
        config["mounts"] = [one for one in config["mounts"] if not one["destination"].startswith("/var/")]
        config["mounts"] += [{"destination": inside, "type": "bind", "source": here, "options": ["rbind", "rw" if writable else "ro"]}
                             for here, inside, writable in mounts]
        if namespace:
            network = next(one for one in config["linux"]["namespaces"] if one["type"] == "network")
            network["path"] = f"/run/netns/{namespace}"
        # Beside the image's own configuration, which the next container starts from.
        self._own = os.path.join(os.path.dirname(bundle), self.name)
        os.mkdir(self._own)
        config["root"]["path"] = os.path.join(bundle, "rootfs")
        with open(os.path.join(self._own, "config.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)

    def __enter__(self):
        self._process = subprocess.Popen(["runc", "--root", self._state, "run", "--bundle", self._own, self.name], stdin=subprocess.DEVNULL,
                                         stdout=self._log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._runc("delete", "--force", self.name)
            self._process.kill()
        self._process.wait()
        self._log.close()

    def _runc(self, *words):
        return subprocess.run(["runc", "--root", self._state, *words], capture_output=True, text=True, check=False)

    def pid(self):
        """Of the daemon, as this machine numbers it."""
        return json.loads(self._runc("state", self.name).stdout)["pid"]

    def proc(self, name):
        with open(f"/proc/{self.pid()}/{name}", encoding="utf-8") as file:
            return file.read()

    def wait(self, within=30):
        """For the end of it; the exit code."""
        return self._process.wait(within)

    def stop(self, within=10):
        self._process.terminate()
        return self.wait(within)

    def ended(self):
        return self._process.poll() is not None

    def log(self):
        with open(self._log.name, encoding="utf-8") as file:
            return file.read()
