"""A WebSocket server: who listens, who has come, and the task that serves each of them.

The connections are native. What is here is what asyncio has to do: one task for each connection, in which the
program is asked about the request, if it wants to be, and serves the connection; and their end.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator, Iterable
from types import TracebackType
from typing import Any, Final, Literal, Self, TypedDict, Unpack

from aioxide._core import HandshakeRequest, Headers, WebSocket, WebSocketListener
from aioxide._core import broadcast as _broadcast
from aioxide.exceptions import ConnectionClosed

__all__ = ["HandshakeResponse", "WebSocketServer", "serve_ws"]

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


#: What says how a response is sent, which is not the program's business.
_RESERVED: Final = frozenset({"connection", "content-length", "transfer-encoding"})
_WITHOUT_CONTENT: Final = frozenset({204, 304})


class HandshakeResponse:
    """What ``process_request`` answers instead of letting a client in; the connection ends with it.

    ``content`` is bytes, or a str, which is sent as UTF-8 and as ``text/plain`` unless ``headers`` say
    otherwise. The three can be read; they are not changed.

    Raises:
        TypeError: A status that is not an int, or content that is neither.
        ValueError: A status that is not from 200 to 599, content with 204 or 304, which have none, or a
            header that says how the response is sent: Connection, Content-Length, Transfer-Encoding.
    """

    __module__ = "aioxide"
    __slots__ = ("content", "headers", "status_code")

    def __init__(self, status_code: int, content: str | bytes = b"", *, headers: Any = None) -> None:
        if not isinstance(status_code, int) or isinstance(status_code, bool):
            raise TypeError(f"status_code must be int, not {type(status_code).__name__}")
        if not 200 <= status_code <= 599:
            raise ValueError(f"status_code must be from 200 to 599, not {status_code:d}")
        if not isinstance(content, (str, bytes)):
            raise TypeError(f"content must be str or bytes, not {type(content).__name__}")
        if content and status_code in _WITHOUT_CONTENT:
            raise ValueError(f"a response with {status_code:d} has no content (RFC 9110, section 6.4.1)")
        own = Headers(()) if headers is None else Headers(headers)
        for name in own:
            if name in _RESERVED:
                raise ValueError(
                    f"the header {name!r} says how the response is sent, which is not to be said"
                )
        if isinstance(content, str):
            if "content-type" not in own and status_code not in _WITHOUT_CONTENT:
                own = Headers([*own.multi_items(), ("content-type", "text/plain; charset=utf-8")])
            content = content.encode()
        #: An int.
        self.status_code: Final = int(status_code)
        #: What is sent with it.
        self.headers: Final = own
        self.content: Final = content

    def __repr__(self) -> str:
        return f"<aioxide.HandshakeResponse [{self.status_code}]>"


#: ``process_request``: None lets the client in.
_Asked = Callable[[HandshakeRequest], HandshakeResponse | Awaitable[HandshakeResponse | None] | None]


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
        process_request: _Asked | None,
        options: _Options,
    ) -> None:
        if not callable(handler):
            raise TypeError(f"handler must be callable, not {handler!r}")
        if process_request is not None and not callable(process_request):
            raise TypeError(f"process_request must be callable or None, not {process_request!r}")
        self._handler = handler
        self._process_request = process_request
        self._where = (host, port)
        self._options = options
        self._listener: WebSocketListener | None = None
        self._accepting: asyncio.Task[None] | None = None
        #: Those about whom the program has been asked and has not said.
        self._asking: set[asyncio.Task[None]] = set()
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
        asks = self._process_request is not None
        self._listener = WebSocketListener(*self._where, asks=asks, **self._options)
        self._accepting = loop.create_task(self._accept(self._listener), name="aioxide.WebSocketServer")

    async def _accept(self, listener: WebSocketListener) -> None:
        loop = asyncio.get_running_loop()
        async for guest in listener:
            if isinstance(guest, WebSocket):
                self._connections[guest] = loop.create_task(self._serve(guest))
            else:
                self._asking.add(loop.create_task(self._ask(listener, guest)))
            # It would live here until the next one comes.
            del guest

    async def _ask(self, listener: WebSocketListener, request: HandshakeRequest) -> None:
        """Answer a request as the program says, and serve what comes of it in the same task and context."""
        task = asyncio.current_task()
        assert task is not None
        try:
            response = await self._response_to(listener, request)
        except BaseException:
            # The server is closed, or the program ends.
            _refuse(listener, request, _AWAY)
            raise
        finally:
            self._asking.discard(task)
        if self._closed:
            response = _AWAY
        if response is not None:
            _refuse(listener, request, response)
            return
        connection = listener.open(request)
        if connection is not None:
            self._connections[connection] = task
            await self._serve(connection)

    async def _response_to(
        self, listener: WebSocketListener, request: HandshakeRequest
    ) -> HandshakeResponse | None:
        assert self._process_request is not None
        try:
            async with asyncio.timeout(listener.time_left(request)) as limit:
                response = self._process_request(request)
                if inspect.isawaitable(response):
                    response = await response
            if response is not None and not isinstance(response, HandshakeResponse):
                raise TypeError(
                    f"process_request must return a HandshakeResponse or None, not {type(response).__name__}"
                )
        except Exception as error:
            self._report("process_request raised", error, self._process_request)
            return _LATE if limit.expired() else _FAILED
        return response

    async def _serve(self, connection: WebSocket) -> None:
        try:
            outcome = self._handler(connection)
            if inspect.isawaitable(outcome):
                await outcome
        except ConnectionClosed as error:
            # That a peer leaves is no fault of the handler; what another connection did may be one.
            if not connection.is_closed:
                self._report("a WebSocket handler raised", error, self._handler)
                await connection.close(_INTERNAL_ERROR)
        except Exception as error:
            self._report("a WebSocket handler raised", error, self._handler)
            await connection.close(_INTERNAL_ERROR)
        else:
            await connection.close()
        finally:
            # Where the handler was cancelled nobody has said goodbye.
            self._connections.pop(connection, None)

    def _report(self, message: str, error: Exception, raised_by: Callable[..., object]) -> None:
        asyncio.get_running_loop().call_exception_handler(
            {"message": message, "exception": error, "handler": raised_by}
        )

    async def aclose(self, code: int = _GOING_AWAY, reason: str = "", *, timeout: float | None = 10) -> None:
        """Listen no more, close the connections with ``code``, and wait for their handlers.

        A client that ``process_request`` has not let in yet gets a 503, and that call is cancelled.

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
        asking = self._asking - {asyncio.current_task()}
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
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


_AWAY: Final = HandshakeResponse(503, "the server is going away\n")
_LATE: Final = HandshakeResponse(503, "this took too long\n")
_FAILED: Final = HandshakeResponse(500, "the server has failed to answer this\n")


def _refuse(listener: WebSocketListener, request: HandshakeRequest, response: HandshakeResponse) -> None:
    listener.refuse(request, response.status_code, response.headers, response.content)


def serve_ws(
    handler: Callable[[WebSocket], Awaitable[object]],
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    process_request: _Asked | None = None,
    **options: Unpack[_Options],
) -> WebSocketServer:
    """Serve WebSockets, from when this is awaited, or entered with ``async with``, until it is closed.

    ``handler(websocket)`` runs as a task of its own for each connection, which is closed when it returns:
    with 1000, or with 1011 and a report to the loop's exception handler if it raised. ConnectionClosed,
    because the peer has left, is no failure. Port 0 is one that is free; ``server.port`` says which.

    ``process_request(request)``, a function or a coroutine function, is asked about each GET before it is
    answered, with a ``HandshakeRequest``: also about one that asks for no WebSocket, such as that of a health
    check. None lets it in, if the rest of it is in order; a ``HandshakeResponse`` is sent instead. It runs in
    the task in which ``handler`` runs then, so context variables that it sets are there. If it raises, the
    client gets a 500 and the loop's exception handler the exception; if it takes longer than ``timeout``, it
    is cancelled, the client gets a 503 and the exception handler a TimeoutError.

    Options (times in seconds, None is no limit):
        headers: Sent with each answer of a handshake, refusals included.
        subprotocols: Those that are spoken, in order of preference; the first that the client offers is
            agreed on, or none.
        origins: The values of ``Origin`` that are let in; others get a 403. None: anybody.
        timeout: For a handshake: TLS, the request, and ``process_request``; 10.
        ping_interval: The time between two pings; 20.
        ping_timeout: A peer from which nothing has come for so long after a ping is given up: 1011; 20.
        close_timeout: For the peer's answer to a close frame; then the stream is closed without it; 10.
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
    return WebSocketServer(handler, host, port, process_request, options)
