"""A WebSocket server: who listens, who has come, and the task that serves each of them.

The connections are native. What is here is what asyncio has to do: one task for each connection, and their
end.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator, Iterable
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack

from aioxide._core import WebSocket, WebSocketListener
from aioxide._core import broadcast as _broadcast
from aioxide.exceptions import ConnectionClosed

__all__ = ["WebSocketServer", "serve_ws"]

_GOING_AWAY = 1001
_INTERNAL_ERROR = 1011


class _Options(TypedDict, total=False):
    headers: Any
    subprotocols: Iterable[str] | None
    origins: Iterable[str] | None
    timeout: float | None
    ping_interval: float | None
    ping_timeout: float | None
    close_timeout: float | None
    max_message_size: int | None
    max_queue: int
    write_limit: int
    max_connections: int | None
    compression: bool | int
    autoping: bool
    autoclose: bool
    cert: Any


class WebSocketServer:
    """What ``serve_ws`` gives: it listens from when it is awaited or entered until it is closed.

    It belongs to the loop on which it was started.
    """

    __module__ = "aioxide"

    def __init__(
        self,
        handler: Callable[[WebSocket], Awaitable[object]],
        host: str,
        port: int,
        options: _Options,
    ) -> None:
        if not callable(handler):
            raise TypeError(f"handler must be callable, not {handler!r}")
        self._handler = handler
        self._where = (host, port)
        self._options = options
        self._listener: WebSocketListener | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._connections: dict[WebSocket, asyncio.Task[None]] = {}
        self._closed = False

    # ---- who it is ----

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._address()[0]

    @property
    def port(self) -> int:
        """The port that it listens on, also where 0 was asked for."""
        return self._address()[1]

    @property
    def url(self) -> str:
        """``ws://host:port``, or ``wss`` where it has a certificate."""
        host, port = self._address()
        scheme = "ws" if self._options.get("cert") is None else "wss"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    @property
    def connections(self) -> set[WebSocket]:
        """Those that are being served now: a copy."""
        return set(self._connections)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def _address(self) -> tuple[str, int]:
        if self._listener is None:
            raise RuntimeError("this server has not been started: await it, or enter it with 'async with'")
        return self._listener.address

    def __repr__(self) -> str:
        state = "closed" if self._closed else "not started" if self._listener is None else "open"
        return f"<aioxide.WebSocketServer [{state}] {self._where[0]}:{self._where[1]}>"

    # ---- what it does ----

    def broadcast(self, message: str | bytes, *, slow: Literal["buffer", "skip", "close"] = "buffer") -> int:
        """Send a message to all connections, as ``aioxide.broadcast``; return to how many."""
        return _broadcast(self._connections, message, slow=slow)

    def _start(self) -> None:
        if self._closed:
            raise RuntimeError("this server has been closed")
        if self._listener is not None:
            raise RuntimeError("this server has been started already")
        loop = asyncio.get_running_loop()
        self._listener = WebSocketListener(*self._where, **self._options)
        self._accepting = loop.create_task(self._accept(self._listener), name="aioxide.WebSocketServer")

    async def _accept(self, listener: WebSocketListener) -> None:
        loop = asyncio.get_running_loop()
        async for connection in listener:
            self._connections[connection] = loop.create_task(self._serve(connection))
            # It would live here until the next one comes.
            del connection

    async def _serve(self, connection: WebSocket) -> None:
        try:
            outcome = self._handler(connection)
            if inspect.isawaitable(outcome):
                await outcome
        except ConnectionClosed as error:
            # That a peer leaves is no fault of the handler; what another connection did may be one.
            if not connection.is_closed:
                self._report(error)
                await connection.close(_INTERNAL_ERROR)
        except Exception as error:
            self._report(error)
            await connection.close(_INTERNAL_ERROR)
        else:
            await connection.close()
        finally:
            # Where the handler was cancelled nobody has said goodbye.
            self._connections.pop(connection, None)

    def _report(self, error: Exception) -> None:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a WebSocket handler raised", "exception": error, "handler": self._handler}
        )

    async def aclose(self, code: int = _GOING_AWAY, reason: str = "", *, timeout: float | None = 10) -> None:
        """Listen no more, close the connections with ``code``, and wait for their handlers.

        Handlers that are not done ``timeout`` seconds after their connection was closed are cancelled; None:
        they are waited for. Closing twice does no harm.

        Raises:
            ValueError: The code or the reason cannot be sent; see ``WebSocket.close``.
        """
        self._closed = True
        listener, accepting = self._listener, self._accepting
        if listener is None or accepting is None:
            return
        listener.close()
        await asyncio.gather(accepting, return_exceptions=True)
        serving = dict(self._connections)
        goodbyes = [asyncio.ensure_future(connection.close(code, reason)) for connection in serving]
        tasks = set(serving.values()) - {asyncio.current_task()}
        try:
            await asyncio.gather(*goodbyes)
            if tasks:
                await asyncio.wait(tasks, timeout=timeout)
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> Self:
        self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


def serve_ws(
    handler: Callable[[WebSocket], Awaitable[object]],
    host: str = "127.0.0.1",
    port: int = 0,
    **options: Unpack[_Options],
) -> WebSocketServer:
    """Serve WebSockets, from when this is awaited, or entered with ``async with``, until it is closed.

    ``handler(websocket)`` runs as a task of its own for each connection, which is closed when it returns:
    with 1000, or with 1011 and a report to the loop's exception handler if it raised. ConnectionClosed,
    because the peer has left, is no failure. Port 0 is one that is free; ``server.port`` says which.

    Options (times in seconds, None is no limit):
        headers: Sent with each answer of a handshake.
        subprotocols: Those that are spoken, in order of preference; the first that the client offers is
            agreed on, or none.
        origins: The values of ``Origin`` that are let in; others get a 403. None: anybody.
        timeout: For a handshake; 10.
        ping_interval: The time between two pings; 20.
        ping_timeout: A peer from which nothing has come for so long after a ping is given up: 1011; 20.
        close_timeout: For the peer's answer to a close frame; 10.
        max_message_size: Bytes of a message, decompressed; a longer one ends the connection: 1009; 1 MiB.
        max_queue: Messages that wait to be received; with so many there, no more is read; 32.
        write_limit: Bytes that wait to be sent; with so many there, ``send`` waits; 64 KiB.
        max_connections: So many at a time; others wait in the system's queue. None: no limit.
        compression: Whether permessage-deflate is accepted (RFC 7692); True.
        autoping: Answer pings here, and hide them and pongs from ``receive_message``; True.
        autoclose: Answer close frames here; True.
        cert: To speak TLS: a PEM file with certificate and key, PEM, or a pair of these.

    Raises:
        TypeError: An option that does not exist, or is of a wrong type.
        ValueError: An option that could never be right. Both are raised when the server is started.
        OSError: When it is started: it cannot listen there.
    """
    return WebSocketServer(handler, host, port, options)
