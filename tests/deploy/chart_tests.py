"""The chart itself: its lint, its version, its package, and the values that it refuses."""
import json
import os
import subprocess
import tempfile
import unittest

import yaml

import rendering as r

with open(os.path.join(r.CHART, "values.schema.json"), encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)
# What others check: the program itself, Kubernetes, a chart around this one.
FREE = {".config", ".config.rules", ".config.reflector", ".config.placement", ".config.targets[]", ".global", ".mesh.target",
        ".podMonitor.endpoint", ".extraVolumes[]", ".extraManifests[]", ".env[].valueFrom", ".affinity.nodeAffinity", ".affinity.podAffinity",
        ".affinity.podAntiAffinity", ".networkPolicy.httpFrom[].podSelector", ".networkPolicy.httpFrom[].namespaceSelector",
        ".networkPolicy.httpFrom[].ipBlock"}


class Chart(unittest.TestCase):
    def test_lint(self):
        for values in r.VALUES:
            done = r.run([r.tool("helm"), "lint", "--strict", "--kube-version", r.KUBERNETES, r.CHART, *r.values_file(values)])
            self.assertEqual(0, done.returncode, f"{values}: {done.stdout}{done.stderr}")

    def test_is_the_programs_version(self):
        with open(os.path.join(r.ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
            version = file.read().split("project(quorumwatch VERSION ")[1].split()[0]
        with open(os.path.join(r.CHART, "Chart.yaml"), encoding="utf-8") as file:
            chart = yaml.safe_load(file)
        self.assertEqual((version, version), (chart["version"], chart["appVersion"]))
        self.assertEqual(f"quorumwatch:{version}", r.container(r.render("kustomize", "base"))["image"])

    def test_package_is_the_folder(self):
        """Helm follows the links into dashboards/, and leaves out what is not rendered. A release is stored in one Secret."""
        with tempfile.TemporaryDirectory() as folder:
            done = r.run([r.tool("helm"), "package", r.CHART, "--destination", folder])
            self.assertEqual(0, done.returncode, done.stderr)
            (name,) = os.listdir(folder)
            package = os.path.join(folder, name)
            self.assertLess(os.path.getsize(package), 500_000)
            listed = subprocess.run(["tar", "tzf", package], check=True, capture_output=True, text=True).stdout.split()
            files = [one.removeprefix("quorumwatch/files/") for one in listed if one.startswith("quorumwatch/files/")]
            expected = ["dashboards/" + one for one in r.shipped(r.SHIPPED_DASHBOARDS, ".json")]
            expected += ["rules/" + one for one in r.shipped(r.SHIPPED_RULES, ".rules.yml")]
            self.assertEqual(sorted(expected), sorted(files))
            rendered = r.helm("full", chart=package)
            self.assertEqual(r.text_of("helm", "full"), rendered.stdout, rendered.stderr)

    def test_a_typo_is_refused(self):
        for wrong, named in (("tolerationz[0].operator=Exists", "tolerationz"), ("image.repo=x", "repo"), ("mesh.prot=10862", "prot"),
                             ("rules.enable=false", "enable"), ("podMonitor.intervall=5s", "intervall"), ("secret[0]=x", "secret"),
                             ("networkPolicy.httpfrom[0].podSelector.matchLabels.a=b", "httpfrom"), ("resources.limit.memory=1Gi", "limit"),
                             ("livenessProbe.period=5", "period"), ("tolerations[0].operater=Exists", "operater"),
                             ("serviceAccount.automount=true", "automount"), ("dashboards.namespaces=x", "namespaces"),
                             ("port=80", "port"), ("mesh.port=862", "port"), ("runAsUser=0", "runAsUser"), ("hostNetwork=yes", "hostNetwork"),
                             ("podMonitor.interval=15", "interval"), ("web.scheme=https", "scheme"), ("log.level=warning", "level"),
                             ("state.hostPath=var/lib", "hostPath"), ("config.targets[0].system=etcd", "name")):
            with self.subTest(wrong):
                done = r.helm("default", "--set", wrong)
                self.assertNotEqual(0, done.returncode, f"{wrong} was taken")
                self.assertIn("don't meet the specifications of the schema", done.stderr)
                self.assertIn(named, done.stderr)

    def test_the_schema_knows_every_value_and_no_other(self):
        with open(os.path.join(r.CHART, "values.yaml"), encoding="utf-8") as file:
            values = yaml.safe_load(file)
        self.assertEqual(FREE, set(self.open_objects(SCHEMA, "")))
        self.compare_keys(SCHEMA, values, "")

    def open_objects(self, schema, path):
        if "$ref" in schema:
            schema = SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[-1]]
        if "object" in schema.get("type", []) and "additionalProperties" not in schema:
            yield path
        for name, one in schema.get("properties", {}).items():
            yield from self.open_objects(one, f"{path}.{name}")
        if "items" in schema:
            yield from self.open_objects(schema["items"], path + "[]")

    def compare_keys(self, schema, values, path):
        if "$ref" in schema:
            schema = SCHEMA["definitions"][schema["$ref"].rsplit("/", 1)[-1]]
        if schema.get("additionalProperties") is not False or not isinstance(values, dict):
            return
        known = set(schema["properties"]) - {"global", "initialDelaySeconds"}
        if path != ".affinity":
            self.assertEqual(known, set(values) - {"initialDelaySeconds"}, f"values.yaml and its schema differ at '{path}'")
        for name, one in values.items():
            self.compare_keys(schema["properties"][name], one, f"{path}.{name}")
