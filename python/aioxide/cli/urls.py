"""URLs from the command line and from a file, read as they are taken."""

import asyncio
import os
from collections import deque
from collections.abc import Iterable
from typing import BinaryIO

# Bytes that are read at once, and that make a line even if it does not end.
_CHUNK = 65536


class UrlFeed:
    """URLs that many workers take: some that are given, then the lines of a file.

    The file is read a chunk at a time, and only when nothing else is left: it may be larger than memory, or
    a pipe that is still written to. Blank lines are skipped, and lines that begin with ``#``.
    """

    def __init__(self, urls: Iterable[str] = (), file: int | None = None) -> None:
        self._ready = deque(urls)
        self._file = file
        self._unfinished = b""
        self._reading = asyncio.Lock()

    async def take(self) -> str | None:
        """Return the next URL, or None when there are no more. Does not wait while there is one.

        OSError if the file cannot be read. Cancel safety: no URL is lost.
        """
        while not self._ready:
            async with self._reading:
                if not self._ready and not await self._read():
                    return None
        return self._ready.popleft()

    async def _read(self) -> bool:
        """Read one chunk of lines; False at the end of the file."""
        if self._file is None:
            return False
        await _readable(self._file)
        chunk = os.read(self._file, _CHUNK)
        lines = (self._unfinished + chunk).split(b"\n")
        if not chunk:
            self._file = None
        # Without a bound, a file that has no lines would be read into memory as one.
        self._unfinished = lines.pop() if chunk and len(lines[-1]) < _CHUNK else b""
        self._ready.extend(_url(line) for line in lines if _has_url(line))
        return True


def count_urls(file: BinaryIO) -> int:
    """Count the URLs of a file, read from where it is to its end."""
    return sum(map(_has_url, file))


def _has_url(line: bytes) -> bool:
    return line.lstrip()[:1] not in (b"", b"#")


def _url(line: bytes) -> str:
    # A byte order mark is Windows' way to begin a file. Bytes that are no UTF-8 make a URL that fails by
    # itself, and is reported as it was.
    return line.strip().decode("utf-8-sig", "surrogateescape")


async def _readable(file: int) -> None:
    """Return when reading will not hold up the event loop."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    try:
        loop.add_reader(file, arrived.set)
    except (PermissionError, NotImplementedError):
        # A file on a disk, which epoll does not watch; or Windows, which watches sockets alone.
        return
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(file)
