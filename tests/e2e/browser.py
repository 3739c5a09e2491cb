"""A headless Chromium, spoken to over pipes (the DevTools protocol), for tests that look at the status page."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import zlib

PROGRAMS = ("chromium-headless-shell", "chromium")
PATIENCE = 20


def program():
    """The browser's path; nothing where none is installed."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


def shrink(path):
    """Packs a PNG as tightly as zlib can; its pixels stay what they are."""
    with open(path, "rb") as file:
        data = file.read()
    chunks, at = [], 8
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        chunks.append((data[at + 4:at + 8], data[at + 8:at + 8 + size]))
        at += size + 12
    pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    best = min((packed(pixels, strategy) for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED)), key=len)
    kept = [(kind, body) for kind, body in chunks if kind in (b"IHDR", b"PLTE")] + [(b"IDAT", best), (b"IEND", b"")]
    with open(path, "wb") as file:
        file.write(data[:8])
        for kind, body in kept:
            file.write(len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big"))


def packed(pixels, strategy):
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
    return packer.compress(pixels) + packer.flush()


class Browser:
    """One browser with one page. Everything that the page complains about is in `complaints`."""

    def __init__(self, width=1280, height=900, dark=False, script=True):
        self.profile = tempfile.mkdtemp(prefix="qw-browser-")
        read_end, browser_writes = os.pipe()
        browser_reads, write_end = os.pipe()
        # Root has no sandbox to give; nothing but our own page is loaded.
        options = ["--no-sandbox", "--headless", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars",
                   "--no-first-run", "--disable-dev-shm-usage", f"--user-data-dir={self.profile}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{browser_reads} 4>&{browser_writes}', program(), *options],
            pass_fds=(browser_reads, browser_writes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(browser_reads)
        os.close(browser_writes)
        self.input, self.output = read_end, write_end
        self.rest, self.number, self.session = b"", 0, None
        self.complaints, self.events = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1 if width > 600 else 2, mobile=width <= 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        if not script:
            self.call("Emulation.setScriptExecutionDisabled", value=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.kill()
        self.process.wait()
        for descriptor in (self.input, self.output):
            os.close(descriptor)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            reply = self.receive(deadline)
            if reply is None:
                raise TimeoutError(f"{method}: no answer from the browser")
            if reply.get("id") == message["id"]:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']}")
                return reply["result"]

    def receive(self, deadline):
        """The next message, or nothing by then; what the page complains about is noted."""
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.input], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                return None
            more = os.read(self.input, 1 << 16)
            if not more:
                raise RuntimeError("the browser has gone")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(text)
        self.note(message)
        return message

    def note(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Log.entryAdded":
            entry = parameters["entry"]
            if entry["level"] in ("error", "warning"):
                self.complaints.append(f"{entry['source']}: {entry['text']}")
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"])[:500])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(parameters["args"])[:500])
        if method:
            self.events.append(method)

    def open(self, url):
        self.events.clear()
        result = self.call("Page.navigate", url=url)
        if result.get("errorText"):
            raise RuntimeError(f"{url}: {result['errorText']}")
        deadline = time.monotonic() + PATIENCE
        while "Page.loadEventFired" not in self.events:
            if self.receive(deadline) is None:
                raise TimeoutError(f"{url}: not loaded")

    def run(self, expression):
        """The value of a script expression in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:500])
        return result["result"].get("value")

    def text(self, selector="body"):
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def wait_for(self, expression, patience=PATIENCE):
        """The first value of the expression that is true, looked at ten times a second."""
        deadline = time.monotonic() + patience
        while True:
            value = self.run(expression)
            if value or time.monotonic() > deadline:
                return value
            time.sleep(0.1)

    def screenshot(self, path, whole=False, down_to=None):
        """What is seen without scrolling, the whole page, or, somewhat smaller, all down to the end of one element."""
        options = {"format": "png"}
        if down_to:
            bottom = self.run(f"document.querySelector({json.dumps(down_to)}).getBoundingClientRect().bottom + scrollY")
            width = self.run("document.documentElement.clientWidth")
            options |= {"captureBeyondViewport": True,
                        "clip": {"x": 0, "y": 0, "width": width, "height": bottom + 8, "scale": 0.75}}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            options |= {"captureBeyondViewport": True,
                        "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}}
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", **options)["data"]))
