#!/usr/bin/python3
"""The status page in a real browser, of a daemon that watches real servers: what it shows is what the API says, changes arrive
without a reload, a fault stands at the top of a phone, and the browser has nothing to complain about.

    QW_BUILD_DIR=build/release tests/e2e/status_page_test.py
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import browser  # noqa: E402  (the path has to be set first)
from labs import lab  # noqa: E402

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
BUILD = os.environ.get("QW_BUILD_DIR") or os.path.join(ROOT, "build", "release")
SKIPPED = 77
HOSTILE = "<img src=x onerror=alert(1)>"
STREAMS, MEASURED_SECONDS, LOOP_MS_PER_SECOND = 200, 10, 2.0
MEASURED_TIMES = 3  # at most: what disturbs one of them need not disturb all
RULES = """
groups:
  - name: test
    rules:
      - alert: NobodyAnswers
        expr: quorumwatch_probe_success{system="redis"} == 0
        labels: {severity: warning, markup: "<b>bold</b>"}
        annotations:
          summary: A target does not answer.
          description: "{{ $labels.system }} {{ $labels.target }} does not answer."
          runbook_url: https://example.org/runbooks/NobodyAnswers.md
"""


def main():
    missing = "needs root, for network namespaces" if os.geteuid() != 0 else None if browser.program() else "no Chromium is installed"
    if missing:
        print(f"NOT TESTED: {missing}")
        return 1 if os.environ.get("CI") else SKIPPED
    folder = tempfile.mkdtemp(prefix="qw-status-")
    lab_folder = os.path.join(folder, "lab")
    daemon = None
    try:
        lab(lab_folder, "--temporary", "up", "etcd", "--members", "3", "--pre-vote")
        shown = lab(lab_folder, "show")
        daemon, url = start_daemon(folder, shown)
        until(lambda: daemon.poll() is not None or answers(url + "/-/ready"), 20, "the daemon to be ready")
        assert daemon.poll() is None, "the daemon has ended"
        until(lambda: len(get(url + "/api/v1/targets")["targets"]) == 3, 20, "the first rounds")
        until(lambda: get(url + "/api/v1/alerts")["data"]["alerts"], 20, "an alert")
        shows_what_the_api_says(url)
        has_a_page_for_each_target(url)
        works_without_script(url)
        a_fault_is_seen_on_a_phone(url, lab_folder, shown)
        many_who_look_cost_little(url, daemon.pid)
        ends_with_open_pages(url, daemon)
    finally:
        if daemon and daemon.poll() is None:
            daemon.kill()
        if daemon and daemon.wait() != 0:
            with open(os.path.join(folder, "log"), encoding="utf-8") as log:
                print(log.read())
        lab(lab_folder, "down", "--remove")
        shutil.rmtree(folder, ignore_errors=True)
    print("the status page works")
    return 0


def start_daemon(folder, shown):
    members = ", ".join(f"{node['address']}:{node['port']}" for node in shown["nodes"].values() if node["system"] == "etcd")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = listener.getsockname()[1]
    os.mkdir(os.path.join(folder, "state"))
    write(os.path.join(folder, "test.rules.yml"), RULES)
    write(os.path.join(folder, "quorumwatch.yml"), f"""\
defaults: {{interval: 1s, timeout: 900ms}}
targets:
  - {{system: etcd, name: control-plane, members: [{members}]}}
  - {{system: redis, name: sessions, members: ["127.0.0.1:{dead}"]}}
  - {{system: redis, name: hostile, members: ["127.0.0.1:{hostile_server()}"]}}
rules: {{files: [test.rules.yml], interval: 1s}}
""")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    log = open(os.path.join(folder, "log"), "w", encoding="utf-8")
    with log:
        process = subprocess.Popen(
            [os.path.join(BUILD, "quorumwatch"), "run", f"--config.file={folder}/quorumwatch.yml",
             f"--web.listen-address=127.0.0.1:{port}", f"--storage.path={folder}/state"], stdout=log, stderr=log)
    return process, f"http://127.0.0.1:{port}"


def hostile_server():
    """The port of a server whose errors are markup."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            client, _ = listener.accept()
            with client:
                try:
                    client.settimeout(1)
                    while asked := client.recv(65536):
                        client.sendall(f"-ERR {HOSTILE}\r\n".encode() * len(re.findall(rb"(?:^|\n)\*\d+\r", asked)))
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} s")


def no_complaints(page):
    assert not page.complaints, page.complaints


def shows_what_the_api_says(url):
    with browser.Browser() as page:
        page.open(url + "/")
        targets = get(url + "/api/v1/targets")["targets"]
        listed = page.run("[...document.querySelectorAll('#targets .links a')].map((a) => a.innerText.trim())")
        assert sorted(name.split(" ", 1)[1] for name in listed) == sorted(target["target"] for target in targets), listed
        for target in targets:
            mark = "\u2715" if not target["success"] else "~" if target["facts"].get("unanswered") else "\u2713"
            assert f"{mark} {target['target']}" in listed, (mark, target["target"], listed)
        etcd = next(target for target in targets if target["system"] == "etcd")
        leaders = {claim["member"] for claim in etcd["facts"]["claims"] if claim["claim"] == "leader"}
        row = page.text("#leaders tbody tr")
        assert len(leaders) == 1 and leaders.pop() in row, row
        alerts = get(url + "/api/v1/alerts")["data"]["alerts"]
        rows = page.run("[...document.querySelectorAll('#alerts tbody tr')].map((row) => row.innerText)")
        assert len(rows) == len(alerts), (rows, alerts)
        for alert in alerts:
            assert any(alert["annotations"]["description"] in row and "<b>bold</b>" in row for row in rows), (alert, rows)
        assert page.run("document.querySelector('#alerts a[aria-label^=runbook]').href") == alerts[0]["annotations"]["runbook_url"]
        # What is hostile is text, and nothing of it is an element.
        assert HOSTILE in page.text("#targets"), page.text("#targets")
        assert page.run("document.images.length") == 0
        structure = page.run("""({main: document.querySelectorAll('main').length, lang: document.documentElement.lang,
            titled: [...document.querySelectorAll('section')].every((s) => document.getElementById(s.getAttribute('aria-labelledby'))),
            headers: [...document.querySelectorAll('thead th')].every((th) => th.scope === 'col'),
            unnamed: [...document.querySelectorAll('svg')].filter((svg) => !svg.getAttribute('aria-label')).length})""")
        assert structure == {"main": 1, "lang": "en", "titled": True, "headers": True, "unnamed": 0}, structure
        page.wait_for("document.getElementById('connection').textContent === 'live'")
        assert page.text("#connection") == "live"
        no_complaints(page)


def has_a_page_for_each_target(url):
    with browser.Browser() as page:
        page.open(url + "/")
        paths = page.run("[...document.querySelectorAll('#targets .links a')].map((a) => a.href)")
        for path in paths:
            page.open(path)
            assert page.text("h1") and page.text("#round"), path
        page.open(f"{url}/target/etcd/control-plane")
        shown = page.text("#samples")
        etcd = next(target for target in get(url + "/api/v1/targets")["targets"] if target["system"] == "etcd")
        assert 'quorumwatch_leaders{system="etcd",target="control-plane"}' in shown, shown[:2000]
        for claim in etcd["facts"]["claims"]:
            assert claim["member"] in page.text("#facts"), claim
        page.open(url + "/")
        journal = page.run("[...document.querySelectorAll('#timeline a')].map((a) => a.href).find((href) => href.includes('journal'))")
        told = get(journal)["data"]
        assert any(event["what"] == "started" for event in told["events"]) and not told["more"], told
        assert get(url + "/api/v1/journal?limit=1")["data"]["more"], "one of several is all"
        no_complaints(page)
    assert not answers(url + "/target/etcd/nobody"), "a page for a target that is none"


def works_without_script(url):
    with browser.Browser(script=False) as page:
        page.open(url + "/")
        # The browser itself can still be asked.
        document = page.call("DOM.getDocument", depth=-1, pierce=True)["root"]
        text = json.dumps(document)
        assert '"META"' in text and "refresh" in text, "no refresh for those without script"
        assert "Who leads" in text


def a_fault_is_seen_on_a_phone(url, lab_folder, shown):
    with browser.Browser(width=390, height=844) as page:
        page.open(url + "/")
        page.wait_for("document.getElementById('connection').textContent === 'live'")
        page.run("window.kept = document.getElementById('wrong-title')")
        page.run("document.querySelector('footer a').focus({preventScroll: true})")
        victim = next(name for name, node in shown["nodes"].items() if node["system"] == "etcd")
        member = f"{shown['nodes'][victim]['address']}:{shown['nodes'][victim]['port']}"
        lab(lab_folder, "kill", victim)
        began = time.monotonic()
        seen = f"""(() => {{
            const card = [...document.querySelectorAll('#wrong .card')].find((card) => card.innerText.includes('control-plane'));
            if (!card || !card.innerText.includes({json.dumps(member)})) return null;
            const box = card.getBoundingClientRect();
            return {{top: box.top, bottom: box.bottom, wide: document.documentElement.scrollWidth}};
        }})()"""
        box = page.wait_for(seen, 20)
        took = time.monotonic() - began
        assert box, "the fault is not shown:\n" + page.text("#wrong")
        print(f"the fault was shown after {took:.1f} s, from {box['top']:.0f} to {box['bottom']:.0f} of 844 pixels")
        assert 0 <= box["top"] and box["bottom"] <= 844, f"the fault is at {box}"
        assert box["wide"] <= 390, f"the page is {box['wide']} pixels wide"
        # Nothing was loaded again: the same elements are there, and the focus is where it was.
        assert page.run("window.kept === document.getElementById('wrong-title')"), "the page was loaded again"
        assert page.run("document.activeElement.closest('footer') !== null"), "the focus is lost"
        lab(lab_folder, "start", victim)
        gone = "![...document.querySelectorAll('#wrong .card')].some((card) => card.innerText.includes('control-plane'))"
        assert page.wait_for(gone, 30), "the healed fault is still shown:\n" + page.text("#wrong")
        assert page.wait_for("document.querySelector('#timeline').innerText.includes('over')", 20), page.text("#timeline")
        no_complaints(page)


def loop_seconds(pid):
    """CPU time of the loop, which is the first thread."""
    with open(f"/proc/{pid}/task/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def many_who_look_cost_little(url, pid):
    def spent():
        before = loop_seconds(pid)
        time.sleep(MEASURED_SECONDS)
        return (loop_seconds(pid) - before) / MEASURED_SECONDS * 1e3

    alone = spent()
    streams = [open_stream(url) for _ in range(STREAMS)]
    time.sleep(1)
    watched, received = float("inf"), 0
    for _ in range(MEASURED_TIMES):
        watched = min(watched, spent())
        received += sum(len(stream.recv(1 << 20, socket.MSG_DONTWAIT)) for stream in streams) // STREAMS
        if watched - alone < LOOP_MS_PER_SECOND:
            break
    for stream in streams:
        stream.close()
    print(f"the loop: {alone:.2f} ms each second alone, {watched:.2f} ms with {STREAMS} live pages; {received} bytes waited for each")
    assert received > 0, "nothing was sent"
    if "asan" not in BUILD and "tsan" not in BUILD:
        assert watched - alone < LOOP_MS_PER_SECOND, f"{watched - alone:.2f} ms each second"


def open_stream(url):
    address = urllib.parse.urlsplit(url)
    stream = socket.create_connection((address.hostname, address.port))
    stream.sendall(b"GET /events?since=0 HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        head += stream.recv(4096)
    assert head.startswith(b"HTTP/1.1 200 "), head
    return stream


def ends_with_open_pages(url, daemon):
    streams = [open_stream(url) for _ in range(20)]
    began = time.monotonic()
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(timeout=10) == 0
    took = time.monotonic() - began
    assert took < 3, f"the daemon took {took:.1f} s to stop with open pages"
    for stream in streams:
        stream.close()


sys.exit(main())
