"""The libraries whose clients are served: httpx, and httpx2, which goes on where it has stopped.

They have the same classes with other identities. So what an answer is made of is of the library that its
request is of: responses, streams and exceptions. A transport itself is one of each library's.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from aioxide import exceptions
from aioxide.httpx.streams import Streams

__all__ = ["LIBRARIES", "Library", "bases", "library_of"]

NAMES = ("httpx", "httpx2")

# What ours are called there. Of those that are not here, the nearest base counts.
_THEIRS = {
    exceptions.RequestError: "TransportError",
    exceptions.TimeoutException: "TimeoutException",
    exceptions.ConnectTimeout: "ConnectTimeout",
    exceptions.ReadTimeout: "ReadTimeout",
    exceptions.WriteTimeout: "WriteTimeout",
    exceptions.PoolTimeout: "PoolTimeout",
    exceptions.NetworkError: "NetworkError",
    exceptions.ConnectError: "ConnectError",
    exceptions.ReadError: "ReadError",
    exceptions.WriteError: "WriteError",
    exceptions.CloseError: "CloseError",
    exceptions.ProtocolError: "ProtocolError",
    exceptions.RemoteProtocolError: "RemoteProtocolError",
    exceptions.LocalProtocolError: "LocalProtocolError",
    exceptions.ProxyError: "ProxyError",
    # What goes wrong in a handshake is a connection that was not made.
    exceptions.TLSError: "ConnectError",
    exceptions.UnsupportedProtocol: "UnsupportedProtocol",
    exceptions.DecodingError: "DecodingError",
    exceptions.TooManyRedirects: "TooManyRedirects",
    exceptions.InvalidURL: "InvalidURL",
}


class Library:
    """One of them, with the streams that answers in it have."""

    def __init__(self, module: ModuleType) -> None:
        self.name = module.__name__
        self.module: Any = module
        self.request = self.module.Request
        self.response = self.module.Response
        self.byte_stream = self.module.ByteStream
        streams = Streams(module, self.translated)
        self.async_body, self.body = streams.async_body, streams.body
        self.async_traced, self.traced = streams.async_traced, streams.traced

    def translated(self, error: exceptions.RequestError, request: Any) -> Exception:
        """Give what this library calls `error`, of that request, with the same message."""
        name = next(_THEIRS[kind] for kind in type(error).__mro__ if kind in _THEIRS)
        if name == "ProxyError" and error.detail is not None and error.detail[0] != "proxy":
            # It is not the proxy that has said no: there was no connection to it.
            name = "ConnectError"
        theirs: Any = getattr(self.module, name)
        # InvalidURL is no RequestError there.
        request_error = issubclass(theirs, self.module.RequestError)
        made: Exception = theirs(str(error), request=request) if request_error else theirs(str(error))
        return made


def _installed() -> Iterator[ModuleType]:
    found = []
    for name in NAMES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # One that is there and does not work says so itself.
            if error.name != name:
                raise
        else:
            # `httpx2.alias_httpx()` makes one of the two.
            if module not in found:
                found.append(module)
    if not found:
        raise ImportError("aioxide.httpx needs httpx or httpx2: pip install httpx", name="httpx")
    yield from found


LIBRARIES = [Library(module) for module in _installed()]

_of_requests: dict[type, Library] = {library.request: library for library in LIBRARIES}


def library_of(request: Any) -> Library:
    """Give the library that `request` is of.

    Raises:
        TypeError: It is no request of either.
    """
    kind = type(request)
    known = _of_requests.get(kind)
    if known is None:
        known = next((library for library in LIBRARIES if isinstance(request, library.request)), None)
        if known is None:
            names = " or ".join(library.name for library in LIBRARIES)
            raise TypeError(f"request must be a Request of {names}, not {kind.__name__}")
        _of_requests[kind] = known
    return known


def bases(name: str) -> tuple[Any, ...]:
    """Give the class of that name in each library that is there."""
    return tuple(getattr(library.module, name) for library in LIBRARIES)
