#!/usr/bin/env python3
"""--web.config.file as exporter-toolkit defines it: TLS and basic auth, changed by a reload, never half.

    QW_BUILD_DIR=build/release tests/e2e/web_config_test.py
"""
import base64
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt

DAEMON = os.path.join(os.environ.get("QW_BUILD_DIR", "build/release"), "quorumwatch")


def bcrypt(password):
    return crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class WebConfig(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="quorumwatch-web-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")], check=True, stderr=subprocess.DEVNULL)
        self.context = ssl.create_default_context(cafile=self.path("cert.pem"))
        self.write_web("first-password")
        self.port = free_port()
        self.log = open(self.path("log"), "w+")
        self.addCleanup(self.log.close)
        self.daemon = subprocess.Popen([DAEMON, "run", f"--web.config.file={self.path('web.yml')}",
                                        f"--web.listen-address=127.0.0.1:{self.port}"], stderr=self.log)
        self.addCleanup(self.stop)
        self.until(lambda: self.status("first-password") == 200)

    def stop(self):
        self.daemon.terminate()
        self.assertEqual(self.daemon.wait(timeout=10), 0)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write_web(self, password):
        with open(self.path("web.yml"), "w") as out:
            out.write("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"
                      f"basic_auth_users: {{watcher: '{bcrypt(password)}'}}\n")

    def until(self, holds):
        deadline = time.monotonic() + 10
        while not holds():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def status(self, password=None, path="/metrics"):
        """The status of a GET; 0 when there is no HTTP reply."""
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}")
        if password is not None:
            token = base64.b64encode(f"watcher:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=5) as reply:
                return reply.status
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return refusal.code
        except OSError:
            return 0

    def test_who_has_no_password_gets_nothing(self):
        for path in ("/metrics", "/", "/api/v1/targets", "/-/healthy"):
            self.assertEqual(self.status(path=path), 401, path)
        self.assertEqual(self.status("wrong"), 401)
        self.assertEqual(self.status("first-password"), 200)

    def stream(self, password=None):
        """The live page's connection, and the first line of its answer."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        stream = self.context.wrap_socket(plain, server_hostname="localhost")
        self.addCleanup(stream.close)
        token = base64.b64encode(f"watcher:{password}".encode()).decode()
        stream.sendall(f"GET /events?since=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {token}\r\n\r\n".encode())
        reader = stream.makefile("rb")
        self.addCleanup(reader.close)
        return reader, reader.readline()

    def sections(self, reader, wanted):
        """Reads the stream until all of these have come; what it says they are."""
        seen = set()
        while not wanted <= seen:
            line = reader.readline()
            self.assertTrue(line, f"the stream has ended after {seen}")
            if line.startswith(b"data: part-"):
                seen.add(line[6:].strip().decode())
        return seen

    def test_a_live_page_gets_its_events_through_tls_until_the_password_changes(self):
        _, refused = self.stream("wrong")
        self.assertTrue(refused.startswith(b"HTTP/1.1 401 "), refused)
        reader, answer = self.stream("first-password")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        head = b"".join(iter(reader.readline, b"\r\n"))
        self.assertIn(b"text/event-stream", head)
        self.sections(reader, {"part-wrong", "part-targets", "part-timeline"})
        # What changes later comes later, through the same connection: that the configuration was read again.
        with open(self.path("web.yml"), "a") as out:
            out.write("nonsense: 1\n")
        self.daemon.send_signal(signal.SIGHUP)
        self.sections(reader, {"part-timeline"})
        self.write_web("second-password")
        self.daemon.send_signal(signal.SIGHUP)
        while reader.readline():
            pass  # it ends: who looks has to say again who he is
        _, refused = self.stream("first-password")
        self.assertTrue(refused.startswith(b"HTTP/1.1 401 "), refused)

    def test_plain_http_on_the_tls_port_gets_nothing(self):
        with self.assertRaises(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5).close()
        self.assertEqual(self.status("first-password"), 200)

    def test_a_reload_takes_the_new_password_and_a_bad_file_changes_nothing(self):
        with open(self.path("web.yml"), "a") as out:
            out.write("nonsense: 1\n")
        self.daemon.send_signal(signal.SIGHUP)
        self.until(lambda: "nonsense" in self.logged())
        self.assertEqual(self.status("first-password"), 200)

        self.write_web("second-password")
        self.daemon.send_signal(signal.SIGHUP)
        self.until(lambda: self.status("second-password") == 200)
        self.assertEqual(self.status("first-password"), 401)
        self.assertNotIn("password", self.logged())
        self.assertNotIn("$2b$", self.logged())

    def logged(self):
        with open(self.path("log")) as log:
            return log.read()


if __name__ == "__main__":
    unittest.main(verbosity=2)
