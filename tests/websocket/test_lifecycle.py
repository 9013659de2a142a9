"""Processes, loops and collections that end while a WebSocket is open."""

import os
from typing import Any

import pytest

START = """
import asyncio, gc, weakref
import aioxide

async def echo(websocket):
    async for message in websocket:
        await websocket.send(message)
"""


def test_a_process_that_ends_with_open_connections(script: Any) -> None:
    printed = script.works(
        START
        + """
async def main():
    server = await aioxide.serve_ws(echo)
    websocket = await aioxide.connect_ws(server.url)
    await websocket.send("x")
    print(await websocket.receive())
    kept.extend([server, websocket])
kept = []
asyncio.run(main())
"""
    )
    assert printed == "x\n"


def test_a_loop_that_is_closed_in_the_middle(script: Any) -> None:
    """What waits on it is stopped; the next loop works."""
    printed = script.works(
        START
        + """
async def leave():
    server = await aioxide.serve_ws(echo)
    websocket = await aioxide.connect_ws(server.url)
    asyncio.ensure_future(websocket.receive())
    await asyncio.sleep(0)
    return websocket, server
async def again():
    async with aioxide.serve_ws(echo) as server, aioxide.connect_ws(server.url) as websocket:
        await websocket.send("again")
        return await websocket.receive()
left = asyncio.run(leave())
print(asyncio.run(again()))
"""
    )
    assert printed == "again\n"


def test_a_connection_is_freed(script: Any) -> None:
    """Nothing keeps it: neither the native side, nor an operation that is done, nor the server."""
    printed = script.works(
        START
        + """
async def main():
    async with aioxide.serve_ws(echo) as server:
        alive = []
        for _ in range(20):
            async with aioxide.connect_ws(server.url) as websocket:
                await websocket.send("x")
                await websocket.receive()
                await websocket.ping()
                alive.append(weakref.ref(websocket))
                alive.extend(weakref.ref(connection) for connection in server.connections)
        del websocket
        while server.connections:
            await asyncio.sleep(0.01)
        gc.collect()
        # Of each kind of operation the last may be kept for the next call, empty.
        print(sum(one() is not None for one in alive))
asyncio.run(main())
"""
    )
    assert printed == "0\n"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="/proc tells how many are open")
def test_no_file_descriptor_is_left(script: Any) -> None:
    """Whichever way a connection ends, and whichever way one does not come about."""
    printed = script.works(
        START
        + """
import contextlib, os
async def handler(websocket):
    if websocket.path == "/raise":
        await websocket.close(1011)
    elif websocket.path == "/return":
        return
    await echo(websocket)
async def hook(request):
    if request.path == "/refuse":
        return aioxide.HandshakeResponse(403)
    if request.path == "/hang":
        await asyncio.Event().wait()
    return None
def count():
    return len(os.listdir("/proc/self/fd"))
async def one(url, how):
    with contextlib.suppress(aioxide.WebSocketError, aioxide.RequestError, TimeoutError):
        opening = aioxide.connect_ws(f"{url}/{how}")
        websocket = await (asyncio.wait_for(opening, 0.05) if how == "hang" else opening)
        await websocket.send("x")
        if how == "abort":
            websocket.abort()
        elif how == "drop":
            del websocket
        elif how == "timeout":
            await asyncio.wait_for(websocket.close(), 1e-9)
        elif how == "close":
            await websocket.close()
        else:
            async for message in websocket:
                pass
    gc.collect()
async def main():
    # The program is told of hooks that hang.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    ways = ["close", "abort", "drop", "timeout", "return", "raise", "refuse", "hang"]
    async with aioxide.serve_ws(handler, process_request=hook, timeout=0.5, close_timeout=5) as server:
        await asyncio.gather(*(one(server.url, how) for how in ways))
        while server.connections:
            await asyncio.sleep(0.01)
        before = count()
        for _ in range(10):
            await asyncio.gather(*(one(server.url, how) for how in ways * 3))
        while server.connections:
            await asyncio.sleep(0.01)
        # Tokio may close the last of them a little later.
        for _ in range(1000):
            if count() <= before:
                break
            await asyncio.sleep(0.01)
        print(count() <= before, len(server.connections))
asyncio.run(main())
"""
    )
    assert printed == "True 0\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child(script: Any, fork_source: str) -> None:
    """The connection stays the parent's; the child says so, closes nothing, and can open its own."""
    printed = script.works(
        fork_source
        + START
        + """
import warnings
# CPython 3.12 warns of any fork in a process with threads.
warnings.simplefilter("ignore", DeprecationWarning)
async def main():
    async with aioxide.serve_ws(echo) as server:
        async with aioxide.connect_ws(server.url) as websocket:
            await websocket.send("before")
            assert await websocket.receive() == "before"

            def child():
                for call in (lambda: websocket.is_closed, websocket.abort, lambda: repr(websocket)):
                    try:
                        call()
                    except RuntimeError as error:
                        assert "before a fork" in str(error), error
                    else:
                        raise AssertionError
                for operation in (websocket.send("x"), websocket.receive(), websocket.close()):
                    try:
                        operation.send(None)
                    except RuntimeError as error:
                        assert "before a fork" in str(error), error
                    else:
                        raise AssertionError
            fork(child)
            await websocket.send("after")
            print(await websocket.receive())
asyncio.run(main())
"""
    )
    assert printed == "after\n"
