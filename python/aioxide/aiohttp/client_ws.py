"""``ClientWebSocketResponse``: aiohttp's WebSocket, on a native one.

Pings and heartbeats are answered and sent on tokio, so they go on while the program computes.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from aioxide import exceptions as native
from aioxide._core import Proxy, WebSocket, connect_ws

from ._installed import base
from ._ws_opening import (
    DEFAULT_WS_CLIENT_TIMEOUT,
    EXTENSIONS,
    ClientWSTimeout,
    info,
    limits_of,
    own_headers,
    refused,
    resolved,
    unreached,
)
from .client_exceptions import (
    ClientConnectionResetError,
    ServerTimeoutError,
    WSMessageTypeError,
)
from .client_timeout import UNSET
from .http_websocket import (
    WS_CLOSED_MESSAGE,
    WS_CLOSING_MESSAGE,
    WebSocketError,
    WSCloseCode,
    WSMessage,
    WSMessageTextBytes,
    WSMsgType,
)
from .trust import settings_of

if TYPE_CHECKING:
    from yarl import URL

    from .connector import BaseConnector

__all__ = ["DEFAULT_WS_CLIENT_TIMEOUT", "ClientWSTimeout", "ClientWebSocketResponse", "connect"]

_TYPES = {kind.value: kind for kind in WSMsgType}
_ENDS = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED})


_Base: Any = base("aiohttp.client_ws", "ClientWebSocketResponse")


class ClientWebSocketResponse(_Base):  # type: ignore[misc]
    """A WebSocket as aiohttp has it; ``ClientSession.ws_connect`` gives it.

    Iterating gives messages until the connection is closed. ``async with`` closes it.
    """

    def __init__(
        self,
        websocket: WebSocket,
        timeout: ClientWSTimeout,
        *,
        autoclose: bool = True,
        autoping: bool = True,
        heartbeat: float | None = None,
        compress: int = 0,
        has_protocols: bool = True,
        decode_text: bool = True,
    ) -> None:
        self._websocket = websocket
        self._timeout = timeout
        self._autoclose = autoclose
        self._autoping = autoping
        self._heartbeat = heartbeat
        self._compress = compress
        self._protocol = websocket.subprotocol if has_protocols else None
        self._decode_text = decode_text
        self._closed = False
        self._closing = False
        self._close_code: int | None = None
        self._exception: BaseException | None = None
        #: The native receive that a task waits for.
        self._receiving: Any = None

    # ---- what it is ----

    @property
    def closed(self) -> bool:
        """Whether it was closed, by either side, and ``receive`` or ``close`` has seen that."""
        return self._closed

    @property
    def close_code(self) -> int | None:
        """The code that it was closed with; 1006 if it broke, None while it is open."""
        return self._close_code

    @property
    def protocol(self) -> str | None:
        """The subprotocol that was agreed on."""
        return self._protocol

    @property
    def compress(self) -> int:
        """How wide the window for compression is, as a power of two; 0 for none."""
        return self._compress

    @property
    def client_notakeover(self) -> bool:
        """Whether the server has asked this side to compress each message by itself."""
        said = self._websocket.response_headers.get(EXTENSIONS, "")
        return "client_no_context_takeover" in said

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Give ``"peername"`` or ``"sockname"``: an address and a port. Nothing else is known here."""
        known = {"peername": self._websocket.remote_address, "sockname": self._websocket.local_address}
        value = known.get(name)
        return default if value is None else value

    def set_cookies(self) -> list[str]:
        """Give the values of ``Set-Cookie`` in the handshake, for the session's jar."""
        return self._websocket.response_headers.get_list("set-cookie")

    def exception(self) -> BaseException | None:
        """Give what ended the connection, if that was an exception."""
        return self._exception

    # ---- sending ----

    async def ping(self, message: bytes | str = b"") -> None:
        """Send a ping; the pong is not waited for."""
        await self._send(WSMsgType.PING, message)

    async def pong(self, message: bytes | str = b"") -> None:
        """Send a pong."""
        await self._send(WSMsgType.PONG, message)

    async def send_frame(
        self, message: bytes | str, opcode: WSMsgType | int, compress: int | None = None
    ) -> None:
        """Send a frame with all of a message, or a control frame."""
        await self._send(opcode, message, compress)

    async def send_str(self, data: str, compress: int | None = None) -> None:
        """Send a text."""
        if not isinstance(data, str):
            raise TypeError(f"data argument must be str ({type(data)!r})")
        await self._send(WSMsgType.TEXT, data, compress)

    async def send_bytes(self, data: bytes | bytearray | memoryview, compress: int | None = None) -> None:
        """Send bytes."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data argument must be byte-ish ({type(data)!r})")
        await self._send(WSMsgType.BINARY, data, compress)

    async def send_json(
        self, data: Any, compress: int | None = None, *, dumps: Callable[[Any], str] = json.dumps
    ) -> None:
        """Send a value as JSON, in a text."""
        await self.send_str(dumps(data), compress)

    async def send_json_bytes(
        self, data: Any, compress: int | None = None, *, dumps: Callable[[Any], bytes]
    ) -> None:
        """Send a value as JSON, in bytes."""
        await self.send_bytes(dumps(data), compress)

    async def _send(self, opcode: int, data: Any, compress: int | None = None) -> None:
        if compress and not self._websocket.compression:
            raise ValueError("this message cannot be compressed: compression was not agreed on")
        if self._closed:
            raise ClientConnectionResetError("Cannot write to closing transport")
        try:
            await self._websocket.send_frame(int(opcode), data)
        except native.ConnectionClosed as error:
            raise ClientConnectionResetError("Cannot write to closing transport") from error

    # ---- receiving ----

    async def receive(self, timeout: float | None = None) -> Any:
        """Wait for the next message, for at most ``timeout`` seconds, and give it as a ``WSMessage``.

        Raises:
            RuntimeError: Another task is receiving.
            TimeoutError: Nothing came in time; the connection stays open.
        """
        if self._receiving is not None:
            raise RuntimeError("Concurrent call to receive() is not allowed")
        if self._closed:
            return WS_CLOSED_MESSAGE
        if self._closing:
            await self.close()
            return WS_CLOSED_MESSAGE
        limit = timeout or self._timeout.ws_receive
        receiving = self._receiving = self._websocket.receive_message()
        try:
            if limit:
                async with asyncio.timeout(limit):
                    opcode, data, extra = await receiving
            else:
                opcode, data, extra = await receiving
        except native.ConnectionClosed as error:
            return self._over(error)
        except asyncio.CancelledError:
            if self._closing and self._receiving is None:
                # Not the task was cancelled, but this wait, by `close` in another task.
                return WS_CLOSING_MESSAGE
            self._close_code = WSCloseCode.ABNORMAL_CLOSURE
            raise
        except TimeoutError:
            self._close_code = WSCloseCode.ABNORMAL_CLOSURE
            raise
        finally:
            self._receiving = None
        if opcode == WSMsgType.CLOSE:
            self._closing = True
            self._close_code = data
            # The native side has answered by itself.
            self._closed = self._autoclose
        elif opcode == WSMsgType.TEXT and not self._decode_text:
            return WSMessageTextBytes(WSMsgType.TEXT, data.encode(), extra)
        # aiohttp's `extra` of data is None, and of pings and pongs the empty text.
        if opcode in (WSMsgType.PING, WSMsgType.PONG):
            extra = ""
        return WSMessage(_TYPES[opcode], data, extra)

    def _over(self, error: native.ConnectionClosed) -> Any:
        """Give what tells the program that the connection has ended without a close frame of the server's."""
        self._closed = True
        if error.code == WSCloseCode.ABNORMAL_CLOSURE or self._close_code is not None:
            self._close_code = self._close_code or WSCloseCode.ABNORMAL_CLOSURE
            return WS_CLOSED_MESSAGE
        failure: BaseException
        if error.code == WSCloseCode.INTERNAL_ERROR and self._heartbeat is not None:
            self._close_code = WSCloseCode.ABNORMAL_CLOSURE
            failure = ServerTimeoutError(f"No PONG received after {self._heartbeat / 2.0} seconds")
            self._exception = failure
        else:
            self._close_code = error.code
            failure = WebSocketError(error.code, error.reason)
        failure.__cause__ = error
        return WSMessage(WSMsgType.ERROR, failure, None)

    async def receive_str(self, *, timeout: float | None = None) -> Any:
        """Wait for a text; bytes of it with ``decode_text=False``.

        Raises:
            WSMessageTypeError: Another message came.
        """
        return (await self._receive_kind(WSMsgType.TEXT, timeout)).data

    async def receive_bytes(self, *, timeout: float | None = None) -> bytes:
        """Wait for bytes.

        Raises:
            WSMessageTypeError: Another message came.
        """
        data: bytes = (await self._receive_kind(WSMsgType.BINARY, timeout)).data
        return data

    async def receive_json(
        self, *, loads: Callable[[Any], Any] = json.loads, timeout: float | None = None
    ) -> Any:
        """Wait for a text, and parse it as JSON.

        Raises:
            WSMessageTypeError: Another message came.
        """
        return loads(await self.receive_str(timeout=timeout))

    async def _receive_kind(self, kind: WSMsgType, timeout: float | None) -> Any:
        message = await self.receive(timeout)
        if message.type is not kind:
            raise WSMessageTypeError(
                f"Received message {message.type}:{message.data!r} is not WSMsgType.{kind.name}"
            )
        return message

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        message = await self.receive()
        if message.type in _ENDS:
            raise StopAsyncIteration
        return message

    # ---- the end ----

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"") -> bool:
        """Send a close frame and wait for the server's; a task that receives gets ``WSMsgType.CLOSING``.

        False if it was closed before.

        Raises:
            ValueError: A code that cannot be sent, or a message that is not UTF-8 or too long.
        """
        if self._closed:
            return False
        closing = self._websocket.close(int(code), message.decode())
        receiving, self._receiving = self._receiving, None
        self._closing = self._closed = True
        if receiving is not None:
            receiving.cancel()
        try:
            await closing
        except asyncio.CancelledError:
            self._close_code = WSCloseCode.ABNORMAL_CLOSURE
            self._websocket.abort()
            raise
        if self._close_code is None:
            self._close_code = self._websocket.close_code
            if self._close_code == WSCloseCode.ABNORMAL_CLOSURE:
                self._exception = self._websocket.close_error
        return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()


async def connect(
    url: str,
    *,
    headers: Iterable[tuple[str, str]] = (),
    ssl: Any = True,
    proxy: Proxy | None = None,
    trust_env: bool = False,
    response_class: type[ClientWebSocketResponse] | None = None,
    protocols: Iterable[str] = (),
    timeout: Any = UNSET,
    receive_timeout: float | None = None,
    autoclose: bool = True,
    autoping: bool = True,
    heartbeat: float | None = None,
    origin: str | None = None,
    server_hostname: str | None = None,
    compress: int = 0,
    max_msg_size: int = 4 * 1024 * 1024,
    decode_text: bool = True,
    open_timeout: float | None = None,
    connector: BaseConnector | None = None,
    towards: URL | None = None,
) -> ClientWebSocketResponse:
    """Open a WebSocket for ``ClientSession.ws_connect``.

    Args:
        url: Without credentials; those are in ``headers``, as cookies are.
        headers: What the session and the call send; those of the handshake itself are left out.
        ssl: As for a request.
        proxy: The proxy, if the call or the session has one.
        trust_env: Whether the environment may say another.
        response_class: The session's ``ws_response_class``; a subclass of ``ClientWebSocketResponse``.
        protocols: The subprotocols to offer.
        timeout: A ``ClientWSTimeout``; a number is its ``ws_close``, deprecated.
        receive_timeout: Its ``ws_receive``, deprecated.
        autoclose: Answer close frames.
        autoping: Answer pings, and do not give them to the program.
        heartbeat: Seconds between pings; after half of that without an answer the connection is over.
        origin: The header ``Origin``.
        server_hostname: The name that the certificate must be for.
        compress: 9 to 15 to offer compression with such a window, 0 for none.
        max_msg_size: Bytes; 0 is no limit.
        decode_text: False: the data of texts is bytes.
        open_timeout: Seconds for the way to an open connection.
        connector: The session's: how connections are made.
        towards: What it is connected to, which may be a proxy.

    Raises:
        WSServerHandshakeError: The answer makes no WebSocket.
        ClientError: The server was not reached; also TimeoutError.
        ValueError: What could never be right.
    """
    limits = limits_of(timeout, receive_timeout)
    kind = ClientWebSocketResponse if response_class is None else response_class
    if not (isinstance(kind, type) and issubclass(kind, ClientWebSocketResponse)):
        raise TypeError(
            f"ws_response_class must be a subclass of aioxide's ClientWebSocketResponse, not {kind!r}"
        )
    if compress and not 9 <= compress <= 15:
        raise ValueError("Compress wbits must between 9 and 15, zlib does not support wbits=8")
    if heartbeat is not None and not (heartbeat > 0 and math.isfinite(heartbeat)):
        raise ValueError(f"heartbeat must be more than zero seconds, not {heartbeat!r}")
    own, offered = own_headers(headers)
    names = list(dict.fromkeys(protocols))
    settings = {} if connector is None else connector._settings
    where = None
    if connector is not None and towards is not None:
        where = await resolved(connector, towards, ssl)
    opening = connect_ws(
        url,
        headers=own,
        subprotocols=names or offered,
        origin=origin,
        timeout=open_timeout,
        ping_interval=heartbeat,
        ping_timeout=None if heartbeat is None else heartbeat / 2.0,
        close_timeout=limits.ws_close or None,
        max_message_size=max_msg_size or None,
        compression=compress or False,
        autoping=autoping,
        autoclose=autoclose,
        proxy=proxy,
        trust_env=trust_env,
        server_hostname=server_hostname,
        local_address=settings.get("local_address"),
        uds=settings.get("uds"),
        resolve=where,
        # Nobody has looked at where a redirect leads.
        follow_redirects=where is None,
        **settings_of(ssl),
    )
    try:
        websocket = await opening
    except native.HandshakeError as error:
        raise refused(error, info(url, own)) from error
    except native.RequestError as error:
        raise unreached(error, info(url, own), ssl, server_hostname, settings.get("uds")) from error
    return kind(
        websocket,
        limits,
        autoclose=autoclose,
        autoping=autoping,
        heartbeat=heartbeat,
        compress=(compress or 15) if websocket.compression else 0,
        has_protocols=bool(names),
        decode_text=decode_text,
    )
