"""Compiled kernels on disk, for all processes of a user.

An entry is a folder named by a hash of all that the code depends on. It appears
whole, by one rename; a name never changes its contents. Looking an entry up sets
the time of its folder, by which the least recently used go first when the cache
has grown too large. Libraries that are in use stay usable when their files go.
"""

from __future__ import annotations

import os
import time
from typing import Callable, Iterator, NamedTuple

#: Bytes, unless LADON_CACHE_SIZE says otherwise.
DEFAULT_SIZE = 1 << 30
#: Folders of processes that died while they compiled go after so many seconds.
STALE_AFTER = 3600
_BEING_MADE = ".new-"


class Entry(NamedTuple):
    path: str
    size: int  #: bytes
    used: float  #: seconds since the epoch


def folder() -> str:
    """LADON_CACHE, or ladon/kernels in the user's folder of caches."""
    given = os.environ.get("LADON_CACHE")
    if given:
        return given
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "ladon", "kernels")


def limit() -> int:
    text = os.environ.get("LADON_CACHE_SIZE", "")
    if not text:
        return DEFAULT_SIZE
    try:
        return max(int(text), 0)
    except ValueError:
        raise ValueError(f"LADON_CACHE_SIZE: expected a number of bytes, found '{text}'") from None


def key(*parts: str) -> str:
    """The name of the entry of all that code depends on."""
    import hashlib

    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d " % len(data))
        digest.update(data)
    return digest.hexdigest()[:40]


def find(name: str) -> str | None:
    """The folder of an entry; None if there is none."""
    path = os.path.join(folder(), name)
    try:
        os.utime(path)
    except PermissionError:
        # Somebody else's, to be read only.
        return path if os.path.isdir(path) else None
    except OSError:
        return None
    return path


def add(name: str, fill: Callable[[str], None]) -> str:
    """Makes an entry of what `fill` writes into an empty folder, and returns its
    folder. Where another process was faster, its entry is kept. OSError where
    nothing can be written."""
    import shutil
    import tempfile

    root = folder()
    os.makedirs(root, exist_ok=True)
    being_made = tempfile.mkdtemp(prefix=_BEING_MADE, dir=root)
    try:
        fill(being_made)
        path = os.path.join(root, name)
        try:
            os.rename(being_made, path)
        except OSError:
            if not os.path.isdir(path):
                raise
    finally:
        shutil.rmtree(being_made, ignore_errors=True)
    _shrink(keep=path)
    return path


def entries() -> list[Entry]:
    """All there are, the most recently used first."""
    found = [_measure(item) for item in _items() if not item.name.startswith(_BEING_MADE)]
    return sorted(filter(None, found), key=lambda entry: -entry.used)


def clear() -> int:
    """Removes all entries and returns how many there were."""
    import shutil

    count = 0
    for item in _items():
        shutil.rmtree(item.path, ignore_errors=True)
        count += not item.name.startswith(_BEING_MADE)
    return count


def _items() -> Iterator[os.DirEntry]:
    try:
        with os.scandir(folder()) as items:
            yield from (item for item in items if item.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return


def _measure(item: os.DirEntry) -> Entry | None:
    try:
        used = item.stat(follow_symlinks=False).st_mtime
        with os.scandir(item.path) as files:
            size = sum(file.stat(follow_symlinks=False).st_size for file in files)
    except OSError:
        return None  # Another process has removed it.
    return Entry(item.path, size, used)


def _shrink(keep: str) -> None:
    import shutil

    for item in _items():
        if item.name.startswith(_BEING_MADE):
            try:
                stale = time.time() - item.stat().st_mtime > STALE_AFTER
            except OSError:
                continue
            if stale:
                shutil.rmtree(item.path, ignore_errors=True)
    total, most = 0, limit()
    for entry in entries():
        total += entry.size
        if total > most and entry.path != keep:
            shutil.rmtree(entry.path, ignore_errors=True)
