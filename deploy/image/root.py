"""What the image has besides the program: its libraries, certificate authorities, time zones, names, licences, and what a scanner reads."""
import os
import re
import subprocess
import tempfile

import debian
import tree

USER = 65532
# Besides the owners of the libraries. base-files says which Debian this is, and has the licences that others refer to.
OTHERS = ("base-files", "ca-certificates", "tzdata")
BUNDLE = "etc/ssl/certs/ca-certificates.crt"


def libraries(program):
    """Where the loader finds each library that the program needs, and the loader itself."""
    text = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    if "not found" in text:
        raise SystemExit(f"image: {program} does not run here:\n{text}")
    return sorted(re.findall(r"(?m)^\s*(?:\S+ => )?(/\S+) \(0x", text))


def needed_packages(program):
    """Library: the package that it comes from."""
    return debian.owners(libraries(program))


def documents_elsewhere(packages):
    """Packages that hold the copyright of these, and are not among them."""
    found = set()
    for one in packages:
        place = one.entries.get(f"usr/share/doc/{one.name}")
        if place is not None and place.target:
            found.add(os.path.basename(place.target))
    return found - {one.name for one in packages}


def base(owners, packages):
    """The layer below the program. Files keep Debian's own times: as long as the packages are the same, so is the layer."""
    known = {one.name: one for one in packages}
    out = {}
    for library, package in owners.items():
        out.update(known[package].resolved(debian.canonical(library)))
    zones = known["tzdata"].entries
    # In posix/ and right/ each zone is there once more, and localtime is what an administrator chose.
    out.update({path: zones[path] for path in zones if re.match(r"usr/share/zoneinfo/(?!posix/|right/|localtime$)", path)})
    files = known["base-files"].entries
    out.update({path: files[path] for path in files if path.startswith("usr/share/common-licenses/")})
    out.update(known["base-files"].resolved("usr/lib/os-release"))
    out["etc/debian_version"] = files["etc/debian_version"]
    out.update(_documents(packages))
    time = max(entry.time for entry in out.values())
    for one in packages:
        out.update(_for_scanners(one, out, time))
    out.update(_made(known, time))
    out = tree.with_folders(out, time)
    _check(out)
    return out


def _documents(packages):
    """Copyrights. Packages of one source have the same, up to 2 MB: the second is a link to the first."""
    out, first = {}, {}
    for one in packages:
        place = f"usr/share/doc/{one.name}"
        if place in one.entries:
            out[place] = one.entries[place]
            continue
        entry = one.entries[place + "/copyright"]
        same = first.setdefault(entry.data, one.name)
        out[place + "/copyright"] = entry if same == one.name else tree.link(f"../{same}/copyright", entry.time)
    return out


def _for_scanners(package, entries, time):
    """As images without a package manager have it: what is known by its version has known holes by its version."""
    sums = subprocess.run(["dpkg-deb", "-I", package.path, "md5sums"], capture_output=True, text=True, check=True).stdout
    lines = [f"{digest}  {debian.canonical(path)}\n" for digest, path in (line.split(None, 1) for line in sums.splitlines())
             if debian.canonical(path) in entries]
    place = f"var/lib/dpkg/status.d/{package.name}"
    return {place: tree.file(package.control.encode(), time), place + ".md5sums": tree.file("".join(sorted(lines)).encode(), time)}


def _made(known, time):
    """What maintainer scripts would have made, and what an installation asks its owner."""
    authorities = known["ca-certificates"].entries
    texts = [authorities[path].data for path in sorted(authorities) if path.startswith("usr/share/ca-certificates/") and path.endswith(".crt")]
    out = {
        BUNDLE: tree.file(b"".join(text.rstrip(b"\n") + b"\n" for text in texts), time),
        # Where OpenSSL looks unless it is told otherwise.
        "usr/lib/ssl/cert.pem": tree.link("/" + BUNDLE, time),
        "usr/lib/ssl/certs": tree.link("/etc/ssl/certs", time),
        "etc/os-release": tree.link("../usr/lib/os-release", time),
        "etc/passwd": tree.file(f"root:x:0:0:root:/:/nonexistent\nquorumwatch:x:{USER}:{USER}::/nonexistent:/nonexistent\n".encode(), time),
        "etc/group": tree.file(f"root:x:0:\nquorumwatch:x:{USER}:\n".encode(), time),
        "etc/nsswitch.conf": tree.file(b"passwd: files\ngroup: files\nhosts: files dns\nservices: files\n", time),
    }
    out.update({name: tree.link("usr/" + name, time) for name in debian.MERGED})
    # Where a runtime mounts the kernel's own; it could not make them in an image that it may not write to.
    out.update({name: tree.folder(time) for name in ("dev", "proc", "sys", "usr/bin", "usr/sbin")})
    return out


def _check(entries):
    """That each library finds the libraries that it needs itself: newer packages than this machine's may need others."""
    with tempfile.TemporaryDirectory(prefix="qw-image-") as folder:
        names = {}
        for path, entry in entries.items():
            if entry.data is not None and entry.data.startswith(b"\x7fELF"):
                names[path] = os.path.join(folder, os.path.basename(path))
                with open(names[path], "wb") as one:
                    one.write(entry.data)
        text = subprocess.run(["readelf", "-d", *names.values()], capture_output=True, text=True, check=True).stdout
    there = {os.path.basename(path) for path in entries if ".so" in path}
    missing = set(re.findall(r"\(NEEDED\) +Shared library: \[([^]]+)\]", text)) - there
    if missing:
        raise SystemExit(f"image: needed by a library and not there: {' '.join(sorted(missing))}")
