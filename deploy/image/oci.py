"""An image in the format of the Open Container Initiative (image-spec 1.0), as one archive, with the same bytes for the same contents."""
import datetime
import gzip
import hashlib
import io
import json

import tree

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def when(time):
    return datetime.datetime.fromtimestamp(time, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Image:
    def __init__(self, architecture, time):
        self._blobs = {}
        self._layers, self._contents, self._history = [], [], []
        self._architecture, self._time = architecture, time

    def add_layer(self, entries, made_by):
        """`made_by` is what `history` of an image shows of it."""
        raw = tree.archive(entries)
        # The header without a time and without a file name.
        out = io.BytesIO()
        with gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0, compresslevel=6) as compressed:
            compressed.write(raw)
        self._layers.append(self._blob(LAYER, out.getvalue()))
        self._contents.append("sha256:" + hashlib.sha256(raw).hexdigest())
        self._history.append({"created": when(self._time), "created_by": made_by})

    def archive(self, run, labels, name):
        """The bytes of the archive and the manifest's digest. `run` is the image's `config`, `name` what it is found by in the archive."""
        config = {"created": when(self._time), "architecture": self._architecture, "os": "linux", "config": {**run, "Labels": labels},
                  "rootfs": {"type": "layers", "diff_ids": self._contents}, "history": self._history}
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": self._blob(CONFIG, _json(config)), "layers": self._layers,
                    "annotations": labels}
        described = self._blob(MANIFEST, _json(manifest))
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
            {**described, "platform": {"architecture": self._architecture, "os": "linux"},
             "annotations": {"org.opencontainers.image.ref.name": name}}]}
        files = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": _json(index), **self._blobs}
        entries = {path: tree.file(data, self._time) for path, data in files.items()}
        return tree.archive(tree.with_folders(entries, self._time)), described["digest"]

    def _blob(self, kind, data):
        digest = hashlib.sha256(data).hexdigest()
        self._blobs["blobs/sha256/" + digest] = data
        return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data)}


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
