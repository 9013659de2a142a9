"""Libraries on the drop-in, which is put in asyncio's place before they are imported."""

import pytest

BEFORE = """
import sys
import asyncio as theirs
from aioxide import asyncio
for name in [name for name in sys.modules if name.startswith("aioxide.asyncio")]:
    sys.modules[name.removeprefix("aioxide.")] = sys.modules[name]
assert __import__("asyncio") is asyncio is not theirs
"""

AIOHTTP = """
import aiohttp
from aiohttp import web

async def main():
    gate = asyncio.Semaphore(3)

    async def hello(request):
        async with gate:
            await asyncio.sleep(0.001)
            return web.json_response({"path": request.path})

    async def talk(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data.upper())
        return socket

    application = web.Application()
    application.add_routes([web.get("/talk", talk), web.get("/{path}", hello)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=5)) as session:
        async def get(number):
            async with session.get(f"{url}/{number}", timeout=aiohttp.ClientTimeout(total=10)) as response:
                return (await response.json())["path"]

        assert await asyncio.gather(*[get(n) for n in range(50)]) == [f"/{n}" for n in range(50)]
        async with session.ws_connect(f"{url}/talk") as socket:
            await socket.send_str("hello")
            assert (await socket.receive()).data == "HELLO"
        try:
            async with asyncio.timeout(0.001):
                await asyncio.sleep(10)
        except TimeoutError:
            print("late")
    await runner.cleanup()

assert aiohttp.client.asyncio is asyncio
asyncio.run(main())
"""

ANYIO = """
import anyio
import httpx

async def main():
    async def serve(reader, writer):
        await reader.readuntil(b"\\r\\n\\r\\n")
        writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, httpx.AsyncClient() as client, asyncio.TaskGroup() as group:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        tasks = [group.create_task(client.get(url)) for _ in range(20)]
    assert [task.result().text for task in tasks] == ["ok"] * 20

    send, receive = anyio.create_memory_object_stream(3)
    async with anyio.create_task_group() as group:
        async def produce():
            async with send:
                for n in range(10):
                    await send.send(n)
        group.start_soon(produce)
        async with receive:
            assert [n async for n in receive] == list(range(10))
    with anyio.move_on_after(0.001) as scope:
        await asyncio.Event().wait()
    assert scope.cancelled_caught
    assert await anyio.to_thread.run_sync(lambda: 1) == 1
    lock = anyio.Lock()
    async with lock, asyncio.Lock():
        print("late")

import anyio._backends._asyncio as backend
assert backend.asyncio is asyncio
anyio.run(main)
"""

WEBSOCKETS = """
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
import websockets.asyncio.connection

async def main():
    queue = asyncio.Queue()

    async def echo(connection):
        async for message in connection:
            queue.put_nowait(message)
            await connection.send(message[::-1])

    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", ping_interval=0.01) as connection:
            for n in range(20):
                await connection.send(f"<{n}")
                assert await asyncio.wait_for(connection.recv(), 10) == f"<{n}"[::-1]
            await asyncio.sleep(0.05)
    assert queue.qsize() == 20
    print("late")

assert websockets.asyncio.connection.asyncio is asyncio
asyncio.run(main())
"""


@pytest.mark.parametrize("program", [AIOHTTP, ANYIO, WEBSOCKETS], ids=["aiohttp", "anyio", "websockets"])
@pytest.mark.parametrize("library", ["theirs", "ours"])
def test_a_library_works_on_it(script, program, library):
    before = BEFORE if library == "ours" else "import asyncio\n"
    assert script.works(before + program, flags=("-W", "error")) == "late\n"
