"""JSON lines: an object a line, and never half a line.

The file is its own journal. Lines are written some at a time, in one go; whoever is killed leaves whole lines
and at most the beginning of one, which the next run cuts off.
"""

import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

from aioxide._core import Result
from aioxide.journal import Done
from aioxide.outputs.describe import describe, key_of_row
from aioxide.records import open_alone, write_all

__all__ = ["LinesFile", "LinesStream", "encode_line", "line_of"]


def line_of(result: Result, body: bool) -> dict[str, Any]:
    """Make the object of a result: its row, ``value`` if ``parse`` made one, ``text`` if asked for."""
    row = describe(result)
    if result.value is not None:
        row["value"] = result.value
    if body and result.response is not None:
        row["text"] = result.response.text
    return row


def encode_line(row: dict[str, Any]) -> str:
    """Make the line; a ``value`` that JSON does not have is an error of that line."""
    try:
        return json.dumps(row) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        if "value" not in row:
            raise
        del row["value"]
        return json.dumps(row | {"error": type(error).__name__, "message": f"value: {error}"}) + "\n"


class LinesStream:
    """Lines for ``write``, which may be a pipe or a terminal, and which nobody reads back."""

    # Writing does not take long.
    in_thread = False

    def __init__(self, write: Callable[[bytes], object], body: bool = False) -> None:
        self._write = write
        self._body = body

    def begin(self, done: Done, resume: bool) -> None:
        """Begin. ValueError if it is to be resumed."""
        if resume:
            raise ValueError("a stream cannot be resumed: name a file")

    def add(self, results: Iterable[Result]) -> None:
        """Write lines."""
        self._write("".join(encode_line(line_of(result, self._body)) for result in results).encode("ascii"))

    def close(self, finished: bool) -> None:
        """Do nothing: whoever opened the stream closes it."""


class LinesFile:
    """A file of lines that can be gone on with."""

    in_thread = False

    def __init__(self, path: str, body: bool = False) -> None:
        self._path = path
        self._body = body
        self._file = -1
        self._is_regular = False
        # Up to where it is whole lines.
        self._end = 0

    def begin(self, done: Done, resume: bool) -> None:
        """Open the file, and count what it has as ``done``; or empty it, unless it is to be resumed."""
        self.open(lambda row: done.add(key_of_row(row)), resume)

    def open(self, see: Callable[[dict[str, Any]], object], resume: bool) -> None:
        """Open the file, and show each row that it has; or empty it, unless it is to be resumed.

        OSError if that cannot be done; ValueError for a file that cannot be gone on with.
        """
        self._file = self._open()
        self._is_regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        if resume:
            if not self._is_regular:
                raise ValueError(f"{self._path} cannot be resumed: it is no file on a disk")
            with open(os.dup(self._file), "rb") as file:
                self._read(file, see)
        if self._is_regular:
            self._cut()

    def _open(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            mode = os.stat(self._path).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                # A pipe that could also be read here would never be without a reader.
                return os.open(self._path, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0))
        return open_alone(self._path)

    def _read(self, file: BinaryIO, see: Callable[[dict[str, Any]], object]) -> None:
        for number, line in enumerate(file, 1):
            # The last one may be what a kill has left.
            if not line.endswith(b"\n"):
                return
            try:
                if not line.isspace():
                    see(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError):
                raise ValueError(
                    f"{self._path} cannot be resumed: line {number} is none that was written here"
                ) from None
            self._end += len(line)

    def _cut(self) -> None:
        os.ftruncate(self._file, self._end)
        os.lseek(self._file, self._end, os.SEEK_SET)

    def add(self, results: Iterable[Result]) -> None:
        """Write lines; OSError if they cannot be written, and then none of them is there."""
        self.write(line_of(result, self._body) for result in results)

    def write(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write a line for each row."""
        lines = "".join(map(encode_line, rows)).encode("ascii")
        try:
            write_all(self._file, lines)
        except BaseException:
            if self._is_regular:
                self._cut()
            raise
        self._end += len(lines)

    def close(self, finished: bool) -> None:
        """Close the file when it is on the disk. A second time does nothing."""
        file, self._file = self._file, -1
        if file < 0:
            return
        try:
            if self._is_regular:
                os.fsync(file)
        finally:
            os.close(file)
