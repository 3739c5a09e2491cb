"""The few Kafka requests by which the lab knows that brokers are ready. Big-endian; a frame is its size and its body."""
import socket
import struct

from .ask import NotReady

_METADATA, _FIND_COORDINATOR, _DESCRIBE_GROUPS = 3, 10, 15
GROUP, TRANSACTION = 0, 1


class Broker:
    """One connection to a plain listener. Whatever is not an answer is NotReady."""

    def __init__(self, address, port, timeout=1.0):
        try:
            self._socket = socket.create_connection((address, port), timeout=timeout)
        except OSError as problem:
            raise NotReady(str(problem)) from None
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def brokers(self):
        """The ids of all brokers that this one's metadata names; a fenced one is not among them."""
        reply = self._ask(_METADATA, 1, struct.pack(">i", 0))
        ids = []
        for _ in range(reply.number("i")):
            ids.append(reply.number("i"))
            reply.text()  # host
            reply.number("i")  # port
            reply.text()  # rack
        return ids

    def coordinator(self, key, kind):
        """The id of the broker that coordinates this group or transaction. Asking makes the topic behind it."""
        reply = self._ask(_FIND_COORDINATOR, 1, _text(key) + struct.pack(">b", kind))
        reply.number("i")  # throttling
        reply.refuse_error(f"the coordinator of {key}")
        reply.text()
        return reply.number("i")

    def coordinates(self, group):
        """NotReady while this broker does not coordinate the group, or is still loading what it knows of it."""
        reply = self._ask(_DESCRIBE_GROUPS, 0, struct.pack(">i", 1) + _text(group))
        reply.number("i")  # how many groups
        reply.refuse_error(f"group {group}")

    def _ask(self, api, version, body):
        request = struct.pack(">hhi", api, version, 1) + _text("lab") + body
        try:
            self._socket.sendall(struct.pack(">i", len(request)) + request)
            reply = self._file.read(struct.unpack(">i", self._file.read(4))[0])
        except (OSError, struct.error) as problem:
            raise NotReady(str(problem)) from None
        return _Reply(reply)


class _Reply:
    def __init__(self, body):
        self._body, self._at = body, 4  # past the correlation id

    def number(self, kind):
        value = struct.unpack_from(">" + kind, self._body, self._at)[0]
        self._at += struct.calcsize(kind)
        return value

    def text(self):
        size = self.number("h")
        start, self._at = self._at, self._at + max(0, size)
        return self._body[start:self._at].decode(errors="replace")

    def refuse_error(self, what):
        code = self.number("h")
        if code != 0:
            raise NotReady(f"{what}: Kafka's error {code}")


def _text(value):
    return struct.pack(">h", len(value)) + value.encode()
