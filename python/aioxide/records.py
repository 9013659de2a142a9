"""Files of records that only grow, and are good up to the last whole record, however their writer ended.

A file is a line that says what it is, then records: the length of the bytes in 8 bytes and their CRC-32 in 4,
little endian, then the bytes. A record is written in one go. Whoever opens the file cuts off what is no whole
record, and everything behind it.

A process that is killed loses nothing that was written: the system has it. Only when the machine itself
stops may the last seconds be missing, unless the file was closed.
"""

import contextlib
import errno
import os
import stat
import struct
import zlib
from collections.abc import Iterator

try:
    import fcntl
except ImportError:
    # Windows: two processes are not kept apart there.
    fcntl = None  # type: ignore[assignment]

__all__ = ["RecordFile", "open_alone", "put_in_place", "write_all"]

_HEAD = struct.Struct("<QI")

_HOW = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def open_alone(path: str) -> int:
    """Open a file to be read and written, made if it is not there; its descriptor. Nobody else may have it.

    The lock goes with the descriptor, and with the process, however that ends. What is no regular file has
    none.

    OSError if it cannot be opened; that is a BlockingIOError if somebody else is writing it, in another
    process or in this one.
    """
    while True:
        file = os.open(path, _HOW, 0o666)
        try:
            if fcntl is None or not stat.S_ISREG(os.fstat(file).st_mode):
                return file
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BlockingIOError(errno.EWOULDBLOCK, "somebody else is writing this file", path) from None
            # Between the two it may have been removed, by one who had it and is done.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), os.stat(path)):
                    return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def put_in_place(new: int, new_path: str, old: int, path: str) -> int:
    """Put an open file in the place of another that is open, all at once; its descriptor from now on.

    OSError if that cannot be done: then the other is as it was, and both are closed.
    """
    if fcntl is None:
        # No file is replaced on Windows that somebody has open; nor is any locked.
        os.close(new)
        os.close(old)
        os.replace(new_path, path)
        return open_alone(path)
    try:
        os.replace(new_path, path)
    except BaseException:
        os.close(new)
        raise
    finally:
        os.close(old)
    return new


def write_all(file: int, data: bytes | memoryview) -> None:
    """Write all of it; OSError if the disk is full, and then some of it may be there."""
    written = os.write(file, data)
    if written < len(data):
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(file, rest) :]


class RecordFile:
    """One such file, open to be added to. ``kind`` is its first line, which ends in a newline.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is a file of another kind. It is left as it is.
    """

    def __init__(self, path: str, kind: bytes) -> None:
        self.path = path
        self._kind = kind
        self._file = open_alone(path)
        try:
            #: Up to where it is good.
            self.end = self._check()
        except BaseException:
            self.close()
            raise

    def _check(self) -> int:
        """Read what is there, and cut off what is no whole record; where to go on."""
        beginning = os.read(self._file, len(self._kind))
        if not self._kind.startswith(beginning):
            name = self._kind.decode("ascii").strip()
            raise ValueError(f"{self.path} is no {name}")
        if len(beginning) < len(self._kind):
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            write_all(self._file, self._kind)
            return len(self._kind)
        end = len(self._kind)
        for record in self._whole(end):
            end += _HEAD.size + len(record)
        self._go_on_at(end)
        return end

    def _whole(self, position: int) -> Iterator[bytes]:
        size = os.fstat(self._file).st_size
        with open(os.dup(self._file), "rb") as file:
            file.seek(position)
            while len(head := file.read(_HEAD.size)) == _HEAD.size:
                length, check = _HEAD.unpack(head)
                if length > size - file.tell():
                    return
                record = file.read(length)
                # An empty one would be what a disk is full of that lost its power: zeros.
                if not record or len(record) < length or zlib.crc32(record) != check:
                    return
                yield record

    def _go_on_at(self, end: int) -> None:
        os.ftruncate(self._file, end)
        os.lseek(self._file, end, os.SEEK_SET)

    def records(self) -> Iterator[bytes]:
        """Give the records, from the first. None may be added meanwhile."""
        yield from self._whole(len(self._kind))
        os.lseek(self._file, self.end, os.SEEK_SET)

    @property
    def is_empty(self) -> bool:
        """Whether it has no record."""
        return self.end == len(self._kind)

    def clear(self) -> None:
        """Take all records out."""
        self.end = len(self._kind)
        self._go_on_at(self.end)

    def add(self, record: bytes | memoryview) -> None:
        """Write one record, of at least a byte. OSError if it cannot be written, and then none of it is."""
        head = _HEAD.pack(len(record), zlib.crc32(record))
        try:
            write_all(self._file, b"".join((head, record)))
        except BaseException:
            self._go_on_at(self.end)
            raise
        self.end += _HEAD.size + len(record)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._file < 0

    def close(self, *, sync: bool = False) -> None:
        """Close it; with ``sync``, when it is on the disk. A second time does nothing."""
        file, self._file = self._file, -1
        if file < 0:
            return
        try:
            if sync:
                os.fsync(file)
        finally:
            os.close(file)
