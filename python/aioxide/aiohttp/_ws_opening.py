"""What it takes to open a WebSocket: its limits, what is asked, and what aiohttp raises where that fails."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from aioxide import exceptions as native

from ._failures import not_found, translate
from ._installed import or_theirs
from .client_exceptions import WSServerHandshakeError
from .client_reqrep_types import RequestInfo
from .client_timeout import UNSET

__all__ = [
    "DEFAULT_WS_CLIENT_TIMEOUT",
    "EXTENSIONS",
    "ClientWSTimeout",
    "info",
    "limits_of",
    "own_headers",
    "refused",
    "resolved",
    "unreached",
]

#: What the handshake says itself; aiohttp lets programs say it again.
_OF_THE_HANDSHAKE = frozenset(
    {"upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "content-length"}
)
_PROTOCOL = "sec-websocket-protocol"
EXTENSIONS = "sec-websocket-extensions"


@or_theirs("aiohttp.client_ws")
@dataclass(frozen=True, slots=True)
class ClientWSTimeout:
    """Limits on a WebSocket, in seconds; None is no limit.

    ``ws_receive`` is for each ``receive``, ``ws_close`` for the server's answer to a close frame.
    """

    ws_receive: float | None = None
    ws_close: float | None = None


DEFAULT_WS_CLIENT_TIMEOUT = ClientWSTimeout(ws_receive=None, ws_close=10.0)


def limits_of(timeout: Any, receive_timeout: float | None) -> ClientWSTimeout:
    limits = DEFAULT_WS_CLIENT_TIMEOUT
    if timeout is not UNSET:
        if hasattr(timeout, "ws_close"):
            limits = timeout
        else:
            warnings.warn(
                "parameter 'timeout' of type 'float' is deprecated, "
                "please use 'timeout=ClientWSTimeout(ws_close=...)'",
                DeprecationWarning,
                stacklevel=4,
            )
            limits = ClientWSTimeout(ws_close=timeout)
    if receive_timeout is not None:
        warnings.warn(
            "float parameter 'receive_timeout' is deprecated, "
            "please use parameter 'timeout=ClientWSTimeout(ws_receive=...)'",
            DeprecationWarning,
            stacklevel=4,
        )
        limits = ClientWSTimeout(ws_receive=receive_timeout, ws_close=limits.ws_close)
    return limits


def own_headers(headers: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[str]]:
    """Part what the handshake says itself from the rest; and the subprotocols that were put there by hand."""
    own: list[tuple[str, str]] = []
    offered: list[str] = []
    for name, value in headers:
        lower = name.lower()
        if lower == EXTENSIONS:
            raise ValueError("Sec-WebSocket-Extensions cannot be a header of its own: use compress")
        if lower == _PROTOCOL:
            offered += [one.strip() for one in value.split(",") if one.strip()]
        elif lower not in _OF_THE_HANDSHAKE:
            own.append((name, value))
    return own, list(dict.fromkeys(offered))


def info(url: str, headers: list[tuple[str, str]]) -> RequestInfo:
    whole = URL(url, encoded=True)
    return RequestInfo(whole.with_fragment(None), "GET", CIMultiDictProxy(CIMultiDict(headers)), whole)


async def resolved(connector: Any, url: URL, ssl: Any) -> dict[str, list[str]] | None:
    """Ask the program where the host is, if it finds addresses itself; None if not.

    Raises:
        ClientConnectorDNSError: It has found none.
        NotImplementedError: It has found another port.
    """
    try:
        found = await connector._addresses(url)
    except OSError as error:
        raise not_found(error, url, ssl) from error
    if not found or url.raw_host is None:
        return None
    if any(port not in (0, url.port) for _, port in found):
        raise NotImplementedError("a WebSocket cannot be sent to another port by a resolver")
    return {url.raw_host: [address for address, _ in found]}


#: What aiohttp says of what is wrong with an answer.
_WORDS = {
    "status": "Invalid response status",
    "upgrade": "Invalid upgrade header",
    "connection": "Invalid connection header",
    "accept": "Invalid challenge response",
}


def refused(error: native.HandshakeError, info: RequestInfo) -> BaseException:
    message = _WORDS.get(error.kind or "") or str(error)
    pairs = error.headers.multi_items() if error.headers is not None else []
    headers = CIMultiDictProxy(CIMultiDict(pairs))
    return WSServerHandshakeError(info, (), status=error.status_code, message=message, headers=headers)


def unreached(
    error: native.RequestError, info: RequestInfo, ssl: Any, server_hostname: str | None, uds: str | None
) -> BaseException:
    """Give aiohttp's exception, which tells of the URL as it was asked for: as that of a WebSocket."""
    request = error.request
    asked = str(info.url).replace("ws", "http", 1)
    try:
        if request is not None and request.url == asked:
            error.request = None
        return translate(error, info, ssl=ssl, server_hostname=server_hostname, unix_path=uds)
    finally:
        error.request = request
