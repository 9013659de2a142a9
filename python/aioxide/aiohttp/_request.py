"""A request before it is sent, as middlewares see and change it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from . import hdrs
from .client_reqrep_types import RequestInfo

if TYPE_CHECKING:
    from .client import ClientSession

__all__ = ["ClientRequest"]


class ClientRequest:
    """A request before it is sent, as middlewares see and change it.

    Attributes:
        method: In upper case.
        url: Where it goes, a ``yarl.URL``.
        headers: All that are sent but those about the length of the body.
        body: What is sent.
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
        self.headers = headers
        self.body = body
        self.session = session
        self.chunked = chunked
        self.compress = compress
        self.ssl = ssl
        self.proxy = proxy
        self.proxy_headers = proxy_headers
        self.server_hostname = server_hostname
        self._jar_cookies = jar_cookies

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
