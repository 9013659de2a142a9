"""What a request is told of in exceptions: `RequestInfo` and `ConnectionKey`, tuples as aiohttp's."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any, NamedTuple

from multidict import CIMultiDictProxy
from yarl import URL

from ._installed import or_theirs

__all__ = ["ConnectionKey", "RequestInfo", "connection_key"]

_or_theirs = or_theirs("aiohttp.client_reqrep")


class _RequestInfo(NamedTuple):
    url: URL
    method: str
    headers: CIMultiDictProxy[str]
    real_url: URL


@_or_theirs
class RequestInfo(_RequestInfo):
    """A request as it was sent.

    ``url`` is without its fragment, ``real_url`` with it.
    """

    __slots__ = ()

    def __new__(  # noqa: D102
        cls, url: URL, method: str, headers: CIMultiDictProxy[str], real_url: URL | None = None
    ) -> RequestInfo:
        return super().__new__(cls, url, method, headers, url if real_url is None else real_url)


@_or_theirs
class ConnectionKey(NamedTuple):
    """Which connections are alike."""

    host: str
    port: int | None
    is_ssl: bool
    #: An SSLContext, a Fingerprint, or whether certificates are checked.
    ssl: Any
    proxy: URL | None
    #: A BasicAuth.
    proxy_auth: Any
    proxy_headers_hash: int | None
    server_hostname: str | None = None


def connection_key(
    url: URL,
    *,
    ssl: SSLContext | bool | Any = True,
    proxy: URL | None = None,
    server_hostname: str | None = None,
) -> ConnectionKey:
    """Make the key of connections for ``url``.

    It has no ``proxy_auth``, which is a password.
    """
    values: dict[str, Any] = dict.fromkeys(ConnectionKey._fields) | {
        "host": url.raw_host or "",
        "port": url.port,
        "is_ssl": url.scheme in ("https", "wss"),
        "ssl": ssl,
        "proxy": proxy,
        "server_hostname": server_hostname,
    }
    # Versions of aiohttp differ in what they have.
    return ConnectionKey(**{name: values[name] for name in ConnectionKey._fields})
