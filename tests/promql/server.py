"""A real Prometheus for tests and benchmarks, fed by remote write."""
import http.client
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time

START_SECONDS = 30
STALE = "stale"  # in place of a value: the series ends here
STALE_BITS = 0x7FF0000000000002


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def write_request(series):
    """The protobuf of remote write: labels and samples of every series."""
    out = bytearray()
    for labels, points in series:
        body = b"".join(field(1, field(1, name.encode()) + field(2, labels[name].encode())) for name in sorted(labels))
        for at, value in points:
            bits = struct.pack("<Q", STALE_BITS) if value == STALE else struct.pack("<d", value)
            body += field(2, b"\x09" + bits + b"\x10" + varint(at))
        out += field(1, body)
    return bytes(out)


def snappy(data):
    """Snappy may consist of nothing but literals."""
    out = bytearray(varint(len(data)))
    for place in range(0, len(data), 60):
        chunk = data[place:place + 60]
        out.append(len(chunk) - 1 << 2)
        out += chunk
    return bytes(out)


class Server:
    """A Prometheus with nothing in it, on a free port of loopback. `config` is its configuration file."""

    def __init__(self, binary, config="global: {}\n"):
        self.folder = tempfile.mkdtemp(prefix="qw-prometheus-")
        with open(os.path.join(self.folder, "config.yml"), "w", encoding="utf-8") as file:
            file.write(config)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # One block for all times, so that samples of any age are taken.
        self.process = subprocess.Popen(
            [binary, f"--config.file={self.folder}/config.yml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver", "--log.level=error",
             "--storage.tsdb.min-block-duration=1000000h", "--storage.tsdb.max-block-duration=2000000h"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.connection = None
        self.wait()

    def wait(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.request("GET", "/-/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        self.stop()
        raise SystemExit("the server did not start")

    def request(self, method, path, body=None, headers=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            self.connection.request(method, path, body, headers or {})
            reply = self.connection.getresponse()
            return reply.status, reply.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise

    def load(self, series):
        status, body = self.request("POST", "/api/v1/write", snappy(write_request(series)), {
            "Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0"})
        if status not in (200, 204):
            raise SystemExit(f"the server took no samples: {status} {body.decode(errors='replace')}")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
