"""The other side is somebody else's: `websockets` and aiohttp, as servers and as clients."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets

import aioxide
from tests.websocket.conftest import echo

MESSAGES: list[str | bytes] = [
    "",
    "text",
    "aé☃🎈" * 50,
    b"",
    os.urandom(70_000),
    "x" * 200_000,
    b"\0" * 900_000,
]


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def compression(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def their_echo(connection: Any) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.fixture(params=["websockets", "aiohttp"])
async def their_server(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    if request.param == "websockets":
        async with websockets.serve(their_echo, "127.0.0.1", 0, subprotocols=["chat"]) as server:
            yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        return
    web = pytest.importorskip("aiohttp.web")
    aiohttp = pytest.importorskip("aiohttp")

    async def handler(request: Any) -> Any:
        response = web.WebSocketResponse(protocols=["chat"])
        await response.prepare(request)
        async for message in response:
            if message.type is aiohttp.WSMsgType.TEXT:
                await response.send_str(message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                await response.send_bytes(message.data)
        return response

    application = web.Application()
    application.router.add_get("/", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_our_client_with_their_server(their_server: str, compression: bool) -> None:
    async with aioxide.connect_ws(their_server, compression=compression, subprotocols=["chat"]) as websocket:
        assert websocket.compression is compression
        assert websocket.subprotocol == "chat"
        for message in MESSAGES:
            await websocket.send(message)
            assert await websocket.receive() == message
        for message in MESSAGES:
            await websocket.send(message)
        for message in MESSAGES:
            assert await websocket.receive() == message
        assert await websocket.ping() > 0
        await websocket.close(1000, "done")
        assert websocket.close_code == 1000


async def test_websockets_client_with_our_server(compression: bool) -> None:
    async with aioxide.serve_ws(echo, subprotocols=["chat"], compression=compression) as server:
        options: Any = {"subprotocols": ["chat"], "proxy": None}
        async with websockets.connect(server.url, **options) as connection:
            assert connection.subprotocol == "chat"
            assert bool(connection.protocol.extensions) is compression
            for message in MESSAGES:
                await connection.send(message)
                assert await connection.recv() == message
            await connection.send(["in ", "three ", "parts"])
            assert await connection.recv() == "in three parts"
            await (await connection.ping(b"x"))
        assert connection.close_code == 1000


async def test_aiohttps_client_with_our_server(compression: bool) -> None:
    aiohttp = pytest.importorskip("aiohttp")
    async with aioxide.serve_ws(echo, subprotocols=["chat"]) as server, aiohttp.ClientSession() as session:
        options: Any = {"protocols": ["chat"], "compress": 15 if compression else 0, "heartbeat": 5}
        async with session.ws_connect(server.url, **options) as connection:
            assert connection.protocol == "chat"
            assert bool(connection.compress) is compression
            for message in MESSAGES:
                if isinstance(message, str):
                    await connection.send_str(message)
                else:
                    await connection.send_bytes(message)
                assert (await connection.receive()).data == message
            await connection.close(code=4000, message=b"done")
        assert connection.close_code == 4000


async def test_their_goodbyes() -> None:
    async def handler(connection: Any) -> None:
        await connection.close(1013, "later")

    async with websockets.serve(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with aioxide.connect_ws(f"ws://127.0.0.1:{port}/") as websocket:
            with pytest.raises(aioxide.ConnectionClosed) as caught:
                await websocket.receive()
        assert (caught.value.code, caught.value.reason) == (1013, "later")


async def test_our_goodbyes(until: Any) -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        await websocket.close(1013, "later")

    async with aioxide.serve_ws(handler) as server:
        async with websockets.connect(server.url, proxy=None) as connection:
            with pytest.raises(websockets.ConnectionClosed) as caught:
                await connection.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1013, "later")


async def test_narrow_windows() -> None:
    """Parameters that neither side uses of its own accord."""
    from websockets.extensions.permessage_deflate import (
        ClientPerMessageDeflateFactory,
        ServerPerMessageDeflateFactory,
    )

    text = "the same again, and the same again. " * 100
    for bits in (9, 12, 15):
        for no_takeover in (False, True):
            asked = ClientPerMessageDeflateFactory(
                server_max_window_bits=bits,
                client_max_window_bits=bits,
                server_no_context_takeover=no_takeover,
                client_no_context_takeover=no_takeover,
            )
            async with aioxide.serve_ws(echo) as server:
                options: Any = {"extensions": [asked], "compression": None, "proxy": None}
                async with websockets.connect(server.url, **options) as connection:
                    assert connection.protocol.extensions
                    for _ in range(3):
                        await connection.send(text)
                        assert await connection.recv() == text
            told = ServerPerMessageDeflateFactory(
                server_max_window_bits=bits,
                client_max_window_bits=bits,
                server_no_context_takeover=no_takeover,
                client_no_context_takeover=no_takeover,
            )
            serving: Any = {"extensions": [told], "compression": None}
            async with websockets.serve(their_echo, "127.0.0.1", 0, **serving) as theirs:
                port = theirs.sockets[0].getsockname()[1]
                async with aioxide.connect_ws(f"ws://127.0.0.1:{port}/") as websocket:
                    assert websocket.compression
                    for _ in range(3):
                        await websocket.send(text)
                        assert await websocket.receive() == text


async def test_many_of_theirs_at_once() -> None:
    async def talk(url: str, number: int) -> None:
        async with websockets.connect(url, proxy=None) as connection:
            for turn in range(10):
                await connection.send(f"{number}.{turn}")
                assert await connection.recv() == f"{number}.{turn}"

    async with aioxide.serve_ws(echo) as server:
        await asyncio.gather(*(talk(server.url, number) for number in range(20)))
