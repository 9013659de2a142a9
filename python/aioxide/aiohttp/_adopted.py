"""Connectors of aiohttp's that a session is given: ours are made of their settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .connector import HOOKS, BaseConnector, TCPConnector, UnixConnector

__all__ = ["adopted"]

#: What one has that connects in a way of its own, or looks at addresses.
_OWN = frozenset({*HOOKS, "_resolve_host"})


@contextmanager
def _naming(connector: Any) -> Iterator[None]:
    try:
        yield
    except AttributeError as error:
        raise TypeError(
            f"connector must be one of aioxide.aiohttp, or a TCPConnector or UnixConnector of aiohttp, "
            f"not {type(connector).__name__}"
        ) from error


def adopted(connector: Any) -> BaseConnector:
    """Make one of ours of a connector of aiohttp's, or of the ``ProxyConnector`` of aiohttp-socks.

    Raises:
        TypeError: It is another kind, which connects in a way of its own.
    """
    if isinstance(connector, BaseConnector):
        return connector
    common = (
        {"limit": connector.limit, "limit_per_host": connector.limit_per_host} if _limits(connector) else {}
    )
    with _naming(connector):
        common["force_close"] = connector._force_close
        if not connector._force_close:
            common["keepalive_timeout"] = connector._keepalive_timeout
        kind = type(connector)
        if kind.__module__ == "aiohttp.connector":
            if kind.__name__ == "UnixConnector":
                return UnixConnector(connector.path, **common)
            if kind.__name__ == "TCPConnector":
                return _tcp_of(connector, common)
        elif kind.__module__.startswith("aiohttp_socks") and hasattr(connector, "_proxy_host"):
            return _socks_of(connector, common)
        elif not any(vars(base).keys() & _OWN for base in kind.__mro__ if _is_foreign(base)):
            return _tcp_of(connector, common)
    raise TypeError(f"a {type(connector).__name__} connects in a way of its own, which is not supported")


def _limits(connector: Any) -> bool:
    return hasattr(connector, "limit") and hasattr(connector, "limit_per_host")


def _is_foreign(base: type) -> bool:
    return not base.__module__.startswith(("aiohttp.", "builtins"))


def _tcp_of(connector: Any, common: dict[str, Any]) -> TCPConnector:
    local, resolver = connector._local_addr_infos, connector._resolver
    if type(resolver).__module__.startswith("aiohttp_socks"):
        # It leaves names to the proxy.
        resolver = None
    return TCPConnector(
        ssl=connector._ssl,
        family=connector._family,
        use_dns_cache=connector._use_dns_cache,
        ttl_dns_cache=connector._cached_hosts._ttl,
        local_addr=local[0][4][:2] if local else None,
        resolver=resolver,
        socket_factory=connector._socket_factory,
        **common,
    )


def _socks_of(connector: Any, common: dict[str, Any]) -> TCPConnector:
    from aioxide._core import Proxy

    ours = _tcp_of(connector, common)
    kind = connector._proxy_type.name.lower()
    if kind.startswith("socks") and connector._rdns:
        kind = {"socks4": "socks4a", "socks5": "socks5h"}.get(kind, kind)
    who = ""
    if connector._proxy_username:
        from urllib.parse import quote

        who = f"{quote(connector._proxy_username, '')}:{quote(connector._proxy_password or '', '')}@"
    ours._settings["proxy"] = Proxy(f"{kind}://{who}{connector._proxy_host}:{connector._proxy_port}")
    return ours
