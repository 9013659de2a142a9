"""A directory with a file for each body, and ``index.jsonl``, which tells what came of each URL.

A body is written under another name, and renamed when it is whole; its line comes after it. So the index is
the journal, and a file that it does not name is what a kill has left: the next run removes it.
"""

import errno
import mimetypes
import os
import re
from collections.abc import Iterable
from typing import Any

from aioxide._core import Result
from aioxide.journal import Done
from aioxide.outputs.describe import PLAIN, key_of_row
from aioxide.outputs.lines import LinesFile, line_of
from aioxide.records import write_all

__all__ = ["Directory"]

_INDEX = "index.jsonl"
_DIGITS = 9
_OURS = re.compile(rf"[0-9]{{{_DIGITS},}}\.[a-z0-9]{{1,8}}(\.part)?")

# Where the first suffix that `mimetypes` knows is not the usual one, or it knows none on some machine.
_SUFFIXES = {
    "text/html": ".html",
    "text/plain": ".txt",
    "text/xml": ".xml",
    "text/markdown": ".md",
    "application/xhtml+xml": ".xhtml",
    "application/json": ".json",
    "application/javascript": ".js",
    "text/javascript": ".js",
    "application/octet-stream": ".bin",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
}


def suffix_of(content_type: str | None) -> str:
    """Choose the suffix of a file from its media type; ``.bin`` if that says nothing."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    suffix = _SUFFIXES.get(kind) or mimetypes.guess_extension(kind) or ".bin"
    return suffix if _OURS.fullmatch("0" * _DIGITS + suffix) else ".bin"


class Directory:
    """Such a directory; made if it is not there."""

    in_thread = True

    def __init__(self, path: str) -> None:
        self._path = path
        self._index = LinesFile(os.path.join(path, _INDEX))
        self._asked = PLAIN
        self._next = 0
        self._named: set[str] = set()

    def begin(self, done: Done, resume: bool, retry_failed: bool) -> None:
        """Make or open it, and remove what the index does not name.

        OSError if that cannot be done, or it has files but no index: they are somebody else's. ValueError if
        the index cannot be gone on with.
        """
        os.makedirs(self._path, exist_ok=True)
        there = os.listdir(self._path)
        if there and _INDEX not in there:
            raise FileExistsError(errno.ENOTEMPTY, f"it has files, and no {_INDEX} of them", self._path)
        self._asked = done.asked
        self._index.open(lambda row: self._see(row, done), resume, retry_failed)
        for name in there:
            if _OURS.fullmatch(name) and name not in self._named:
                os.unlink(os.path.join(self._path, name))
        self._named.clear()

    def _see(self, row: dict[str, Any], done: Done) -> None:
        done.add(key_of_row(row))
        name = row.get("file")
        if name is not None:
            self._named.add(name)
            self._next = max(self._next, int(name.partition(".")[0]) + 1)

    def add(self, results: Iterable[Result]) -> None:
        """Write the bodies, then their lines; OSError if that cannot be done."""
        rows = []
        for result in results:
            row = line_of(result, False, self._asked)
            if result.response is not None:
                row["file"] = self._keep(result.response.content, row.get("content_type"))
            rows.append(row)
        self._index.write(rows)

    def _keep(self, body: bytes, content_type: str | None) -> str:
        name = f"{self._next:0{_DIGITS}}{suffix_of(content_type)}"
        path = os.path.join(self._path, name)
        with open(f"{path}.part", "wb", buffering=0) as file:
            write_all(file.fileno(), body)
        os.replace(f"{path}.part", path)
        self._next += 1
        return name

    def close(self, finished: bool) -> None:
        """Close the index when it is on the disk. A second time does nothing."""
        self._index.close(finished)
