"""The extension ``trace``: what happened to a request, under the names that httpcore has for it.

An event is told when the request has got on, and not at the very moment: tokio does not wait for Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aioxide._core import Tracer

__all__ = ["Told"]

_STARTED, _COMPLETE, _FAILED = "started", "complete", "failed"

# By our names; the protocol's own have `{}` in the place of `http11` or `http2`.
_BEGINS = {
    "connect.begin": ("connection.connect_tcp",),
    "tls.begin": ("connection.start_tls",),
}
_ENDS = {
    "connect.end": "connection.connect_tcp",
    "tls.end": "connection.start_tls",
}

_Event = tuple[str, dict[str, Any]]


class Told:
    """The events of one request, each given once."""

    def __init__(self, request: Any) -> None:
        self.tracer = Tracer()
        self._request = request
        self._seen = 0
        self._open: list[str] = []
        self._protocol = "http11"
        self._head: Any = None

    def until_now(self) -> Iterator[_Event]:
        """Give those that happened since."""
        events = self.tracer.events()
        new, self._seen = events[self._seen :], len(events)
        for event in new:
            yield from self._named(event.name)

    def head(self, status: int, headers: list[tuple[bytes, bytes]], extensions: Any) -> Iterator[_Event]:
        """Give those up to the head of the answer, or to its body's end if that is here."""
        version = extensions["http_version"]
        if version == b"HTTP/2":
            self._protocol = "http2"
            self._head = status, headers
        else:
            self._head = version, status, extensions["reason_phrase"], headers
        yield from self.until_now()

    def failed(self, error: BaseException) -> Iterator[_Event]:
        """Give those up to a failure, and that."""
        yield from self.until_now()
        while self._open:
            yield f"{self._open.pop()}.{_FAILED}", {"exception": error}

    def ended(self) -> Iterator[_Event]:
        """Give what becomes of the response when it is closed."""
        yield from self.until_now()
        what = f"{self._protocol}.response_closed"
        yield from self._start(what)
        yield from self._complete(what, None)

    def _named(self, name: str) -> Iterator[_Event]:
        for what in _BEGINS.get(name, ()):
            yield from self._start(what)
        if name in _ENDS:
            yield from self._complete(_ENDS[name], None)
        elif name == "request.begin":
            for part in ("send_request_headers", "send_request_body"):
                yield from self._start(f"{self._protocol}.{part}")
                yield from self._complete(f"{self._protocol}.{part}", None)
            yield from self._start(f"{self._protocol}.receive_response_headers")
        elif name == "response.head":
            yield from self._complete(f"{self._protocol}.receive_response_headers", self._head)
        elif name == "response.end":
            what = f"{self._protocol}.receive_response_body"
            yield from self._start(what)
            yield from self._complete(what, None)

    def _start(self, what: str) -> Iterator[_Event]:
        self._open.append(what)
        yield f"{what}.{_STARTED}", {"request": self._request}

    def _complete(self, what: str, value: Any) -> Iterator[_Event]:
        if what in self._open:
            self._open.remove(what)
            yield f"{what}.{_COMPLETE}", {"return_value": value}
