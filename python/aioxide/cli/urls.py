"""URLs from the command line and from a file, read as they are taken."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from aioxide.fetching import url_of_line

# Bytes that are read at once, and that make a line even if it does not end.
_CHUNK = 65536


def feed_urls(urls: Iterable[str] = (), file: int | None = None) -> Iterator[str] | AsyncIterator[str]:
    """Give some URLs, then the lines of the file with that descriptor.

    The file is read a chunk at a time, and only when nothing else is left: it may be larger than memory, or
    a pipe that is still written to, which is waited for. OSError if the file cannot be read.
    """
    if file is None:
        return iter(urls)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return chain(urls, _stored(file))
    return _arriving(urls, file)


def _stored(file: int) -> Iterator[str]:
    lines = _Lines()
    while chunk := os.read(file, _CHUNK):
        yield from lines.take(chunk)
    yield from lines.rest()


async def _arriving(urls: Iterable[str], file: int) -> AsyncIterator[str]:
    for url in urls:
        yield url
    lines = _Lines()
    while True:
        await _readable(file)
        chunk = os.read(file, _CHUNK)
        for url in lines.take(chunk) if chunk else lines.rest():
            yield url
        if not chunk:
            return


class _Lines:
    """Makes URLs of chunks."""

    def __init__(self) -> None:
        self._unfinished = b""

    def take(self, chunk: bytes) -> Iterator[str]:
        """Give the URLs whose lines have ended."""
        lines = (self._unfinished + chunk).split(b"\n")
        # Without a bound, a file that has no lines would be read into memory as one.
        self._unfinished = lines.pop() if len(lines[-1]) < _CHUNK else b""
        return filter(None, map(url_of_line, lines))

    def rest(self) -> Iterator[str]:
        """Give the URL of a line that ends with the file."""
        return filter(None, [url_of_line(self._unfinished)])


def count_urls(file: BinaryIO) -> int:
    """Count the URLs of a file, read from where it is to its end."""
    return sum(map(bool, map(url_of_line, file)))


async def _readable(file: int) -> None:
    """Return when reading will not hold up the event loop."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    try:
        loop.add_reader(file, arrived.set)
    except (PermissionError, NotImplementedError):
        # What epoll does not watch; or Windows, which watches sockets alone.
        return
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(file)
