"""What a transport is told, in httpx's words, as a carrier takes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aioxide._core import Limits, Proxy, Retry
from aioxide.exceptions import ConnectError, ConnectTimeout
from aioxide.httpx.libraries import bases

__all__ = ["settings"]


def settings(
    *,
    verify: Any,
    cert: Any,
    trust_env: bool,
    http1: bool,
    http2: bool,
    limits: Any,
    proxy: Any,
    uds: str | None,
    local_address: str | None,
    retries: Any,
    socket_options: Any,
) -> dict[str, Any]:
    """Give the settings of a carrier, which raises what is wrong with them and is not raised here."""
    if socket_options is not None:
        raise NotImplementedError(
            "socket_options cannot be set: the sockets are opened in Rust, with TCP_NODELAY and keep-alive on"
        )
    return {
        "verify": _verify(verify, trust_env),
        "cert": cert,
        "trust_env": trust_env,
        "http1": http1,
        "http2": http2,
        "limits": _limits(limits),
        "proxy": _proxy(proxy),
        "uds": uds,
        "local_address": local_address,
        "retries": _retries(retries),
    }


def _verify(verify: Any, trust_env: bool) -> Any:
    if verify is True and trust_env:
        verify = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR") or True
    if isinstance(verify, (str, os.PathLike)) and os.path.isdir(verify):
        return _authorities(Path(verify))
    return verify


def _authorities(folder: Path) -> bytes:
    """Give what OpenSSL would find there, by the hashes in the names or otherwise."""
    files = (path for path in sorted(folder.iterdir()) if path.is_file())
    return b"\n".join(pem for pem in map(Path.read_bytes, files) if b"-----BEGIN CERTIFICATE" in pem)


def _limits(limits: Any) -> Limits | None:
    if limits is None or isinstance(limits, Limits):
        return limits
    try:
        return Limits(
            max_connections=limits.max_connections,
            max_keepalive=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
        )
    except AttributeError:
        raise TypeError(
            f"limits must be an httpx.Limits or an aioxide.Limits, not {type(limits).__name__}"
        ) from None


def _proxy(proxy: Any) -> Proxy | None:
    if proxy is None or isinstance(proxy, Proxy):
        return proxy
    if isinstance(proxy, (str, *bases("URL"))):
        return Proxy(_resolving_there(str(proxy)))
    if not isinstance(proxy, bases("Proxy")):
        raise TypeError(
            f"proxy must be a URL, an httpx.Proxy, an aioxide.Proxy or None, not {type(proxy).__name__}"
        )
    if proxy.ssl_context is not None:
        raise NotImplementedError(
            "an ssl_context of a proxy cannot be kept apart: verify and cert are for proxies, too"
        )
    url = _resolving_there(str(proxy.url))
    if proxy.raw_auth is not None:
        scheme, _, rest = url.partition("://")
        user, password = (quote(part, safe="") for part in proxy.raw_auth)
        url = f"{scheme}://{user}:{password}@{rest}"
    return Proxy(url, headers=proxy.headers.raw or None)


def _resolving_there(url: str) -> str:
    """Have names resolved by the proxy: httpx means that by ``socks5``."""
    scheme, separator, rest = url.partition("://")
    return f"socks5h://{rest}" if separator and scheme.lower() == "socks5" else url


def _retries(retries: Any) -> Any:
    if not isinstance(retries, int) or isinstance(retries, bool):
        # A policy, or what the carrier refuses.
        return retries
    # httpx tries again to connect, and nothing else: nothing was sent by then.
    return Retry(retries, errors=(ConnectError, ConnectTimeout), statuses=(), methods=None, jitter=False)
