"""Which labs this machine has: one file a lab in /run, so that a lab whose keeper was killed can still be removed."""
import json
import os
import random

from . import network
from .errors import LabError

_FOLDER = "/run/quorumwatch-lab"


def new_id():
    """A name that no other lab has: it makes the names of interfaces, which may have 15 bytes."""
    os.makedirs(_FOLDER, mode=0o700, exist_ok=True)
    for _ in range(100):
        lab_id = "".join(random.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(4))
        try:
            os.close(os.open(_path(lab_id), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            return lab_id
        except FileExistsError:
            continue
    raise LabError("no free lab name")


def socket_path(lab_id):
    return os.path.join(_FOLDER, lab_id + ".sock")


def note(lab_id, keeper_pid, folder):
    with open(_path(lab_id), "w", encoding="utf-8") as file:
        json.dump({"keeper": keeper_pid, "started": _start_time(keeper_pid), "dir": folder}, file)


def forget(lab_id):
    for path in (_path(lab_id), socket_path(lab_id)):
        try:
            os.remove(path)
        except FileNotFoundError:
            pass


def labs():
    """Every lab: (id, directory, whether its keeper lives)."""
    found = []
    for entry in sorted(os.listdir(_FOLDER)) if os.path.isdir(_FOLDER) else []:
        if not entry.endswith(".json"):
            continue
        try:
            with open(os.path.join(_FOLDER, entry), encoding="utf-8") as file:
                noted = json.load(file)
        except ValueError:
            continue  # Being written by a lab that starts at this moment.
        except FileNotFoundError:
            continue
        alive = noted["started"] is not None and _start_time(noted["keeper"]) == noted["started"]
        found.append((entry[:-len(".json")], noted["dir"], alive))
    return found


def sweep():
    """Removes what labs left whose keepers were killed. Their servers died with them; namespaces and bridges did not."""
    for lab_id, _, alive in labs():
        if not alive:
            network.remove_by_name("qw" + lab_id)
            forget(lab_id)


def _path(lab_id):
    return os.path.join(_FOLDER, lab_id + ".json")


def _start_time(pid):
    """Tells a process from a later one with the same id: field 22 of proc(5) stat. Nothing for one that has ended, even if
    nobody has collected it (an init of containers may not)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
            return None if fields[0] == "Z" else int(fields[19])
    except (OSError, IndexError):
        return None
