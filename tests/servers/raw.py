"""Servers that misbehave: each connection is answered by a script, on a plain socket.

    with RawServer(reply(b"HTTP/1.1 200 OK\\r\\ncontent-length: 9\\r\\n\\r\\nhalf")) as server:
        ...                             # the client's read fails: the body is five bytes short
    assert server.received[0].startswith(b"GET /")

The first connection gets the first script, and so on; those beyond the last get the last. A script that
fails, an assertion in it say, fails the ``with`` block; a client that hangs up in the middle does not.
"""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Connection:
    """One client, as a script sees it. Its methods end the script, quietly, when the client is gone."""

    def __init__(self, peer: socket.socket) -> None:
        self.socket = peer
        #: Every byte that came so far.
        self.received = bytearray()
        self._taken = 0

    def read_head(self) -> bytes:
        """Wait for the head of the next request, blank line included; what follows it stays unread."""
        return self.read_until(b"\r\n\r\n")

    def read_until(self, end: bytes) -> bytes:
        """Wait for these bytes, and return what was not read yet up to and including them."""
        while (found := self.received.find(end, self._taken)) < 0:
            self._fill()
        return self._take(found + len(end))

    def read(self, count: int) -> bytes:
        """Wait for so many bytes, and return them."""
        while len(self.received) < self._taken + count:
            self._fill()
        return self._take(self._taken + count)

    def take(self) -> bytes:
        """Wait for something, and return all that came."""
        if len(self.received) == self._taken:
            self._fill()
        return self._take(len(self.received))

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def hang(self) -> None:
        """Say nothing until the client goes away or the server is stopped."""
        while True:
            self._fill()

    def reset(self) -> None:
        """End the connection with an RST, as a crashed or overloaded server does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def settle(self) -> None:
        """Wait until the client's side has taken all that was sent: an RST would overtake it."""
        import fcntl
        import termios

        unsent = bytearray(4)
        while True:
            fcntl.ioctl(self.socket, termios.TIOCOUTQ, unsent)
            if struct.unpack("i", unsent) == (0,):
                return

    def end(self) -> None:
        """Send a FIN, and read on: to close while the client still sends would be an RST."""
        # It may be closed already, by a client that has heard enough.
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        self.hang()

    def _fill(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionAbortedError("the client went away")
        self.received += data

    def _take(self, end: int) -> bytes:
        taken = bytes(self.received[self._taken : end])
        self._taken = end
        return taken


#: What to do with one connection, which is closed when it returns.
Script = Callable[[Connection], None]


def reply(data: bytes) -> Script:
    """Read a request's head, send these bytes, close."""

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(data)

    return script


def reply_and_reset(data: bytes) -> Script:
    """Read a request's head, send these bytes, and reset when they have arrived."""

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(data)
        connection.settle()
        connection.reset()

    return script


def reply_always(data: bytes) -> Script:
    """Answer each request of a connection, all of them without a body, with these bytes."""

    def script(connection: Connection) -> None:
        while True:
            connection.read_head()
            connection.send(data)

    return script


def silence(connection: Connection) -> None:
    """Accept, read, and never say a word."""
    connection.hang()


def hang_up(connection: Connection) -> None:
    """Read a request's head, and close without an answer."""
    connection.read_head()


def reset(connection: Connection) -> None:
    """Read a request's head, and answer with an RST."""
    connection.read_head()
    connection.reset()


class RawServer:
    """Listens on a free port of 127.0.0.1 while its ``with`` block runs; a thread for each connection."""

    def __init__(self, *scripts: Script) -> None:
        if not scripts:
            raise ValueError("a server needs a script")
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._stopping = False
        self._peers: list[socket.socket] = []
        self._connections: list[Connection] = []
        self._errors: list[Exception] = []
        self._threads = [threading.Thread(target=self._accept, name="raw-server")]
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def received(self) -> list[bytes]:
        """What each connection has sent so far, in the order they were accepted."""
        with self._lock:
            return [bytes(connection.received) for connection in self._connections]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._stopping = True
            # A shutdown wakes the threads that are inside accept() and recv(); a close would not.
            for sock in (self._listener, *self._peers):
                # Closed already, perhaps, by its script or by the client.
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        # The accepting thread first: until it has ended it may still add to the list.
        for thread in self._threads:
            thread.join()
        self._listener.close()
        if self._errors:
            raise ExceptionGroup("scripts of the raw server failed", self._errors)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError as error:
                if not self._stopping:
                    self._errors.append(error)
                return
            with self._lock:
                if self._stopping:
                    peer.close()
                    return
                script = self._scripts[min(len(self._connections), len(self._scripts) - 1)]
                connection = Connection(peer)
                self._peers.append(peer)
                self._connections.append(connection)
                thread = threading.Thread(target=self._run, args=(script, connection, peer))
                self._threads.append(thread)
                thread.start()

    def _run(self, script: Script, connection: Connection, peer: socket.socket) -> None:
        try:
            with peer:
                script(connection)
        except ConnectionError:
            pass  # the client went away, or the server was stopped
        except Exception as error:
            self._errors.append(error)
