"""What the checks of dashboards share: the dashboards, their queries, and the metrics that the daemon can export."""
import glob
import json
import os
import re
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
FOLDER = os.path.join(ROOT, "dashboards", "grafana")
RULES = os.path.join(ROOT, "dashboards", "alerts")
BUILD = os.path.abspath(os.environ.get("QW_BUILD_DIR", os.path.join(ROOT, "build", "release")))
PROGRAM = os.path.join(BUILD, "quorumwatch")
SKIPPED = 77


def load(folder=FOLDER):
    """Each dashboard by its file's name without the ending."""
    out = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path, encoding="utf-8") as file:
            out[os.path.basename(path)[:-len(".json")]] = json.load(file)
    return out


def panels(board):
    """All but rows, those in folded rows included."""
    for panel in board.get("panels", []):
        if panel.get("type") == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


class Query:
    """One expression of a dashboard, and where it stands."""

    def __init__(self, board, place, expression, legend="", instant=False):
        self.board, self.place, self.expression, self.legend, self.instant = board, place, expression, legend, instant

    def __str__(self):
        return f"{self.board}: {self.place}"

    def filled(self, values=None):
        """As Grafana sends it when all is chosen; `values`: what else stands for a variable."""
        known = {"__rate_interval": "1m", "__range": "15m", "__interval": "15s", **(values or {})}
        return re.sub(r"\$\{?(\w+)(:\w+)?\}?", lambda found: known.get(found[1], ".*"), self.expression)


def queries(name, board):
    """Those of panels, then of annotations, then of variables, as Grafana asks them."""
    for panel in panels(board):
        for target in panel.get("targets", []):
            yield Query(name, f"panel '{panel.get('title')}' {target.get('refId')}", target.get("expr", ""),
                        target.get("legendFormat", ""), target.get("instant", False))
    for annotation in board.get("annotations", {}).get("list", []):
        if "expr" in annotation:
            yield Query(name, f"annotation '{annotation['name']}'", annotation["expr"], annotation.get("titleFormat", ""))
    for variable in board.get("templating", {}).get("list", []):
        if variable.get("type") == "query":
            family, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]).groups()
            yield Query(name, f"variable '{variable['name']}'", f"count by ({label}) ({family})", instant=True)


class Metric:
    def __init__(self, kind, labels):
        self.kind, self.labels = kind, labels


# What Prometheus itself adds to every series.
SCRAPED = {"job", "instance"}
ALERTS = {"alertname", "alertstate", "severity", "system", "target", "member", "consumer_group", "topic"}


def metrics():
    """Every series that the daemon can export, by name, with its labels."""
    text = subprocess.run([PROGRAM, "metrics"], capture_output=True, text=True, check=True).stdout
    out = {"ALERTS": Metric("gauge", ALERTS | SCRAPED)}
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:]
        found = re.match(r"\| `(\w+)` \| (\w+) \| (.*?) \|", line)
        if not found:
            continue
        name, kind, labels = found[1], found[2], set(re.findall(r"`(\w+)`", found[3])) | SCRAPED
        if section != "The daemon itself":
            labels |= {"system", "target"}
        if kind != "histogram":
            out[name] = Metric(kind, labels)
            continue
        out[name + "_bucket"] = Metric("counter", labels | {"le"})
        out[name + "_sum"] = out[name + "_count"] = Metric("counter", labels - {"le"})
    return out


def rules():
    """Every shipped alert."""
    out = set()
    for path in glob.glob(os.path.join(RULES, "*.rules.yml")):
        with open(path, encoding="utf-8") as file:
            out |= set(re.findall(r"- alert: (\w+)", file.read()))
    return out
