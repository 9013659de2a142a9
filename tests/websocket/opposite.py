"""One who speaks in frames to an echo of ours: as a client to our server, or as a server to our client."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from typing import Any

import aioxide
from tests.websocket.frames import CLOSE, CONTINUATION, KEY, TEXT, answer, frame


async def echo(websocket: aioxide.WebSocket) -> None:
    with contextlib.suppress(aioxide.ConnectionClosed):
        async for message in websocket:
            await websocket.send(message)


class Opposite:
    """Masks what it sends if it is the client."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_client: bool
    ) -> None:
        self.reader, self.writer = reader, writer
        self.is_client = is_client

    def frame(self, opcode: int, payload: bytes = b"", **how: Any) -> bytes:
        return frame(opcode, payload, masked=self.is_client, **how)

    def message(self, *parts: bytes, opcode: int = TEXT) -> bytes:
        """The frames of a message in parts."""
        last = len(parts) - 1
        return b"".join(
            self.frame(CONTINUATION if place else opcode, part, last=place == last)
            for place, part in enumerate(parts)
        )

    def close(self, code: int | None = None, reason: bytes = b"") -> bytes:
        return self.frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)

    async def send(self, data: bytes, *, chop: int | None = None) -> None:
        """Send it; in pieces of ``chop`` bytes that go out one by one."""
        for place in range(0, len(data), chop or len(data) or 1):
            self.writer.write(data[place : place + (chop or len(data))])
            await self.writer.drain()
            if chop:
                await asyncio.sleep(0)

    async def read(self) -> tuple[int, bytes]:
        """The opcode and the payload of the next frame."""
        first, second = await self.reader.readexactly(2)
        assert first & 0x80, "an echo is one frame"
        assert bool(second & 0x80) is not self.is_client, "clients mask, and servers do not"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        mask = bytes(4) if self.is_client else await self.reader.readexactly(4)
        payload = await self.reader.readexactly(size)
        if mask != bytes(4):
            pad = (mask * (size // 4 + 1))[:size]
            payload = (int.from_bytes(payload) ^ int.from_bytes(pad)).to_bytes(size)
        return first & 0xF, payload

    async def closed_with(self) -> tuple[int | None, str]:
        """The code (None for none) and the reason of the close frame that comes next, and last."""
        opcode, payload = await self.read()
        assert opcode == CLOSE, (opcode, payload[:50])
        if not self.is_client:
            # A server ends the stream first: RFC 6455, section 7.1.1.
            self.writer.close()
        with contextlib.suppress(ConnectionError):
            assert await self.reader.read() == b""
        code = struct.unpack("!H", payload[:2])[0] if payload else None
        return code, payload[2:].decode()


@contextlib.asynccontextmanager
async def opposite(side: str, *more: bytes, **options: Any) -> AsyncIterator[Opposite]:
    """Speaks to our ``side``; ``more`` are further lines of its handshake, ``options`` those of our side."""
    if side == "server":
        async with aioxide.serve_ws(echo, **options) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            lines = [
                b"GET / HTTP/1.1",
                b"Host: localhost",
                b"Upgrade: websocket",
                b"Connection: Upgrade",
                b"Sec-WebSocket-Key: " + KEY,
                b"Sec-WebSocket-Version: 13",
                *more,
            ]
            writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 "), head
            yield Opposite(reader, writer, is_client=True)
            await _end(writer)
        return
    came: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    listening = await asyncio.start_server(lambda *streams: came.put_nowait(streams), "127.0.0.1", 0)

    async def go() -> None:
        port = listening.sockets[0].getsockname()[1]
        async with aioxide.connect_ws(f"ws://127.0.0.1:{port}/", **options) as websocket:
            await echo(websocket)

    going = asyncio.ensure_future(go())
    try:
        reader, writer = await came.get()
        writer.write(answer(await reader.readuntil(b"\r\n\r\n"), *more))
        yield Opposite(reader, writer, is_client=False)
        await _end(writer)
        await going
    finally:
        going.cancel()
        listening.close()
    await listening.wait_closed()


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
