"""Responses whose bodies are read as they come."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite, bridge_statistics, pattern
from tests.conftest import Script
from tests.servers.raw import Connection, RawServer, reply, reply_and_reset

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Drip:
    """A server that sends a head, and of the body what it is told to, when it is told to."""

    def __init__(self, headers: bytes = b"") -> None:
        self._head = OK + headers + b"transfer-encoding: chunked\r\n\r\n"
        self._wanted = threading.Semaphore(0)
        self._parts: list[bytes] = []
        self.gone = threading.Event()

    def __call__(self, connection: Connection) -> None:
        connection.read_head()
        connection.send(self._head)
        try:
            while True:
                self._wanted.acquire()
                part = self._parts.pop(0)
                if part is None:
                    connection.hang()
                connection.send(part)
        finally:
            self.gone.set()

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._parts.append(chunk(piece))
            self._wanted.release()

    def end(self, *pieces: bytes) -> None:
        self.send(*pieces)
        self._parts.append(b"0\r\n\r\n")
        self._wanted.release()
        self.watch()

    def watch(self) -> None:
        """Wait for the client to go away."""
        self._parts.append(None)  # type: ignore[arg-type]
        self._wanted.release()


@contextmanager
def dripping(headers: bytes = b"") -> Iterator[tuple[Drip, str]]:
    drip = Drip(headers)
    with RawServer(drip) as server:
        try:
            yield drip, server.url
        finally:
            drip.watch()


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[aioxide.Client]:
    """A client that speaks the one, and one that speaks the other."""
    async with aioxide.Client(http1=request.param == "HTTP/1.1") as client:
        yield client


async def all_of(pieces: Any) -> list[Any]:
    return [piece async for piece in pieces]


WAYS: dict[str, Callable[[aioxide.Client, str], Any]] = {
    "stream": lambda client, url: client.stream("GET", url),
    "get": lambda client, url: client.get(url),
    "request": lambda client, url: client.request("GET", url),
    "fetch": lambda _, url: aioxide.fetch(url),
}


# ---- the head first ----


@pytest.mark.parametrize("way", WAYS)
async def test_the_head_is_here_before_the_body(client: aioxide.Client, way: str) -> None:
    with dripping(b"x-mark: 1\r\n") as (drip, url):
        async with WAYS[way](client, url) as response:
            assert (response.status_code, response.headers["x-mark"]) == (200, "1")
            assert response.request.method == "GET"
            assert not response.is_closed
            pieces = response.aiter_bytes()
            drip.send(b"one")
            assert await anext(pieces) == b"one"
            drip.end(b"two")
            assert await all_of(pieces) == [b"two"]


async def test_the_head_is_here_before_the_body_with_http2(fresh_site: LocalSite) -> None:
    async with (
        aioxide.Client(http1=False) as client,
        client.stream("GET", f"{fresh_site.url}/hang/body") as response,
    ):
        assert (response.http_version, response.headers["content-length"]) == ("HTTP/2", "2")
        assert await anext(response.aiter_bytes()) == pattern(1)


async def test_awaited_it_is_read(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.stream("GET", f"{site.url}/bytes/100000")
    assert response.content == pattern(100_000)
    assert response.is_closed


# ---- in pieces ----


@pytest.mark.parametrize("size", [None, 1000, 65536, 1_000_000, 3_000_000])
@pytest.mark.parametrize("path", ["/bytes/1000000", "/chunked/100/10000", "/gzip/1000000", "/zstd/1000000"])
async def test_bytes(site: LocalSite, both: aioxide.Client, size: int | None, path: str) -> None:
    async with both.get(site.url + path) as response:
        pieces = await all_of(response.aiter_bytes(size))
        assert response.is_closed
    assert b"".join(pieces) == (pattern(10_000) * 100 if "chunked" in path else pattern(1_000_000))
    assert b"" not in pieces
    if size is not None:
        assert {len(piece) for piece in pieces[:-1]} <= {size}
        assert len(pieces) == -(-1_000_000 // size)


@pytest.mark.parametrize("size", [0, -1])
async def test_a_size_is_one_or_more(site: LocalSite, client: aioxide.Client, size: int) -> None:
    async with client.get(f"{site.url}/bytes/10") as response:
        with pytest.raises((ValueError, OverflowError)):
            response.aiter_bytes(size)
        assert await response.aread() == pattern(10)


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("utf-16le", "utf-16-le"),
        ("utf-16be", "utf-16-be"),
        ("", "utf-16"),
        ("shift_jis", "shift_jis"),
        ("gb18030", "gb18030"),
        ("windows-1252", "cp1252"),
    ],
)
async def test_text_and_lines_are_cut_between_characters(
    client: aioxide.Client, charset: str, codec: str
) -> None:
    """Each byte comes by itself, and each part of a character with it."""
    whole = "naïve\r\n\r\nein\rWort\nĊ 上਀ 日本\n\n" if codec.startswith("utf") else "a\r\n\nb\nc"
    if codec in {"shift_jis", "gb18030"}:
        whole += "日本\n表"
    kind = f"content-type: text/plain{charset and '; charset=' + charset}\r\n".encode()
    data = whole.encode(codec)
    for read, expected in (
        (lambda response: response.aiter_text(), whole),
        (lambda response: response.aiter_lines(), whole.removesuffix("\n").replace("\r\n", "\n").split("\n")),
    ):
        with dripping(kind) as (drip, url):
            # What comes first tells the encoding.
            drip.send(data[:4])
            async with client.get(url) as response:
                drip.end(*[data[at : at + 1] for at in range(4, len(data))])
                pieces = await all_of(read(response))
        assert (pieces if isinstance(expected, list) else "".join(pieces)) == expected


async def test_text_that_ends_in_the_middle_of_a_character(client: aioxide.Client) -> None:
    with dripping(b"content-type: text/plain; charset=utf-8\r\n") as (drip, url):
        async with client.get(url) as response:
            drip.end(b"a\xc3", b"\xa4\xe6", b"\x97")
            assert "".join(await all_of(response.aiter_text())) == "aä\ufffd"


async def test_utf_32_is_text_too(client: aioxide.Client) -> None:
    data = '["ä",\r\n1]'.encode("utf-32")
    head = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data)
    with RawServer(reply(OK + head + data)) as server:
        async with client.get(server.url) as response:
            assert await all_of(response.aiter_text()) == ['["ä",\r\n1]']
        async with client.get(server.url) as response:
            assert await all_of(response.aiter_lines()) == ['["ä",', "1]"]


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([], []),
        ([b"a"], ["a"]),
        ([b"a\n"], ["a"]),
        ([b"a\r", b"\nb"], ["a", "b"]),
        ([b"a\n\n", b"\nb\n"], ["a", "", "", "b"]),
        ([b"\n"], [""]),
        ([b"a\rb\r"], ["a\rb"]),
        ([b"a" * 5000, b"b" * 5000, b"\nc"], ["a" * 5000 + "b" * 5000, "c"]),
        (["ä\u2028ö\x0b\n".encode()], ["ä\u2028ö\x0b"]),
    ],
)
async def test_lines(client: aioxide.Client, pieces: list[bytes], lines: list[str]) -> None:
    with dripping() as (drip, url):
        async with client.get(url) as response:
            drip.end(*pieces)
            assert await all_of(response.aiter_lines()) == lines
    response = aioxide.Response(200, content=b"".join(pieces))
    assert await all_of(response.aiter_lines()) == lines
    assert list(response.iter_lines()) == lines


async def test_a_long_line_in_many_pieces_is_searched_once(site: LocalSite, client: aioxide.Client) -> None:
    """1 MB in 10,000 pieces; searched from the start with each, it would be 5 GB."""
    async with client.get(f"{site.url}/chunked/10000/100") as response:
        size = 0
        async for line in response.aiter_lines():
            size += len(line.encode("latin-1", "replace"))
    assert size > 500_000


async def test_an_iterator_that_is_over_stays_over(site: LocalSite, client: aioxide.Client) -> None:
    async with client.get(f"{site.url}/json") as response:
        for pieces in (response.aiter_text(), response.aiter_bytes(), response.aiter_lines()):
            await all_of(pieces)
            for _ in range(3):
                with pytest.raises(StopAsyncIteration):
                    await anext(pieces)


# ---- whole, after all ----


async def test_aread(site: LocalSite, both: aioxide.Client) -> None:
    async with both.get(f"{site.url}/json/1000") as response:
        for look in (lambda: response.content, lambda: response.text, lambda: response.json()):
            with pytest.raises(RuntimeError, match="has not been read: await response"):
                look()
        content = await response.aread()
        assert response.is_closed
    assert (await response.aread()) is content is response.content
    assert response.json()[999]["name"] == "item 999"
    assert response.text.startswith('[{"')
    # As often as one likes, since now it is here.
    for _ in range(2):
        assert b"".join(await all_of(response.aiter_bytes(1000))) == content


async def test_aread_gives_what_is_left(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.get(url) as response:
            drip.end(b"one", b"two", b"three")
            assert await anext(response.aiter_bytes(4)) == b"onet"
            assert await response.aread() == b"wothree"
            assert response.content == b"wothree"


async def test_what_was_read_is_gone(site: LocalSite, client: aioxide.Client) -> None:
    async with client.get(f"{site.url}/bytes/10") as response:
        assert await all_of(response.aiter_bytes()) == [pattern(10)]
        assert await all_of(response.aiter_bytes()) == []
        with pytest.raises(RuntimeError, match="has not been read"):
            _ = response.content


async def test_two_cannot_read_at_once(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.get(url) as response:
            first = asyncio.ensure_future(anext(response.aiter_bytes()))
            await asyncio.sleep(0)
            for other in (anext(response.aiter_bytes()), anext(response.aiter_lines()), response.aread()):
                with pytest.raises(RuntimeError, match="is being read already"):
                    await other
            drip.end(b"one")
            assert await first == b"one"
            assert await response.aread() == b""


async def test_two_areads_of_what_is_here(site: LocalSite, client: aioxide.Client) -> None:
    async with client.get(f"{site.url}/bytes/10") as response:
        both = response.aread(), response.aread()
        assert [await one for one in both] == [pattern(10)] * 2


# ---- cancelled ----


async def test_a_cancelled_read_loses_nothing(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.get(url) as response:
            pieces = response.aiter_bytes()
            for number in range(20):
                read = asyncio.ensure_future(anext(pieces))
                await asyncio.sleep(0)
                # Before it comes, while it comes, and after it came.
                data = b"%d;" % number
                if number % 3:
                    drip.send(data)
                for _ in range(number % 7):
                    await aioxide.testing.noop()
                read.cancel()
                await asyncio.wait([read])
                if not number % 3:
                    drip.send(data)
                if read.cancelled():
                    assert await anext(pieces) == data
                else:
                    assert read.result() == data
            drip.end()
            assert await all_of(pieces) == []


@pytest.mark.parametrize("want", ["bytes", "size", "lines", "text", "all"])
async def test_reading_goes_on_after_a_cancel(client: aioxide.Client, want: str) -> None:
    with dripping() as (drip, url):
        async with client.get(url) as response:

            async def read() -> str:
                ways = {
                    "bytes": lambda: response.aiter_bytes(),
                    "size": lambda: response.aiter_bytes(100),
                    "lines": lambda: response.aiter_lines(),
                    "text": lambda: response.aiter_text(),
                }
                if want == "all":
                    return (await response.aread()).decode()
                found = [one async for one in ways[want]()]
                return "".join(one if isinstance(one, str) else one.decode() for one in found)

            read_so_far = ""
            drip.send(b"one ")
            if want in {"bytes", "text"}:
                read_so_far = str(await anext(response.aiter_text()))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(read(), 0.01)
            drip.end(b"two ", b"three")
            assert read_so_far + await read() == "one two three"


async def test_a_read_that_nobody_takes_further_is_no_reader(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.get(url) as response:
            read = anext(response.aiter_bytes())
            assert read.send(None) is read
            read.close()
            drip.end(b"all")
            assert await response.aread() == b"all"


async def test_cancelled_on_the_way_in(fresh_site: LocalSite, both: aioxide.Client) -> None:
    async def enter() -> None:
        async with both.get(f"{fresh_site.url}/hang"):
            pass

    entering = asyncio.ensure_future(enter())
    await fresh_site.wait_begun(1)
    entering.cancel()
    await asyncio.wait([entering])
    assert entering.cancelled()
    await fresh_site.wait_aborted(1)


# ---- leaving ----


async def test_leaving_early_closes_the_connection(fresh_site: LocalSite, both: aioxide.Client) -> None:
    async with both.get(f"{fresh_site.url}/hang/body") as response:
        assert await anext(response.aiter_bytes()) == pattern(1)
    await fresh_site.wait_aborted(1)
    assert response.is_closed
    for read in (response.aread, lambda: anext(response.aiter_bytes())):
        with pytest.raises(RuntimeError, match="has been closed"):
            await read()
    with pytest.raises(RuntimeError, match="has not been read"):
        _ = response.content
    assert response.num_bytes_downloaded == 1
    assert (await both.get(f"{fresh_site.url}/json")).ok


async def test_leaving_by_an_exception_closes_the_connection(
    fresh_site: LocalSite, client: aioxide.Client
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with client.get(f"{fresh_site.url}/hang/body"):
            raise ZeroDivisionError
    await fresh_site.wait_aborted(1)


@pytest.mark.parametrize("read", ["aread", "aiter_bytes", "aiter_lines"])
async def test_leaving_after_the_end_gives_the_connection_back(
    fresh_site: LocalSite, client: aioxide.Client, read: str, until: Any
) -> None:
    for number in range(20):
        async with client.get(f"{fresh_site.url}/chunked/2/50000") as response:
            if read == "aread":
                await response.aread()
            else:
                await all_of(getattr(response, read)())
        await until(lambda: client.statistics().idle == 1)
        assert client.statistics().reused == number
    assert fresh_site.statistics()["connections_opened"] == 1


async def test_a_connection_is_free_once_the_body_was_read_not_when_one_leaves(
    site: LocalSite, until: Any
) -> None:
    async with aioxide.Client(limits=aioxide.Limits(1), timeout=30) as client:
        async with client.get(f"{site.url}/bytes/200000") as response:
            await response.aread()
            assert (await client.get(f"{site.url}/json")).ok
        async with client.get(f"{site.url}/bytes/20000000") as response:
            with pytest.raises(aioxide.PoolTimeout):
                await client.get(f"{site.url}/json", timeout=aioxide.Timeout(pool=0.01))
        assert (await client.get(f"{site.url}/json")).ok


async def test_a_response_that_is_dropped_closes_its_connection(
    fresh_site: LocalSite, client: aioxide.Client
) -> None:
    context = client.get(f"{fresh_site.url}/hang/body")
    response = await context.__aenter__()
    assert response.status_code == 200
    del context, response
    await fresh_site.wait_aborted(1)


async def test_closing_stops_who_reads(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.get(url) as response:
            read = asyncio.ensure_future(anext(response.aiter_bytes()))
            await asyncio.sleep(0)
            await response.aclose()
            with pytest.raises(RuntimeError, match="has been closed"):
                await read
        await asyncio.to_thread(drip.watch)
        await asyncio.to_thread(drip.gone.wait)


async def test_closing_the_client_stops_who_reads(fresh_site: LocalSite) -> None:
    client = aioxide.Client()
    async with client.get(f"{fresh_site.url}/hang/body") as response:
        pieces = response.aiter_bytes()
        assert await anext(pieces) == pattern(1)
        read = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(aioxide.CloseError) as caught:
            await read
        assert caught.value.phase == "body"
    await fresh_site.wait_aborted(1)


# ---- what goes wrong on the way ----


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (reply(OK + b"content-length: 10\r\n\r\n12345"), aioxide.RemoteProtocolError),
        (reply(CHUNKED + b"5\r\n12345\r\n"), aioxide.RemoteProtocolError),
        (reply(CHUNKED + b"5\r\n12345\r\nx\r\n"), aioxide.RemoteProtocolError),
        (reply_and_reset(OK + b"content-length: 10\r\n\r\n12345"), aioxide.ReadError),
    ],
)
async def test_what_came_before_it_broke_is_given(
    client: aioxide.Client, script: Any, error: type[aioxide.RequestError]
) -> None:
    with RawServer(script) as server:
        async with client.get(server.url) as response:
            pieces = response.aiter_bytes()
            # A reset may overtake what the client's side had not read.
            if error is not aioxide.ReadError:
                assert await anext(pieces) == b"12345"
            for _ in range(2):
                with pytest.raises(error) as caught:
                    await all_of(pieces)
            with pytest.raises(error):
                await response.aread()
    assert (caught.value.phase, caught.value.url) == ("body", server.url + "/")


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
async def test_half_a_coding_is_no_end(client: aioxide.Client, at_once: bool, coding: bytes) -> None:
    import zlib

    data = gzip.compress(pattern(5000)) if coding == b"gzip" else zlib.compress(pattern(5000))
    with dripping(b"content-encoding: %s\r\n" % coding) as (drip, url):
        if at_once:
            drip.end(data[:-20])
        async with client.get(url) as response:
            if not at_once:
                drip.end(data[:-20])
            for _ in range(2):
                with pytest.raises(aioxide.DecodingError, match="ends in the middle"):
                    await all_of(response.aiter_bytes())
            with pytest.raises(aioxide.DecodingError):
                await response.aread()


async def test_what_makes_no_sense_to_the_decoder(site: LocalSite, both: aioxide.Client) -> None:
    async with both.get(f"{site.url}/broken/gzip") as response:
        assert response.ok
        with pytest.raises(aioxide.DecodingError):
            await all_of(response.aiter_bytes())


@pytest.mark.parametrize("path", ["/chunked/100/1000", "/gzip/100000"])
async def test_a_body_that_is_too_large(site: LocalSite, both: aioxide.Client, path: str) -> None:
    async with both.get(site.url + path, max_body=50_000) as response:
        got = 0

        async def read() -> None:
            nonlocal got
            async for piece in response.aiter_bytes():
                got += len(piece)

        with pytest.raises(aioxide.BodyTooLarge, match="longer than 50000 bytes"):
            await read()
        assert got <= 50_000
    async with both.get(site.url + path, max_body=100_000) as response:
        assert len(await response.aread()) == 100_000


async def test_a_body_that_says_it_is_too_large(site: LocalSite, client: aioxide.Client) -> None:
    with pytest.raises(aioxide.BodyTooLarge):
        async with client.get(f"{site.url}/bytes/100", max_body=99):
            pytest.fail("the head says it")


@pytest.mark.parametrize("padding", [b"", b"\0", b"\x1f", b"\0\0\0\0 and more"])
@pytest.mark.parametrize("size", [0, 1, 65536, 262_143, 262_144, 262_145, 600_000])
async def test_members_that_follow_each_other(client: aioxide.Client, size: int, padding: bytes) -> None:
    """RFC 1952, section 2.2; what follows and is none is padding."""
    part = pattern(size)
    packed = gzip.compress(part) * 3 + padding
    for data, coding in ((packed, b"gzip"), (gzip.compress(packed), b"gzip, gzip")):
        head = b"content-encoding: %s\r\ncontent-length: %d\r\n\r\n" % (coding, len(data))
        with RawServer(reply(OK + head + data)) as server:
            assert (await client.get(server.url)).content == part * 3
        with dripping(b"content-encoding: %s\r\n" % coding) as (drip, url):
            async with client.get(url) as response:
                drip.end(*[data[at : at + 5000] for at in range(0, len(data), 5000)])
                assert await response.aread() == part * 3


async def test_gzip_in_small_pieces(client: aioxide.Client) -> None:
    data = gzip.compress(b"".join(b"%d " % n for n in range(2000)))
    with dripping(b"content-encoding: gzip\r\n") as (drip, url):
        async with client.get(url) as response:
            drip.end(*[data[at : at + 7] for at in range(0, len(data), 7)])
            text = "".join(await all_of(response.aiter_text()))
    assert text.split() == [str(n) for n in range(2000)]
    assert response.num_bytes_downloaded == len(data)


async def test_the_limits_on_time_hold(client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.get(url, timeout=aioxide.Timeout(read=0.05)) as response:
            drip.send(b"one")
            pieces = response.aiter_bytes()
            assert await anext(pieces) == b"one"
            with pytest.raises(aioxide.ReadTimeout) as caught:
                await anext(pieces)
            assert caught.value.phase == "body"
    with dripping() as (_, url):
        async with client.get(url, timeout=0.2) as response:
            with pytest.raises(aioxide.TimeoutException, match="still reading the body") as late:
                await response.aread()
        assert type(late.value) is aioxide.TimeoutException


async def test_the_attempt_is_told(client: aioxide.Client) -> None:
    busy = reply(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
    with RawServer(busy, reply(OK + b"content-length: 10\r\n\r\n12345")) as server:
        async with client.get(server.url, retries=aioxide.Retry(1, backoff=0)) as response:
            assert response.attempts == 2
            with pytest.raises(aioxide.RemoteProtocolError) as caught:
                await response.aread()
    assert caught.value.attempt == 2


# ---- what is here already ----


def at_once(operation: Any) -> Any:
    """What it gives at its first step; None, and it is closed, if it suspends."""
    try:
        operation.send(None)
    except StopIteration as end:
        return end.value
    operation.close()
    return None


@pytest.mark.parametrize("length", [1, 1000, 64 * 1024])
@pytest.mark.parametrize("way", ["aread", "aiter_bytes"])
async def test_a_body_that_came_with_the_head_is_read_without_suspending(
    client: aioxide.Client, way: str, length: int
) -> None:
    data = pattern(length)
    with RawServer(reply(OK + b"content-length: %d\r\n\r\n%s" % (length, data))) as server:
        # It may come in two parts all the same; not each time.
        for _ in range(200):
            async with client.get(server.url) as response:
                if way == "aread":
                    found = at_once(response.aread())
                else:
                    found = at_once(anext(response.aiter_bytes(length)))
                if found is not None:
                    assert found == data
                    assert bridge_statistics()["sleeping"] == 0
                    return
    pytest.fail("never here at once")


# ---- not more than is wanted ----


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
async def test_an_endless_body_is_not_read_ahead(http2: bool) -> None:
    """What the server gets rid of is bounded by buffers, and grows no more."""
    sent = 0
    stuck = threading.Event()

    def script(connection: Connection) -> None:
        nonlocal sent
        connection.read_head()
        connection.send(CHUNKED)
        connection.socket.settimeout(0.5)
        try:
            while True:
                connection.send(chunk(bytes(100_000)))
                sent += 100_000
        except TimeoutError:
            stuck.set()

    if http2:
        with LocalSite() as site:
            async with (
                aioxide.Client(http1=False) as client,
                client.get(f"{site.url}/bytes/100000000") as response,
            ):
                # Other streams go on, so the connection's window is not this one's alone.
                for _ in range(3):
                    assert (await client.get(f"{site.url}/bytes/1000000")).ok
                assert response.num_bytes_downloaded <= 1_000_000
        return
    with RawServer(script) as server:
        async with aioxide.Client() as client, client.get(server.url) as response:
            await asyncio.to_thread(stuck.wait)
            # Sockets of this machine hold some megabytes.
            assert sent < 20_000_000
            assert response.num_bytes_downloaded <= 1_000_000


MEMORY = """
import asyncio, gzip, resource, sys, threading
import aioxide
from tests.servers.raw import RawServer

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

def bomb(connection):
    connection.read_head()
    connection.send(b"HTTP/1.1 200 OK\\r\\ncontent-encoding: %s\\r\\ncontent-length: %d\\r\\n\\r\\n"
        % (coding.encode(), len(packed)))
    connection.send(packed)
    connection.hang()

coding, limit, streamed = sys.argv[1], sys.argv[2] and int(sys.argv[2]), sys.argv[3] == "streamed"
packed = open(sys.argv[4], "rb").read()

async def main():
    with RawServer(bomb) as server:
        async with aioxide.Client(max_body=limit or None) as client:
            before = peak()
            if streamed:
                count = 0
                try:
                    async with client.get(server.url) as response:
                        async for piece in response.aiter_bytes():
                            count += len(piece)
                except aioxide.BodyTooLarge:
                    assert limit
                    assert count <= limit
                else:
                    assert count == 1 << 28, count
            else:
                try:
                    await client.get(server.url)
                except aioxide.BodyTooLarge:
                    pass
                else:
                    raise AssertionError("no error")
            print(peak() - before)

asyncio.run(main())
"""


@pytest.fixture(scope="session")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """256 MiB of zeros, by coding."""
    folder = tmp_path_factory.mktemp("bombs")
    files = {}
    zeros = bytes(1 << 20)
    path = folder / "gzip"
    with gzip.open(path, "wb", 9) as file:
        for _ in range(256):
            file.write(zeros)
    files["gzip"] = str(path)
    # RFC 8878, section 3.1.1.2.2: a block of 128 KiB that is one byte, repeated, takes four bytes.
    block = ((128 << 10) << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    last = ((128 << 10) << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"\0"
    path = folder / "zstd"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00\x38" + block * 2047 + last)
    files["zstd"] = str(path)
    return files


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize(("limit", "way"), [("5000000", "whole"), ("5000000", "streamed"), ("", "streamed")])
def test_a_bomb_costs_no_more_memory_than_the_limit(
    script: Script, bombs: dict[str, str], coding: str, limit: str, way: str
) -> None:
    used = int(script.works(MEMORY, coding, limit, way, bombs[coding]))
    assert used < int(limit or 0) * 2 + 15_000_000


# ---- the rest ----


async def test_raise_for_status_shows_what_is_here(site: LocalSite, both: aioxide.Client) -> None:
    async with both.get(f"{site.url}/status/404") as response:
        with pytest.raises(aioxide.HTTPStatusError, match="404 Not Found for GET ") as caught:
            response.raise_for_status()
        assert caught.value.response is response
        assert (await response.aread()).startswith(b"404")
    async with both.get(f"{site.url}/json") as response:
        assert response.raise_for_status() is response


async def test_raise_for_status_of_a_body_to_come(client: aioxide.Client) -> None:
    head = b"HTTP/1.1 500 No\r\ncontent-length: 5\r\n\r\n"

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(head)
        connection.hang()

    with RawServer(script) as server:
        async with client.get(server.url) as response:
            with pytest.raises(aioxide.HTTPStatusError, match="500 No for GET"):
                response.raise_for_status()


async def test_num_bytes_downloaded(site: LocalSite, client: aioxide.Client) -> None:
    with dripping() as (drip, url):
        async with client.get(url) as response:
            assert response.num_bytes_downloaded == 0
            pieces = response.aiter_bytes()
            drip.send(b"12345")
            await anext(pieces)
            assert response.num_bytes_downloaded == 5
            drip.end(b"678")
            await response.aread()
            assert response.num_bytes_downloaded == 8
        assert response.num_bytes_downloaded == 8
    async with client.get(f"{site.url}/gzip/1000000") as response:
        assert len(await response.aread()) == 1_000_000
        assert 0 < response.num_bytes_downloaded == int(response.headers["content-length"])
    whole = await client.get(f"{site.url}/gzip/1000000")
    assert whole.num_bytes_downloaded == response.num_bytes_downloaded


async def test_many_at_once(site: LocalSite, both: aioxide.Client) -> None:
    async def read(size: int) -> int:
        async with both.get(f"{site.url}/bytes/300000") as response:
            return sum([len(piece) async for piece in response.aiter_bytes(size)])

    assert await asyncio.gather(*[read(1000 * n) for n in range(1, 30)]) == [300_000] * 29


async def test_reads_can_be_gathered(site: LocalSite, both: aioxide.Client) -> None:
    urls = [f"{site.url}/bytes/{n}" for n in (10, 200_000, 3_000_000)]
    async with both.get(urls[0]) as one, both.get(urls[1]) as two, both.get(urls[2]) as three:
        bodies = await aioxide.gather(one.aread(), two.aread(), three.aread())
        assert [len(body) for body in bodies] == [10, 200_000, 3_000_000]
    async with both.get(urls[2]) as one, both.get(urls[2]) as two:
        pieces = await aioxide.gather(
            anext(one.aiter_bytes(1_500_000)), anext(two.aiter_bytes(2_500_000)), return_exceptions=True
        )
        assert [len(piece) for piece in pieces] == [1_500_000, 2_500_000]


async def test_a_redirect_and_a_stream(site: LocalSite, both: aioxide.Client) -> None:
    async with both.get(f"{site.url}/redirect/2") as response:
        assert [each.status_code for each in response.history] == [302, 302]
        assert await response.aread() == b"landed\n"


async def test_head_has_no_body_to_read(site: LocalSite, both: aioxide.Client) -> None:
    async with both.head(f"{site.url}/bytes/1000") as response:
        assert await response.aread() == b""


async def test_another_loop_reads_on(site: LocalSite) -> None:
    """A response is not bound to a loop."""
    async with aioxide.Client() as client, client.get(f"{site.url}/bytes/3000000") as response:
        first = await anext(response.aiter_bytes(1_000_000))
        rest = await asyncio.to_thread(lambda: asyncio.run(_read(response)))
        assert first + rest == pattern(3_000_000)
    async with aioxide.Client() as client, client.get(f"{site.url}/bytes/3000000") as response:
        assert await asyncio.to_thread(response.read) == pattern(3_000_000)


async def _read(response: aioxide.Response) -> bytes:
    return await response.aread()


def test_a_fork_in_the_middle(script: Script, fork_source: str, site: LocalSite) -> None:
    """The body is the parent's; the child can neither take of it nor close it."""
    script.works(
        fork_source
        + f"""
import asyncio, warnings, aioxide
from aioxide.testing import pattern

warnings.simplefilter("ignore", DeprecationWarning)

async def main():
    async with aioxide.Client() as client, client.get("{site.url}/bytes/3000000") as response:
        pieces = response.aiter_bytes(1000)
        assert await anext(pieces) == pattern(1000)
        read = asyncio.ensure_future(anext(response.aiter_bytes(2_000_000)))
        await asyncio.sleep(0)

        def child():
            assert response.is_closed
            assert response.num_bytes_downloaded > 0
            response.close()
            for read in (lambda: list(response.iter_bytes()), response.read):
                try:
                    read()
                except RuntimeError as error:
                    # On a thread whose loop runs, or for the response's own sake.
                    assert "fork" in str(error) or "loop" in str(error), error
                else:
                    raise AssertionError("it can be read")

        fork(child)
        got = await read
        got += b"".join([piece async for piece in response.aiter_bytes()])
        assert pattern(1000) + got == pattern(3000000)

asyncio.run(main())
"""
    )


# ---- an answer before the upload is over ----


def upper(connection: Connection) -> None:
    """Answers each chunk with another, as it comes."""
    connection.read_head()
    connection.send(CHUNKED)
    while size := int(connection.read_until(b"\r\n"), 16):
        data = connection.read(size)
        connection.read_until(b"\r\n")
        connection.send(chunk(data.upper()))
    connection.send(b"0\r\n\r\n")
    connection.hang()


@pytest.mark.parametrize("hooked", [False, True])
async def test_the_upload_goes_on_while_the_answer_is_read(hooked: bool) -> None:
    turn: asyncio.Queue[bytes] = asyncio.Queue()

    async def chunks() -> AsyncIterator[bytes]:
        while data := await turn.get():
            yield data

    hooks: Any = {"response": [lambda _: None]} if hooked else {}
    with RawServer(upper) as server:
        async with (
            aioxide.Client(event_hooks=hooks) as client,
            client.post(server.url, content=chunks()) as response,
        ):
            pieces = response.aiter_bytes()
            for data in (b"one", b"two"):
                turn.put_nowait(data)
                assert await anext(pieces) == data.upper()
            turn.put_nowait(b"three")
            turn.put_nowait(b"")
            assert await response.aread() == b"THREE"


async def test_what_the_source_raises_then_is_raised_by_the_read(client: aioxide.Client) -> None:
    error = KeyError("mine")
    fail = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        await fail.wait()
        raise error

    for whole in (True, False):
        fail.clear()
        with RawServer(upper) as server:
            async with client.post(server.url, content=chunks()) as response:
                assert await anext(response.aiter_bytes(3)) == b"ONE"
                fail.set()
                with pytest.raises(KeyError) as caught:
                    await (response.aread() if whole else all_of(response.aiter_bytes()))
                assert caught.value is error


async def test_leaving_ends_the_upload(client: aioxide.Client, until: Any) -> None:
    ended = False

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal ended
        try:
            yield b"one"
            await asyncio.Event().wait()
        finally:
            ended = True

    with RawServer(upper) as server:
        async with client.post(server.url, content=chunks()) as response:
            assert await anext(response.aiter_bytes(3)) == b"ONE"
            assert not ended
        await until(lambda: ended)
