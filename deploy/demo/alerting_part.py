"""Alertmanager in the demo: the daemon and Prometheus both load the shipped rules and both send to it; a receiver prints each page."""
import os

import demo

PARTS = """\
alertmanager                            takes alerts from the daemon and from Prometheus and tells them as one
pages                                   what Alertmanager notifies; each page is printed where the demo runs"""

PORT, PAGES_PORT = 9093, 9095
# What Prometheus calls the daemon that it scrapes.
INSTANCE = "quorumwatch"
RULES = os.path.join(demo.ROOT, "dashboards", "alerts", "*.rules.yml")


def start():
    """Before the daemon and Prometheus, which are told where it is."""
    demo.lab("run", "pages", "--", os.path.join(demo.ROOT, "deploy", "demo", "receiver"), str(PAGES_PORT))
    pages = demo.lab("show")["nodes"]["pages"]["address"]
    path = os.path.join(demo.FOLDER, "alertmanager.yml")
    # One page an alert and at once: this is to watch, not to be woken by.
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""\
route:
  receiver: pages
  group_by: ["..."]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
  routes: [{{receiver: nobody, matchers: ['severity="none"']}}]
receivers:
  - {{name: nobody}}
  - name: pages
    webhook_configs: [{{url: "http://{pages}:{PAGES_PORT}/", send_resolved: true}}]
""")
    demo.lab("run", "alertmanager", "--", "prometheus-alertmanager", f"--config.file={path}",
             f"--storage.path={demo.FOLDER}/alertmanager", "--cluster.listen-address=", "--log.level=warn",
             f"--web.listen-address=0.0.0.0:{PORT}")


def address(shown):
    return f"{shown['nodes']['alertmanager']['address']}:{PORT}"


def daemon_config(shown):
    """Both must give an alert the same labels, or it would page twice."""
    return f"""\
rules:
  files: ["{RULES}"]
  interval: 1s
  scrape_labels: {{job: quorumwatch, instance: {INSTANCE}}}
alertmanagers: [{{url: "http://{address(shown)}"}}]
"""


def prometheus_config(shown):
    return f"""\
rule_files: ["{RULES}"]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{address(shown)}"]}}]}}]}}
"""


class Pages:
    """The pages since it was made, a line each."""

    def __init__(self, shown):
        self.log = shown["nodes"]["pages"]["log"]
        self.read = 0

    def new(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            file.seek(self.read)
            text = file.read()
        end = text.rfind("\n") + 1
        self.read += len(text[:end].encode())
        return text[:end].splitlines()
