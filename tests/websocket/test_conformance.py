"""What a conformance suite for RFC 6455 asks of either side: an echo, spoken to in frames.

The cases are those of the usual one, by its numbers. What breaks a rule in one frame is in `test_protocol`.
"""

import asyncio
import zlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.websocket.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT
from tests.websocket.opposite import Opposite, opposite


@pytest.fixture(params=["server", "client"])
def side(request: pytest.FixtureRequest) -> str:
    """Which side is ours."""
    return str(request.param)


async def goodbye(peer: Opposite) -> None:
    """The connection is in order to the end."""
    await peer.send(peer.close(1000))
    assert await peer.closed_with() == (1000, "")


# ---- 1: framing ----


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65535, 65536, 300_000])
@pytest.mark.parametrize("chop", [None, 997])
async def test_payloads_of_any_size(side: str, opcode: int, size: int, chop: int | None) -> None:
    payload = bytes(32 + place % 90 for place in range(size))
    async with opposite(side) as peer:
        await peer.send(peer.frame(opcode, payload), chop=chop)
        assert await peer.read() == (opcode, payload)
        await goodbye(peer)


# ---- 2: pings and pongs ----


@pytest.mark.parametrize("chop", [None, 1])
@pytest.mark.parametrize("payload", [b"", b"hello", bytes([0, 255, 254, 253]), b"\xfe" * 125])
async def test_a_ping_is_answered_with_its_payload(side: str, payload: bytes, chop: int | None) -> None:
    async with opposite(side) as peer:
        await peer.send(peer.frame(PING, payload), chop=chop)
        assert await peer.read() == (PONG, payload)
        await goodbye(peer)


async def test_pongs_that_nobody_asked_for(side: str) -> None:
    async with opposite(side) as peer:
        await peer.send(peer.frame(PONG) + peer.frame(PONG, b"unasked") + peer.frame(PING, b"asked"))
        assert await peer.read() == (PONG, b"asked")
        await goodbye(peer)


@pytest.mark.parametrize("chop", [None, 1])
async def test_ten_pings_get_ten_answers_in_their_order(side: str, chop: int | None) -> None:
    async with opposite(side) as peer:
        pings = [b"payload-%d" % number for number in range(10)]
        await peer.send(b"".join(peer.frame(PING, one) for one in pings), chop=chop)
        assert [await peer.read() for _ in pings] == [(PONG, one) for one in pings]
        await goodbye(peer)


async def test_of_a_flood_of_pings_the_last_are_answered(side: str) -> None:
    """RFC 6455, section 5.5.3; the others fill no memory."""
    async with opposite(side) as peer:
        await peer.send(b"".join(peer.frame(PING, b"%d" % number) for number in range(20_000)))
        last = -1
        while last != 19_999:
            opcode, payload = await peer.read()
            assert opcode == PONG
            assert int(payload) > last
            last = int(payload)
        await goodbye(peer)


# ---- 5: fragments ----


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("chop", [None, 1])
async def test_a_message_in_two_parts(side: str, opcode: int, chop: int | None) -> None:
    async with opposite(side) as peer:
        await peer.send(peer.message(b"fragment1", b"fragment2", opcode=opcode), chop=chop)
        assert await peer.read() == (opcode, b"fragment1fragment2")
        await goodbye(peer)


@pytest.mark.parametrize("chop", [None, 1])
async def test_a_ping_between_the_parts_is_answered_before_them(side: str, chop: int | None) -> None:
    async with opposite(side) as peer:
        await peer.send(peer.frame(TEXT, b"one", last=False) + peer.frame(PING, b"now"), chop=chop)
        assert await peer.read() == (PONG, b"now")
        await peer.send(peer.frame(CONTINUATION, b"two", last=False) + peer.frame(PING), chop=chop)
        assert await peer.read() == (PONG, b"")
        await peer.send(peer.frame(CONTINUATION, b"three"), chop=chop)
        assert await peer.read() == (TEXT, b"onetwothree")
        await goodbye(peer)


@pytest.mark.parametrize("last", [False, True])
async def test_a_continuation_of_a_message_that_is_whole(side: str, last: bool) -> None:
    async with opposite(side) as peer:
        whole = peer.message(b"fragment1", b"fragment2")
        await peer.send(whole)
        assert await peer.read() == (TEXT, b"fragment1fragment2")
        await peer.send(peer.frame(CONTINUATION, b"of nothing", last=last) + peer.frame(TEXT, b"x"))
        assert await peer.closed_with() == (1002, "a continuation of no message")


@pytest.mark.parametrize("parts", [[b"", b"", b""], [b"", b"middle", b""], [b"x"] * 300])
async def test_parts_may_be_empty_or_many(side: str, parts: list[bytes]) -> None:
    async with opposite(side) as peer:
        for opcode in (TEXT, BINARY):
            await peer.send(peer.message(*parts, opcode=opcode))
            assert await peer.read() == (opcode, b"".join(parts))
        await goodbye(peer)


# ---- 6: UTF-8 ----

VALID = [
    "κόσμε",
    "Hello-µ@ßöäüàá-UTF-8!!",
    "\0",
    "\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff",
    "\ud7ff\ue000\ufffd",
    "\ufffe\U0001fffe\U0001ffff\U000f0000",
    "𐌄\U0010fffd",
]
INVALID = {
    "a surrogate in a text": "κόσμε".encode() + b"\xed\xa0\x80edited",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "far beyond Unicode": b"\xf7\xbf\xbf\xbf",
    "continuations": b"\x80\xbf\x80\xbf",
    "starts": b"\xc0 \xc1 \xdf ",
    "FE": b"\xfe",
    "FF": b"\xff",
    "a slash, overlong by one": b"\xc0\xaf",
    "a slash, overlong by two": b"\xe0\x80\xaf",
    "a slash, overlong by three": b"\xf0\x80\x80\xaf",
    "the longest overlong of two": b"\xc1\xbf",
    "the longest overlong of three": b"\xe0\x9f\xbf",
    "the longest overlong of four": b"\xf0\x8f\xbf\xbf",
    "a NUL, overlong": b"\xc0\x80",
    "the first surrogate": b"\xed\xa0\x80",
    "the last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
}


@pytest.mark.parametrize("text", VALID, ids=ascii)
async def test_texts_that_are_utf_8_wherever_they_are_cut(side: str, text: str) -> None:
    whole = text.encode()
    async with opposite(side) as peer:
        for place in range(len(whole) + 1):
            await peer.send(peer.message(whole[:place], whole[place:]))
            assert await peer.read() == (TEXT, whole)
        await peer.send(peer.message(*(bytes([byte]) for byte in whole)), chop=1)
        assert await peer.read() == (TEXT, whole)
        await goodbye(peer)


@pytest.mark.parametrize("name", INVALID)
@pytest.mark.parametrize("how", ["whole", "byte by byte"])
async def test_texts_that_are_not(side: str, name: str, how: str) -> None:
    text = b"before " + INVALID[name] + b" after"
    async with opposite(side) as peer:
        parts = [text] if how == "whole" else [bytes([byte]) for byte in text]
        await peer.send(peer.message(*parts))
        assert await peer.closed_with() == (1007, "a text is not UTF-8")


@pytest.mark.parametrize("place", range(1, 10))
async def test_a_text_that_ends_within_a_character(side: str, place: int) -> None:
    whole = "κόσμε".encode()[:place]
    async with opposite(side) as peer:
        await peer.send(peer.frame(TEXT, whole))
        if place % 2:
            assert (await peer.closed_with())[0] == 1007
        else:
            assert await peer.read() == (TEXT, whole)
            await goodbye(peer)


async def test_a_text_is_refused_as_soon_as_it_cannot_become_one(side: str) -> None:
    """Its last part need not come for that."""
    async with opposite(side) as peer:
        await peer.send(peer.frame(TEXT, "κόσμε".encode()[:-1], last=False))
        await peer.send(peer.frame(PING, b"still open"))
        assert await peer.read() == (PONG, b"still open")
        await peer.send(peer.frame(CONTINUATION, b"\xf4\x90\x80", last=False))
        assert await peer.closed_with() == (1007, "a text is not UTF-8")


async def test_bytes_need_not_be_utf_8(side: str) -> None:
    async with opposite(side) as peer:
        for payload in INVALID.values():
            await peer.send(peer.message(payload[:1], payload[1:], opcode=BINARY))
            assert await peer.read() == (BINARY, payload)
        await goodbye(peer)


# ---- 7: the end ----


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
)
async def test_codes_that_a_close_frame_may_have(side: str, code: int) -> None:
    async with opposite(side) as peer:
        await peer.send(peer.close(code, b"why"))
        assert await peer.closed_with() == (code, "")


@pytest.mark.parametrize("reason", [b"", b"Hello World!", "é".encode() * 61 + b"!"])
async def test_reasons_that_a_close_frame_may_have(side: str, reason: bytes) -> None:
    async with opposite(side) as peer:
        await peer.send(peer.close(1000, reason), chop=1)
        assert await peer.closed_with() == (1000, "")


async def test_a_close_frame_without_anything(side: str) -> None:
    async with opposite(side) as peer:
        await peer.send(peer.close())
        assert await peer.closed_with() == (None, "")


@pytest.mark.parametrize("more", ["close", "ping", "text", "rubbish", "the rest of a message"])
async def test_nothing_counts_after_a_close_frame(side: str, more: str) -> None:
    async with opposite(side) as peer:
        after = {
            "close": peer.close(1001),
            "ping": peer.frame(PING, b"?"),
            "text": peer.frame(TEXT, b"x"),
            "rubbish": b"\xff" * 500,
            "the rest of a message": peer.frame(CONTINUATION, b"x"),
        }
        begun = peer.frame(TEXT, b"begun", last=False) if more == "the rest of a message" else b""
        await peer.send(begun + peer.close(1000) + after[more])
        assert await peer.closed_with() == (1000, "")


async def test_what_came_before_a_close_frame_counts(side: str) -> None:
    big = bytes(256 * 1024)
    async with opposite(side) as peer:
        await peer.send(peer.frame(BINARY, big) + peer.close(1000) + peer.frame(PING))
        opcode, payload = await peer.read()
        # The echo may be too late by then, since this side has nothing to wait for.
        if opcode == BINARY:
            assert payload == big
            opcode, payload = await peer.read()
        assert (opcode, payload) == (CLOSE, b"\x03\xe8")


# ---- 9 and 10: large, and in many parts ----


@pytest.mark.parametrize("part", [64, 1300, 65536, 1 << 20])
async def test_large_messages(side: str, part: int) -> None:
    size = 4 << 20 if part > 1300 else 100_000
    payload = bytes(place % 251 for place in range(1000)) * (size // 1000)
    parts = [payload[place : place + part] for place in range(0, len(payload), part)]
    async with opposite(side, max_message_size=None) as peer:
        sending = asyncio.ensure_future(peer.send(peer.message(*parts, opcode=BINARY)))
        assert await peer.read() == (BINARY, payload)
        await sending
        await goodbye(peer)


@pytest.mark.parametrize("chop", [64, 1000, 4096])
async def test_a_frame_that_comes_in_many_reads(side: str, chop: int) -> None:
    payload = bytes(place % 251 for place in range(251)) * 300
    async with opposite(side) as peer:
        sending = asyncio.ensure_future(peer.send(peer.frame(BINARY, payload) * 2, chop=chop))
        assert [await peer.read(), await peer.read()] == [(BINARY, payload)] * 2
        await sending
        await goodbye(peer)


@pytest.mark.parametrize("size", [999, 1000, 1001])
@pytest.mark.parametrize("how", ["whole", "parts", "compressed"])
async def test_the_limit_is_exact(side: str, size: int, how: str) -> None:
    payload = bytes(size)
    more = [DEFLATE] if how == "compressed" else []
    async with opposite(side, *more, max_message_size=1000) as peer:
        if how == "compressed":
            data = peer.frame(BINARY, packed(payload), reserved=4)
        else:
            data = peer.message(
                *([payload] if how == "whole" else [payload[:500], b"", payload[500:]]), opcode=BINARY
            )
        await peer.send(data)
        if size > 1000:
            assert await peer.closed_with() == (1009, "a message is longer than 1000 bytes")
            return
        opcode, payload_back = await peer.read()
        assert (opcode, len(unpacked(payload_back) if how == "compressed" else payload_back)) == (
            BINARY,
            size,
        )
        await goodbye(peer)


# ---- 12 and 13: compression, in frames ----

DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate"


def packed(payload: bytes, *, level: int = 6, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    packer = zlib.compressobj(level, wbits=-15)
    return (packer.compress(payload) + packer.flush(flush)).removesuffix(b"\0\0\xff\xff")


def unpacked(payload: bytes) -> bytes:
    return zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff")


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("cut", [0, 1, 2, 10])
async def test_a_compressed_message_in_parts(side: str, level: int, cut: int) -> None:
    text = "the same again, ☃, and the same again. ".encode() * 20
    async with opposite(side, DEFLATE) as peer:
        whole = packed(text, level=level)
        first = peer.frame(TEXT, whole[:cut], last=False, reserved=4)
        await peer.send(first + peer.frame(PING, b"between") + peer.frame(CONTINUATION, whole[cut:]))
        assert await peer.read() == (PONG, b"between")
        opcode, payload = await peer.read()
        assert (opcode, unpacked(payload)) == (TEXT, text)
        await goodbye(peer)


async def test_a_message_need_not_be_compressed(side: str) -> None:
    async with opposite(side, DEFLATE) as peer:
        await peer.send(peer.frame(TEXT, b"plain"))
        opcode, payload = await peer.read()
        assert (opcode, unpacked(payload)) == (TEXT, b"plain")
        await goodbye(peer)


async def test_a_compressed_message_of_nothing(side: str) -> None:
    async with opposite(side, DEFLATE) as peer:
        for nothing in (b"", b"\0", packed(b"")):
            await peer.send(peer.frame(TEXT, nothing, reserved=4))
            assert await peer.read() == (TEXT, b"")
        await goodbye(peer)


async def test_a_compressed_text_that_is_not_utf_8(side: str) -> None:
    async with opposite(side, DEFLATE) as peer:
        await peer.send(peer.frame(TEXT, packed(b"caf\xc3"), reserved=4))
        assert await peer.closed_with() == (1007, "a text is not UTF-8")


async def test_a_last_block_within_a_message(side: str) -> None:
    """RFC 7692, section 7.2.3.4."""
    unpacker = zlib.decompressobj(wbits=-15)
    async with opposite(side, DEFLATE) as peer:
        for _ in range(2):
            await peer.send(peer.frame(TEXT, packed(b"Hello", flush=zlib.Z_FINISH) + b"\0", reserved=4))
            opcode, payload = await peer.read()
            assert (opcode, unpacker.decompress(payload + b"\0\0\xff\xff")) == (TEXT, b"Hello")
        await goodbye(peer)


# ---- whatever comes, however it is cut ----

messages = st.one_of(
    st.tuples(st.just(TEXT), st.lists(st.text(max_size=200).map(str.encode), min_size=1, max_size=4)),
    st.tuples(st.just(BINARY), st.lists(st.binary(max_size=300), min_size=1, max_size=4)),
    st.tuples(st.just(PING), st.lists(st.binary(max_size=125), min_size=1, max_size=1)),
    st.tuples(st.just(PONG), st.lists(st.binary(max_size=125), min_size=1, max_size=1)),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    sent=st.lists(messages, max_size=8),
    cuts=st.lists(st.integers(1, 40), max_size=60),
    compressed=st.booleans(),
    side=st.sampled_from(["server", "client"]),
)
def test_frames_cut_anywhere(
    sent: list[tuple[int, list[bytes]]], cuts: list[int], compressed: bool, side: str, new_loop: Any
) -> None:
    async def run() -> None:
        async with opposite(side, *([DEFLATE] if compressed else [])) as peer:
            data = b"".join(peer.message(*parts, opcode=opcode) for opcode, parts in sent) + peer.close(1000)
            for cut in cuts:
                await peer.send(data[:cut])
                data = data[cut:]
                await asyncio.sleep(0)
            await peer.send(data)
            got = []
            while (came := await peer.read())[0] != CLOSE:
                got.append(came)
            assert came == (CLOSE, b"\x03\xe8")
        pongs = [payload for opcode, payload in got if opcode == PONG]
        assert pongs == [b"".join(parts) for opcode, parts in sent if opcode == PING]
        # The echo may be ended by the close frame that is behind the messages.
        back = [one for one in got if one[0] != PONG]
        data_sent = [(opcode, b"".join(parts)) for opcode, parts in sent if opcode in (TEXT, BINARY)]
        assert len(back) <= len(data_sent)
        for (opcode, payload), (sent_opcode, whole) in zip(back, data_sent, strict=False):
            assert opcode == sent_opcode
            assert payload == whole or (compressed and whole)

    loop = new_loop()
    try:
        loop.run_until_complete(run())
    finally:
        loop.close()


@given(noise=st.binary(max_size=400), side=st.sampled_from(["server", "client"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_noise_ends_the_connection_or_does_nothing(noise: bytes, side: str) -> None:
    """Whatever a peer sends, this side neither hangs nor reports an exception."""

    async def run() -> None:
        async with opposite(side, DEFLATE, close_timeout=5.0) as peer:
            await peer.send(noise)
            peer.writer.write_eof()
            while await peer.reader.read(65536):
                pass

    asyncio.run(run())
