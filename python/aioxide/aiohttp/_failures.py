"""From an exception of aioxide to the one that aiohttp raises in that situation."""

from __future__ import annotations

import ipaddress
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from aioxide import exceptions as native

from . import client_exceptions as theirs
from .client_reqrep_types import ConnectionKey, RequestInfo, connection_key

__all__ = ["failure", "not_found", "too_many", "translate", "unsent"]

_REPLAYED = (
    "Cannot follow redirect with a consumed request body. "
    "Use bytes, a seekable file-like object, or set allow_redirects=False."
)


def translate(
    error: BaseException,
    request_info: RequestInfo,
    *,
    history: tuple[Any, ...] = (),
    ssl: Any = True,
    proxy: URL | None = None,
    server_hostname: str | None = None,
    unix_path: str | None = None,
) -> BaseException:
    """Give the exception that aiohttp raises where aioxide raises ``error``, which is its cause.

    What is none of a request of aioxide is given back: a cancellation, an exception of the program's body.

    Args:
        error: What a native client raised.
        request_info: The request that failed. If ``error`` names another, as after a redirect, that one is
            told of.
        history: The responses before it.
        ssl: What was asked of TLS: an SSLContext, a Fingerprint, or whether certificates are checked.
        proxy: The proxy that was asked for.
        server_hostname: The name that was asked of the certificate.
        unix_path: The Unix socket that was asked for.
    """
    if not isinstance(error, native.RequestError):
        return error
    info = _of_hop(error, request_info)
    key = connection_key(info.url, ssl=ssl, proxy=proxy, server_hostname=server_hostname)
    translated = _translated(error, info, history, key, unix_path)
    under = getattr(translated, "os_error", None)
    if isinstance(under, OSError):
        # As aiohttp, whose cause is what the system said.
        under.__cause__ = error
        translated.__cause__ = under
    else:
        translated.__cause__ = error
    return translated


def _of_hop(error: native.RequestError, info: RequestInfo) -> RequestInfo:
    """Tell of the request that failed, if a redirect has led away from the one that was asked for."""
    request = error.request
    if request is None:
        return info
    url = URL(request.url, encoded=True).with_fragment(None)
    if url == info.url.with_fragment(None).with_user(None):
        return info
    headers = CIMultiDictProxy(CIMultiDict(request.headers.multi_items()))
    return RequestInfo(url, request.method, headers, url)


def _translated(
    error: native.RequestError,
    info: RequestInfo,
    history: tuple[Any, ...],
    key: ConnectionKey,
    unix_path: str | None,
) -> BaseException:
    what, _, words, _ = error.detail or (None, None, str(error), None)
    match error:
        case native.TimeoutException():
            return _too_late(error, info, key, unix_path)
        case native.TooManyRedirects():
            return theirs.TooManyRedirects(history[0].request_info if history else info, history)
        case native.UnsupportedProtocol() if error.phase == "redirect":
            return theirs.NonHttpUrlRedirectClientError(words)
        case native.UnsupportedProtocol():
            return theirs.NonHttpUrlClientError(info.url)
        case native.InvalidURL():
            return theirs.InvalidUrlClientError(info.url)
        case native.CloseError():
            return theirs.ClientConnectionError("Connector is closed")
        case native.LocalProtocolError() if error.phase == "redirect":
            return theirs.ClientPayloadError(_REPLAYED)
        case native.LocalProtocolError():
            return ValueError(str(error))
        case native.RemoteProtocolError() if error.phase == "redirect":
            return _to_nowhere(words)
        case native.ProxyError():
            return _by_proxy(error, info, key)
        case native.DecodingError() | native.BodyTooLarge():
            return theirs.ClientPayloadError(str(error))
        case native.ConnectError() | native.TLSError() if error.phase in ("connect", "pool", None):
            return _unreached(error, key, unix_path)
        case _ if error.phase == "body":
            return theirs.ClientPayloadError(f"Response payload is not completed: {_shown(error)}")
        case native.RemoteProtocolError() if what == "ended":
            return theirs.ServerDisconnectedError()
        case native.RemoteProtocolError():
            return theirs.ClientResponseError(info, history, status=400, message=words)
        case native.NetworkError() | native.TLSError():
            return _broken(error, info)
    return theirs.ClientError(str(error))


def _to_nowhere(location: str) -> BaseException:
    try:
        url = URL(location)
    except ValueError:
        return theirs.InvalidUrlRedirectClientError(
            location, "Server attempted redirecting to a location that does not look like a URL"
        )
    return theirs.InvalidUrlRedirectClientError(url, "Invalid redirect URL origin")


def _too_late(
    error: native.TimeoutException, info: RequestInfo, key: ConnectionKey, unix_path: str | None
) -> BaseException:
    if error.os_error is not None:
        # The system's own limit on connecting, which nobody asked for.
        return _unreached(error, key, unix_path)
    match error:
        case native.ConnectTimeout() | native.PoolTimeout():
            return theirs.ConnectionTimeoutError(f"Connection timeout to host {info.url}")
        case native.ReadTimeout():
            return theirs.SocketTimeoutError("Timeout on reading data from socket")
        case native.WriteTimeout():
            return theirs.SocketTimeoutError("Timeout on writing data to socket")
    return TimeoutError()


def _unreached(error: native.RequestError, key: ConnectionKey, unix_path: str | None) -> BaseException:
    what = None if error.detail is None else error.detail[0]
    if what == "fingerprint" and error.detail is not None:
        got, expected = map(bytes.fromhex, error.detail[2].split())
        return theirs.ServerFingerprintMismatch(expected, got, key.host, key.port or 443)
    if what == "certificate":
        return theirs.ClientConnectorCertificateError(key, _os_error(error, key))
    if what == "tls":
        return theirs.ClientConnectorSSLError(key, _os_error(error, key))
    if what == "name":
        return theirs.ClientConnectorDNSError(key, _os_error(error, key))
    if unix_path is not None:
        return theirs.UnixClientConnectorError(unix_path, key, _os_error(error, key))
    return theirs.ClientConnectorError(key, _os_error(error, key))


def _by_proxy(error: native.ProxyError, info: RequestInfo, key: ConnectionKey) -> BaseException:
    what, number, words, name = error.detail or (None, None, str(error), None)
    proxy = key.proxy if name is None else URL(name)
    if what == "proxy":
        asked = RequestInfo(info.url, "CONNECT", CIMultiDictProxy(CIMultiDict()), proxy or info.url)
        said = [(name, value.decode("utf-8", "surrogateescape")) for name, value in error.headers or ()]
        headers = CIMultiDictProxy(CIMultiDict(said))
        return theirs.ClientHttpProxyError(asked, (), status=number, message=words, headers=headers)
    if proxy is not None:
        key = connection_key(proxy, ssl=key.ssl)
    if what in ("name", "certificate", "fingerprint", "tls"):
        return _unreached(error, key, None)
    return theirs.ClientProxyConnectionError(key, _os_error(error, key))


def _os_error(error: native.RequestError, key: ConnectionKey) -> OSError:
    under = error.os_error
    if under is None:
        # It has the words where aiohttp's has them.
        return OSError(None, str(error))
    if error.detail is not None and error.detail[0] == "system":
        if under.errno is None:
            return ConnectionResetError(None, under.args[0])
        if under.errno and _is_address(key.host):
            # asyncio's words.
            return OSError(under.errno, f"Connect call failed {(key.host, key.port)}")
    return under


def _is_address(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _broken(error: native.RequestError, info: RequestInfo) -> BaseException:
    """Give what a connection that was there has come to before there was an answer."""
    under = error.os_error
    if under is None:
        return theirs.ClientOSError(None, str(error))
    if isinstance(error, native.WriteError):
        return theirs.ClientOSError(under.errno, f"Can not write request body for {info.url}")
    return theirs.ClientOSError(*under.args)


def _shown(error: native.RequestError) -> str:
    under = error.os_error
    if under is not None:
        return repr(under)
    return str(error) if error.detail is None else error.detail[2]


def failure(error: BaseException) -> BaseException:
    """Give what aiohttp raises where the native client has raised ``error``, and no more is known."""
    if not isinstance(error, native.HTTPError) or error.request is None:
        return error
    url = URL(error.request.url, encoded=True)
    headers: CIMultiDict[str] = CIMultiDict(error.request.headers.multi_items())
    info = RequestInfo(url.with_fragment(None), error.request.method, CIMultiDictProxy(headers), url)
    return translate(error, info)


def not_found(error: OSError, url: URL, ssl: Any) -> BaseException:
    """Give the exception for a host whose addresses the program did not find, since ``error`` was raised."""
    return theirs.ClientConnectorDNSError(connection_key(url, ssl=ssl), OSError(error.errno, str(error)))


def unsent(error: Exception, url: URL) -> Exception:
    """Give the exception for a body that could not be read to send it, since that raised ``error``."""
    if isinstance(error, OSError) and (error.errno is not None or not isinstance(error, TimeoutError)):
        return theirs.ClientOSError(error.errno, f"Can not write request body for {url}")
    if isinstance(error, OSError):
        return error
    return theirs.ClientConnectionError("Failed to send bytes into the underlying connection")


def too_many(response: Any) -> BaseException:
    """Give the exception for a response that is one redirect too many."""
    history = (*response.history, response)
    response.release()
    return theirs.TooManyRedirects(history[0].request_info, history)
