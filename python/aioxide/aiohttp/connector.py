"""Connectors: who owns the connections of sessions.

A connector is settings, and the native pools that come of them: one for each way to check certificates that
requests ask for. Limits hold for each.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl as _ssl
import time
import warnings
import weakref
from collections.abc import Awaitable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from yarl import URL

from aioxide._core import AiohttpConnections, Limits

from ._fingerprint import Fingerprint
from ._head import RELEASED
from .abc import AbstractResolver, ResolveResult
from .client_exceptions import ClientConnectionError
from .helpers import is_ip_address
from .resolver import ThreadedResolver, is_native
from .trust import settings_of

if TYPE_CHECKING:
    from .client_ws import ClientWebSocketResponse

__all__ = ["HOOKS", "BaseConnector", "NamedPipeConnector", "TCPConnector", "UnixConnector", "merged_ssl"]

_UNSET: Any = object()

#: Seconds for which an idle connection is kept.
_KEEPALIVE = 15.0


#: What a connector that does something of its own overrides, and is not called here.
HOOKS = (
    "_convert_hosts_to_addr_infos",
    "_create_connection",
    "_create_direct_connection",
    "_create_proxy_connection",
    "_get",
    "_get_ssl_context",
    "_release",
    "_start_tls_connection",
    "_wrap_create_connection",
    "connect",
)


class BaseConnector:
    """What all connectors have: limits on connections, and their end.

    Args:
        keepalive_timeout: Seconds for which an idle connection is kept; None: as long as the server keeps it.
        force_close: Close each connection after its request.
        limit: Connections in all; 0 is no limit.
        limit_per_host: Connections to one host and port; 0 is no limit.
        enable_cleanup_closed: Without effect: connections are always cleaned up.
        loop: Without effect: a connector is bound to no loop.
        timeout_ceil_threshold: Without effect: timeouts are not rounded up.
    """

    allowed_protocol_schema_set = frozenset({"http", "https", "ws", "wss", ""})

    def __init__(
        self,
        *,
        keepalive_timeout: float | None = _UNSET,
        force_close: bool = False,
        limit: int = 100,
        limit_per_host: int = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
    ) -> None:
        self._closed = False
        self._pools: dict[Any, AiohttpConnections] = {}
        #: Programs make an SSLContext for each request, and its connections are of no use without it.
        self._of_contexts: weakref.WeakKeyDictionary[_ssl.SSLContext, AiohttpConnections]
        self._of_contexts = weakref.WeakKeyDictionary()
        if force_close and keepalive_timeout is not None and keepalive_timeout is not _UNSET:
            raise ValueError("keepalive_timeout cannot be set if force_close is True")
        self._keepalive_timeout = _KEEPALIVE if keepalive_timeout is _UNSET else keepalive_timeout
        self._force_close = force_close
        self._limit = limit
        self._limit_per_host = limit_per_host
        self._loop = loop or asyncio._get_running_loop()
        self._ssl: Any = True
        self._settings: dict[str, Any] = {}
        #: Those open over it, which end with it.
        self._websockets: weakref.WeakSet[ClientWebSocketResponse] = weakref.WeakSet()
        #: Those being opened, by what ends them.
        self._handshakes: set[asyncio.Timeout] = set()

    def __init_subclass__(cls) -> None:
        for name in HOOKS:
            if name in vars(cls):
                raise TypeError(
                    f"{cls.__name__}.{name} would not be called: connections are made natively here"
                )

    @property
    def force_close(self) -> bool:
        """Whether each connection is closed after its request."""
        return self._force_close

    @property
    def limit(self) -> int:
        """Connections in all; 0 is no limit."""
        return self._limit

    @property
    def limit_per_host(self) -> int:
        """Connections to one host; 0 is no limit."""
        return self._limit_per_host

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def _connections(self, ssl: Any = True) -> AiohttpConnections:
        """Give the native pool for requests that ask for ``ssl``; True is what the connector says."""
        pinned = getattr(self._ssl, "fingerprint", None)
        if ssl is True or ssl is None or (ssl is False and pinned):
            # A fingerprint holds for requests that ask for less, too.
            ssl = self._ssl
        elif pinned and not hasattr(ssl, "fingerprint"):
            raise NotImplementedError("an SSLContext for one request of a connector that has a Fingerprint")
        # A Fingerprint may be made for each request, too.
        key = getattr(ssl, "fingerprint", ssl)
        pools: Any = self._of_contexts if isinstance(ssl, _ssl.SSLContext) else self._pools
        pool: AiohttpConnections | None = pools.get(key)
        if pool is None:
            limits = Limits(
                max_connections=self._limit or None,
                max_connections_per_host=self._limit_per_host or None,
                max_keepalive=0 if self._force_close else None,
                keepalive_expiry=self._keepalive_timeout,
            )
            trust = settings_of(ssl)
            pool = AiohttpConnections(cookies=False, http2=False, limits=limits, **trust, **self._settings)
            pools[key] = pool
        return pool

    def _all_pools(self) -> list[AiohttpConnections]:
        return [*self._pools.values(), *self._of_contexts.values()]

    async def _open(self, opening: Awaitable[ClientWebSocketResponse]) -> ClientWebSocketResponse:
        """Await a WebSocket, which ends when the connector is closed.

        Raises:
            ClientConnectionError: It was closed meanwhile.
        """
        end = asyncio.timeout(None)
        self._handshakes.add(end)
        try:
            async with end:
                websocket = await opening
        except TimeoutError:
            if end.expired():
                raise ClientConnectionError("Connector is closed.") from None
            raise
        finally:
            self._handshakes.discard(end)
        self._websockets.add(websocket)
        return websocket

    @property
    def _conns(self) -> Mapping[Any, Any]:
        # Programs wait for what is in it to close after `close`, by a recipe from aiohttp's documentation.
        return MappingProxyType({})

    def _finds_addresses(self) -> bool:
        """Whether the program has a part in finding addresses, which is Python's then."""
        return False

    async def _resolve(self, url: URL, pool: AiohttpConnections) -> None:
        """Let the program find the addresses of a host, where it does that itself."""

    async def _addresses(self, url: URL) -> list[tuple[str, int]]:
        """Where the program finds a host to be; none where it does not do that itself.

        Raises:
            OSError: There are none.
        """
        return []

    def close(self, *, abort_ssl: bool = False) -> Any:
        """Close all connections, at once; what is in flight fails. It may be awaited."""
        self._closed = True
        for pool in self._all_pools():
            pool.close()
        for end in self._handshakes:
            end.reschedule(0)
        for websocket in tuple(self._websockets):
            websocket._websocket.abort()
        return RELEASED

    def _close(self, *, abort_ssl: bool = False) -> list[Any]:
        # Libraries call it where no loop runs any more: it is what aiohttp's `close` does at once.
        self.close()
        return []

    def __enter__(self) -> BaseConnector:
        warnings.warn(
            '"with Connector():" is deprecated, use "async with Connector():" instead',
            DeprecationWarning,
            stacklevel=2,
        )
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> BaseConnector:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if getattr(self, "_closed", True):
            return
        open_now = [repr(pool.statistics()) for pool in self._all_pools() if pool.statistics().connections]
        if not open_now:
            return
        self.close()
        _warn(f"Unclosed connector {self!r}", ResourceWarning, source=self)
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_exception_handler(
                {"connector": self, "connections": open_now, "message": "Unclosed connector"}
            )


class TCPConnector(BaseConnector):
    """Connections over TCP.

    Args:
        ssl: How certificates are checked: True, False, a Fingerprint, or an SSLContext whose CAs and verify
            mode are read.
        verify_ssl: False is the same as ``ssl=False``; deprecated.
        ssl_context: The same as ``ssl``; deprecated.
        fingerprint: The same as ``ssl=Fingerprint(fingerprint)``; deprecated.
        use_dns_cache: Whether addresses are kept.
        ttl_dns_cache: Seconds for which they are kept; None: for ever.
        dns_cache_max_size: How many names that ``resolver`` has found are kept.
        family: ``AF_INET`` or ``AF_INET6``: connect by no other.
        local_addr: An address and a port to connect from; the port 0 is any.
        resolver: Who finds addresses. ``ThreadedResolver``, ``AsyncResolver`` and None are the native one.
        happy_eyeballs_delay: Without effect: RFC 8305 is kept to.
        interleave: Without effect.
        socket_factory: Refused.
        ssl_shutdown_timeout: Without effect.
        limits: The rest is as in `BaseConnector`.

    Raises:
        NotImplementedError: For what is refused.
    """

    def __init__(
        self,
        *,
        verify_ssl: bool = True,
        fingerprint: bytes | None = None,
        use_dns_cache: bool = True,
        ttl_dns_cache: float | None = 10,
        dns_cache_max_size: int = 1000,
        family: int = socket.AF_UNSPEC,
        ssl_context: _ssl.SSLContext | None = None,
        ssl: Any = True,
        local_addr: tuple[str, int] | None = None,
        resolver: AbstractResolver | None = None,
        keepalive_timeout: float | None = _UNSET,
        force_close: bool = False,
        limit: int = 100,
        limit_per_host: int = 0,
        enable_cleanup_closed: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        timeout_ceil_threshold: float = 5,
        happy_eyeballs_delay: float | None = 0.25,
        interleave: int | None = None,
        socket_factory: Any = None,
        ssl_shutdown_timeout: float | None = _UNSET,
    ) -> None:
        super().__init__(
            keepalive_timeout=keepalive_timeout,
            force_close=force_close,
            limit=limit,
            limit_per_host=limit_per_host,
            loop=loop,
        )
        self._ssl = merged_ssl(ssl, verify_ssl, ssl_context, fingerprint)
        settings_of(self._ssl)
        if socket_factory is not None:
            raise NotImplementedError("socket_factory is not supported: sockets are not made by Python here")
        # None: names are resolved natively.
        self._resolver = None if resolver is None or is_native(resolver) else resolver
        self._family = family
        self._use_dns_cache = use_dns_cache
        ttl = math.inf if ttl_dns_cache is None else ttl_dns_cache
        self._ttl = ttl if use_dns_cache else 0.0
        self._most_found = max(dns_cache_max_size, 1)
        self._found: dict[tuple[str, int], tuple[float, list[ResolveResult]]] = {}
        self._settings["dns_ttl"] = self._ttl
        if local_addr is not None:
            address, port = local_addr[:2]
            bracketed = f"[{address}]" if ":" in address else address
            self._settings["local_address"] = f"{bracketed}:{port}" if port else address
        elif family == socket.AF_INET:
            # Bound to every address of that kind, a socket connects by no other kind.
            self._settings["local_address"] = "0.0.0.0"
        elif family == socket.AF_INET6:
            self._settings["local_address"] = "::"
        elif family != socket.AF_UNSPEC:
            raise ValueError(f"family must be AF_UNSPEC, AF_INET or AF_INET6, not {family!r}")

    def _finds_addresses(self) -> bool:
        return self._resolver is not None or type(self)._resolve_host is not TCPConnector._resolve_host

    async def _resolve(self, url: URL, pool: AiohttpConnections) -> None:
        found = await self._addresses(url)
        if found and url.raw_host is not None:
            # The port may be another, too: it is where tests have their servers.
            pool.tell(url.raw_host, url.port or 0, found)

    async def _addresses(self, url: URL) -> list[tuple[str, int]]:
        if url.raw_host is None or not self._finds_addresses():
            return []
        found = await self._resolve_host(url.raw_host, url.port or 0)
        if not found:
            raise OSError(None, f"no address for {url.raw_host}")
        return [(one["host"], one["port"]) for one in found]

    async def _resolve_host(self, host: str, port: int, traces: Any = None) -> list[ResolveResult]:
        """Find the addresses of a host. A program that looks at them overrides it; then it is asked.

        Raises:
            OSError: There are none.
        """
        family = socket.AddressFamily(self._family)
        if is_ip_address(host):
            return [ResolveResult(hostname=host, host=host, port=port, family=family, proto=0, flags=0)]
        until, found = self._found.get((host, port), (0.0, []))
        if until <= time.monotonic():
            resolver = self._resolver or ThreadedResolver()
            found = await resolver.resolve(host, port, family=family)
            while len(self._found) >= self._most_found:
                del self._found[next(iter(self._found))]
            self._found[host, port] = (time.monotonic() + self._ttl, found)
        return found

    @property
    def family(self) -> int:
        """The family of addresses that it connects by."""
        return self._family

    @property
    def use_dns_cache(self) -> bool:
        """Whether addresses are kept."""
        return self._use_dns_cache

    def clear_dns_cache(self, host: str | None = None, port: int | None = None) -> None:
        """Forget the addresses of a host, or all that are kept.

        Raises:
            ValueError: A host is given without a port, or a port without a host.
        """
        if (host is None) != (port is None):
            raise ValueError("either both host and port or none of them are allowed")
        if host is None or port is None:
            self._found.clear()
        else:
            self._found.pop((host, port), None)
        for pool in self._all_pools():
            pool.forget(host)


class UnixConnector(BaseConnector):
    """Connections over a Unix socket, whatever the host of the URL.

    Args:
        path: Where the socket is.
        force_close: As in `BaseConnector`.
        keepalive_timeout: As in `BaseConnector`.
        limit: As in `BaseConnector`.
        limit_per_host: As in `BaseConnector`.
        loop: Without effect.
    """

    allowed_protocol_schema_set = BaseConnector.allowed_protocol_schema_set | {"unix"}

    def __init__(
        self,
        path: str,
        force_close: bool = False,
        keepalive_timeout: float | None = _UNSET,
        limit: int = 100,
        limit_per_host: int = 0,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(
            force_close=force_close,
            keepalive_timeout=keepalive_timeout,
            limit=limit,
            limit_per_host=limit_per_host,
            loop=loop,
        )
        self._path = path
        self._settings["uds"] = path

    @property
    def path(self) -> str:
        """Where the socket is."""
        return self._path


class NamedPipeConnector(BaseConnector):
    """Connections over a named pipe of Windows: refused.

    Raises:
        NotImplementedError: Always.
    """

    def __init__(self, path: str, **settings: Any) -> None:
        raise NotImplementedError("named pipes are not supported")


def merged_ssl(ssl: Any, verify_ssl: bool | None, ssl_context: Any, fingerprint: bytes | None) -> Any:
    """Make one of the four ways to speak of TLS, with aiohttp's warnings for the old ones.

    Raises:
        ValueError: Two of them are used, or the fingerprint is no SHA-256 digest.
    """
    given = True if ssl is None else ssl
    old = {
        "verify_ssl": (verify_ssl is not None and not verify_ssl, False, "ssl=False"),
        "ssl_context": (ssl_context is not None, ssl_context, "ssl=context"),
        "fingerprint": (fingerprint is not None, fingerprint, "ssl=Fingerprint(fingerprint)"),
    }
    for name, (is_used, value, new) in old.items():
        if is_used:
            warnings.warn(f"{name} is deprecated, use {new} instead", DeprecationWarning, stacklevel=4)
            if given is not True:
                raise ValueError(
                    "verify_ssl, ssl_context, fingerprint and ssl parameters are mutually exclusive"
                )
            given = Fingerprint(value) if name == "fingerprint" else value
    return given
