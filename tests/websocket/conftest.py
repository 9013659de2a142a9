"""A server that sends back what it gets, and the handlers that tests give to servers of their own."""

from collections.abc import AsyncIterator

import pytest

import aioxide


async def echo(websocket: aioxide.WebSocket) -> None:
    async for message in websocket:
        await websocket.send(message)


@pytest.fixture
async def server() -> AsyncIterator[aioxide.WebSocketServer]:
    async with aioxide.serve_ws(echo, subprotocols=["chat", "superchat"]) as server:
        yield server


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
async def websocket(
    request: pytest.FixtureRequest, server: aioxide.WebSocketServer
) -> AsyncIterator[aioxide.WebSocket]:
    """Connected to the server that sends back what it gets."""
    async with aioxide.connect_ws(server.url, compression=request.param) as websocket:
        assert websocket.compression is request.param
        yield websocket
