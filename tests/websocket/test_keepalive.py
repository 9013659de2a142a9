"""Pings that the connection sends by itself, and peers that do not answer."""

import asyncio
from typing import Any

import pytest

import aioxide
from tests.servers.raw import Connection, RawServer
from tests.websocket.conftest import echo
from tests.websocket.frames import CLOSE, PING, PONG, TEXT, RawClient, frame, read_frame, upgraded


async def test_a_silent_server_is_given_up() -> None:
    heard = []

    def script(connection: Connection) -> None:
        heard.append(read_frame(connection))
        heard.append(read_frame(connection))
        connection.end()

    with RawServer(upgraded(script)) as server:
        async with aioxide.connect_ws(server.url, ping_interval=0.02, ping_timeout=0.02) as websocket:
            with pytest.raises(aioxide.ConnectionClosed, match="no answer to a ping") as caught:
                await websocket.receive()
    assert caught.value.code == 1011
    assert [opcode for opcode, _ in heard] in ([PING, CLOSE], [PING, PING])


async def test_a_silent_client_is_given_up() -> None:
    ended: asyncio.Queue[Any] = asyncio.Queue()

    async def handler(websocket: aioxide.WebSocket) -> None:
        try:
            await websocket.receive()
        except aioxide.ConnectionClosed as error:
            ended.put_nowait(error)

    async with aioxide.serve_ws(handler, ping_interval=0.05, ping_timeout=0.04) as server:
        async with RawClient(server.port) as client:
            opcode, _ = await client.read()
            assert opcode == PING
            assert await client.read_close() == (1011, "no answer to a ping")
        assert (await ended.get()).code == 1011


async def test_peers_that_answer_stay(until: Any) -> None:
    often: Any = {"ping_interval": 0.01, "ping_timeout": 5}
    async with (
        aioxide.serve_ws(echo, **often) as server,
        aioxide.connect_ws(server.url, **often) as websocket,
    ):
        await until(lambda: server.connections)
        (connection,) = server.connections
        await until(lambda: websocket.latency and connection.latency)
        await websocket.send("x")
        assert await websocket.receive() == "x"


async def test_whatever_comes_is_a_sign_of_life() -> None:
    def script(connection: Connection) -> None:
        # It never answers, and never stops talking.
        opcode, _ = read_frame(connection)
        assert opcode == PING
        for _ in range(5):
            connection.send(frame(TEXT, b"still talking"))
            assert read_frame(connection)[0] == PING
        connection.send(frame(CLOSE, b"\x03\xe8"))
        connection.end()

    with RawServer(upgraded(script)) as server:
        async with aioxide.connect_ws(server.url, ping_interval=0.02, ping_timeout=2) as websocket:
            assert [message async for message in websocket] == ["still talking"] * 5
            assert websocket.latency is None


async def test_one_who_does_not_receive_is_not_held_against_the_peer(until: Any) -> None:
    def script(connection: Connection) -> None:
        connection.send(frame(TEXT, b"x") * 100)
        connection.end()

    with RawServer(upgraded(script)) as server:
        options: dict[str, Any] = {"ping_interval": 0.005, "ping_timeout": 0.005, "max_queue": 1}
        websocket = await aioxide.connect_ws(server.url, **options)
        await until(lambda: websocket.waiting)
        await asyncio.sleep(0.1)
        assert not websocket.is_closed
        for _ in range(100):
            assert await websocket.receive() == "x"
        websocket.abort()


async def test_without_an_interval_nothing_is_sent(until: Any) -> None:
    async with aioxide.serve_ws(echo, ping_interval=None) as server, RawClient(server.port) as client:
        client.send(frame(PING, b"?", masked=True))
        assert await client.read() == (PONG, b"?")
        await until(lambda: server.connections)
        (connection,) = server.connections
        await connection.pong(b"unasked")
        assert await client.read() == (PONG, b"unasked")


async def test_a_ping_that_is_never_answered(until: Any) -> None:
    def script(connection: Connection) -> None:
        heard.append(read_frame(connection))
        connection.hang()

    heard: list[Any] = []
    with RawServer(upgraded(script)) as server:
        websocket = await aioxide.connect_ws(server.url)
        asking = asyncio.ensure_future(websocket.ping(b"mine"))
        await until(lambda: heard)
        assert heard == [(PING, b"mine")]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(websocket.ping(), 0.01)
        websocket.abort()
        with pytest.raises(aioxide.ConnectionClosed):
            await asking
