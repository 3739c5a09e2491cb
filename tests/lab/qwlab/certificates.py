"""Certificates made at run time with the openssl program: good ones, and ones that a client must refuse."""
import os

from .command import run

_NAMES = ("ca", "server", "server-expired", "server-wrong-name", "client", "client-expired", "other-ca", "client-other-ca")


def make(folder, addresses=()):
    """Makes whatever is missing; returns {"ca": path, "server": {"cert": path, "key": path}, ...}."""
    os.makedirs(folder, exist_ok=True)
    own = ",".join(["DNS:localhost", "IP:127.0.0.1", *(f"IP:{address}" for address in addresses)])
    _authority(folder, "ca")
    _authority(folder, "other-ca")
    _issue(folder, "ca", "server", own, "serverAuth,clientAuth")
    _issue(folder, "ca", "server-expired", own, "serverAuth,clientAuth", expired=True)
    _issue(folder, "ca", "server-wrong-name", "DNS:somebody-else.example", "serverAuth,clientAuth")
    _issue(folder, "ca", "client", "DNS:monitor.example", "clientAuth")
    _issue(folder, "ca", "client-expired", "DNS:monitor.example", "clientAuth", expired=True)
    _issue(folder, "other-ca", "client-other-ca", "DNS:monitor.example", "clientAuth")
    return paths(folder)


def paths(folder):
    def pair(name):
        return {"cert": os.path.join(folder, name + ".crt"), "key": os.path.join(folder, name + ".key")}

    return {name: pair(name)["cert"] if name.endswith("ca") and not name.startswith("client") else pair(name)
            for name in _NAMES}


def _authority(folder, name):
    run(["openssl", "req", "-x509", *_new_key(folder, name), "-subj", f"/CN=quorumwatch lab {name}", "-days", "2",
         "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
         "-out", os.path.join(folder, name + ".crt")])


def _issue(folder, authority, name, alternative_names, usage, expired=False):
    request, extensions = os.path.join(folder, name + ".csr"), os.path.join(folder, name + ".ext")
    run(["openssl", "req", *_new_key(folder, name), "-subj", f"/CN={name}", "-out", request])
    with open(extensions, "w", encoding="ascii") as file:
        file.write(f"subjectAltName={alternative_names}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
    ca = os.path.join(folder, authority)
    run(["openssl", "x509", "-req", "-in", request, "-extfile", extensions, "-CA", ca + ".crt", "-CAkey", ca + ".key",
         "-CAcreateserial", "-days", "-1" if expired else "2", "-out", os.path.join(folder, name + ".crt")])
    os.remove(request)
    os.remove(extensions)


def _new_key(folder, name):
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", os.path.join(folder, name + ".key")]
