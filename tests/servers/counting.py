"""Servers that count: how many connections are open at once, in all and for each host, and who came when.

    with Counting("127.0.0.1", "127.0.0.2") as count:
        ...                             # GET f"{count.urls[0]}/name"
    assert count.most_open <= 5

A path with ``hold`` in it is answered when ``release()`` was called; one with ``close`` ends its connection.
Counts are exact: a connection that the client has closed is not counted, also if nobody has read that yet.
"""

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

ESTABLISHED = 1


def is_open(peer: socket.socket) -> bool:
    """Whether neither side has closed it; Linux says it in the first byte of ``tcp_info``."""
    try:
        return peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED
    except OSError:
        return False


class Counting:
    """Listens on a free port of each of these addresses while its ``with`` block runs."""

    def __init__(self, *hosts: str) -> None:
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._listeners = [socket.create_server((host, 0), backlog=512) for host in hosts]
        self._peers: list[list[socket.socket]] = [[] for _ in hosts]
        self._threads = [threading.Thread(target=self._accept, args=(at,)) for at in range(len(hosts))]
        self.urls = ["http://{}:{}".format(*listener.getsockname()) for listener in self._listeners]
        #: The most that were open at once, in all and to each host.
        self.most_open = 0
        self.most_open_of: list[int] = [0 for _ in hosts]
        #: How many each host has accepted.
        self.opened: list[int] = [0 for _ in hosts]
        #: The targets of the requests, in the order in which they came.
        self.targets: list[str] = []

    def release(self) -> None:
        """Answer those that are held, and no longer hold any."""
        self._released.set()

    def open_of(self) -> Sequence[int]:
        """How many are open, for each host."""
        with self._lock:
            return self._open()

    def _open(self) -> list[int]:
        return [sum(map(is_open, peers)) for peers in self._peers]

    def _accept(self, at: int) -> None:
        while True:
            try:
                peer, _ = self._listeners[at].accept()
            except OSError:
                return
            with self._lock:
                self._peers[at].append(peer)
                self.opened[at] += 1
                counts = self._open()
                self.most_open = max(self.most_open, sum(counts))
                self.most_open_of = [max(pair) for pair in zip(self.most_open_of, counts, strict=True)]
            thread = threading.Thread(target=self._serve, args=(at, peer))
            self._threads.append(thread)
            thread.start()

    def _serve(self, at: int, peer: socket.socket) -> None:
        with peer, suppress(ConnectionError):
            data = b""
            while chunk := peer.recv(65536):
                data += chunk
                while b"\r\n\r\n" in data:
                    head, _, data = data.partition(b"\r\n\r\n")
                    target = head.split()[1].decode()
                    with self._lock:
                        self.targets.append(target)
                    if "hold" in target:
                        self._released.wait()
                    peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    if "close" in target:
                        return

    def __enter__(self) -> Self:
        for thread in list(self._threads):
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
        for listener in self._listeners:
            listener.shutdown(socket.SHUT_RDWR)
        # Those that accept end first, so that nobody is added after this.
        for thread in self._threads[: len(self._listeners)]:
            thread.join()
        for peers in self._peers:
            for peer in peers:
                with suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for listener in self._listeners:
            listener.close()
