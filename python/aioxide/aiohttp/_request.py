"""A request before it is sent, as middlewares see and change it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from . import hdrs
from .client_reqrep_types import RequestInfo
from .payload import BytesPayload

if TYPE_CHECKING:
    from .client import ClientSession

__all__ = ["ClientRequest", "with_host"]


class ClientRequest:
    """A request before it is sent, as middlewares see and change it.

    Attributes:
        method: In upper case.
        url: Where it goes, a ``yarl.URL``.
        headers: All that are sent but those about the length of a body that is not in memory.
        body: What is sent: a payload, a file or an asynchronous iterator; ``b""`` for nothing.
    """

    def __init__(
        self,
        method: str,
        url: URL,
        *,
        headers: CIMultiDict[str],
        body: Any = None,
        session: ClientSession,
        chunked: bool | None = None,
        compress: str | bool | None = None,
        ssl: Any = True,
        proxy: URL | None = None,
        proxy_headers: Iterable[tuple[str, str]] | None = None,
        server_hostname: str | None = None,
        jar_cookies: str | None = None,
    ) -> None:
        self.method = method
        self.original_url = url
        self.url = url.with_fragment(None) if url.raw_fragment else url
        self.headers = with_host(headers, self.url)
        #: As the session has it.
        self._sent = body
        self._body: Any = _shown(body)
        self.session = session
        self.chunked = chunked
        self.compress = compress
        self.ssl = ssl
        self.proxy = proxy
        self.proxy_headers = proxy_headers
        self.server_hostname = server_hostname
        self._jar_cookies = jar_cookies

    @property
    def body(self) -> Any:
        return self._body

    @body.setter
    def body(self, body: Any) -> None:
        self._body = self._sent = body

    @property
    def host(self) -> str:
        """The host of the URL."""
        return self.url.raw_host or ""

    @property
    def port(self) -> int | None:
        """The port of the URL."""
        return self.url.port

    def is_ssl(self) -> bool:
        """Whether it goes over TLS."""
        return self.url.scheme in ("https", "wss")

    async def update_body(self, body: Any) -> None:
        """Put another body in the place of the one that it has."""
        self.headers.popall(hdrs.CONTENT_LENGTH, None)
        self.headers.popall(hdrs.TRANSFER_ENCODING, None)
        self.body = body

    def _goes_to(self) -> URL:
        """Give where it goes: as it was asked for, unless a middleware has put another URL in its place."""
        asked = self.original_url.with_fragment(None)
        return self.original_url if self.url == asked else self.url

    @property
    def request_info(self) -> RequestInfo:
        """What exceptions tell of it."""
        return RequestInfo(self.url, self.method, CIMultiDictProxy(self.headers), self.original_url)


def _shown(body: Any) -> Any:
    """Give a body as middlewares expect it, who sign it: ``await request.body.as_bytes()``."""
    if body is None:
        return b""
    return BytesPayload(body) if isinstance(body, bytes) else body


def with_host(headers: CIMultiDict[str], url: URL) -> CIMultiDict[str]:
    """Add the host, which middlewares sign as well, and which stands first (RFC 9110, section 7.2)."""
    host = url.host_port_subcomponent
    if host is None or hdrs.HOST in headers:
        return headers
    named: CIMultiDict[str] = CIMultiDict({hdrs.HOST: host})
    named.extend(headers)
    return named
