"""`response.content`: the body piece by piece, while it comes and when it is here."""

import asyncio
import random
import zlib
from itertools import pairwise
from typing import Any

import pytest

from tests.http.test_streaming import dripping
from tests.servers.answering import Answering, answer, chunked
from tests.servers.raw import Connection, RawServer, reply

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])

BODY = bytes(range(256)) * 4000


@pytest.fixture(params=["with a length", "in chunks"])
def big(request: pytest.FixtureRequest, server: Answering) -> str:
    """The URL of `BODY`."""
    pieces = [BODY[at : at + 3000] for at in range(0, len(BODY), 3000)]
    return server.on("/big", answer(body=BODY) if request.param == "with a length" else chunked(*pieces))


async def test_all_of_it(session: Any, big: str) -> None:
    async with session.get(big) as response:
        assert await response.content.read() == BODY
        assert response.content.at_eof()
        assert await response.content.read() == b""
        assert await response.content.readany() == b""
        assert response.content.total_bytes == response.content.total_raw_bytes == len(BODY)


async def test_up_to_so_much(session: Any, big: str) -> None:
    found = b""
    async with session.get(big) as response:
        while not response.content.at_eof():
            piece = await response.content.read(1000)
            assert len(piece) <= 1000
            found += piece
        assert await response.content.read(1000) == b""
    assert found == BODY


async def test_what_is_here(session: Any, big: str) -> None:
    found = b""
    async with session.get(big) as response:
        while piece := await response.content.readany():
            found += piece
    assert found == BODY


@pytest.mark.parametrize("size", [1000, 8192, 100_000, 10_000_000])
async def test_in_chunks_of_a_size(session: Any, big: str, size: int) -> None:
    async with session.get(big) as response:
        pieces = [piece async for piece in response.content.iter_chunked(size)]
    assert b"".join(pieces) == BODY
    assert max(map(len, pieces)) <= size
    assert all(pieces)


async def test_in_whatever_comes(session: Any, big: str) -> None:
    async with session.get(big) as response:
        assert b"".join([piece async for piece in response.content.iter_any()]) == BODY


async def test_in_lines(session: Any, big: str) -> None:
    async with session.get(big) as response:
        lines = [line async for line in response.content]
    assert lines == BODY.splitlines(keepends=True) or b"".join(lines) == BODY
    assert all(line.endswith(b"\n") for line in lines[:-1])
    assert all(line.count(b"\n") == 1 for line in lines[:-1])


async def test_exactly_so_much(session: Any, big: str) -> None:
    async with session.get(big) as response:
        assert await response.content.readexactly(1) == BODY[:1]
        assert await response.content.readexactly(500_000) == BODY[1:500_001]
        assert await response.content.readexactly(0) == b""
        left = len(BODY) - 500_001
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await response.content.readexactly(left + 10)
    assert caught.value.partial == BODY[500_001:]
    assert caught.value.expected == left + 10


async def test_some_and_the_rest(session: Any, big: str) -> None:
    async with session.get(big) as response:
        assert await response.content.readexactly(100) == BODY[:100]
        assert await response.read() == BODY[100:]
        assert await response.content.read() == b""


async def test_all_and_then_none(session: Any, big: str) -> None:
    async with session.get(big) as response:
        assert await response.read() == BODY
        assert response.content.at_eof()
        assert await response.content.read() == b""
        assert await response.content.readline() == b""
        assert [piece async for piece in response.content.iter_any()] == []


async def test_lines_of_a_small_body(session: Any, server: Answering) -> None:
    server.on("/x", answer(body=b"one\ntwo\n\nlast"))
    async with session.get(f"{server.url}/x") as response:
        assert await response.content.readline() == b"one\n"
        assert [line async for line in response.content] == [b"two\n", b"\n", b"last"]
        assert await response.content.readline() == b""


async def test_up_to_a_separator(session: Any, server: Answering) -> None:
    server.on("/x", answer(body=b"a--b-c--d"))
    async with session.get(f"{server.url}/x") as response:
        content = response.content
        with pytest.raises(ValueError, match="at least one-byte"):
            await content.readuntil(b"")
        assert await content.readuntil(b"--") == b"a--"
        assert await content.readuntil(b"--") == b"b-c--"
        assert await content.readuntil(b"--") == b"d"
        assert await content.readuntil(b"--") == b""


async def test_a_line_that_is_too_long(session: Any, server: Answering) -> None:
    server.on("/x", answer(body=b"a" * 1000 + b"\nb\n"))
    async with session.get(f"{server.url}/x") as response:
        with pytest.raises(Exception, match="Got more than 100 bytes when reading"):
            await response.content.readline(max_line_length=100)
    async with session.get(f"{server.url}/x") as response:
        with pytest.raises(Exception, match="Got more than 200 bytes when reading"):
            await response.content.readuntil(b"\n", max_size=200)
    async with session.get(f"{server.url}/x", read_bufsize=400) as response:
        with pytest.raises(Exception, match="Got more than 800 bytes when reading"):
            await response.content.readline()
        assert response.content.get_read_buffer_limits() == (400, 800)


async def test_nothing_is_read_if_nothing_is_wanted(session: Any, server: Answering) -> None:
    server.on("/x", answer(body=b"abc"))
    async with session.get(f"{server.url}/x") as response:
        assert await response.content.read(0) == b""
        assert [piece async for piece in response.content.iter_chunked(0)] == []
        assert await response.content.read() == b"abc"


async def test_without_a_body(session: Any, server: Answering) -> None:
    server.on("/x", answer(204, length=None))
    async with session.get(f"{server.url}/x") as response:
        content = response.content
        assert content.at_eof()
        assert content.is_eof()
        assert await content.read() == await content.readany() == await content.readline() == b""
        assert [piece async for piece in content.iter_chunked(10)] == []
        with pytest.raises(asyncio.IncompleteReadError):
            await content.readexactly(1)


# ---- while it comes ----


async def test_it_is_given_as_it_comes(session: Any) -> None:
    with dripping() as (drip, url):
        async with session.get(url) as response:
            content = response.content
            assert content.read_nowait() == b""
            task = asyncio.ensure_future(content.read(100))
            drip.send(b"one")
            assert await task == b"one"
            assert not content.at_eof()
            assert not content.is_eof()
            drip.send(b"a\nb")
            assert await content.readline() == b"a\n"
            drip.end(b"c")
            assert await content.read() == b"bc"
            assert content.is_eof()


async def test_chunks_of_http(session: Any) -> None:
    with dripping() as (drip, url):
        async with session.get(url) as response:
            chunks = aiter(response.content.iter_chunks())
            drip.send(b"one")
            assert await anext(chunks) == (b"one", True)
            drip.end(b"two")
            # aiohttp may tell of the end of a chunk apart from its bytes.
            assert [one async for one in chunks if one[0]] == [(b"two", True)]
            assert await response.content.readchunk() == (b"", False)


async def test_chunks_that_came_with_the_head(session: Any, server: Answering) -> None:
    server.on("/x", chunked(b"one", b"two", b"three"))
    async with session.get(f"{server.url}/x") as response:
        found = [one async for one in response.content.iter_chunks()]
    assert found == [(b"one", True), (b"two", True), (b"three", True)]


async def in_chunks(response: Any) -> list[bytes]:
    """Put together what comes of each chunk."""
    found, part = [], b""
    async for piece, ends in response.content.iter_chunks():
        part += piece
        if ends:
            found.append(part)
            part = b""
    assert part == b""
    return found


@pytest.mark.parametrize("sizes", [[300_000], [1, 200_000, 2, 100_000, 70_000], [10] * 20_000, [65_536] * 4])
async def test_long_chunks_and_many(session: Any, server: Answering, sizes: list[int]) -> None:
    chunks = [random.Random(size).randbytes(size) for size in sizes]
    server.on("/x", chunked(*chunks))
    async with session.get(f"{server.url}/x") as response:
        assert await in_chunks(response) == chunks


async def test_a_chunk_that_comes_in_parts(session: Any) -> None:
    given = asyncio.Event()
    loop = asyncio.get_running_loop()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(answer(headers=[("Transfer-Encoding", "chunked")], length=None) + b"6\r\nabc")
        asyncio.run_coroutine_threadsafe(given.wait(), loop).result()
        connection.send(b"def\r\n3;x=y\r\nghi\r\n0\r\n\r\n")

    with RawServer(script) as server:
        async with session.get(server.url) as response:
            assert await response.content.readchunk() == (b"abc", False)
            given.set()
            assert await in_chunks(response) == [b"def", b"ghi"]


@pytest.mark.parametrize("seed", range(8))
async def test_chunks_however_they_are_cut(session: Any, seed: int) -> None:
    chance = random.Random(seed)
    chunks = [
        chance.randbytes(chance.choice([1, 5, 100, 5000, 70_000])) for _ in range(chance.randint(1, 12))
    ]
    body = chunked(*chunks)

    def script(connection: Connection) -> None:
        connection.read_head()
        rest = body
        while rest:
            size = chance.choice([1, 2, 7, 1000, 50_000])
            connection.send(rest[:size])
            rest = rest[size:]
        connection.end()

    with RawServer(script) as server:
        async with session.get(server.url) as response:
            if seed % 2:
                # Whoever has read a part gets the rest of that chunk.
                size = chance.randint(1, len(b"".join(chunks)))
                read = await response.content.readexactly(size)
                left, expected = len(read), []
                for chunk in chunks:
                    expected += [chunk[left:]] if left < len(chunk) else []
                    left = max(0, left - len(chunk))
                found = [one for one in await in_chunks(response) if one]
                assert found == expected
            else:
                assert await in_chunks(response) == chunks


@pytest.mark.parametrize("length", [10, 100_000])
async def test_chunks_that_are_coded(session: Any, server: Answering, length: int) -> None:
    texts = [random.Random(n).randbytes(length) for n in range(5)]
    coder = zlib.compressobj(wbits=31)
    coded = [coder.compress(text) + coder.flush(zlib.Z_SYNC_FLUSH) for text in texts]
    coded[-1] += coder.flush()
    server.on("/x", chunked(*coded, headers=[("Content-Encoding", "gzip")]))
    async with session.get(f"{server.url}/x") as response:
        assert await in_chunks(response) == texts


async def test_no_chunks_where_there_is_a_length(session: Any, server: Answering) -> None:
    server.on("/x", answer(body=b"abc"))
    async with session.get(f"{server.url}/x") as response:
        assert [one async for one in response.content.iter_chunks()] == [(b"abc", False)]


async def test_a_cancelled_read_loses_nothing(session: Any) -> None:
    with dripping() as (drip, url):
        async with session.get(url) as response:
            for read in (response.content.read, response.content.readany, response.content.readline):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(read(10) if read == response.content.read else read(), 0.01)
            drip.end(b"one")
            assert await response.content.read() == b"one"


async def test_two_readers(session: Any) -> None:
    with dripping() as (drip, url):
        async with session.get(url) as response:
            task = asyncio.ensure_future(response.content.read())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError):
                await response.content.read(1)
            drip.end(b"one")
            assert await task == b"one"


async def test_the_end_is_told(session: Any) -> None:
    called: list[int] = []
    with dripping() as (drip, url):
        async with session.get(url) as response:
            response.content.on_eof(lambda: called.append(1))
            drip.send(b"one")
            assert await response.content.read(3) == b"one"
            assert called == []
            drip.end()
            await response.content.wait_eof()
            assert called == [1]
            response.content.on_eof(lambda: called.append(2))
            assert called == [1, 2]
            assert await response.content.read() == b""


async def test_put_back(session: Any, server: Answering) -> None:
    server.on("/x", answer(body=b"abc"))
    async with session.get(f"{server.url}/x") as response:
        assert await response.content.read(2) == b"ab"
        with pytest.warns(DeprecationWarning, match="unread_data"):
            response.content.unread_data(b"b")
        assert await response.content.read() == b"bc"


@pytest.mark.parametrize("seed", range(8))
async def test_any_mix_of_reads(session: Any, server: Answering, seed: int) -> None:
    rnd = random.Random(seed)
    body = bytes(rnd.choices(b"ab\n-", k=rnd.choice([0, 1, 50, 30_000])))
    cuts = sorted(rnd.choices(range(len(body) + 1), k=rnd.choice([0, 1, 40])))
    pieces = [body[a:b] for a, b in pairwise([0, *cuts, len(body)])]
    server.on("/x", chunked(*filter(None, pieces)) if seed % 2 else answer(body=body))
    left = body
    async with session.get(f"{server.url}/x") as response:
        content = response.content
        while not content.at_eof():
            size = rnd.choice([1, 3, 100, 5000])
            match rnd.choice(
                ["read", "readany", "readline", "readuntil", "readexactly", "readchunk", "nowait"]
            ):
                case "read":
                    piece = await content.read(size)
                    assert 0 < len(piece) <= size or not left
                case "readany":
                    piece = await content.readany()
                    assert piece or not left
                case "readline":
                    piece = await content.readline()
                    assert piece == (left.splitlines(keepends=True) or [b""])[0]
                case "readuntil":
                    separator = rnd.choice([b"a", b"--", b"-\n", b"aab"])
                    end = left.find(separator)
                    piece = await content.readuntil(separator)
                    assert piece == (left if end < 0 else left[: end + len(separator)])
                case "readexactly" if len(left) >= size:
                    piece = await content.readexactly(size)
                    assert len(piece) == size
                case "readchunk":
                    piece, _ = await content.readchunk()
                case _:
                    piece = content.read_nowait(size)
                    assert len(piece) <= size
                    await asyncio.sleep(0)
            assert left.startswith(piece)
            left = left[len(piece) :]
    assert left == b""


# ---- what goes wrong ----


async def test_it_is_cut_short(aiohttp: Any, session: Any) -> None:
    with RawServer(reply(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")) as server:
        async with session.get(server.url) as response:
            with pytest.raises(aiohttp.ClientPayloadError) as caught:
                await response.content.read()
            assert response.content.exception() is caught.value
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.content.read(1)
            with pytest.raises(aiohttp.ClientPayloadError):
                async for _ in response.content:
                    pass


async def test_a_chunk_that_is_none(aiohttp: Any, session: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    with (
        RawServer(reply(head + b"3\r\nabc\r\nxyz\r\n")) as server,
        pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientResponseError)),
    ):
        await whole(session, server.url)


async def whole(session: Any, url: str) -> bytes:
    async with session.get(url) as response:
        return b"".join([piece async for piece in response.content.iter_any()])


async def test_after_the_block(aiohttp: Any, session: Any, big: str) -> None:
    async with session.get(big) as response:
        content = response.content
        assert content.exception() is None
    with pytest.raises(aiohttp.ClientConnectionError, match="Connection closed"):
        await content.read()
    with pytest.raises(aiohttp.ClientConnectionError, match="Connection closed"):
        await response.content.readany()
    assert isinstance(content.exception(), aiohttp.ClientConnectionError)


async def test_closed_while_somebody_waits(aiohttp: Any, session: Any) -> None:
    with dripping() as (_, url):
        async with session.get(url) as response:
            task = asyncio.ensure_future(response.content.read())
            await asyncio.sleep(0)
            response.close()
            with pytest.raises(aiohttp.ClientConnectionError):
                await task


async def test_what_one_checks_for(aiohttp: Any, session: Any, server: Answering) -> None:
    async with session.get(server.url) as response:
        assert isinstance(response.content, aiohttp.StreamReader)
    assert isinstance(aiohttp.EMPTY_PAYLOAD, aiohttp.StreamReader)


async def test_it_is_a_body_to_send_on(session: Any, server: Answering) -> None:
    with dripping() as (drip, url):
        async with session.get(url) as response:
            sending = asyncio.create_task(session.post(f"{server.url}/sink", data=response.content))
            for piece in (b"one", b"two", b"three"):
                drip.send(piece)
                await asyncio.sleep(0.01)
            drip.end()
            async with await sending as passed_on:
                assert passed_on.status == 200
    assert server.seen[0].body == b"onetwothree"
