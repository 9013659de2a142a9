"""What can go wrong with a request, as aiohttp has it.

::

    ClientError
    ├── ClientResponseError              .request_info .history .status .message .headers
    │   ├── ContentTypeError
    │   ├── WSServerHandshakeError
    │   ├── ClientHttpProxyError
    │   └── TooManyRedirects
    ├── ClientConnectionError
    │   ├── ClientConnectionResetError   also ConnectionResetError
    │   ├── ClientOSError                also OSError
    │   │   └── ClientConnectorError     .host .port .ssl .os_error
    │   │       ├── ClientConnectorDNSError
    │   │       ├── ClientProxyConnectionError
    │   │       ├── UnixClientConnectorError
    │   │       └── ClientSSLError
    │   │           ├── ClientConnectorSSLError          also ssl.SSLError
    │   │           └── ClientConnectorCertificateError  also ssl.CertificateError; .certificate_error
    │   └── ServerConnectionError
    │       ├── ServerDisconnectedError  .message
    │       ├── ServerTimeoutError       also TimeoutError
    │       │   ├── ConnectionTimeoutError
    │       │   └── SocketTimeoutError
    │       └── ServerFingerprintMismatch
    ├── ClientPayloadError
    ├── UploadAbortedError
    ├── InvalidURL                       also ValueError; .url .description
    │   └── InvalidUrlClientError
    ├── NonHttpUrlClientError
    └── RedirectClientError
        ├── InvalidUrlRedirectClientError    also InvalidUrlClientError
        └── NonHttpUrlRedirectClientError    also NonHttpUrlClientError

    WSMessageTypeError                   a TypeError

Where aiohttp is installed, these are its very classes.
"""

from __future__ import annotations

import ssl
import warnings
from typing import Any

from multidict import MultiMapping
from yarl import URL

from ._installed import or_theirs
from .client_reqrep_types import ConnectionKey, RequestInfo

__all__ = [
    "ClientConnectionError",
    "ClientConnectionResetError",
    "ClientConnectorCertificateError",
    "ClientConnectorDNSError",
    "ClientConnectorError",
    "ClientConnectorSSLError",
    "ClientError",
    "ClientHttpProxyError",
    "ClientOSError",
    "ClientPayloadError",
    "ClientProxyConnectionError",
    "ClientResponseError",
    "ClientSSLError",
    "ConnectionTimeoutError",
    "ContentTypeError",
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlClientError",
    "NonHttpUrlRedirectClientError",
    "RedirectClientError",
    "ServerConnectionError",
    "ServerDisconnectedError",
    "ServerFingerprintMismatch",
    "ServerTimeoutError",
    "SocketTimeoutError",
    "TooManyRedirects",
    "UnixClientConnectorError",
    "UploadAbortedError",
    "WSMessageTypeError",
    "WSServerHandshakeError",
]

_or_theirs = or_theirs("aiohttp.client_exceptions")


@_or_theirs
class ClientError(Exception):
    """Any failure of a request; the base of the tree."""


@_or_theirs
class ClientResponseError(ClientError):
    """A response came, and it is not what was asked for."""

    def __init__(
        self,
        request_info: RequestInfo,
        history: tuple[Any, ...],
        *,
        code: int | None = None,
        status: int | None = None,
        message: str = "",
        headers: MultiMapping[str] | None = None,
    ) -> None:
        if code is not None:
            if status is not None:
                raise ValueError("code is another name of status: give one of them")
            warnings.warn("code is deprecated, use status", DeprecationWarning, stacklevel=2)
        super().__init__(request_info, history)
        self.request_info = request_info
        self.history = history
        self.status = status if status is not None else code or 0
        self.message = message
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status}, message={self.message!r}, url={str(self.request_info.real_url)!r}"

    def __repr__(self) -> str:
        said = [f"{self.request_info!r}", f"{self.history!r}"]
        if self.status != 0:
            said.append(f"status={self.status!r}")
        if self.message != "":
            said.append(f"message={self.message!r}")
        if self.headers is not None:
            said.append(f"headers={self.headers!r}")
        return f"{type(self).__name__}({', '.join(said)})"

    @property
    def code(self) -> int:
        """Another name of ``status``, deprecated."""
        warnings.warn("code is deprecated, use status", DeprecationWarning, stacklevel=2)
        return self.status

    @code.setter
    def code(self, value: int) -> None:
        warnings.warn("code is deprecated, use status", DeprecationWarning, stacklevel=2)
        self.status = value


@_or_theirs
class ContentTypeError(ClientResponseError):
    """The ``Content-Type`` is not the one that was expected."""


@_or_theirs
class WSServerHandshakeError(ClientResponseError):
    """The server does not switch to WebSocket."""


@_or_theirs
class ClientHttpProxyError(ClientResponseError):
    """The proxy answered CONNECT with another status than 200."""


@_or_theirs
class TooManyRedirects(ClientResponseError):
    """There were more redirects than ``max_redirects``."""


@_or_theirs
class ClientConnectionError(ClientError):
    """A connection could not be made, or broke."""


@_or_theirs
class ClientConnectionResetError(ClientConnectionError, ConnectionResetError):
    """The connection was reset, or is closing."""


@_or_theirs
class ClientOSError(ClientConnectionError, OSError):
    """The system failed: ``errno`` and ``strerror`` say at what."""


@_or_theirs
class ClientConnectorError(ClientOSError):
    """A connection could not be made."""

    def __init__(self, connection_key: ConnectionKey, os_error: OSError) -> None:
        self._conn_key = connection_key
        self._os_error = os_error
        super().__init__(os_error.errno, os_error.strerror)
        self.args = (connection_key, os_error)

    @property
    def os_error(self) -> OSError:
        """What the system said."""
        return self._os_error

    @property
    def host(self) -> str:
        """The host that was not reached."""
        return self._conn_key.host

    @property
    def port(self) -> int | None:
        """Its port."""
        return self._conn_key.port

    @property
    def ssl(self) -> Any:
        """What was asked of TLS: an SSLContext, a Fingerprint, or whether certificates are checked."""
        return self._conn_key.ssl

    def __str__(self) -> str:
        return f"Cannot connect to host {self.host}:{self.port} ssl:{_shown(self.ssl)} [{self.strerror}]"

    # That of OSError makes one of errno and strerror.
    __reduce__ = BaseException.__reduce__


def _shown(asked: Any) -> Any:
    return "default" if asked is True else asked


@_or_theirs
class ClientConnectorDNSError(ClientConnectorError):
    """The name of the host was not resolved."""


@_or_theirs
class ClientProxyConnectionError(ClientConnectorError):
    """The proxy was not reached."""


@_or_theirs
class UnixClientConnectorError(ClientConnectorError):
    """The Unix socket was not reached."""

    def __init__(self, path: str, connection_key: ConnectionKey, os_error: OSError) -> None:
        self._path = path
        super().__init__(connection_key, os_error)

    @property
    def path(self) -> str:
        """Where the socket should be."""
        return self._path

    def __str__(self) -> str:
        return f"Cannot connect to unix socket {self.path} ssl:{_shown(self.ssl)} [{self.strerror}]"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._path, *self.args))


@_or_theirs
class ServerConnectionError(ClientConnectionError):
    """The server ended it."""


@_or_theirs
class ServerDisconnectedError(ServerConnectionError):
    """The server closed the connection and had not answered."""

    def __init__(self, message: Any = None) -> None:
        self.message = "Server disconnected" if message is None else message
        super().__init__(self.message)


@_or_theirs
class ServerTimeoutError(ServerConnectionError, TimeoutError):
    """The server took too long."""


@_or_theirs
class ConnectionTimeoutError(ServerTimeoutError):
    """There was no connection in time."""


@_or_theirs
class SocketTimeoutError(ServerTimeoutError):
    """The server sent nothing for too long."""


@_or_theirs
class ServerFingerprintMismatch(ServerConnectionError):
    """The certificate is not the one with that fingerprint."""

    def __init__(self, expected: bytes, got: bytes, host: str, port: int) -> None:
        super().__init__(expected, got, host, port)
        self.expected = expected
        self.got = got
        self.host = host
        self.port = port

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} expected={self.expected!r} got={self.got!r} "
            f"host={self.host!r} port={self.port!r}>"
        )


@_or_theirs
class ClientPayloadError(ClientError):
    """The body is not complete, or not valid for its coding."""


@_or_theirs
class UploadAbortedError(ClientError):
    """The body of the request was not sent to its end."""


@_or_theirs
class InvalidURL(ClientError, ValueError):
    """The URL is none that can be requested: without a host, say."""

    def __init__(self, url: str | URL, description: str | None = None) -> None:
        self._url = url
        self._description = description
        super().__init__(*([url, description] if description else [url]))

    @property
    def url(self) -> str | URL:
        """The URL as it was given."""
        return self._url

    @property
    def description(self) -> str | None:
        """What is wrong with it."""
        return self._description

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def __str__(self) -> str:
        return f"{self._url} - {self._description}" if self._description else str(self._url)


@_or_theirs
class InvalidUrlClientError(InvalidURL):
    """A URL that the program gave is not valid."""


@_or_theirs
class RedirectClientError(ClientError):
    """A redirect cannot be followed."""


@_or_theirs
class NonHttpUrlClientError(ClientError):
    """The scheme of a URL that the program gave is none of HTTP's."""


@_or_theirs
class InvalidUrlRedirectClientError(InvalidUrlClientError, RedirectClientError):
    """A redirect leads to what is no URL."""


@_or_theirs
class NonHttpUrlRedirectClientError(NonHttpUrlClientError, RedirectClientError):
    """A redirect leads out of HTTP."""


@_or_theirs
class ClientSSLError(ClientConnectorError):
    """TLS failed."""


@_or_theirs
class ClientConnectorSSLError(ClientSSLError, ssl.SSLError):
    """TLS failed, though not for the certificate."""


@_or_theirs
class ClientConnectorCertificateError(ClientSSLError, ssl.CertificateError):
    """The certificate is not trusted, or is another host's."""

    def __init__(self, connection_key: ConnectionKey, certificate_error: Exception) -> None:
        os_error = certificate_error if isinstance(certificate_error, OSError) else OSError()
        super().__init__(connection_key, os_error)
        self._certificate_error = certificate_error
        self.args = (connection_key, certificate_error)

    @property
    def certificate_error(self) -> Exception:
        """What is wrong with the certificate: a ``ssl.SSLCertVerificationError``."""
        return self._certificate_error

    @property
    def ssl(self) -> bool:
        """Whether it was TLS."""
        return self._conn_key.is_ssl

    def __str__(self) -> str:
        error = self.certificate_error
        return (
            f"Cannot connect to host {self.host}:{self.port} ssl:{self.ssl} "
            f"[{type(error).__name__}: {error.args}]"
        )


@_or_theirs
class WSMessageTypeError(TypeError):
    """A message of the WebSocket has another type than was asked for."""
