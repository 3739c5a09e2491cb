"""Renders of the chart and of the Kustomize overlays, as lists of objects."""
import copy
import functools
import os
import re
import subprocess

import yaml

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", ".."))
CHART = os.path.join(ROOT, "deploy/helm/quorumwatch")
OVERLAYS = {"base": "deploy/kubernetes/base", "operator": "deploy/kubernetes/overlays/operator", "node": "deploy/kubernetes/overlays/node"}
# Files of values; the default render has none.
VALUES = ("default", "minimal", "full", "host")
RELEASE, NAMESPACE = "quorumwatch", "watch"
SHIPPED_RULES = os.path.join(ROOT, "dashboards/alerts")
SHIPPED_DASHBOARDS = os.path.join(ROOT, "dashboards/grafana")
RUNBOOKS = "http://quorumwatch:10979/runbooks"
# The newest whose schemas tests/deploy/schemas brings; a helm from `go install` believes in 1.20.
KUBERNETES = "1.37.0"


@functools.cache
def tool(name):
    """The path of helm, kustomize or kubeconform; tests/deploy/tool has built it."""
    return subprocess.run([os.path.join(ROOT, "tests/deploy/tool"), name], check=True, capture_output=True, text=True).stdout.strip()


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)


def shipped(folder, ending):
    return sorted(name for name in os.listdir(folder) if name.endswith(ending))


def values_file(values):
    return [] if values == "default" else ["--values", os.path.join(ROOT, f"tests/deploy/values/{values}.yaml")]


def helm(values, *more, chart=CHART, namespace=NAMESPACE):
    return run([tool("helm"), "template", RELEASE, chart, "--namespace", namespace, "--kube-version", KUBERNETES,
                *values_file(values), *more])


def objects(text):
    return [document for document in yaml.safe_load_all(text) if document]


def ordered(documents):
    return sorted(documents, key=lambda one: (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]))


@functools.cache
def _rendered(source, name):
    if source == "helm":
        done = helm(name)
    else:
        done = run([tool("kustomize"), "build", os.path.join(ROOT, OVERLAYS[name])])
    if done.returncode != 0:
        raise AssertionError(f"{source} {name}: {done.stderr}")
    return done.stdout


def text_of(source, name):
    return _rendered(source, name)


def render(source, name):
    """The objects of one render, in the order of their kinds and names."""
    return ordered(objects(_rendered(source, name)))


def renders():
    """Every render that there is: (source, name)."""
    return [("helm", name) for name in VALUES] + [("kustomize", name) for name in OVERLAYS]


def of_kind(documents, kind):
    return [one for one in documents if one["kind"] == kind]


def daemon_set(documents):
    (found,) = of_kind(documents, "DaemonSet")
    return found


def pod_spec(documents):
    return daemon_set(documents)["spec"]["template"]["spec"]


def container(documents):
    (found,) = pod_spec(documents)["containers"]
    return found


def volume_text(documents, volume):
    """The files of a volume that is one of the rendered ConfigMaps; None where it is another."""
    name = volume.get("configMap", {}).get("name")
    found = [one for one in of_kind(documents, "ConfigMap") if one["metadata"]["name"] == name]
    return found[0]["data"] if found else None


def configuration(documents):
    """The text of quorumwatch.yml that the DaemonSet's Pods read."""
    (volume,) = [one for one in pod_spec(documents)["volumes"] if one["name"] == "config"]
    return volume_text(documents, volume)["quorumwatch.yml"]


class _Readable(yaml.SafeDumper):
    """Texts of several lines as such, so that a difference can be read."""


_Readable.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None))


def normalised(documents):
    """A copy without what follows from the shipped rules and dashboards alone, so that the golden files need not follow them: other tests
    compare that with the shipped files themselves."""
    out = []
    for one in copy.deepcopy(documents):
        name = one["metadata"]["name"]
        if one["kind"] == "ConfigMap" and "-dashboard-" in name:
            continue
        if one["kind"] == "PrometheusRule":
            if not name.endswith("-leadership"):
                continue
            one["spec"] = "<dashboards/alerts/leadership.rules.yml>"
        if one["kind"] == "ConfigMap" and any(key.endswith(".rules.yml") for key in one["data"]):
            one["data"] = "<dashboards/alerts/*.rules.yml>"
        out.append(one)
    text = yaml.dump_all(out, Dumper=_Readable, sort_keys=True, width=150)
    # The hashes of Kustomize's names, and of Helm's annotation.
    text = re.sub(r"\b(quorumwatch(?:-rules)?)-[a-z0-9]{10}$", r"\1-HASH", text, flags=re.MULTILINE)
    return re.sub(r"(checksum/rules:) [0-9a-f]{64}$", r"\1 HASH", text, flags=re.MULTILINE)
