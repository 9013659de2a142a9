"""A server of HTTP/1.1 that keeps what it was asked, and answers as the test says.

    with Answering() as server:
        server.on("/page", answer(body=b"hello"))
        ...                             # GET f"{server.url}/page"
    assert server.seen[0].one("accept") == "*/*"

What nothing was said about is answered with 200 and what was asked, as JSON.
"""

import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.servers.raw import Connection, RawServer


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    target: str
    version: str
    #: In order, the names as they were written.
    headers: list[tuple[str, str]]
    body: bytes
    #: Which connection it came on, from 0.
    connection: int

    def all(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str | None:
        """The value of a header that is there once, or not at all."""
        values = self.all(name)
        assert len(values) < 2, self.headers
        return values[0] if values else None

    @property
    def names(self) -> list[str]:
        """The names of the headers, in order, in lower case."""
        return [name.lower() for name, _ in self.headers]

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


#: What to answer, or how to find it.
Rule = bytes | Callable[[Seen], bytes]

#: Answers a request in its own way.
Script = Callable[[Seen, Connection], None]

Headers = Iterable[tuple[str, str]]


def answer(
    status: int = 200,
    headers: Headers = (),
    body: bytes = b"",
    *,
    reason: str = "OK",
    length: int | None = -1,
) -> bytes:
    """A response; ``length``: what it says that its body has, None: nothing."""
    lines = [f"HTTP/1.1 {status} {reason}".rstrip(), *(f"{name}: {value}" for name, value in headers)]
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length < 0 else length}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def chunked(*chunks: bytes, headers: Headers = ()) -> bytes:
    """A response with a body in chunks."""
    head = answer(headers=[*headers, ("Transfer-Encoding", "chunked")], length=None)
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def redirect(location: str, status: int = 302, headers: Headers = ()) -> bytes:
    """A redirect."""
    return answer(status, [("Location", location), *headers], reason="Found")


def as_json(value: object, headers: Headers = (), status: int = 200) -> bytes:
    """A response with a document."""
    return answer(status, [("Content-Type", "application/json"), *headers], json.dumps(value).encode())


class Answering(RawServer):
    """Listens on a free port of 127.0.0.1 while its ``with`` block runs."""

    def __init__(self) -> None:
        super().__init__(self._serve)
        #: Each request, in the order in which they came.
        self.seen: list[Seen] = []
        self._rules: dict[str, Rule] = {}
        self._scripts_of: dict[str, Script] = {}
        self._names: list[str] = []

    def on(self, path: str, rule: Rule) -> str:
        """Answer requests for ``path`` like this; the URL."""
        self._rules[path] = rule
        return self.url + path

    def run(self, path: str, script: Script) -> str:
        """Answer requests for ``path`` by a script, after which the connection is closed; the URL."""
        self._scripts_of[path] = script
        return self.url + path

    @property
    def connections(self) -> int:
        """How many connections came."""
        return len(self.received)

    def peers(self) -> list[str]:
        """From which address each connection came."""
        return list(self._names)

    def _serve(self, connection: Connection) -> None:
        # Who has gone again already has no name.
        with contextlib.suppress(OSError):
            self._names.append(connection.socket.getpeername()[0])
        number = next(at for at, known in enumerate(self._connections) if known is connection)
        while True:
            seen = read(connection, number)
            self.seen.append(seen)
            if script := self._scripts_of.get(seen.path):
                script(seen, connection)
                return
            rule = self._rules.get(seen.path, mirror)
            response = rule if isinstance(rule, bytes) else rule(seen)
            if seen.method == "HEAD":
                response = response[: response.index(b"\r\n\r\n") + 4]
            connection.send(response)
            closes = b"\r\nconnection: close\r\n" in response.lower()
            if closes or (seen.one("connection") or "").lower() == "close" or seen.version == "HTTP/1.0":
                connection.end()


def mirror(seen: Seen) -> bytes:
    """What was asked, as JSON."""
    return as_json(
        {
            "method": seen.method,
            "target": seen.target,
            "headers": seen.headers,
            "body": seen.body.decode("latin-1"),
        }
    )


def read(connection: Connection, number: int) -> Seen:
    """Wait for a request, and read it with its body."""
    head = connection.read_head().decode("utf-8", "surrogateescape")
    first, *lines = head.split("\r\n")[:-2]
    method, target, version = first.split(" ")
    pairs = [line.split(":", 1) for line in lines]
    headers = [(name, value.strip(" \t")) for name, value in pairs]
    given = {name.lower(): value for name, value in headers}
    if given.get("expect") == "100-continue":
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    if given.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(connection.read_until(b"\r\n"), 16):
            body += connection.read(size)
            assert connection.read(2) == b"\r\n"
        assert connection.read(2) == b"\r\n"
    else:
        body = connection.read(int(given.get("content-length", "0")))
    return Seen(method, target, version, headers, body, number)
