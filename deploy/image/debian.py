"""Packages of Debian: which of them a file belongs to, the newest of each from this machine's own mirrors, and what is in one."""
import fcntl
import functools
import glob
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile

import tree

# What Debian has merged into /usr; older packages still name the old places.
MERGED = ("bin", "lib", "lib64", "sbin")


class NoMirror(Exception):
    """The packages can not be had here; in one sentence, why."""


def canonical(path):
    """A place in the image: no leading slash, nothing outside /usr that belongs there."""
    path = os.path.normpath(path).lstrip("/")
    return "usr/" + path if path.split("/")[0] in MERGED else path


def owners(paths):
    """Path: the installed package whose file it is."""
    # As dpkg may know it: before or after /lib became a link.
    spellings = {}
    for path in paths:
        real = os.path.realpath(path)
        spellings.update({one: path for one in (path, real, real.removeprefix("/usr"), "/usr" + path)})
    done = subprocess.run(["dpkg", "-S", *sorted(spellings)], capture_output=True, text=True, check=False)
    out = {}
    for line in done.stdout.splitlines():
        package, _, name = line.partition(": ")
        if name in spellings:
            out[spellings[name]] = package.split(":")[0]
    if strangers := sorted(set(paths) - set(out)):
        raise SystemExit(f"image: of no Debian package: {' '.join(strangers)}")
    return out


class Package:
    """A .deb file."""

    def __init__(self, path):
        self.path = path
        self.control = _output("dpkg-deb", "-f", path)
        self.name, self.version, self.architecture = (self.field(one) for one in ("Package", "Version", "Architecture"))

    def field(self, name):
        found = re.search(rf"(?m)^{name}: (.*)$", self.control)
        return found[1] if found else ""

    @property
    def source(self):
        return self.field("Source").split(" ")[0] or self.name

    @functools.cached_property
    def digest(self):
        with open(self.path, "rb") as one:
            return hashlib.sha256(one.read()).hexdigest()

    @functools.cached_property
    def entries(self):
        """Every file and link of it (tree.Entry), by its place."""
        out = {}
        data = subprocess.run(["dpkg-deb", "--fsys-tarfile", self.path], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for member in tar:
                path = canonical(member.name)
                if member.issym():
                    out[path] = tree.link(member.linkname, member.mtime)
                elif member.islnk():
                    out[path] = out[canonical(member.linkname)]
                elif member.isfile():
                    out[path] = tree.file(tar.extractfile(member).read(), member.mtime, member.mode)
        return out

    def resolved(self, path):
        """A file and the links that lead to it, as entries by their places."""
        out = {}
        while True:
            if path not in self.entries:
                raise SystemExit(f"image: {self.name} {self.version} has no {path}")
            out[path] = entry = self.entries[path]
            if entry.target is None:
                return out
            path = canonical(os.path.join("/", os.path.dirname(path), entry.target))


class Mirror:
    """Fetches packages by apt, whose keys and sources are this machine's and whose lists and choices are a folder of our own. The folder is
    locked as long as the object lives: two builds that start at once share it, one after the other."""

    def __init__(self, folder):
        self._folder = os.path.realpath(folder)
        os.makedirs(self._folder, exist_ok=True)
        self._lock = open(os.path.join(self._folder, "lock"), "w", encoding="utf-8")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._write("status", "")
        # Whatever other sources there are: nothing but Debian's own.
        self._write("preferences", "Package: *\nPin: release o=Debian\nPin-Priority: 500\n\nPackage: *\nPin: release *\nPin-Priority: -1\n")
        self._sources()
        for one in ("state", "cache", "packages"):
            os.makedirs(os.path.join(self._folder, one), exist_ok=True)
        self._apt("update")

    def fetch(self, names):
        """The newest package of each name, verified by apt's keys."""
        folder = os.path.join(self._folder, "packages")
        wanted = {}
        for line in self._apt("download", "--print-uris", *names).splitlines():
            found = re.fullmatch(r"'[^']*' (\S+) \d+ SHA256:([0-9a-f]{64})", line)
            if found:
                wanted[os.path.join(folder, found[1])] = found[2]
        if len(wanted) != len(set(names)):
            raise NoMirror(f"{len(set(names))} packages are needed and apt knows {len(wanted)}")
        if not all(_is(path, digest) for path, digest in wanted.items()):
            self._apt("download", *names, cwd=folder)
        for path, digest in wanted.items():
            if not _is(path, digest):
                raise NoMirror(f"{os.path.basename(path)} was not fetched")
        return [Package(path) for path in sorted(wanted)]

    def forget(self, but):
        """Removes what earlier builds fetched and this one has not."""
        for path in set(glob.glob(os.path.join(self._folder, "packages", "*.deb"))) - {one.path for one in but}:
            os.remove(path)

    def _sources(self):
        """Those of this machine that name the release which it runs."""
        folder = os.path.join(self._folder, "sources")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        release = _output("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").strip()
        for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*")]:
            if os.path.isfile(path):
                with open(path, encoding="utf-8") as one:
                    if re.search(rf"(?m)^(Suites:.*|deb .*)\b{release}( |$)", one.read()):
                        shutil.copy(path, folder)

    def _write(self, name, text):
        with open(os.path.join(self._folder, name), "w", encoding="utf-8") as one:
            one.write(text)

    def _apt(self, *words, cwd=None):
        own = {"Dir::State": "state", "Dir::State::status": "status", "Dir::Cache": "cache", "Dir::Etc::SourceParts": "sources",
               "Dir::Etc::Preferences": "preferences"}
        options = [f"{key}={self._folder}/{value}" for key, value in own.items()]
        options += ["Dir::Etc::SourceList=/dev/null", "Dir::Etc::PreferencesParts=/dev/null", "APT::Sandbox::User=root",
                    "Acquire::Languages=none", "Acquire::Retries=2"]
        done = subprocess.run(["apt-get", "-q", *(word for one in options for word in ("-o", one)), *words], cwd=cwd, text=True,
                              capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"})
        if words[0] == "update" and "W: " in done.stderr:
            print("image: the mirror does not give its lists of packages; those of the last time are used", file=sys.stderr)
        if done.returncode != 0:
            said = re.sub(r"https?://[^ )]*", "the mirror", done.stderr).strip().splitlines() or ["no reason given"]
            raise NoMirror(f"apt-get {words[0]}: {said[-1][:300]}")
        return done.stdout


def _is(path, digest):
    if not os.path.exists(path):
        return False
    with open(path, "rb") as one:
        return hashlib.sha256(one.read()).hexdigest() == digest


def _output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
