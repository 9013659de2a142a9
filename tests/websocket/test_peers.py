"""The other side is somebody else's: `websockets` and aiohttp, as servers and as clients."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

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


AGAIN = "the same again, and the same again. " * 100
TURNS: list[str | bytes] = [AGAIN, AGAIN, "", os.urandom(3000), AGAIN[:-7], AGAIN.encode()]


async def talk_to_theirs(connection: Any) -> None:
    for message in TURNS:
        await connection.send(message)
        assert await connection.recv() == message
    # In parts, which are compressed one by one.
    await connection.send([AGAIN[:50], "", AGAIN[50:]])
    assert await connection.recv() == AGAIN


async def talk_to_ours(websocket: aioxide.WebSocket) -> None:
    assert websocket.compression
    for message in TURNS:
        await websocket.send(message)
        assert await websocket.receive() == message


COMBINATIONS = [
    {
        "server_no_context_takeover": server_no_takeover,
        "client_no_context_takeover": client_no_takeover,
        "server_max_window_bits": server_bits,
        "client_max_window_bits": client_bits,
    }
    for server_no_takeover in (False, True)
    for client_no_takeover in (False, True)
    for server_bits in (None, 9, 12, 15)
    for client_bits in (None, 9, 15)
]


@pytest.mark.parametrize(
    "combination", COMBINATIONS, ids=lambda one: "-".join(str(value) for value in one.values())
)
async def test_compression_in_every_combination(combination: dict[str, Any]) -> None:
    """The parameters of RFC 7692, section 7.1, as `websockets` asks for them and as it answers with them."""
    asked = ClientPerMessageDeflateFactory(**combination)
    async with aioxide.serve_ws(echo) as server:
        options: Any = {"extensions": [asked], "compression": None, "proxy": None}
        async with websockets.connect(server.url, **options) as connection:
            assert connection.protocol.extensions
            await talk_to_theirs(connection)
    told = ServerPerMessageDeflateFactory(**combination)
    serving: Any = {"extensions": [told], "compression": None}
    async with websockets.serve(their_echo, "127.0.0.1", 0, **serving) as theirs:
        url = f"ws://127.0.0.1:{theirs.sockets[0].getsockname()[1]}/"
        for window in (True, 9, 15):
            async with aioxide.connect_ws(url, compression=window) as websocket:
                await talk_to_ours(websocket)


async def test_compression_goes_on_after_a_pause() -> None:
    """What compresses gives its memory back between two beats, and begins anew."""
    async with (
        aioxide.serve_ws(echo, ping_interval=0.001) as server,
        websockets.connect(server.url, proxy=None, ping_interval=None) as connection,
    ):
        assert connection.protocol.extensions
        for _ in range(10):
            await connection.send(AGAIN)
            assert await connection.recv() == AGAIN
            for _ in range(10):
                await (await connection.ping())


@pytest.mark.parametrize("window", [9, 10, 12, 15])
async def test_compression_with_aiohttp(window: int) -> None:
    aiohttp = pytest.importorskip("aiohttp")
    web = pytest.importorskip("aiohttp.web")
    async with (
        aioxide.serve_ws(echo) as server,
        aiohttp.ClientSession() as session,
        session.ws_connect(server.url, compress=window) as ws,
    ):
        assert ws.compress
        for message in TURNS:
            await (ws.send_str if isinstance(message, str) else ws.send_bytes)(message)
            assert (await ws.receive()).data == message

    async def handler(request: Any) -> Any:
        response = web.WebSocketResponse(compress=True)
        await response.prepare(request)
        async for message in response:
            await (response.send_str if isinstance(message.data, str) else response.send_bytes)(message.data)
        return response

    application = web.Application()
    application.router.add_get("/", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    async with aioxide.connect_ws(url, compression=window) as websocket:
        await talk_to_ours(websocket)
    await runner.cleanup()


async def test_many_of_theirs_at_once() -> None:
    async def talk(url: str, number: int) -> None:
        async with websockets.connect(url, proxy=None) as connection:
            for turn in range(10):
                await connection.send(f"{number}.{turn}")
                assert await connection.recv() == f"{number}.{turn}"

    async with aioxide.serve_ws(echo) as server:
        await asyncio.gather(*(talk(server.url, number) for number in range(20)))
