"""Frames as bytes, and both sides of a handshake by hand: for peers that break the rules."""

import asyncio
import base64
import contextlib
import hashlib
import re
import struct
from collections.abc import Callable
from typing import Self

from tests.servers.raw import Connection, Script

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x01\x02\x03\x04"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    last: bool = True,
    masked: bool = False,
    reserved: int = 0,
    length: int | None = None,
) -> bytes:
    """One frame; ``length`` is what it says of itself, where that is not true."""
    size = len(payload) if length is None else length
    mask_bit = 0x80 if masked else 0
    head = bytes([(0x80 if last else 0) | reserved << 4 | opcode])
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 1 << 16:
        head += struct.pack("!BH", mask_bit | 126, size)
    else:
        head += struct.pack("!BQ", mask_bit | 127, size)
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[place % 4] for place, byte in enumerate(payload))


def close(code: int | None = None, reason: bytes = b"", *, masked: bool = False) -> bytes:
    payload = b"" if code is None else struct.pack("!H", code) + reason
    return frame(CLOSE, payload, masked=masked)


def accept(key: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def answer(head: bytes, *more: bytes, accept: Callable[[bytes], bytes] = accept) -> bytes:
    """What a server says to this request; ``more`` are further lines."""
    found = re.search(rb"sec-websocket-key: (\S+)", head, re.I)
    assert found, head
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept(found[1]),
        *more,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def upgraded(script: Script, *more: bytes) -> Script:
    """A script that begins when the handshake is done."""

    def whole(connection: Connection) -> None:
        connection.send(answer(connection.read_head(), *more))
        script(connection)

    return whole


def read_frame(connection: Connection) -> tuple[int, bytes]:
    """The opcode and the payload of the next frame, which is a client's; fragments are not put together."""
    first, second = connection.read(2)
    assert second & 0x80, "a client masks"
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", connection.read(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", connection.read(8))
    mask = connection.read(4)
    payload = connection.read(size)
    return first & 0xF, bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


class RawClient:
    """A client that sends whatever it is told: ``async with RawClient(port) as client``."""

    def __init__(self, port: int, *more: bytes) -> None:
        self.port = port
        self.more = more
        self.head = b""

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [
            b"GET /raw HTTP/1.1",
            b"Host: localhost",
            b"Upgrade: websocket",
            b"Connection: keep-alive, Upgrade",
            b"Sec-WebSocket-Key: " + KEY,
            b"Sec-WebSocket-Version: 13",
            *self.more,
        ]
        self.writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def read(self) -> tuple[int, bytes]:
        """The opcode and the payload of the next frame."""
        first, second = await self.reader.readexactly(2)
        assert not second & 0x80, "a server does not mask"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first & 0xF, await self.reader.readexactly(size)

    async def read_close(self) -> tuple[int, str]:
        """The code and the reason of the close frame that comes next, after which the stream ends."""
        opcode, payload = await self.read()
        assert opcode == CLOSE
        assert await self.reader.read() == b""
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()
