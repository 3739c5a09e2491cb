"""The image's bill of materials (CycloneDX 1.5): the packages that its files are from, and those whose headers are compiled into the
program, which is what the package's own bill (deploy/debian/sbom) knows."""
import json
import os
import subprocess
import urllib.parse
import uuid

import oci

SBOM = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../debian/sbom")


def compiled_in(program, version, time):
    """Components; none where the program does not lie in the folder that it was built in."""
    build = os.path.dirname(os.path.realpath(program))
    if not os.path.exists(os.path.join(build, "build.ninja")):
        return []
    text = subprocess.run([SBOM, "--version", version, "--time", str(time), build], capture_output=True, text=True, check=True).stdout
    return [one for one in json.loads(text)["components"] if {"name": "quorumwatch:compiled_in", "value": "true"} in one["properties"]]


def component(package, release):
    version = urllib.parse.quote(package.version, safe="~")
    purl = f"pkg:deb/debian/{package.name}@{version}?arch={package.architecture}&distro={release}"
    return {"type": "library", "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl,
            "hashes": [{"alg": "SHA-256", "content": package.digest}], "properties": [{"name": "debian:source", "value": package.source}]}


def document(packages, headers, version, digest, architecture, release, time):
    components = {one["bom-ref"]: one for one in [*headers, *(component(package, release) for package in packages)]}
    purl = f"pkg:oci/quorumwatch@{urllib.parse.quote(digest, safe='')}?arch={architecture}&tag={version}"
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL, purl)),
        "metadata": {"timestamp": oci.when(time),
                     "component": {"type": "container", "bom-ref": purl, "name": "quorumwatch", "version": version, "purl": purl,
                                   "licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": [components[ref] for ref in sorted(components)],
        "dependencies": [{"ref": purl, "dependsOn": sorted(components)}],
    }


def text(bill):
    return (json.dumps(bill, indent=1) + "\n").encode()
