"""How a connection ends: by either side, by both, by a break, by nobody's holding it."""

import asyncio
import copy
import gc
import pickle
import threading
from typing import Any

import pytest

import aioxide
from tests.servers.raw import Connection, RawServer
from tests.websocket.conftest import echo
from tests.websocket.frames import CLOSE, TEXT, RawClient, close, frame, read_frame, upgraded


async def test_the_client_closes(server: aioxide.WebSocketServer, until: Any) -> None:
    websocket = await aioxide.connect_ws(server.url)
    await until(lambda: server.connections)
    (connection,) = server.connections
    assert not websocket.is_closed
    assert (websocket.close_code, websocket.close_reason, websocket.close_error) == (None, None, None)
    await websocket.close(4321, "for a reason")
    assert websocket.is_closed
    assert websocket.close_code == 4321
    await until(lambda: not server.connections)
    assert (connection.close_code, connection.close_reason) == (4321, "for a reason")
    for call in (lambda: websocket.send("x"), websocket.receive, websocket.ping, websocket.pong):
        with pytest.raises(aioxide.ConnectionClosed, match="4321"):
            await call()
    # Once more does no harm.
    await websocket.close()
    await websocket.aclose()


async def test_the_server_closes() -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        await websocket.send("one")
        await websocket.close(1001, "going home")

    async with aioxide.serve_ws(handler) as server, aioxide.connect_ws(server.url) as websocket:
        assert [message async for message in websocket] == ["one"]
        assert (websocket.close_code, websocket.close_reason) == (1001, "going home")
        with pytest.raises(aioxide.ConnectionClosed) as caught:
            await websocket.receive()
    assert (caught.value.code, caught.value.reason) == (1001, "going home")
    assert str(caught.value) == "the connection was closed with 1001 (going away): going home"
    assert isinstance(caught.value, aioxide.WebSocketError)
    assert isinstance(caught.value, ConnectionError)


async def test_a_handler_that_returns_closes_normally() -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        pass

    async with aioxide.serve_ws(handler) as server, aioxide.connect_ws(server.url) as websocket:
        assert [message async for message in websocket] == []
        assert websocket.close_code == 1000


@pytest.mark.parametrize("code", [1002, 1003, 1011, 3000, 4999])
async def test_an_iteration_raises_for_an_end_that_is_not_normal(code: int) -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        await websocket.send("one")
        await websocket.close(code, "why")

    got = []

    async def read(websocket: aioxide.WebSocket) -> None:
        async for message in websocket:
            got.append(message)

    async with aioxide.serve_ws(handler) as server, aioxide.connect_ws(server.url) as websocket:
        with pytest.raises(aioxide.ConnectionClosed) as caught:
            await read(websocket)
    assert got == ["one"]
    assert (caught.value.code, caught.value.reason) == (code, "why")


async def test_both_close_at_once() -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        await websocket.receive()
        await websocket.close(4001)

    async with aioxide.serve_ws(handler) as server:
        websocket = await aioxide.connect_ws(server.url)
        await websocket.send("now")
        await websocket.close(4002)
        assert websocket.close_code in {4001, 4002}


async def test_what_came_before_the_end_is_still_received(until: Any) -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        for number in range(5):
            await websocket.send(f"{number}")

    async with aioxide.serve_ws(handler) as server, aioxide.connect_ws(server.url) as websocket:
        await until(lambda: websocket.close_code)
        assert [message async for message in websocket] == [f"{number}" for number in range(5)]


async def test_who_waits_hears_of_the_end(server: aioxide.WebSocketServer) -> None:
    websocket = await aioxide.connect_ws(server.url)
    waiting = [asyncio.ensure_future(websocket.receive()) for _ in range(3)]
    await asyncio.sleep(0)
    await websocket.close()
    for error in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(error, aioxide.ConnectionClosed)
        assert error.code == 1000


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
async def test_codes_that_cannot_be_sent(websocket: aioxide.WebSocket, code: int) -> None:
    with pytest.raises(ValueError, match=f"cannot have the code {code}"):
        websocket.close(code)


async def test_reasons_that_are_too_long(websocket: aioxide.WebSocket) -> None:
    with pytest.raises(ValueError, match="at most 123 bytes as UTF-8, not 124"):
        websocket.close(1000, "é" * 62)
    await websocket.close(1000, "é" * 61 + "x")


async def test_a_close_frame_without_a_code() -> None:
    def script(connection: Connection) -> None:
        connection.send(close())
        assert read_frame(connection) == (CLOSE, b"")

    with RawServer(upgraded(script)) as server:
        async with aioxide.connect_ws(server.url) as websocket:
            assert [message async for message in websocket] == []
        assert (websocket.close_code, websocket.close_reason) == (1005, "")


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
async def test_a_connection_that_breaks(reset: bool) -> None:
    def script(connection: Connection) -> None:
        connection.send(frame(TEXT, b"one") + frame(TEXT, b"half")[:3])
        connection.settle()
        if reset:
            connection.read(1)
            connection.reset()

    with RawServer(upgraded(script)) as server:
        async with aioxide.connect_ws(server.url) as websocket:
            assert await websocket.receive() == "one"
            if reset:
                await websocket.send("provoked")
            with pytest.raises(aioxide.ConnectionClosed, match="without a close frame") as caught:
                await websocket.receive()
    assert (caught.value.code, websocket.close_code) == (1006, 1006)


async def test_a_peer_that_does_not_answer_the_goodbye() -> None:
    def script(connection: Connection) -> None:
        connection.hang()

    with RawServer(upgraded(script)) as server:
        websocket = await aioxide.connect_ws(server.url, close_timeout=0.05)
        await websocket.close()
        assert websocket.close_code == 1006
        assert "did not answer the close frame in time" in str(websocket.close_error)


async def test_a_server_that_answers_and_does_not_close_the_stream() -> None:
    def script(connection: Connection) -> None:
        assert read_frame(connection) == (CLOSE, b"\x03\xe8")
        connection.send(close(1000))
        connection.hang()

    with RawServer(upgraded(script)) as server:
        websocket = await aioxide.connect_ws(server.url, close_timeout=0.05)
        await websocket.close()
        assert websocket.close_code == 1000


async def test_messages_that_cross_a_goodbye_are_received() -> None:
    def script(connection: Connection) -> None:
        assert read_frame(connection)[0] == CLOSE
        connection.send(frame(TEXT, b"crossing") + close(1000))

    with RawServer(upgraded(script)) as server:
        async with aioxide.connect_ws(server.url) as websocket:
            await websocket.close()
            assert await websocket.receive() == "crossing"


async def test_a_goodbye_reaches_a_peer_that_is_not_read(until: Any) -> None:
    """Nobody receives here, and the queue is full: closing reads on all the same."""

    def script(connection: Connection) -> None:
        connection.send(frame(TEXT, b"x") * 1000)
        assert read_frame(connection)[0] == CLOSE
        connection.send(close(1000))

    with RawServer(upgraded(script)) as server:
        websocket = await aioxide.connect_ws(server.url, max_queue=3)
        await until(lambda: websocket.waiting == 3)
        await websocket.close()
        assert websocket.close_code == 1000


@pytest.mark.parametrize("how", ["cancel", "timeout"])
async def test_a_close_that_is_cancelled_closes_the_stream_at_once(until: Any, how: str) -> None:
    """Cancel means stop: the peer's answer is not waited for any more, and no socket stays behind."""
    heard: list[Any] = []
    ended = threading.Event()

    def script(connection: Connection) -> None:
        heard.append(read_frame(connection))
        try:
            connection.hang()
        finally:
            ended.set()

    with RawServer(upgraded(script)) as server:
        websocket = await aioxide.connect_ws(server.url, close_timeout=None)
        if how == "cancel":
            closing = asyncio.ensure_future(websocket.close())
            await until(lambda: heard)
            closing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await closing
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(websocket.close(), 0.05)
        assert websocket.close_code == 1006
        assert "closing it was cancelled" in str(websocket.close_error)
        # The peer sees the end of the stream.
        await until(ended.is_set)
        # Once more does no harm, and waits for nothing.
        await websocket.close()
    assert heard == [(CLOSE, b"\x03\xe8")]


async def test_a_close_that_one_of_two_cancels_goes_on_for_the_other(until: Any) -> None:
    release = threading.Event()
    heard = []

    def script(connection: Connection) -> None:
        heard.append(read_frame(connection))
        assert release.wait(10)
        connection.send(close(1000))

    with RawServer(upgraded(script)) as server:
        websocket = await aioxide.connect_ws(server.url)
        first, second = (asyncio.ensure_future(websocket.close()) for _ in range(2))
        await until(lambda: heard)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert not second.done()
        release.set()
        await second
        assert websocket.close_code == 1000


async def test_a_close_that_nobody_awaited_closes_nothing(server: aioxide.WebSocketServer) -> None:
    async with aioxide.connect_ws(server.url) as websocket:
        # As of a coroutine: it is given up before it has begun.
        websocket.close().close()  # type: ignore[func-returns-value]
        await websocket.send("still open")
        assert await websocket.receive() == "still open"


async def close_in_vain(websocket: aioxide.WebSocket) -> None:
    """To a peer that takes nothing more the close frame cannot even be sent, behind all that waits."""
    await websocket.send(bytes(30_000_000))
    await websocket.close(4000)
    assert (websocket.close_code, websocket.buffered) == (1006, 0)
    assert "did not answer the close frame in time" in str(websocket.close_error)


async def test_closing_a_connection_to_a_server_that_has_stopped_reading() -> None:
    ended = threading.Event()

    def script(connection: Connection) -> None:
        assert ended.wait(10)

    options: Any = {"close_timeout": 0.05, "compression": False}
    with RawServer(upgraded(script)) as server:
        await close_in_vain(await aioxide.connect_ws(server.url, **options))
        ended.set()


async def test_closing_a_connection_to_a_client_that_has_stopped_reading() -> None:
    done = asyncio.Event()

    async def handler(websocket: aioxide.WebSocket) -> None:
        await close_in_vain(websocket)
        done.set()

    async with aioxide.serve_ws(handler, close_timeout=0.05) as server, RawClient(server.port):
        await done.wait()


async def test_dropping_closes_the_stream(until: Any) -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        ended.append(websocket)
        await websocket.receive()

    ended: list[aioxide.WebSocket] = []
    async with aioxide.serve_ws(handler) as server:
        websocket = await aioxide.connect_ws(server.url)
        await until(lambda: ended)
        del websocket
        gc.collect()
        await until(lambda: ended[0].close_code)
        # It was idle, so it could still say goodbye.
        assert ended[0].close_code == 1001


async def test_a_receiver_keeps_the_connection(until: Any) -> None:
    async with aioxide.serve_ws(echo) as server:
        websocket = await aioxide.connect_ws(server.url)
        await websocket.send("kept")
        receiving = asyncio.ensure_future(websocket.receive())
        del websocket
        gc.collect()
        assert await receiving == "kept"


async def test_abort_says_nothing(until: Any) -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        ended.append(websocket)
        await websocket.receive()

    ended: list[aioxide.WebSocket] = []
    async with aioxide.serve_ws(handler) as server:
        websocket = await aioxide.connect_ws(server.url)
        receiving = asyncio.ensure_future(websocket.receive())
        await until(lambda: ended)
        websocket.abort()
        websocket.abort()
        with pytest.raises(aioxide.ConnectionClosed, match="aborted on this side"):
            await receiving
        assert websocket.close_code == 1006
        await until(lambda: ended[0].close_code == 1006)


async def test_without_autoclose_the_program_answers(until: Any) -> None:
    heard = []

    def script(connection: Connection) -> None:
        connection.send(close(4000, b"your turn"))
        heard.append(read_frame(connection))
        connection.end()

    with RawServer(upgraded(script)) as server:
        websocket = await aioxide.connect_ws(server.url, autoclose=False)
        assert await websocket.receive_message() == (8, 4000, "your turn")
        assert heard == []
        with pytest.raises(aioxide.ConnectionClosed, match="4000"):
            await websocket.receive_message()
        await websocket.close(4001)
        assert heard == [(CLOSE, (4001).to_bytes(2, "big"))]
        assert websocket.close_code == 4000


async def test_a_peer_that_hangs_up_after_its_goodbye() -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        async for _ in websocket:
            pass
        done.set()

    done = asyncio.Event()
    async with aioxide.serve_ws(handler) as server:
        async with RawClient(server.port) as client:
            client.send(close(1000, masked=True))
        await done.wait()


@pytest.mark.parametrize("way", ["pickle", "copy", "deepcopy"])
@pytest.mark.parametrize(
    "error",
    [
        aioxide.WebSocketError("broken"),
        aioxide.ConnectionClosed("over", code=1009, reason="too big"),
        aioxide.HandshakeError("no", kind="accept", status_code=101, headers=aioxide.Headers({"a": "b"})),
        aioxide.HandshakeRefused("no", status_code=403, headers=aioxide.Headers({"a": "b"}), content=b"why"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exceptions_come_back_whole(error: Exception, way: str) -> None:
    error.add_note("a note")
    twin = {
        "pickle": lambda: pickle.loads(pickle.dumps(error)),
        "copy": lambda: copy.copy(error),
        "deepcopy": lambda: copy.deepcopy(error),
    }[way]()
    assert type(twin) is type(error)
    assert (str(twin), vars(twin)) == (str(error), vars(error))
