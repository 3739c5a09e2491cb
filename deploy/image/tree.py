"""Files of an image, by their place in it, and the tar archive of them, which has the same bytes wherever it is written."""
import dataclasses
import io
import os
import tarfile


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file (data), a link (target) or, with neither, a folder."""
    mode: int
    time: int
    data: bytes | None = None
    target: str | None = None
    user: int = 0
    group: int = 0


def folder(time, mode=0o755, **owner):
    return Entry(mode, time, **owner)


def file(data, time, mode=0o644):
    return Entry(mode, time, data=data)


def link(target, time):
    return Entry(0o777, time, target=target)


def with_folders(entries, time):
    """The same entries, and the folders that they are in."""
    out = dict(entries)
    for path in entries:
        while path := os.path.dirname(path):
            out.setdefault(path, folder(time))
    return out


def archive(entries):
    """The bytes of a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(entries):
            entry, member = entries[path], tarfile.TarInfo(path)
            member.mode, member.mtime, member.uid, member.gid = entry.mode, entry.time, entry.user, entry.group
            if entry.data is not None:
                member.size = len(entry.data)
            elif entry.target is not None:
                member.type, member.linkname = tarfile.SYMTYPE, entry.target
            else:
                member.type = tarfile.DIRTYPE
            tar.addfile(member, io.BytesIO(entry.data) if entry.data is not None else None)
    return out.getvalue()
