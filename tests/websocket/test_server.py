"""`serve_ws`: its life, its handlers, its limits; and one message for many."""

import asyncio
from typing import Any

import pytest

import aioxide
from tests.websocket.conftest import echo


async def test_its_life() -> None:
    server = aioxide.serve_ws(echo)
    with pytest.raises(RuntimeError, match="not been started"):
        _ = server.port
    assert await server is server
    with pytest.raises(RuntimeError, match="started already"):
        await server
    assert server.url == f"ws://127.0.0.1:{server.port}"
    assert server.host == "127.0.0.1"
    assert not server.is_closed
    async with aioxide.connect_ws(server.url) as websocket:
        await websocket.send("x")
        assert await websocket.receive() == "x"
    url = server.url
    await server.aclose()
    await server.aclose()
    assert server.is_closed
    with pytest.raises(aioxide.ConnectError):
        await aioxide.connect_ws(url)
    with pytest.raises(RuntimeError, match="has been closed"):
        await server


async def test_closing_one_that_was_not_started() -> None:
    server = aioxide.serve_ws(echo)
    await server.aclose()
    assert "closed" in repr(server)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"nothing": 1}, TypeError, "unexpected keyword argument 'nothing'"),
        ({"max_connections": 0}, ValueError, "max_connections must be one or more"),
        ({"origins": "https://x"}, TypeError, "origins must be a list of str"),
        ({"cert": b"no certificate"}, ValueError, "no client certificate|certificate"),
        ({"proxy": "http://x"}, TypeError, "unexpected keyword argument 'proxy'"),
    ],
)
async def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        async with aioxide.serve_ws(echo, **options):
            pass


async def test_a_handler_that_is_none() -> None:
    with pytest.raises(TypeError, match="handler must be callable, not 'x'"):
        aioxide.serve_ws("x")  # type: ignore[arg-type]


async def test_a_port_that_is_taken(server: aioxide.WebSocketServer) -> None:
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{server.port}"):
        await aioxide.serve_ws(echo, port=server.port)


async def test_closing_the_server_closes_its_connections() -> None:
    left = []

    async def handler(websocket: aioxide.WebSocket) -> None:
        try:
            await websocket.receive()
        finally:
            left.append(websocket.close_code)

    async with aioxide.serve_ws(handler) as server:
        clients = [await aioxide.connect_ws(server.url) for _ in range(10)]
        await server.aclose(1012, "restart")
        assert left == [1012] * 10
        for websocket in clients:
            with pytest.raises(aioxide.ConnectionClosed) as caught:
                await websocket.receive()
            assert (caught.value.code, caught.value.reason) == (1012, "restart")
        assert server.connections == set()


async def test_a_handler_that_does_not_end_is_cancelled(until: Any) -> None:
    state = []

    async def handler(websocket: aioxide.WebSocket) -> None:
        state.append("begun")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            state.append("cancelled")
            raise

    async with aioxide.serve_ws(handler) as server:
        websocket = await aioxide.connect_ws(server.url)
        await until(lambda: state)
        await server.aclose(timeout=0.01)
        assert state == ["begun", "cancelled"]
        await websocket.close()
        assert websocket.close_code == 1001


async def test_a_handler_may_close_its_server() -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        await websocket.receive()
        await server.aclose()

    server = await aioxide.serve_ws(handler)
    websocket = await aioxide.connect_ws(server.url)
    await websocket.send("stop")
    with pytest.raises(aioxide.ConnectionClosed, match="going away"):
        await websocket.receive()
    assert server.is_closed


async def test_a_handler_that_raises_is_reported(reported: list[Any], until: Any) -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        raise ZeroDivisionError("mine")

    async with aioxide.serve_ws(handler) as server, aioxide.connect_ws(server.url) as websocket:
        with pytest.raises(aioxide.ConnectionClosed) as caught:
            await websocket.receive()
        assert caught.value.code == 1011
        await until(lambda: reported)
    (context,) = reported
    assert isinstance(context["exception"], ZeroDivisionError)
    reported.clear()


async def test_a_peer_that_leaves_is_no_fault(until: Any) -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        begun.set()
        while True:
            await websocket.send(await websocket.receive())

    begun = asyncio.Event()
    async with aioxide.serve_ws(handler) as server:
        websocket = await aioxide.connect_ws(server.url)
        await begun.wait()
        websocket.abort()
        await until(lambda: not server.connections)


async def test_at_most_so_many_at_a_time(until: Any) -> None:
    async with aioxide.serve_ws(echo, max_connections=2) as server:
        first, second = [await aioxide.connect_ws(server.url) for _ in range(2)]
        third = asyncio.ensure_future(aioxide.connect_ws(server.url))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(third), 0.05)
        await first.close()
        async with await third as websocket:
            await websocket.send("in")
            assert await websocket.receive() == "in"
        await second.close()


async def test_the_context_of_a_handler_is_its_own() -> None:
    names = set()

    async def handler(websocket: aioxide.WebSocket) -> None:
        task = asyncio.current_task()
        assert task is not None
        names.add(task)
        await websocket.receive()

    async with aioxide.serve_ws(handler) as server:
        async with aioxide.connect_ws(server.url) as one, aioxide.connect_ws(server.url) as two:
            await one.ping()
            await two.ping()
        await server.aclose()
    assert len(names) == 2


# ---- broadcast ----


async def test_a_message_for_all(until: Any) -> None:
    async with aioxide.serve_ws(echo) as server:
        clients = [await aioxide.connect_ws(server.url, compression=n % 2 == 0) for n in range(20)]
        await until(lambda: len(server.connections) == 20)
        assert server.broadcast("to all") == 20
        assert aioxide.broadcast(server.connections, b"to all") == 20
        for websocket in clients:
            assert await websocket.receive() == "to all"
            assert await websocket.receive() == b"to all"
        await clients[0].close()
        await until(lambda: len(server.connections) == 19)
        # One that is over is left out, also where it is named.
        assert aioxide.broadcast(clients, "back") == 19
        for websocket in clients[1:]:
            assert await websocket.receive() == "back"
            await websocket.close()


async def test_what_cannot_be_broadcast(websocket: aioxide.WebSocket) -> None:
    with pytest.raises(TypeError):
        aioxide.broadcast([1], "x")  # type: ignore[list-item]
    with pytest.raises(TypeError, match="a message must be"):
        aioxide.broadcast([websocket], None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="slow must be"):
        aioxide.broadcast([websocket], "x", slow="wait")  # type: ignore[arg-type]
    assert aioxide.broadcast([], "x") == 0


@pytest.mark.parametrize("slow", ["buffer", "skip", "close"])
async def test_a_connection_that_takes_nothing(slow: Any, until: Any) -> None:
    """It neither stops the broadcast nor, unless that is wanted, fills the memory."""
    done = asyncio.Event()

    async def handler(websocket: aioxide.WebSocket) -> None:
        await done.wait()

    big = bytes(1_000_000)
    async with aioxide.serve_ws(handler, compression=False, close_timeout=0.1) as server:
        options: dict[str, Any] = {"compression": False, "max_queue": 1}
        stuck = await aioxide.connect_ws(server.url, **options)
        await until(lambda: len(server.connections) == 1)
        (connection,) = server.connections
        sent = [server.broadcast(big, slow=slow) for _ in range(50)]
        if slow == "buffer":
            assert sent == [1] * 50
            assert connection.buffered > 20_000_000
        else:
            assert sum(sent) < 50
            assert connection.buffered < 10_000_000
        assert connection.is_closed == (slow == "close")
        done.set()
        stuck.abort()
