"""A body that is read by operations of one's choice, while it comes and when it is here."""

from __future__ import annotations

import asyncio
import gc
import gzip
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aioxide
from aioxide._core import BodyPieces, BodyReader
from aioxide.testing import LocalSite, bridge_statistics, pattern
from tests.http.test_streaming import dripping
from tests.servers.raw import RawServer, reply


def whole(content: bytes) -> BodyReader:
    return BodyReader(aioxide.Response(200, content=content))


async def all_of(pieces: BodyPieces[Any]) -> list[Any]:
    return [piece async for piece in pieces]


# ---- a body that is here ----


async def test_what_is_here_is_taken_in_order() -> None:
    body = whole(b"0123456789")
    assert (body.total, body.total_coded, body.is_whole, body.is_drained) == (10, None, True, False)
    assert await body.some(3) == b"012"
    assert await body.exactly(2) == b"34"
    assert body.now(1) == b"5"
    assert await body.until(b"7", 9) == b"67"
    assert await body.some(0) == b""
    assert not body.is_drained
    assert await body.all() == b"89"
    assert body.is_drained
    assert [await body.all(), await body.some(), await body.exactly(0), body.now()] == [b""] * 4
    assert await body.chunk() == (b"", False)
    assert await body.end() is None
    assert body.total == 10


async def test_each_operation_is_done_without_suspending() -> None:
    body = whole(b"a\nbc")
    for operation in (
        body.until(b"\n", 9),
        body.some(1),
        body.exactly(1),
        body.all(),
        body.end(),
        body.chunk(),
    ):
        with pytest.raises(StopIteration):
            operation.send(None)
    with pytest.raises(StopAsyncIteration):
        body.each_some().__anext__().send(None)


async def test_too_few_bytes_are_in_the_exception() -> None:
    body = whole(b"abc")
    with pytest.raises(asyncio.IncompleteReadError) as caught:
        await body.exactly(5)
    assert (caught.value.partial, caught.value.expected) == (b"abc", 5)
    assert body.is_drained


async def test_what_is_longer_than_its_limit_is_taken() -> None:
    body = whole(b"a" * 300 + b"\nb\n")
    with pytest.raises(ValueError, match="no separator within 200 bytes"):
        await body.until(b"\n", 200)
    assert await body.all() == b"b\n"

    body = whole(b"a" * 300)
    body.raise_by(None, lambda part, limit: KeyError(part, limit))
    with pytest.raises(KeyError) as caught:
        await body.until(b"\n", 299)
    assert caught.value.args == (b"a" * 100, 299)
    assert await whole(b"a" * 300).until(b"\n", 300) == b"a" * 300
    assert await whole(b"ab--").until(b"--", 4) == b"ab--"


@pytest.mark.parametrize("wrong", [-1, 1.5, "1"])
async def test_a_number_of_bytes_is_one(wrong: Any) -> None:
    body = whole(b"abc")
    for function in (body.some, body.exactly, body.now, body.each_some):
        with pytest.raises((TypeError, OverflowError)):
            function(wrong)
    with pytest.raises(ValueError, match="at least one-byte"):
        body.until(b"", 9)
    with pytest.raises(ValueError, match="at least one-byte"):
        body.each_until(b"", 9)
    with pytest.raises(TypeError):
        BodyReader(b"abc")  # type: ignore[arg-type]


async def test_it_is_iterated_over() -> None:
    assert await all_of(whole(b"0123456").each_some(3)) == [b"012", b"345", b"6"]
    assert await all_of(whole(b"0123456").each_some()) == [b"0123456"]
    assert await all_of(whole(b"a\n\nb").each_until(b"\n", 9)) == [b"a\n", b"\n", b"b"]
    assert await all_of(whole(b"abc").each_chunk()) == [(b"abc", False)]
    assert await all_of(whole(b"").each_chunk()) == []
    assert await all_of(whole(b"abc").each_some(0)) == []


async def test_what_is_put_back_is_taken_first() -> None:
    body = whole(b"abc")
    assert await body.all() == b"abc"
    body.unread(b"bc")
    body.unread(b"")
    assert not body.is_drained
    assert await body.all() == b"bc"
    body.skip()
    assert body.is_drained


async def test_the_rest_is_skipped() -> None:
    body = whole(b"abc")
    body.skip()
    assert await body.all() == b""
    assert body.total == 3


async def test_who_waits_for_the_end_is_called_at_once() -> None:
    called: list[int] = []
    whole(b"abc").call_when_whole(lambda: called.append(1))
    assert called == [1]


async def test_a_failure_stays() -> None:
    body = whole(b"abc")
    failure = LookupError("gone")
    body.fail(failure)
    assert body.failure is failure
    for operation in (body.some, body.all, body.chunk, body.end, body.each_some().__anext__):
        with pytest.raises(LookupError) as caught:
            await operation()
        assert caught.value is failure
    with pytest.raises(LookupError):
        body.now()


def test_what_it_holds_is_collected() -> None:
    class Holder:
        pass

    holder = Holder()
    body = whole(b"abc")
    holder.body = body  # type: ignore[attr-defined]
    holder.pieces = body.each_some()  # type: ignore[attr-defined]
    body.raise_by(lambda error, holder=holder: error, None)
    dead = weakref.ref(holder)
    del holder, body
    gc.collect()
    assert dead() is None


def test_a_failure_lets_go_of_what_translates() -> None:
    def translate(error: BaseException) -> BaseException:
        return error

    body = whole(b"abc")
    body.raise_by(translate, None)
    dead = weakref.ref(translate)
    del translate
    body.fail(LookupError())
    assert dead() is None


# ---- a body that comes ----


async def test_it_waits_for_what_is_not_here(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.stream("GET", url) as response:
            body = BodyReader(response)
            assert body.now() == b""
            task = asyncio.ensure_future(body.some(100))
            drip.send(b"one")
            assert await task == b"one"
            assert (body.total, body.total_coded, body.is_whole, body.is_drained) == (3, None, False, False)
            drip.send(b"a\nb")
            assert await body.until(b"\n", 9) == b"a\n"
            task = asyncio.ensure_future(body.exactly(4))
            drip.send(b"cd", b"e")
            assert await task == b"bcde"
            drip.end(b"rest")
            assert await body.all() == b"rest"
            assert body.is_drained
            assert await body.some() == b""


async def test_a_separator_is_found_across_pieces(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.stream("GET", url) as response:
            body = BodyReader(response)
            task = asyncio.ensure_future(body.until(b"--x", 99))
            for piece in (b"a-", b"-", b"-", b"xb--"):
                drip.send(piece)
            assert await task == b"a---x"
            drip.end(b"y")
            assert await all_of(body.each_until(b"--x", 99)) == [b"b--y"]


async def test_another_separator_is_looked_for_from_the_start(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.stream("GET", url) as response:
            body = BodyReader(response)
            assert await _cancelled(body.until(b";", 99))
            drip.send(b"a,b")
            assert await body.exactly(1) == b"a"
            assert await _cancelled(body.until(b";", 99))
            assert await body.until(b",", 99) == b","
            drip.end()
            assert await body.all() == b"b"


async def _cancelled(operation: Any) -> bool:
    task = asyncio.ensure_future(operation)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return True


async def test_a_cancelled_read_loses_nothing(client: aioxide.Client, until: Any) -> None:
    with dripping() as (drip, url):
        async with client.stream("GET", url) as response:
            body = BodyReader(response)
            for ask in (body.some, body.all, body.chunk, body.end, lambda: body.exactly(9)):
                assert await _cancelled(ask())
            drip.send(b"one")
            task = asyncio.ensure_future(body.exactly(6))
            await until(lambda: body.total == 3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            drip.end(b"two")
            assert await body.all() == b"onetwo"


async def test_one_reads_at_a_time(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.stream("GET", url) as response:
            body = BodyReader(response)
            task = asyncio.ensure_future(body.some())
            await asyncio.sleep(0)
            for again in (body.some, body.all):
                with pytest.raises(RuntimeError, match="being read already"):
                    await again()
            with pytest.raises(RuntimeError, match="being read already"):
                body.now()
            assert body.failure is None
            assert not body.is_whole
            assert not body.is_drained
            drip.end(b"x")
            assert await task == b"x"


async def test_the_end_is_waited_for_and_nothing_is_taken(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.stream("GET", url) as response:
            body = BodyReader(response)
            called: list[bool] = []
            body.call_when_whole(lambda: called.append(body.is_whole))
            task = asyncio.ensure_future(body.end())
            drip.send(b"one")
            assert called == []
            drip.end(b"two")
            assert await task is None
            assert called == [True]
            assert (body.is_whole, body.is_drained) == (True, False)
            # Where chunks end is known of connections that are heard, those of aioxide.aiohttp.
            assert await all_of(body.each_chunk()) == [(b"one", False), (b"two", False)]
            assert called == [True]


async def test_put_back_while_it_comes(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.stream("GET", url) as response:
            body = BodyReader(response)
            drip.end(b"one")
            assert await body.all() == b"one"
            body.unread(b"ne")
            assert not body.is_drained
            assert await body.some(1) == b"n"
            assert await body.all() == b"e"


async def test_a_coding_is_undone(client: aioxide.Client) -> None:
    text = pattern(100_000)
    packed = gzip.compress(text)
    with dripping(b"content-encoding: gzip\r\n") as (drip, url):
        async with client.stream("GET", url) as response:
            body = BodyReader(response)
            drip.end(packed[:50], packed[50:])
            assert b"".join(await all_of(body.each_some(1000))) == text
            assert (body.total, body.total_coded) == (len(text), len(packed))


async def test_a_response_that_was_read_is_at_its_end(client: aioxide.Client, site: LocalSite) -> None:
    async with client.stream("GET", f"{site.url}/bytes/300000") as response:
        body = BodyReader(response)
        assert await body.exactly(10) == pattern(10)
        assert await response.aread() == pattern(300_000)[10:]
        assert body.is_drained
        assert await body.all() == b""


async def test_what_breaks_it_off_is_translated_once(client: aioxide.Client) -> None:
    told: list[BaseException] = []

    def translate(error: BaseException) -> BaseException:
        told.append(error)
        return LookupError("translated")

    with RawServer(reply(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")) as server:
        async with client.stream("GET", server.url) as response:
            body = BodyReader(response)
            body.raise_by(translate, None)
            for ask in (body.all, body.some, lambda: body.exactly(9)):
                with pytest.raises(LookupError, match="translated") as caught:
                    await ask()
                assert caught.value is body.failure
    assert [type(error) for error in told] == [aioxide.RemoteProtocolError]


async def test_what_came_before_it_broke_off_is_given(client: aioxide.Client) -> None:
    with RawServer(reply(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")) as server:
        async with client.stream("GET", server.url) as response:
            body = BodyReader(response)
            assert await body.exactly(4) == b"half"
            with pytest.raises(aioxide.RemoteProtocolError):
                await body.some()


async def test_a_close_wakes_who_waits(client: aioxide.Client) -> None:
    with dripping() as (_, url):
        async with client.stream("GET", url) as response:
            body = BodyReader(response)
            task = asyncio.ensure_future(body.some())
            await asyncio.sleep(0)
            body.fail(LookupError("told"))
            response.close()
            with pytest.raises(LookupError, match="told"):
                await task


async def test_after_a_close_there_is_nothing(client: aioxide.Client) -> None:
    with dripping() as (_, url):
        response = await client.stream("GET", url).__aenter__()
        response.close()
        body = BodyReader(response)
        for ask in (body.some, body.all, body.end):
            with pytest.raises(RuntimeError, match="has been closed"):
                await ask()
        assert (body.is_whole, body.is_drained, body.failure) == (False, False, None)


async def test_in_a_gather(client: aioxide.Client, site: LocalSite) -> None:
    async with client.stream("GET", f"{site.url}/bytes/1000000") as response:
        body = BodyReader(response)
        [one] = await aioxide.gather(body.exactly(1_000_000))
        assert one == pattern(1_000_000)


async def test_nothing_is_left_of_what_was_not_awaited(client: aioxide.Client, site: LocalSite) -> None:
    async with client.stream("GET", f"{site.url}/bytes/100000") as response:
        body = BodyReader(response)
        body.some().close()
        assert await body.all() == pattern(100_000)
    assert not bridge_statistics()["sleeping"]


@given(
    content=st.text("ab\n-", max_size=60).map(str.encode),
    asked=st.lists(
        st.one_of(
            st.tuples(st.just("some"), st.integers(0, 9)),
            st.tuples(st.just("now"), st.integers(0, 9)),
            st.tuples(st.just("until"), st.sampled_from([b"\n", b"a", b"--", b"ab", b"-\n"])),
            st.tuples(st.just("unread"), st.binary(max_size=3)),
        ),
        max_size=12,
    ),
)
def test_it_is_as_a_buffer_of_python(content: bytes, asked: list[tuple[str, Any]]) -> None:
    def value(operation: Any) -> Any:
        with pytest.raises(StopIteration) as done:
            operation.send(None)
        return done.value.value

    body, model = whole(content), content
    for what, of in asked:
        if what == "unread":
            body.unread(of)
            model = of + model
            continue
        if what == "until":
            found = model.find(of)
            end = len(model) if found < 0 else found + len(of)
            taken = value(body.until(of, 1000))
        else:
            end = of
            taken = body.now(of) if what == "now" else value(body.some(of))
        assert taken == model[:end]
        model = model[end:]
    assert value(body.all()) == model
