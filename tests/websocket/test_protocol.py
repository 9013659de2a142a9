"""Peers that break RFC 6455, frame by frame: each is told which rule, and so is the program."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import aioxide
from tests.servers.raw import Connection, RawServer
from tests.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawClient,
    close,
    frame,
    read_frame,
    upgraded,
)

DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"


@dataclass(frozen=True)
class Case:
    """Frames, as (arguments, keywords) of `frame`, and what comes of them."""

    name: str
    frames: list[tuple[Any, ...]]
    code: int
    words: str
    compressed: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def bytes(self, masked: bool) -> bytes:
        whole = b""
        for one in self.frames:
            *arguments, keywords = one if isinstance(one[-1], dict) else (*one, {})
            whole += frame(*arguments, **({"masked": masked} | keywords))
        return whole


def cases() -> Iterator[Case]:
    for bit, name in ((4, "first"), (2, "second"), (1, "third"), (7, "every")):
        yield Case(f"{name} reserved bit", [(TEXT, b"x", {"reserved": bit})], 1002, "a reserved bit is set")
    for bit in (2, 1):
        yield Case(
            f"reserved bit {bit}, compressed", [(TEXT, b"x", {"reserved": bit})], 1002, "a reserved bit", True
        )
    yield Case("compressed ping", [(PING, b"x", {"reserved": 4})], 1002, "a reserved bit", True)
    yield Case(
        "compressed continuation",
        [(TEXT, b"x", {"last": False}), (CONTINUATION, b"x", {"reserved": 4})],
        1002,
        "a reserved bit",
        True,
    )
    yield Case(
        "rubbish for a compressed text", [(TEXT, b"\xff" * 9, {"reserved": 4})], 1007, "compressed", True
    )
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield Case(f"opcode {opcode}", [(opcode, b"")], 1002, "an opcode that is not known")
    for opcode in (CLOSE, PING, PONG):
        yield Case(
            f"part of {opcode}", [(opcode, b"", {"last": False})], 1002, "a control frame is fragmented"
        )
        yield Case(f"long {opcode}", [(opcode, bytes(126))], 1002, "more than 125 bytes")
    yield Case("continuation of nothing", [(CONTINUATION, b"x")], 1002, "a continuation of no message")
    yield Case("last continuation, twice", [(TEXT, b"x"), (CONTINUATION, b"x")], 1002, "a continuation of no")
    for opcode in (TEXT, BINARY):
        yield Case(
            f"message {opcode} within another",
            [(TEXT, b"x", {"last": False}), (opcode, b"x")],
            1002,
            "a message within another",
        )
    for name, text in {
        "a lone byte": b"\x80",
        "half a character": b"caf\xc3",
        "an overlong form": b"\xc0\xaf",
        "a surrogate": b"\xed\xa0\x80",
        "beyond Unicode": b"\xf4\x90\x80\x80",
    }.items():
        yield Case(f"text with {name}", [(TEXT, text)], 1007, "a text is not UTF-8")
    yield Case(
        "not UTF-8 in parts", [(TEXT, b"\xc3", {"last": False}), (CONTINUATION, b"(")], 1007, "not UTF-8"
    )
    yield Case("half a code", [(CLOSE, b"\x03")], 1002, "half a code")
    yield Case("a reason that is not UTF-8", [(CLOSE, b"\x03\xe8\xff")], 1007, "the reason of a close frame")
    for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        yield Case(
            f"code {code}", [(CLOSE, code.to_bytes(2, "big"))], 1002, f"a close frame has the code {code}"
        )
    small = {"max_message_size": 1000}
    yield Case("too long", [(BINARY, bytes(1001))], 1009, "longer than 1000 bytes", options=small)
    yield Case(
        "says that it is huge",
        [(BINARY, b"", {"length": 1 << 40})],
        1009,
        "longer than 1000 bytes",
        options=small,
    )
    yield Case(
        "says that it is impossible",
        [(BINARY, b"", {"length": (1 << 64) - 1})],
        1002,
        "a length has its highest bit set",
        options={"max_message_size": None},
    )
    yield Case(
        "too long in parts",
        [(BINARY, bytes(600), {"last": False}), (CONTINUATION, bytes(401))],
        1009,
        "longer than 1000 bytes",
        options=small,
    )


CASES = list(cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_server_that_breaks_a_rule(case: Case) -> None:
    told = []

    def script(connection: Connection) -> None:
        connection.send(frame(TEXT, b"before") + case.bytes(masked=False))
        told.append(read_frame(connection))
        connection.end()

    more = (DEFLATE,) if case.compressed else ()
    with RawServer(upgraded(script, *more)) as server:
        async with aioxide.connect_ws(server.url, **case.options) as websocket:
            assert await websocket.receive() == "before"
            if case.name == "last continuation, twice":
                assert await websocket.receive() == "x"
            with pytest.raises(aioxide.ConnectionClosed, match=case.words) as caught:
                await websocket.receive()
    assert caught.value.code == websocket.close_code == case.code
    assert case.words in caught.value.reason == websocket.close_reason
    ((opcode, payload),) = told
    assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, case.code)
    assert payload[2:].decode() == caught.value.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_client_that_breaks_a_rule(case: Case) -> None:
    ended: asyncio.Queue[Any] = asyncio.Queue()

    async def handler(websocket: aioxide.WebSocket) -> None:
        try:
            async for _ in websocket:
                pass
        except aioxide.ConnectionClosed as error:
            ended.put_nowait(error)

    offer = (b"Sec-WebSocket-Extensions: permessage-deflate",) if case.compressed else ()
    async with aioxide.serve_ws(handler, **case.options) as server:
        async with RawClient(server.port, *offer) as client:
            client.send(case.bytes(masked=True))
            code, reason = await client.read_close()
        error = await ended.get()
    assert code == error.code == case.code
    assert case.words in reason == error.reason


async def test_a_server_that_masks() -> None:
    def script(connection: Connection) -> None:
        connection.send(frame(TEXT, b"x", masked=True))
        connection.hang()

    with RawServer(upgraded(script)) as server:
        websocket = await aioxide.connect_ws(server.url, close_timeout=0.05)
        with pytest.raises(aioxide.ConnectionClosed, match="a server's frame is masked") as caught:
            await websocket.receive()
        assert caught.value.code == 1002
        # The server does not answer; that is not waited for here.
        await websocket.close()


async def test_a_client_that_does_not_mask() -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        await websocket.receive()

    async with aioxide.serve_ws(handler) as server, RawClient(server.port) as client:
        client.send(frame(TEXT, b"x"))
        assert await client.read_close() == (1002, "a client's frame is not masked")


async def test_a_message_is_put_together_with_pings_between() -> None:
    got = []

    async def handler(websocket: aioxide.WebSocket) -> None:
        got.extend([message async for message in websocket])

    async with aioxide.serve_ws(handler) as server, RawClient(server.port) as client:
        text = "☃ and more".encode()
        for place in range(len(text)):
            last = place == len(text) - 1
            opcode = CONTINUATION if place else TEXT
            client.send(frame(opcode, text[place : place + 1], last=last, masked=True))
            client.send(frame(PING, bytes([place]), masked=True))
        # Of many pings that come at once the last is answered.
        while (await client.read()) != (PONG, bytes([len(text) - 1])):
            pass
        client.send(close(1000, masked=True))
        assert await client.read_close() == (1000, "")
    assert got == ["☃ and more"]


async def test_byte_by_byte() -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        async for message in websocket:
            await websocket.send(message)

    async with aioxide.serve_ws(handler) as server, RawClient(server.port) as client:
        for byte in frame(TEXT, b"slowly", masked=True) + frame(BINARY, bytes(300), masked=True):
            client.send(bytes([byte]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert await client.read() == (TEXT, b"slowly")
        assert await client.read() == (BINARY, bytes(300))


async def test_what_comes_with_the_handshake_is_not_lost() -> None:
    def script(connection: Connection) -> None:
        from tests.websocket.frames import answer

        connection.send(answer(connection.read_head()) + frame(TEXT, b"first") + frame(TEXT, b"second"))
        connection.hang()

    with RawServer(script) as server:
        websocket = await aioxide.connect_ws(server.url)
        assert await websocket.receive() == "first"
        assert await websocket.receive() == "second"
        websocket.abort()


async def test_a_bomb_is_not_unpacked() -> None:
    import zlib

    packer = zlib.compressobj(wbits=-15)
    bomb = packer.compress(bytes(50_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 100_000

    async def handler(websocket: aioxide.WebSocket) -> None:
        await websocket.receive()

    offer = b"Sec-WebSocket-Extensions: permessage-deflate"
    async with aioxide.serve_ws(handler) as server, RawClient(server.port, offer) as client:
        client.send(frame(BINARY, bomb.removesuffix(b"\0\0\xff\xff"), reserved=4, masked=True))
        assert await client.read_close() == (1009, "a message is longer than 1048576 bytes")
