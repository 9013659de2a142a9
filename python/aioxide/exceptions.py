"""What can go wrong: with a request, and with what tasks wait for.

::

    HTTPError
    ├── RequestError                 no usable response came
    │   ├── TimeoutException         also builtin TimeoutError
    │   │   ├── ConnectTimeout
    │   │   ├── ReadTimeout
    │   │   ├── WriteTimeout
    │   │   └── PoolTimeout
    │   ├── NetworkError             also builtin ConnectionError
    │   │   ├── ConnectError
    │   │   ├── ReadError
    │   │   ├── WriteError
    │   │   └── CloseError
    │   ├── ProtocolError
    │   │   ├── RemoteProtocolError
    │   │   └── LocalProtocolError   also ValueError
    │   ├── ProxyError
    │   ├── TLSError
    │   ├── UnsupportedProtocol
    │   ├── DecodingError
    │   ├── TooManyRedirects
    │   ├── BodyTooLarge
    │   ├── RobotsDisallowed
    │   └── InvalidURL               also ValueError
    └── HTTPStatusError              a response came, and its status is 400 or above

    WebSocketError                   also builtin ConnectionError
    ├── HandshakeError               the answer makes no WebSocket
    │   └── HandshakeRefused         its status is not 101
    └── ConnectionClosed             nothing more can be received, or sent

A WebSocket that cannot be reached is a RequestError, since its handshake is a request.

``InsecureWarning`` is a warning: a client trusts any certificate.

All of them can be pickled and copied. None shows a password: URLs are without credentials, and the
headers of a RequestError's ``request`` without ``Authorization``, ``Proxy-Authorization`` and ``Cookie``.

``QueueEmpty``, ``QueueFull``, ``QueueShutDown`` and ``BrokenBarrierError`` are subclasses of asyncio's, so
that ``except asyncio.QueueEmpty`` goes on working. Python before 3.13 has no ``asyncio.QueueShutDown``.
``CookieConflict`` is a ValueError, of ``Cookies`` and not of a request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from aioxide._core import Headers, Request, Response

    HandshakeFault = Literal["status", "upgrade", "connection", "accept", "subprotocol", "extension"]

__all__ = [
    "BodyTooLarge",
    "BrokenBarrierError",
    "CloseError",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionClosed",
    "CookieConflict",
    "DecodingError",
    "HTTPError",
    "HTTPStatusError",
    "HandshakeError",
    "HandshakeRefused",
    "InsecureWarning",
    "InvalidURL",
    "LocalProtocolError",
    "NetworkError",
    "PoolTimeout",
    "ProtocolError",
    "ProxyError",
    "QueueEmpty",
    "QueueFull",
    "QueueShutDown",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "RequestError",
    "RobotsDisallowed",
    "TLSError",
    "TimeoutException",
    "TooManyRedirects",
    "UnsupportedProtocol",
    "WebSocketError",
    "WriteError",
    "WriteTimeout",
]


class InsecureWarning(UserWarning):
    """A client was told to trust any certificate.

    Its connections are encrypted, and nobody knows with whom.
    """


# The numbers to what C libraries say of a name; they do not come with the words.
_RESOLVER = {
    "No address associated with hostname": getattr(socket, "EAI_NODATA", socket.EAI_NONAME),
    "Non-recoverable failure in name resolution": socket.EAI_FAIL,
    "Temporary failure in name resolution": socket.EAI_AGAIN,
    "Try again": socket.EAI_AGAIN,
}


def _certificate_error(words: str) -> ssl.SSLCertVerificationError:
    """Make what the ssl module raises, whose words programs look for."""
    reason = "CERTIFICATE_VERIFY_FAILED"
    error = ssl.SSLCertVerificationError(1, f"[SSL: {reason}] certificate verify failed: {words}")
    error.reason, error.library = reason, "SSL"
    # X509_V_ERR_UNSPECIFIED.
    error.verify_code, error.verify_message = 1, words
    return error


class HTTPError(Exception):
    """Any failure of a request; the base of the tree.

    ``request`` is the request that failed, after redirects the last one; None if it was refused before
    it was made.
    """

    request: Request | None

    def __init__(self, message: str = "", *, request: Request | None = None) -> None:
        super().__init__(message)
        self.request = request

    @property
    def method(self) -> str | None:
        """The request's method, in upper case."""
        return None if self.request is None else self.request.method

    @property
    def url(self) -> str | None:
        """The request's URL, without credentials."""
        return None if self.request is None else self.request.url

    @property
    def host(self) -> str | None:
        """The host of the request's URL; an IPv6 address has brackets."""
        return None if self.request is None else self.request.host

    @property
    def port(self) -> int | None:
        """The port of the request's URL, or the usual one of its scheme."""
        return None if self.request is None else self.request.port


class RequestError(HTTPError):
    """No usable response came.

    ``phase`` is where it failed: ``"pool"`` (waiting for a connection), ``"connect"``, ``"headers"``
    (sending the request, or waiting for the head of the response), ``"body"``, ``"redirect"`` or ``"robots"``
    (it was not sent, since the host's robots.txt forbids it); None if the request was refused before it was
    made.
    ``attempt`` counts from 1.
    ``detail`` is what lies under it, if there is more to say than the class says: a word, a number, the
    words of the system or the peer, and the proxy that was spoken to, if it was one. The word is
    ``"name"`` (not resolved), ``"system"`` (the number is its errno), ``"certificate"``,
    ``"fingerprint"`` (the words are the certificate's and the one that was asked for, in hex), ``"tls"``,
    ``"proxy"`` (the number is its status), ``"ended"`` (by the peer), ``"said"`` (what the peer said is
    wrong) or ``"location"`` (the words are where a redirect leads).
    """

    phase: str | None
    attempt: int | None
    detail: tuple[str, int | None, str, str | None] | None

    def __init__(
        self,
        message: str = "",
        *,
        request: Request | None = None,
        phase: str | None = None,
        attempt: int | None = None,
        detail: tuple[str, int | None, str, str | None] | None = None,
    ) -> None:
        super().__init__(message, request=request)
        self.phase = phase
        self.attempt = attempt
        self.detail = detail

    @property
    def os_error(self) -> OSError | None:
        """What the system or TLS said, as the standard library would raise it; None if it was neither.

        ``socket.gaierror`` for a name that was not resolved, ``ssl.SSLCertVerificationError`` and
        ``ssl.SSLError`` for TLS, else an OSError with its ``errno``, or without one if the system had none.
        """
        if self.detail is None:
            return None
        what, number, words, _ = self.detail
        if what == "name":
            return socket.gaierror(_RESOLVER.get(words, socket.EAI_NONAME), words)
        if what == "certificate":
            return _certificate_error(words)
        if what == "fingerprint":
            return _certificate_error("its fingerprint is {}, not {}".format(*words.split()))
        if what == "tls":
            return ssl.SSLError(1, f"[SSL] {words}")
        if what == "system":
            return OSError(words) if number is None else OSError(number, words)
        return None


class TimeoutException(RequestError, TimeoutError):
    """A limit on time was reached.

    The class itself is raised for the total; ``phase`` tells what was going on. Subclasses stand for the
    limits of single phases.
    """


class ConnectTimeout(TimeoutException):
    """No connection was made in time."""


class ReadTimeout(TimeoutException):
    """The server sent nothing for too long."""


class WriteTimeout(TimeoutException):
    """The server took nothing for too long."""


class PoolTimeout(TimeoutException):
    """No connection of the pool came free in time."""


class NetworkError(RequestError, ConnectionError):
    """A connection could not be made, or broke."""


class ConnectError(NetworkError):
    """The host could not be resolved or reached, or refused the connection."""


class ReadError(NetworkError):
    """The connection broke while the response was read."""


class WriteError(NetworkError):
    """The connection broke while the request was sent."""


class CloseError(NetworkError):
    """The client was closed while the request was in flight."""


class ProtocolError(RequestError):
    """HTTP was not kept to."""


class RemoteProtocolError(ProtocolError):
    """The server sent what is no HTTP, or ended in the middle of a response."""


class LocalProtocolError(ProtocolError, ValueError):
    """The program asked for what HTTP does not allow: a line break in a header, say. Nothing was sent."""


class ProxyError(RequestError):
    """The proxy did not do what was asked of it.

    ``headers`` are those of its answer to CONNECT, where that had another status than 200, with their
    names as the proxy wrote them; else None.
    """

    headers: list[tuple[str, bytes]] | None

    def __init__(
        self,
        message: str = "",
        *,
        request: Request | None = None,
        phase: str | None = None,
        attempt: int | None = None,
        detail: tuple[str, int | None, str, str | None] | None = None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> None:
        super().__init__(message, request=request, phase=phase, attempt=attempt, detail=detail)
        self.headers = headers


class TLSError(RequestError):
    """The server's certificate is not trusted, or it does not speak TLS."""


class UnsupportedProtocol(RequestError):
    """The scheme of a URL, or of the target of a redirect, is neither http nor https."""


class DecodingError(RequestError):
    """The body is not valid for its ``Content-Encoding``."""


class TooManyRedirects(RequestError):
    """There were more redirects than ``max_redirects``."""


class BodyTooLarge(RequestError):
    """The body is longer than the limit."""


class RobotsDisallowed(RequestError):
    """The site's robots.txt asks not to fetch this URL, or could not be had (RFC 9309). Nothing was sent."""


class InvalidURL(RequestError, ValueError):
    """A URL that cannot be requested: no scheme, no host, or not a URL at all."""


class HTTPStatusError(HTTPError):
    """The status is 400 or above; raised by ``Response.raise_for_status()``.

    If the body of its ``response`` was not read, a copy from a pickle has an empty one.
    """

    response: Response | None

    def __init__(
        self, message: str = "", *, request: Request | None = None, response: Response | None = None
    ) -> None:
        super().__init__(message, request=request)
        self.response = response

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it whatever became of the body: it goes from one process to another to say what happened."""
        state = dict(self.__dict__)
        if self.response is not None:
            state["response"] = _that_can_be_pickled(self.response)
        return (type(self), self.args, state)


def _that_can_be_pickled(response: Response) -> Response:
    try:
        response.content  # noqa: B018
    except RuntimeError:
        # It was not read.
        pass
    else:
        return response
    return type(response)(
        response.status_code,
        headers=response.headers,
        url=response.url,
        http_version=response.http_version,
        reason_phrase=response.reason_phrase,
        elapsed=response.elapsed,
        request=response.request,
        history=response.history,
    )


class WebSocketError(ConnectionError):
    """Any failure of a WebSocket that was reached."""


class HandshakeError(WebSocketError):
    """What answered the handshake makes no WebSocket of the connection (RFC 6455, section 4.1).

    ``kind`` is what is wrong with the answer: its ``"status"``, which is not 101; its header ``"upgrade"``,
    ``"connection"`` or ``"accept"`` (Sec-WebSocket-Accept); or the ``"subprotocol"`` or the ``"extension"``
    that it chose. ``status_code`` and ``headers`` are those of the answer, and ``content`` is its body, where
    that said how long it is and is no longer than 64 KiB; else empty.
    """

    kind: HandshakeFault | None
    status_code: int | None
    headers: Headers | None
    content: bytes

    def __init__(
        self,
        message: str = "",
        *,
        kind: HandshakeFault | None = None,
        status_code: int | None = None,
        headers: Headers | None = None,
        content: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status_code = status_code
        self.headers = headers
        self.content = content


class HandshakeRefused(HandshakeError):
    """The server answered the handshake with another status than 101."""


class ConnectionClosed(WebSocketError):
    """The connection is over, or is being closed on this side: nothing can be sent, and no message is left.

    ``code`` is that of the peer's close frame (RFC 6455, section 7.4), 1005 if it had none; 1006 if the
    connection ended without one; or what this side has told the peer when it broke the connection off, 1002,
    1007, 1009 or 1011. ``reason`` is the text with it.
    """

    code: int
    reason: str

    def __init__(self, message: str = "", *, code: int = 1006, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


class CookieConflict(ValueError):
    """Several cookies have the name that was asked for, and no domain or path says which is meant."""


class QueueEmpty(asyncio.QueueEmpty):
    """``get_nowait`` found no item that is not spoken for."""


class QueueFull(asyncio.QueueFull):
    """``put_nowait`` found no room that is not spoken for."""


if sys.version_info >= (3, 13):

    class QueueShutDown(asyncio.QueueShutDown):
        """The queue was shut down: nothing goes in, and nothing is left to come out."""

else:

    class QueueShutDown(Exception):
        """The queue was shut down: nothing goes in, and nothing is left to come out."""


class BrokenBarrierError(asyncio.BrokenBarrierError):
    """The barrier was aborted, or reset while tasks waited at it."""
