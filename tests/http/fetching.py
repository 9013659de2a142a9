"""What tests of `fetch_all` have in common: results in short, and servers that count who is there at once."""

import threading
from collections.abc import AsyncIterable, Iterable
from typing import Any

import aioxide
from tests.servers.raw import Connection

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def outcomes(results: Iterable[aioxide.Result]) -> list[Any]:
    """The status of each, or the class of its error."""
    return [result.response.status_code if result.response else type(result.error) for result in results]


async def collected(fetching: AsyncIterable[aioxide.Result]) -> list[aioxide.Result]:
    return [result async for result in fetching]


class Crowd:
    """A script for `RawServer`: answers nobody before so many are there at once, and remembers the most."""

    def __init__(self, size: int) -> None:
        self.size = size
        #: The most that were there at once, and the targets in the order in which they came.
        self.most = 0
        self.targets: list[str] = []
        self._there = 0
        self._lock = threading.Lock()
        self._full = threading.Event()

    def __call__(self, connection: Connection) -> None:
        while True:
            head = connection.read_head()
            with self._lock:
                self.targets.append(head.split()[1].decode())
                self._there += 1
                self.most = max(self.most, self._there)
                if self._there >= self.size:
                    self._full.set()
            # Whoever never comes fails the test by `most`, and not by a test that hangs.
            self._full.wait(10)
            with self._lock:
                self._there -= 1
            connection.send(OK)


class Gate:
    """A script for `RawServer`: holds every request until `open` is called."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def __call__(self, connection: Connection) -> None:
        while True:
            self.targets.append(connection.read_head().split()[1].decode())
            self._open.wait(10)
            connection.send(OK)
