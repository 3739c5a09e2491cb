"""How the lab itself talks to the servers, to know when they are ready: etcd's JSON gateway and Redis' protocol."""
import json
import socket


class NotReady(Exception):
    """The server said no, or nothing, or something else: ask again later."""


def tls_context(certificates):
    import ssl  # Not above: loading it takes longer than most verbs of the command line.

    context = ssl.create_default_context(cafile=certificates["ca"])
    context.load_cert_chain(certificates["client"]["cert"], certificates["client"]["key"])
    # The lab also starts servers whose certificates are bad on purpose.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def etcd(address, port, path, body=None, context=None, token=None, timeout=1.0):
    """POSTs JSON and returns the reply as JSON."""
    import http.client  # As with ssl.

    if context:
        connection = http.client.HTTPSConnection(address, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("POST", path, json.dumps(body or {}), {"Authorization": token} if token else {})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise NotReady(f"{path}: HTTP {response.status}: {text[:300].decode(errors='replace')}")
        return json.loads(text)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise NotReady(f"{path}: {problem}") from None
    finally:
        connection.close()


class Redis:
    """One connection; replies as str, int, list, None. An error reply is NotReady."""

    def __init__(self, address, port, context=None, password=None, timeout=1.0):
        try:
            self._socket = socket.create_connection((address, port), timeout=timeout)
            if context:
                self._socket = context.wrap_socket(self._socket)
            self._file = self._socket.makefile("rb")
            if password:
                self.ask("AUTH", password)
        except OSError as problem:
            raise NotReady(str(problem)) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def ask(self, *words):
        parts = [str(word).encode() for word in words]
        try:
            self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
            return self._reply()
        except (OSError, ValueError) as problem:
            raise NotReady(str(problem)) from None

    def info(self, section):
        pairs = (line.partition(":") for line in self.ask("INFO", section).splitlines())
        return {key: value for key, _, value in pairs}

    def _reply(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise NotReady("connection closed")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"+":
            return rest
        if kind == b"-":
            raise NotReady(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if int(rest) < 0 else self._file.read(int(rest) + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        raise NotReady(f"unknown reply {line[:40]!r}")
