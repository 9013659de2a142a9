"""JSON lines: an object a line, and never half a line.

The file is its own journal. Lines are written some at a time, in one go; whoever is killed leaves whole lines
and at most the beginning of one, which the next run cuts off.
"""

import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aioxide._core import Result
from aioxide.journal import Asked, Done
from aioxide.outputs.describe import PLAIN, describe, has_failed, key_of_row
from aioxide.records import open_alone, put_in_place, write_all

__all__ = ["LinesFile", "LinesStream", "encode_line", "line_of"]


# What lines go to that are to take the place of others. A kill may leave it.
_IN_THE_MAKING = ".aioxide-new"


def line_of(result: Result, body: bool, asked: Asked = PLAIN) -> dict[str, Any]:
    """Make the object of a result: its row, ``value`` if ``parse`` made one, ``text`` if asked for."""
    row = describe(result, asked)
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


def _row(line: bytes) -> dict[str, Any] | None:
    """Read a line; None for a blank one."""
    return None if line.isspace() else json.loads(line)


class LinesStream:
    """Lines for ``write``, which may be a pipe or a terminal, and which nobody reads back."""

    # Writing does not take long.
    in_thread = False

    def __init__(self, write: Callable[[bytes], object], body: bool = False) -> None:
        self._write = write
        self._body = body
        self._asked = PLAIN

    def begin(self, done: Done, resume: bool, retry_failed: bool) -> None:
        """Begin. ValueError if it is to be resumed."""
        if resume:
            raise ValueError("a stream cannot be resumed: name a file")
        self._asked = done.asked

    def add(self, results: Iterable[Result]) -> None:
        """Write lines."""
        lines = (encode_line(line_of(result, self._body, self._asked)) for result in results)
        self._write("".join(lines).encode("ascii"))

    def close(self, finished: bool) -> None:
        """Do nothing: whoever opened the stream closes it."""


class LinesFile:
    """A file of lines that can be gone on with."""

    in_thread = False

    def __init__(self, path: str, body: bool = False) -> None:
        self._path = path
        self._body = body
        self._asked = PLAIN
        self._file = -1
        self._is_regular = False
        # Up to where it is whole lines.
        self._end = 0

    def begin(self, done: Done, resume: bool, retry_failed: bool) -> None:
        """Open the file, and count what it has as ``done``; or empty it, unless it is to be resumed."""
        self._asked = done.asked
        self.open(lambda row: done.add(key_of_row(row)), resume, retry_failed)

    def open(self, see: Callable[[dict[str, Any]], object], resume: bool, retry_failed: bool) -> None:
        """Open the file, and show each row that it has; or empty it, unless it is to be resumed.

        ``retry_failed``: rows of what failed are not shown, and taken out. OSError if that cannot be done;
        ValueError for a file that cannot be gone on with.
        """
        self._file = self._open()
        self._is_regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        if self._is_regular:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path + _IN_THE_MAKING)
        if resume:
            if not self._is_regular:
                raise ValueError(f"{self._path} cannot be resumed: it is no file on a disk")
            if self._read(see, retry_failed):
                self._take_out()
        if self._is_regular:
            self._cut()

    def _open(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            mode = os.stat(self._path).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                # A pipe that could also be read here would never be without a reader.
                return os.open(self._path, os.O_WRONLY | getattr(os, "O_CLOEXEC", 0))
            # What takes its place takes the place of what a link leads to.
            self._path = os.path.realpath(self._path)
        return open_alone(self._path)

    def _read(self, see: Callable[[dict[str, Any]], object], retry_failed: bool) -> bool:
        """Show the rows; whether some are to be taken out."""
        takes_out = False
        for number, line in enumerate(self._whole_lines(), 1):
            try:
                row = _row(line)
                if row is None:
                    pass
                elif retry_failed and has_failed(row):
                    # It is checked like the others.
                    key_of_row(row)
                    takes_out = True
                else:
                    see(row)
            except (ValueError, TypeError, KeyError, AttributeError):
                raise ValueError(
                    f"{self._path} cannot be resumed: line {number} is none that was written here"
                ) from None
            self._end += len(line)
        return takes_out

    def _whole_lines(self) -> Iterator[bytes]:
        """Give all lines but for half a one at the end, which may be what a kill has left."""
        with open(os.dup(self._file), "rb") as file:
            file.seek(0)
            for line in file:
                if line.endswith(b"\n"):
                    yield line

    def _take_out(self) -> None:
        """Put a file without what failed in the place of this one, all at once."""
        path = self._path + _IN_THE_MAKING
        # Locked before it has the name, so that nobody comes between.
        new = open_alone(path)
        try:
            if hasattr(os, "fchmod"):
                os.fchmod(new, stat.S_IMODE(os.fstat(self._file).st_mode))
            os.ftruncate(new, 0)
            end = 0
            with open(os.dup(new), "wb") as file:
                for line in self._whole_lines():
                    row = _row(line)
                    if row is not None and not has_failed(row):
                        end += file.write(line)
            os.fsync(new)
        except BaseException:
            os.close(new)
            raise
        old, self._file, self._end = self._file, -1, end
        self._file = put_in_place(new, path, old, self._path)

    def _cut(self) -> None:
        os.ftruncate(self._file, self._end)
        os.lseek(self._file, self._end, os.SEEK_SET)

    def add(self, results: Iterable[Result]) -> None:
        """Write lines; OSError if they cannot be written, and then none of them is there."""
        self.write(line_of(result, self._body, self._asked) for result in results)

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
