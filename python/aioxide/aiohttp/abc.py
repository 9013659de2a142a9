"""What a program may make of its own and give to a session: cookie jars and resolvers."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence, Sized
from http.cookies import BaseCookie, Morsel, SimpleCookie
from types import MappingProxyType
from typing import Any, TypedDict

from yarl import URL

from ._installed import or_theirs

__all__ = [
    "AbstractCookieJar",
    "AbstractResolver",
    "AbstractStreamWriter",
    "ClearCookiePredicate",
    "ResolveResult",
]

#: Which cookies ``clear`` removes.
ClearCookiePredicate = Callable[["Morsel[str]"], bool]

_or_theirs = or_theirs("aiohttp.abc")


@_or_theirs
class AbstractCookieJar(Sized, Iterable["Morsel[str]"]):
    """The cookies of a session: those that servers set, and which of them a request gets."""

    def __init__(self, *, loop: Any = None) -> None:
        self._loop = loop

    @property
    @abstractmethod
    def unsafe(self) -> bool:
        """Whether hosts that are addresses have cookies."""

    @property
    @abstractmethod
    def quote_cookie(self) -> bool:
        """Whether values are sent in quotes if they need them."""

    @property
    def treat_as_secure_origin(self) -> frozenset[URL]:
        """Origins to which secure cookies are sent although they do not speak TLS."""
        return frozenset()

    @property
    @abstractmethod
    def cookies(self) -> MappingProxyType[tuple[str, str], SimpleCookie]:
        """The cookies by domain and path."""

    @property
    @abstractmethod
    def host_only_cookies(self) -> frozenset[tuple[str, str, str]]:
        """Domain, path and name of those that are not for the hosts below theirs."""

    @abstractmethod
    def clear(self, predicate: Callable[[Morsel[str]], bool] | None = None) -> None:
        """Remove all cookies, or those that ``predicate`` says."""

    @abstractmethod
    def clear_domain(self, domain: str) -> None:
        """Remove the cookies of a domain and of those below it."""

    @abstractmethod
    def update_cookies(self, cookies: Any, response_url: URL = URL()) -> None:  # noqa: B008
        """Keep what a response from ``response_url`` sets; without one, for every host."""

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Keep what the ``Set-Cookie`` headers of a response say."""
        from .cookiejar import response_cookies

        if cookies := response_cookies(headers):
            self.update_cookies(cookies, response_url)

    @abstractmethod
    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        """Give the cookies for a request."""


class ResolveResult(TypedDict):
    """An address of a host, as ``getaddrinfo`` has it."""

    hostname: str
    host: str
    port: int
    family: int
    proto: int
    flags: int


@_or_theirs
class AbstractResolver(ABC):
    """From names to addresses."""

    @abstractmethod
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the addresses of ``host``.

        Raises:
            OSError: It has none.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of what it holds."""


@_or_theirs
class AbstractStreamWriter(ABC):
    """Where a payload writes itself."""

    @abstractmethod
    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Write a chunk; wait until it was taken."""

    @abstractmethod
    async def write_eof(self, chunk: bytes = b"") -> None:
        """Write the last chunk."""

    @abstractmethod
    async def drain(self) -> None:
        """Wait until all was taken."""

    @abstractmethod
    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """Compress what is written from now on."""

    @abstractmethod
    def enable_chunking(self) -> None:
        """Send what is written in chunks."""

    @abstractmethod
    async def write_headers(self, status_line: str, headers: Any) -> None:
        """Write the head."""
