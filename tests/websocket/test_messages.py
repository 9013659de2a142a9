"""Sending and receiving: what goes out comes in, in order, whole, and nothing is lost."""

import asyncio
import os
from typing import Any

import pytest

import aioxide
from aioxide._core import echo as trip
from tests.websocket.conftest import echo

SIZES = [0, 1, 125, 126, 127, 1000, 65535, 65536, 200_000, 1_000_000]


@pytest.mark.parametrize("size", SIZES)
async def test_bytes_of_any_size(websocket: aioxide.WebSocket, size: int) -> None:
    message = os.urandom(size)
    await websocket.send(message)
    assert await websocket.receive() == message


@pytest.mark.parametrize("size", SIZES)
async def test_texts_of_any_size(websocket: aioxide.WebSocket, size: int) -> None:
    message = ("aé☃🎈" * size)[: size // 4]
    await websocket.send(message)
    assert await websocket.receive() == message


@pytest.mark.parametrize("message", [bytearray(b"abc"), memoryview(b"xabcx")[1:4], memoryview(b"axbxc")[::2]])
async def test_whatever_has_bytes(websocket: aioxide.WebSocket, message: Any) -> None:
    await websocket.send(message)
    assert await websocket.receive() == b"abc"


@pytest.mark.parametrize("message", [None, 1, ["a"], {"a": 1}])
async def test_what_is_no_message(websocket: aioxide.WebSocket, message: Any) -> None:
    with pytest.raises(TypeError, match="must be str, bytes, bytearray or memoryview"):
        websocket.send(message)
    with pytest.raises(UnicodeEncodeError):
        websocket.send("\ud800")


async def test_many_messages_keep_their_order(websocket: aioxide.WebSocket) -> None:
    async def send() -> None:
        for number in range(3000):
            await websocket.send(f"{number}" * (number % 50))

    sending = asyncio.create_task(send())
    for number in range(3000):
        assert await websocket.receive() == f"{number}" * (number % 50)
    await sending


async def test_many_connections(server: aioxide.WebSocketServer) -> None:
    async def talk(number: int) -> None:
        async with aioxide.connect_ws(server.url) as websocket:
            for turn in range(20):
                await websocket.send(f"{number}.{turn}")
                assert await websocket.receive() == f"{number}.{turn}"

    await aioxide.gather(*(talk(number) for number in range(50)))


async def test_sending_does_not_suspend_while_there_is_room(websocket: aioxide.WebSocket) -> None:
    for message in ("text", b"bytes"):
        with pytest.raises(StopIteration):
            websocket.send(message).send(None)
    assert await websocket.receive() == "text"
    assert await websocket.receive() == b"bytes"


async def test_what_is_here_is_received_without_suspending(websocket: aioxide.WebSocket, until: Any) -> None:
    for number in range(10):
        await websocket.send(f"{number}")
    await until(lambda: websocket.waiting == 10)
    for number in range(10):
        with pytest.raises(StopIteration) as caught:
            websocket.receive().send(None)
        assert caught.value.value == f"{number}"


async def test_a_cancelled_receive_loses_nothing(websocket: aioxide.WebSocket, until: Any) -> None:
    for number in range(200):
        receiving = asyncio.ensure_future(websocket.receive())
        await asyncio.sleep(0)
        await websocket.send(f"{number}")
        if number % 2:
            # It may have come by now, and not be fetched.
            await until(lambda receiving=receiving: websocket.waiting or receiving.done())
        receiving.cancel()
        try:
            message = await receiving
        except asyncio.CancelledError:
            message = await websocket.receive()
        assert message == f"{number}"


async def test_several_receive_at_once(websocket: aioxide.WebSocket) -> None:
    receiving = [asyncio.ensure_future(websocket.receive()) for _ in range(10)]
    await asyncio.sleep(0)
    for number in range(10):
        await websocket.send(f"{number}")
    assert await asyncio.gather(*receiving) == [f"{number}" for number in range(10)]


async def test_a_timeout_on_receiving(websocket: aioxide.WebSocket) -> None:
    with pytest.raises(TimeoutError):
        async with aioxide.timeout(0.01):
            await websocket.receive()
    await websocket.send("still there")
    assert await websocket.receive() == "still there"


async def test_a_message_in_parts(websocket: aioxide.WebSocket) -> None:
    await websocket.send_frame(1, "one ", last=False)
    await websocket.send_frame(9, b"between")
    await websocket.send_frame(0, "two ", last=False)
    await websocket.send_frame(0, "three")
    assert await websocket.receive() == "one two three"
    await websocket.send_frame(2, b"whole", compress=False)
    assert await websocket.receive() == b"whole"


async def test_frames_that_cannot_be(websocket: aioxide.WebSocket) -> None:
    for opcode in (3, 7, 8, 11, 255):
        with pytest.raises(ValueError, match="opcode must be"):
            websocket.send_frame(opcode, b"")
    with pytest.raises(ValueError, match="cannot be fragmented"):
        websocket.send_frame(9, b"", last=False)
    for call in (websocket.ping, websocket.pong, lambda data: websocket.send_frame(9, data)):
        with pytest.raises(ValueError, match="at most 125 bytes, not 126"):
            call(bytes(126))


async def test_messages_of_any_kind(server: aioxide.WebSocketServer) -> None:
    async with aioxide.connect_ws(server.url, autoping=False) as websocket:
        await websocket.send("text")
        assert await websocket.receive_message() == (1, "text", None)
        await websocket.send(b"bytes")
        assert await websocket.receive_message() == (2, b"bytes", None)
        await websocket.send_frame(9, b"are you there?")
        assert await websocket.receive_message() == (10, b"are you there?", None)
        await websocket.close(4000, "enough")
        assert await websocket.receive_message() == (8, 4000, "")


async def test_pings_are_passed_over_by_receive(until: Any) -> None:
    async def handler(websocket: aioxide.WebSocket) -> None:
        await websocket.send_frame(9, b"ping")
        await websocket.send_frame(10, b"pong")
        await websocket.send("text")
        await websocket.receive()

    async with (
        aioxide.serve_ws(handler) as server,
        aioxide.connect_ws(server.url, autoping=False) as websocket,
    ):
        await until(lambda: websocket.waiting == 3)
        assert await websocket.receive() == "text"
    async with aioxide.serve_ws(handler) as server, aioxide.connect_ws(server.url) as websocket:
        await until(lambda: websocket.waiting == 1)
        assert await websocket.receive_message() == (1, "text", None)


async def test_ping_gives_the_time_it_took(websocket: aioxide.WebSocket) -> None:
    assert websocket.latency is None
    took = await websocket.ping()
    assert 0 < took == websocket.latency
    several = await asyncio.gather(*(websocket.ping() for _ in range(20)), websocket.ping("named"))
    assert len(several) == 21
    assert all(took > 0 for took in several)


async def test_a_full_queue_stops_the_reading_and_a_full_buffer_the_sending(until: Any) -> None:
    """Bytes pile up nowhere: not with the receiver, who takes nothing, nor with the sender."""
    release = asyncio.Event()
    got = []

    async def handler(websocket: aioxide.WebSocket) -> None:
        await release.wait()
        async for message in websocket:
            got.append(message)

    big = bytes(100_000)
    async with aioxide.serve_ws(handler, max_queue=4, compression=False) as server:
        async with aioxide.connect_ws(server.url, compression=False, write_limit=200_000) as websocket:
            await until(lambda: server.connections)
            sent = 0

            async def send() -> None:
                nonlocal sent
                for _ in range(300):
                    await websocket.send(big)
                    sent += 1

            sending = asyncio.create_task(send())
            # It stands still when the system's buffers are full as well.
            before = -1
            while before != sent:
                before = sent
                for _ in range(200):
                    await trip(None)
            assert sent < 300
            assert websocket.buffered < 400_000
            (connection,) = server.connections
            assert connection.waiting == 4
            assert not sending.done()
            release.set()
            await sending
            await websocket.close()
        await until(lambda: len(got) == 300)
    assert set(got) == {big}


async def test_a_cancelled_send_has_sent_nothing(until: Any) -> None:
    release = asyncio.Event()
    got = []

    async def handler(websocket: aioxide.WebSocket) -> None:
        await release.wait()
        got.extend([message async for message in websocket])

    async with aioxide.serve_ws(handler, max_queue=1) as server:
        async with aioxide.connect_ws(server.url, compression=False, write_limit=1) as websocket:
            sent = 0
            while True:
                sending = asyncio.ensure_future(websocket.send(bytes([sent % 256]) * 1_000_000))
                for _ in range(300):
                    if not sending.done():
                        await trip(None)
                if not sending.done():
                    break
                sent += 1
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            release.set()
            await websocket.send(b"last")
        await until(lambda: got)
    assert [message[:4] for message in got] == [bytes([n % 256]) * 4 for n in range(sent)] + [b"last"]


async def test_both_send_before_either_receives() -> None:
    """Each side has more to send than all buffers hold, and receives meanwhile: no deadlock."""
    each = [bytes([number]) * 300_000 for number in range(20)]

    async def both(websocket: aioxide.WebSocket) -> list[Any]:
        async def send() -> None:
            for message in each:
                await websocket.send(message)

        sending = asyncio.create_task(send())
        got = [await websocket.receive() for _ in each]
        await sending
        return got

    async def handler(websocket: aioxide.WebSocket) -> None:
        assert await both(websocket) == each

    async with aioxide.serve_ws(handler) as server, aioxide.connect_ws(server.url) as websocket:
        assert await both(websocket) == each


async def test_several_loops_use_one_connection() -> None:
    def elsewhere(websocket: aioxide.WebSocket) -> str | bytes:
        async def use() -> str | bytes:
            await websocket.send("from another loop")
            return await websocket.receive()

        return asyncio.run(use())

    async with aioxide.serve_ws(echo) as server, aioxide.connect_ws(server.url) as websocket:
        assert await asyncio.to_thread(elsewhere, websocket) == "from another loop"
