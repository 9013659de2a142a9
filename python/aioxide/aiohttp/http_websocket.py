"""Kinds of messages, messages and codes of WebSockets; aiohttp's own where it is installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from ._installed import or_theirs

__all__ = [
    "WS_CLOSED_MESSAGE",
    "WS_CLOSING_MESSAGE",
    "WSCloseCode",
    "WSMessage",
    "WSMessageTextBytes",
    "WSMsgType",
    "WebSocketError",
]

_or_theirs = or_theirs("aiohttp.http_websocket")


@_or_theirs
class WSCloseCode(IntEnum):
    """Codes of close frames: RFC 6455, section 7.4.1."""

    OK = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    ABNORMAL_CLOSURE = 1006
    INVALID_TEXT = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014


@_or_theirs
class WSMsgType(IntEnum):
    """Kinds of messages: the opcodes of RFC 6455, section 5.2, and three of aiohttp's own."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    PING = 0x9
    PONG = 0xA
    CLOSE = 0x8

    #: This side is closing, by another task.
    CLOSING = 0x100
    #: It is over.
    CLOSED = 0x101
    #: ``data`` is the exception.
    ERROR = 0x102

    text = TEXT
    binary = BINARY
    ping = PING
    pong = PONG
    close = CLOSE
    closing = CLOSING
    closed = CLOSED
    error = ERROR


@_or_theirs
class WSMessage(NamedTuple):
    """A message: its type, what it brings, and of a close frame the reason as ``extra``."""

    type: WSMsgType
    data: Any
    extra: str | None

    def json(self, *, loads: Callable[[Any], Any] = json.loads) -> Any:
        """Give the data parsed as JSON."""
        return loads(self.data)


@_or_theirs
class WSMessageTextBytes(NamedTuple):
    """A text whose ``data`` is left as bytes."""

    type: WSMsgType
    data: Any
    extra: str | None

    def json(self, *, loads: Callable[[Any], Any] = json.loads) -> Any:
        """Give the data parsed as JSON."""
        return loads(self.data)


@_or_theirs
class WebSocketError(Exception):
    """The peer broke the protocol; ``code`` is what it was told."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(code, message)

    def __str__(self) -> str:
        return str(self.args[1])


WS_CLOSED_MESSAGE = WSMessage(WSMsgType.CLOSED, None, None)
WS_CLOSING_MESSAGE = WSMessage(WSMsgType.CLOSING, None, None)
