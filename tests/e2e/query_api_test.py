#!/usr/bin/env python3
"""The daemon as a data source of Grafana: what it answers beside a real Prometheus that scrapes it, for the same requests.

    QW_BUILD_DIR=build/release tests/e2e/query_api_test.py
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

DAEMON = os.path.join(os.environ.get("QW_BUILD_DIR", "build/release"), "quorumwatch")
SKIPPED = 77
# One target that nobody answers: its probe_success is 0 for ever, on both sides.
CONFIG = r"""
defaults: {{interval: 1s, timeout: 500ms}}
targets:
  - {{system: redis, name: nobody, members: ["127.0.0.1:{dead}"]}}
"""
PROMETHEUS = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: quorumwatch
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
    metric_relabel_configs: [{{action: labeldrop, regex: job|instance}}]
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ask(port, path, parameters=(), post=False):
    """(status, JSON)"""
    form = urllib.parse.urlencode(parameters)
    url = f"http://127.0.0.1:{port}/api/v1/{path}"
    request = urllib.request.Request(url, data=form.encode()) if post else urllib.request.Request(f"{url}?{form}")
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def shape(value):
    """The keys and types of an answer without what it says."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        shapes = [shape(each) for each in value[:2]]
        # How many points a series has by now says nothing.
        return shapes[:1] if shapes == shapes[:1] * 2 else shapes
    return "number" if isinstance(value, (int, float)) else type(value).__name__


class QueryApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="quorumwatch-api-")
        cls.processes = []
        cls.ours, cls.theirs = free_port(), free_port()
        daemon = cls.write("quorumwatch.yml", CONFIG.format(dead=free_port()))
        prometheus = cls.write("prometheus.yml", PROMETHEUS.format(port=cls.ours))
        cls.start(DAEMON, "run", f"--config.file={daemon}", f"--web.listen-address=127.0.0.1:{cls.ours}")
        cls.start("prometheus", f"--config.file={prometheus}", f"--storage.tsdb.path={cls.folder}/data",
                  f"--web.listen-address=127.0.0.1:{cls.theirs}", "--log.level=error")
        deadline = time.monotonic() + 30
        while not all(cls.has_data(port) for port in (cls.ours, cls.theirs)):
            if time.monotonic() > deadline or any(each.poll() is not None for each in cls.processes):
                cls.tearDownClass()
                raise AssertionError("the daemon or Prometheus has no data")
            time.sleep(0.02)

    @classmethod
    def tearDownClass(cls):
        for process in cls.processes:
            process.terminate()
            process.wait(timeout=20)
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def write(cls, name, text):
        path = os.path.join(cls.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    @classmethod
    def start(cls, *command):
        cls.processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    @classmethod
    def has_data(cls, port):
        try:
            return bool(ask(port, "query", {"query": METRIC})[1]["data"]["result"])
        except (OSError, KeyError):
            return False

    def both(self, path, parameters=(), post=False):
        return ask(self.ours, path, parameters, post), ask(self.theirs, path, parameters, post)

    def test_every_type_of_answer_has_the_same_shape(self):
        now = time.time()
        span = {"start": now - 1, "end": now, "step": 1}
        for path, parameters in (("query", {"query": METRIC}), ("query", {"query": f"{METRIC}[1m]"}), ("query", {"query": "1e-7"}),
                                 ("query", {"query": "'a\"b'"}), ("query", {"query": "no_such_metric"}),
                                 ("query", {"query": f"sum({METRIC})"}), ("query_range", {"query": "vector(1)", **span}),
                                 ("query_range", {"query": "1", **span})):
            for post in (False, True):
                with self.subTest(path=path, query=parameters["query"], post=post):
                    (our_status, ours), (their_status, theirs) = self.both(path, parameters, post)
                    self.assertEqual(our_status, their_status)
                    self.assertEqual(shape(ours), shape(theirs))

    def test_the_same_data_gives_the_same_answer(self):
        for query in (f"{METRIC} * 0 + 1", f"count by (system) ({METRIC})", "vector(1.5)", f"label_replace({METRIC}*0, 'x', '$1', 'target', '(.*)')",
                      "1/0", "0/0", "1e21", "-0.0000001", "vector(1e21)", "vector(123456789.5)", "vector(-0.0000001)", "'x'"):
            with self.subTest(query=query):
                ours, theirs = self.both("query", {"query": query, "time": time.time()})
                self.assertEqual(ours, theirs)
        for query in ("vector(time())", "1"):
            now = int(time.time())
            ours, theirs = self.both("query_range", {"query": query, "start": now, "end": now + 0.5, "step": "500ms"})
            self.assertEqual(ours, theirs, query)

    def test_labels_series_and_metadata_agree(self):
        chosen = {"match[]": METRIC}
        for path, parameters in (("labels", chosen), ("label/target/values", chosen), ("series", chosen), ("metadata", {"metric": METRIC}),
                                 ("label/none/values", ())):
            with self.subTest(path=path):
                ours, theirs = self.both(path, parameters)
                self.assertEqual(ours, theirs)
        ours, theirs = self.both("label/__name__/values")
        self.assertLessEqual(set(ours[1]["data"]), set(theirs[1]["data"]))
        ours, theirs = self.both("status/buildinfo")
        self.assertLessEqual(set(theirs[1]["data"]), set(ours[1]["data"]))

    def test_what_is_refused_is_refused_in_the_same_words(self):
        span = {"start": 0, "end": 11001, "step": 1}
        for path, parameters in (("query", {"query": "up +"}), ("query", {"query": "rate(up)"}), ("query", {"query": "up{"}), ("query", {}),
                                 ("query", {"query": "1", "time": "x"}), ("query", {"query": "1", "timeout": "x"}),
                                 ("query_range", {"query": "1", **span}), ("query_range", {"query": "1", **span, "step": 0}),
                                 ("query_range", {"query": "1", **span, "end": -1}), ("query_range", {"query": "up[5m]", **span, "step": 60}),
                                 ("query_range", {"query": "1", **span, "step": "x"}), ("series", {}), ("query", {"query": "{a=''}"})):
            with self.subTest(path=path, parameters=parameters):
                (our_status, ours), (their_status, theirs) = self.both(path, parameters)
                self.assertEqual((our_status, ours["errorType"]), (their_status, theirs["errorType"]))
                # We say it in the words of Prometheus 3, which differ from those of 2.42 in a capital and a prefix.
                self.assertTrue(ours["error"].lower().endswith(theirs["error"].lower()), (ours, theirs))


METRIC = "quorumwatch_probe_success"

if __name__ == "__main__":
    if not shutil.which("prometheus"):
        print("prometheus is not installed")
        sys.exit(1 if os.environ.get("CI") else SKIPPED)
    unittest.main()
