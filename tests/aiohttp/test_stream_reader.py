"""Our `StreamReader` by itself; what it shares with aiohttp's is in test_content.py."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest

import aioxide
from aioxide._core import BodyReader
from aioxide.aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aioxide.aiohttp.streams import EMPTY_PAYLOAD, DataQueue, EofStream, StreamReader
from tests.http.test_streaming import dripping


def whole(content: bytes, **options: Any) -> StreamReader:
    return StreamReader(BodyReader(aioxide.Response(200, content=content)), **options)


@pytest.fixture
async def client() -> AsyncIterator[aioxide.Client]:
    async with aioxide.Client() as client:
        yield client


async def test_what_is_here_is_read() -> None:
    content = whole(b"0123456789\nab\n")
    assert await content.read(2) == b"01"
    assert await content.readexactly(3) == b"234"
    assert content.read_nowait(1) == b"5"
    assert await content.readuntil(b"7") == b"67"
    assert await content.readline() == b"89\n"
    assert await content.readchunk() == (b"ab\n", False)
    assert content.at_eof()
    assert await content.read() == b""
    assert content.total_bytes == content.total_raw_bytes == 14
    assert content.total_compressed_bytes is None
    await content.wait_eof()


@pytest.mark.parametrize("n", [0, None])
async def test_nothing_is_read_if_nothing_is_wanted(n: Any) -> None:
    content = whole(b"abc")
    assert await content.read(n) == b""
    assert await content.readexactly(0) == await content.readexactly(-1) == b""
    assert [piece async for piece in content.iter_chunked(0)] == []
    assert await content.read() == b"abc"


async def test_lines_have_a_limit() -> None:
    content = whole(b"a" * 100 + b"\nb\n" + b"c" * 300 + b"\nd", limit=100)
    assert content.get_read_buffer_limits() == (100, 200)
    with pytest.raises(LineTooLong, match="more than 99 bytes") as caught:
        await content.readline(max_line_length=99)
    assert isinstance(caught.value, BadHttpMessage)
    assert caught.value.args[:2] == (b"a" * 100 + b"...", 99)
    lines = aiter(content)
    assert await anext(lines) == b"b\n"
    with pytest.raises(LineTooLong, match="more than 200 bytes"):
        await anext(lines)
    assert await anext(lines) == b"d"
    content.set_read_chunk_size(50)
    assert content.get_read_buffer_limits() == (100, 200)
    content.set_read_chunk_size(101)
    assert content.get_read_buffer_limits() == (101, 202)


async def test_what_it_gives_is_a_coroutine_for_who_needs_one() -> None:
    content = whole(b"abcdef")
    reading = content.read(1)
    assert inspect.isawaitable(reading)
    assert asyncio.iscoroutine(reading)
    assert await asyncio.create_task(reading) == b"a"
    assert await asyncio.wait_for(content.read(2), 10) == b"bc"
    async with asyncio.TaskGroup() as group:
        task = group.create_task(content.readexactly(2))
    assert task.result() == b"de"


async def test_what_was_read_is_put_back() -> None:
    content = whole(b"abc")
    assert await content.read() == b"abc"
    with pytest.warns(DeprecationWarning, match="unread_data"):
        content.unread_data(b"bc")
    assert not content.at_eof()
    assert await content.readany() == b"bc"


async def test_an_exception_stays() -> None:
    content, cause = whole(b"abc"), KeyError("why")
    assert content.exception() is None
    content.set_exception(LookupError("gone"), cause)
    for read in (content.read, content.readany, content.readline, content.readchunk):
        with pytest.raises(LookupError, match="gone") as caught:
            await read()
        assert caught.value is content.exception()
        assert caught.value.__cause__ is cause
    assert "e=LookupError('gone')" in repr(content)


async def test_the_end_is_told(client: aioxide.Client, caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> None:
        raise ValueError("a callback's own")

    called: list[int] = []
    with dripping() as (drip, url):
        async with client.stream("GET", url) as response:
            content = StreamReader(BodyReader(response))
            content.on_eof(fails)
            content.on_eof(lambda: called.append(1))
            drip.send(b"one")
            assert await content.readany() == b"one"
            assert (called, content.is_eof()) == ([], False)
            drip.end()
            assert await content.read() == b""
    assert called == [1]
    assert "Exception in eof callback" in caplog.text


async def test_failures_are_translated(client: aioxide.Client) -> None:
    with dripping() as (_, url):
        async with client.stream("GET", url) as response:
            content = StreamReader(BodyReader(response), translate=lambda error: LookupError(str(error)))
            response.close()
            with pytest.raises(LookupError, match="has been closed"):
                await content.read()


def test_it_is_made_by_responses() -> None:
    with pytest.raises(TypeError, match="made by the response"):
        StreamReader(b"abc")  # type: ignore[arg-type]
    for feed in (lambda: whole(b"").feed_data(b"x"), lambda: whole(b"").feed_eof()):
        with pytest.raises(NotImplementedError, match="comes from its connection"):
            feed()


async def test_the_empty_one() -> None:
    assert isinstance(EMPTY_PAYLOAD, StreamReader)
    EMPTY_PAYLOAD.set_exception(LookupError())
    assert await EMPTY_PAYLOAD.read() == await EMPTY_PAYLOAD.readline() == b""
    assert [line async for line in EMPTY_PAYLOAD] == []
    assert (EMPTY_PAYLOAD.at_eof(), EMPTY_PAYLOAD.exception()) == (True, None)
    with pytest.raises(asyncio.IncompleteReadError):
        await EMPTY_PAYLOAD.readexactly(1)
    with pytest.raises(RuntimeError):
        EMPTY_PAYLOAD.unread_data(b"x")


async def test_a_queue() -> None:
    queue: DataQueue[int] = DataQueue(asyncio.get_running_loop())
    queue.feed_data(1, 1)
    assert await queue.read() == 1
    task = asyncio.create_task(queue.read())
    await asyncio.sleep(0)
    queue.feed_data(2)
    assert await task == 2
    queue.feed_data(3)
    queue.feed_eof()
    assert (queue.is_eof(), queue.at_eof()) == (True, False)
    assert [one async for one in queue] == [3]
    assert queue.at_eof()
    with pytest.raises(EofStream):
        await queue.read()
    queue.set_exception(LookupError("gone"))
    with pytest.raises(LookupError, match="gone"):
        await queue.read()
