"""Measures WebSockets: round trips and one message for many, beside `websockets` and aiohttp.

Server and client are the same library's, in two processes. It prints a table and writes nothing.

python benches/python/websocket.py [--rounds 3] [--trips 5000] [--listeners 200] [--messages 50]
    [--compression]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any

#: Of messages, in bytes.
SIZES = [64, 4096, 65536]
ALONE, MANY = 1, 50
END = "end"


class Aioxide:
    """Both sides by aioxide."""

    async def serve(self, compression: bool, ready: Callable[[int], Awaitable[None]]) -> None:
        import aioxide

        async def handler(websocket: aioxide.WebSocket) -> None:
            async for message in websocket:
                if isinstance(message, str) and message.startswith("all"):
                    for _ in range(int(message[3:])):
                        server.broadcast(b"x" * 64)
                else:
                    await websocket.send(message)

        async with aioxide.serve_ws(handler, compression=compression, max_message_size=None) as server:
            await ready(server.port)

    async def connect(self, port: int, compression: bool) -> Any:
        import aioxide

        return await aioxide.connect_ws(f"ws://127.0.0.1:{port}/", compression=compression, max_queue=1000)

    async def send(self, socket: Any, message: Any) -> None:
        await socket.send(message)

    async def receive(self, socket: Any) -> Any:
        return await socket.receive()


class Websockets:
    """Both sides by `websockets`."""

    async def serve(self, compression: bool, ready: Callable[[int], Awaitable[None]]) -> None:
        import websockets

        async def handler(connection: Any) -> None:
            async for message in connection:
                if isinstance(message, str) and message.startswith("all"):
                    for _ in range(int(message[3:])):
                        websockets.broadcast(server.connections, b"x" * 64)
                        await asyncio.sleep(0)
                else:
                    await connection.send(message)

        how: Any = "deflate" if compression else None
        async with websockets.serve(handler, "127.0.0.1", 0, compression=how, max_size=None) as server:
            await ready(next(iter(server.sockets)).getsockname()[1])

    async def connect(self, port: int, compression: bool) -> Any:
        import websockets

        how: Any = "deflate" if compression else None
        options: Any = {"compression": how, "max_queue": 1000, "proxy": None}
        return await websockets.connect(f"ws://127.0.0.1:{port}/", **options)

    async def send(self, socket: Any, message: Any) -> None:
        await socket.send(message)

    async def receive(self, socket: Any) -> Any:
        return await socket.recv()


class Aiohttp:
    """Both sides by aiohttp."""

    async def serve(self, compression: bool, ready: Callable[[int], Awaitable[None]]) -> None:
        from aiohttp import web

        sockets: set[Any] = set()

        async def handler(request: Any) -> Any:
            socket = web.WebSocketResponse(compress=compression, max_msg_size=0)
            await socket.prepare(request)
            sockets.add(socket)
            async for message in socket:
                if isinstance(message.data, str) and message.data.startswith("all"):
                    for _ in range(int(message.data[3:])):
                        await asyncio.gather(*(one.send_bytes(b"x" * 64) for one in sockets))
                elif isinstance(message.data, str):
                    await socket.send_str(message.data)
                else:
                    await socket.send_bytes(message.data)
            sockets.discard(socket)
            return socket

        application = web.Application()
        application.router.add_get("/", handler)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await ready(runner.addresses[0][1])
        await runner.cleanup()

    async def connect(self, port: int, compression: bool) -> Any:
        import aiohttp

        session = aiohttp.ClientSession()
        compress = 15 if compression else 0
        socket = await session.ws_connect(f"ws://127.0.0.1:{port}/", compress=compress, max_msg_size=0)
        close = socket.close

        async def close_both() -> None:
            await close()
            await session.close()

        socket.close = close_both
        return socket

    async def send(self, socket: Any, message: Any) -> None:
        await (socket.send_str if isinstance(message, str) else socket.send_bytes)(message)

    async def receive(self, socket: Any) -> Any:
        return (await socket.receive()).data


PEERS: dict[str, Any] = {"aioxide": Aioxide(), "websockets": Websockets(), "aiohttp": Aiohttp()}


def serve(name: str, compression: bool, pipe: Connection) -> None:
    """Serve until the pipe says so: the other process."""

    async def ready(port: int) -> None:
        pipe.send(port)
        await asyncio.to_thread(pipe.recv)

    asyncio.run(PEERS[name].serve(compression, ready))


async def trips(peer: Any, sockets: list[Any], count: int, size: int) -> float:
    """Microseconds a round trip, each socket making its share of them."""
    message = b"x" * size

    async def go(socket: Any) -> None:
        for _ in range(count // len(sockets)):
            await peer.send(socket, message)
            await peer.receive(socket)

    begin = time.perf_counter()
    await asyncio.gather(*(go(socket) for socket in sockets))
    return (time.perf_counter() - begin) / count * 1e6


async def for_all(peer: Any, sockets: list[Any], messages: int) -> float:
    """Microseconds a delivery, from the first message sent to the last received."""

    async def listen(socket: Any) -> None:
        for _ in range(messages):
            await peer.receive(socket)

    begin = time.perf_counter()
    listening = [asyncio.ensure_future(listen(socket)) for socket in sockets]
    await peer.send(sockets[0], f"all{messages}")
    await asyncio.gather(*listening)
    return (time.perf_counter() - begin) / (messages * len(sockets)) * 1e6


async def measure(peer: Any, port: int, options: argparse.Namespace) -> dict[str, float]:
    found = {}
    for connections in (ALONE, MANY):
        sockets = [await peer.connect(port, options.compression) for _ in range(connections)]
        for size in SIZES:
            count = options.trips if size < SIZES[-1] else options.trips // 5
            await trips(peer, sockets, max(count // 10, connections), size)
            found[f"{size} bytes, {connections} at a time"] = await trips(peer, sockets, count, size)
        for socket in sockets:
            await socket.close()
    sockets = [await peer.connect(port, options.compression) for _ in range(options.listeners)]
    await for_all(peer, sockets, 2)
    found[f"for {options.listeners} listeners, each"] = await for_all(peer, sockets, options.messages)
    for socket in sockets:
        await socket.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trips", type=int, default=5000)
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--messages", type=int, default=50)
    parser.add_argument("--compression", action="store_true")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    all_found: dict[str, dict[str, list[float]]] = {}
    for _ in range(options.rounds):
        for name, peer in PEERS.items():
            ours, theirs = context.Pipe()
            process = context.Process(target=serve, args=(name, options.compression, theirs))
            process.start()
            found = asyncio.run(measure(peer, ours.recv(), options))
            ours.send(END)
            process.join()
            for what, value in found.items():
                all_found.setdefault(what, {}).setdefault(name, []).append(value)
    print(f"{'µs, median of ' + str(options.rounds):32}" + "".join(f"{name:>14}" for name in PEERS))
    for what, by_name in all_found.items():
        values = [statistics.median(by_name[name]) for name in PEERS]
        print(f"{what:32}" + "".join(f"{value:14.1f}" for value in values))


if __name__ == "__main__":
    main()
