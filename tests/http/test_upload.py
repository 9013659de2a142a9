"""Bodies that are not in memory: files and iterators, sent as the server reads and closed when it is over."""

import asyncio
import contextvars
import gc
import io
import socket
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from aioxide.uploads import feed_blocking, recognise
from tests.servers.raw import Connection, RawServer, silence

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
MIB = 1024 * 1024


class Source:
    """A generator of chunks that says how far it came and how it ended."""

    def __init__(self, chunks: int, size: int = 10, raises: BaseException | None = None) -> None:
        self.given = 0
        self.closed = False
        self.finished = False
        self._chunks, self._size, self._raises = chunks, size, raises

    def sync(self) -> Iterator[bytes]:
        try:
            for _ in range(self._chunks):
                self.given += 1
                yield bytes(self._size)
            if self._raises is not None:
                raise self._raises
            self.finished = True
        except GeneratorExit:
            self.closed = True
            raise

    async def asynchronous(self) -> AsyncIterator[bytes]:
        try:
            for chunk in self.sync():
                await asyncio.sleep(0)
                yield chunk
        except (GeneratorExit, asyncio.CancelledError):
            self.closed = True
            raise

    def of(self, kind: str) -> Any:
        return self.sync() if kind == "sync" else self.asynchronous()


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["HTTP/1.1", "HTTP/2"])
async def any_client(request: pytest.FixtureRequest) -> AsyncIterator[aioxide.Client]:
    async with aioxide.Client(http1=request.param) as client:
        yield client


async def echoed(site: LocalSite, client: aioxide.Client, content: Any, **request: Any) -> bytes:
    return (await client.put(f"{site.url}/echo/body", content=content, **request)).content


def headers_seen(site: LocalSite) -> dict[str, str]:
    return dict(site.requests()[-1].headers)


# ---- iterators ----


async def texts() -> AsyncIterator[str]:
    for text in ["ä", "", "b"]:
        yield text


@pytest.mark.parametrize(
    ("make", "sent"),
    [
        (lambda: iter([b"a", b"", bytearray(b"b"), memoryview(b"cd")[1:], "ä"]), b"abd\xc3\xa4"),
        (lambda: (b"%d" % n for n in range(2000)), b"".join(b"%d" % n for n in range(2000))),
        (texts, "äb".encode()),
        (lambda: iter([]), b""),
        (lambda: iter([bytes(300_000), b"x" * 70_000]), bytes(300_000) + b"x" * 70_000),
    ],
    ids=["iterator", "generator", "async generator", "empty", "long chunks"],
)
async def test_an_iterator_is_sent_in_chunks(
    site: LocalSite, any_client: aioxide.Client, make: Callable[[], Any], sent: bytes
) -> None:
    response = await any_client.put(f"{site.url}/echo/body", content=make())
    assert response.content == sent
    headers = headers_seen(site)
    assert "content-length" not in headers
    assert ("transfer-encoding" in headers) == (response.http_version == "HTTP/1.1")


async def test_a_get_has_chunks_too(site: LocalSite, any_client: aioxide.Client) -> None:
    response = await any_client.get(f"{site.url}/echo/body", content=iter([b"a", b"b"]))
    assert response.content == b"ab"


async def test_pieces_in_a_list_are_a_body_of_known_length(site: LocalSite, client: aioxide.Client) -> None:
    assert await echoed(site, client, [b"a", "ä", bytearray(b"b")]) == "aäb".encode()
    assert headers_seen(site)["content-length"] == "4"


async def test_iterables_of_other_kinds(site: LocalSite, client: aioxide.Client) -> None:
    class Sync:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"s"])

    class Async:
        def __aiter__(self) -> AsyncIterator[str]:
            return texts()

    assert await echoed(site, client, Sync()) == b"s"
    assert await echoed(site, client, Async()) == "äb".encode()


async def test_a_promised_length_is_kept(site: LocalSite, any_client: aioxide.Client, kind: str) -> None:
    source = Source(3)
    assert len(await echoed(site, any_client, source.of(kind), headers={"content-length": "30"})) == 30
    assert source.finished
    assert "transfer-encoding" not in headers_seen(site)


@pytest.mark.parametrize(("length", "words"), [(29, "longer"), (31, "shorter"), (20, "longer"), (0, "")])
async def test_a_promise_that_is_not_kept(
    site: LocalSite, any_client: aioxide.Client, kind: str, length: int, words: str
) -> None:
    source = Source(3)
    request = any_client.put(
        f"{site.url}/echo/body", content=source.of(kind), headers={"content-length": str(length)}
    )
    if length == 0:
        # There is no body: it is not asked for.
        assert (await request).content == b""
        return
    with pytest.raises(aioxide.LocalProtocolError, match=f"{words} than the Content-Length given, {length}"):
        await request


@pytest.mark.parametrize("value", ["-1", "+5", "x", "5, 5", ""])
def test_a_promise_that_is_no_length_is_refused(value: str) -> None:
    with pytest.raises(aioxide.LocalProtocolError, match="no length"):
        aioxide.fetch("http://host/", method="POST", content=iter([b"a"]), headers={"content-length": value})


@pytest.mark.parametrize("value", ["gzip", "gzip, chunked", "identity"])
def test_a_transfer_coding_that_is_not_made_is_refused(value: str) -> None:
    with pytest.raises(aioxide.LocalProtocolError, match="chunked"):
        aioxide.fetch("http://host/", content=iter([b"a"]), headers={"transfer-encoding": value})


@pytest.mark.parametrize("content", [b"", b"body", None])
def test_chunks_are_refused_for_a_known_length(content: Any) -> None:
    with pytest.raises(aioxide.LocalProtocolError, match="Transfer-Encoding"):
        aioxide.fetch("http://host/", content=content, headers={"transfer-encoding": "chunked"})


async def test_chunks_may_be_asked_for(site: LocalSite, client: aioxide.Client) -> None:
    assert await echoed(site, client, iter([b"ab"]), headers={"Transfer-Encoding": "chunked"}) == b"ab"


async def test_the_context_is_the_callers(site: LocalSite, client: aioxide.Client, kind: str) -> None:
    variable = contextvars.ContextVar[str]("variable")

    def sync() -> Iterator[str]:
        yield variable.get()

    async def asynchronous() -> AsyncIterator[str]:
        yield variable.get()

    variable.set("mine")
    assert await echoed(site, client, sync() if kind == "sync" else asynchronous()) == b"mine"


async def test_nothing_is_pulled_before_there_is_a_connection(client: aioxide.Client, kind: str) -> None:
    """And so the iterator is as good as new for another try."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    source = Source(3)
    iterator = source.of(kind)
    with pytest.raises(aioxide.ConnectError):
        await client.post(f"http://127.0.0.1:{port}/", content=iterator)
    assert (source.given, source.closed) == (0, False)
    with LocalSite() as site:
        assert len(await echoed(site, client, iterator)) == 30


# ---- back-pressure ----


async def test_a_server_that_does_not_read_holds_the_iterator_back(
    client: aioxide.Client, kind: str, until: Callable[..., Any]
) -> None:
    """What is pulled fills the socket's buffers and no more: not 4 GB."""
    full, go_on = threading.Event(), threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        full.set()
        go_on.wait()
        connection.hang()

    source = Source(4096, MIB)
    with RawServer(script) as server:
        request = asyncio.ensure_future(client.post(server.url, content=source.of(kind)))
        await asyncio.to_thread(full.wait)
        before = -1
        while before != source.given:
            before = source.given
            for _ in range(200):
                await aioxide._core.noop()
        held_at = source.given
        assert held_at < 32
        go_on.set()
        await until(lambda: source.given > held_at)
        request.cancel()
        await asyncio.wait([request])
    assert source.closed


async def test_at_most_two_chunks_are_ahead(client: aioxide.Client, kind: str) -> None:
    """Of chunks that no buffer holds, the first is being sent and the second waits."""
    go_on = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        go_on.wait()
        connection.read(3 * 16 * MIB)
        connection.send(OK)

    source = Source(3, 16 * MIB)
    length = {"content-length": str(3 * 16 * MIB)}
    with RawServer(script) as server:
        request = asyncio.ensure_future(client.post(server.url, content=source.of(kind), headers=length))
        for _ in range(2000):
            await aioxide._core.noop()
        assert source.given == 2
        go_on.set()
        assert (await request).ok
    assert source.finished


async def test_the_loop_turns_while_an_iterator_has_much_to_give(
    site: LocalSite, client: aioxide.Client
) -> None:
    turns = 0
    ended = False

    async def count() -> None:
        nonlocal turns
        while not ended:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.ensure_future(count())
    response = await client.post(f"{site.url}/upload", content=(b"x" for _ in range(20_000)))
    ended = True
    await counting
    assert response.json() == {"length": 20_000}
    assert turns > 20_000 // 100


# ---- how it ends ----


class Failure(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("chunks", [0, 1, 500])
async def test_what_an_iterator_raises_is_raised(
    site: LocalSite, any_client: aioxide.Client, kind: str, chunks: int
) -> None:
    failure = Failure("of the iterator")
    source = Source(chunks, raises=failure)
    with pytest.raises(Failure) as caught:
        await echoed(site, any_client, source.of(kind))
    assert caught.value is failure
    names = [frame.name for frame in traceback.extract_tb(failure.__traceback__)]
    assert "sync" in names
    # The client is as good as before.
    assert await echoed(site, any_client, b"x") == b"x"


async def test_a_part_is_never_taken_for_the_whole(client: aioxide.Client, kind: str) -> None:
    """The server sees the connection break, and no last chunk."""
    gone = threading.Event()

    def script(connection: Connection) -> None:
        try:
            connection.read_head()
            connection.hang()
        finally:
            gone.set()

    with RawServer(script) as server:
        with pytest.raises(Failure):
            await client.post(server.url, content=Source(5, raises=Failure()).of(kind))
        await asyncio.to_thread(gone.wait)
        assert not server.received[0].endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("error", [asyncio.CancelledError("own"), TimeoutError("own"), StopAsyncIteration()])
async def test_exceptions_that_mean_something_elsewhere(
    site: LocalSite, client: aioxide.Client, error: BaseException
) -> None:
    class Raises:
        def __aiter__(self) -> "Raises":
            return self

        async def __anext__(self) -> bytes:
            raise error

    request = echoed(site, client, Raises())
    if isinstance(error, StopAsyncIteration):
        assert await request == b""
        return
    with pytest.raises(type(error)) as caught:
        await request
    assert caught.value is error


@pytest.mark.parametrize("chunk", [3, None, ["a"], object()])
async def test_a_chunk_of_another_type_is_a_type_error(
    site: LocalSite, client: aioxide.Client, kind: str, chunk: Any
) -> None:
    closed = []

    def sync() -> Iterator[Any]:
        try:
            yield b"good"
            yield chunk
        finally:
            closed.append(True)

    async def asynchronous() -> AsyncIterator[Any]:
        for one in sync():
            yield one

    with pytest.raises(TypeError, match=f"content must give bytes or str, not {type(chunk).__name__}"):
        await echoed(site, client, sync() if kind == "sync" else asynchronous())
    gc.collect()
    assert closed


async def test_it_is_closed_when_the_request_is_cancelled(client: aioxide.Client, kind: str) -> None:
    """By the time that whoever awaited it hears of the cancel."""
    reading, gone = threading.Event(), threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.read_until(b"\r\n")
        reading.set()
        try:
            connection.hang()
        finally:
            gone.set()

    source = Source(10**9)
    with RawServer(script) as server:
        request = asyncio.ensure_future(client.post(server.url, content=source.of(kind)))
        await asyncio.to_thread(reading.wait)
        request.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await request
        assert source.closed
        await asyncio.to_thread(gone.wait)


async def test_an_iterator_that_waits_is_cancelled_with_the_request(
    fresh_site: LocalSite, client: aioxide.Client
) -> None:
    waiting, seen = asyncio.Event(), []

    async def stuck() -> AsyncIterator[bytes]:
        yield b"a"
        try:
            waiting.set()
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("closed")
            raise

    request = asyncio.ensure_future(client.post(f"{fresh_site.url}/upload", content=stuck()))
    await waiting.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert seen == ["closed"]
    await fresh_site.wait_open(0)


async def test_a_second_cancel_reaches_an_iterator_that_will_not_close(
    site: LocalSite, client: aioxide.Client
) -> None:
    waiting, closing, seen = asyncio.Event(), asyncio.Event(), []

    async def stubborn() -> AsyncIterator[bytes]:
        yield b"a"
        try:
            waiting.set()
            await asyncio.get_running_loop().create_future()
        finally:
            closing.set()
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                seen.append("insisted")
                raise

    request = asyncio.ensure_future(client.post(f"{site.url}/upload", content=stubborn()))
    await waiting.wait()
    request.cancel()
    await closing.wait()
    assert not request.done()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert seen == ["insisted"]


@pytest.mark.parametrize("status", [b"413 Content Too Large", b"200 OK"])
async def test_an_answer_that_comes_early_ends_it(client: aioxide.Client, kind: str, status: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.read(1)
        connection.send(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
        connection.hang()

    source = Source(10**9)
    with RawServer(script) as server:
        response = await client.post(server.url, content=source.of(kind))
        assert response.content == b"no"
        assert source.closed
        assert not server.received[0].endswith(b"0\r\n\r\n")


async def test_an_iterator_is_not_sent_twice(
    fresh_site: LocalSite, client: aioxide.Client, kind: str
) -> None:
    """A 307 asks for the same body again."""
    with pytest.raises(aioxide.LocalProtocolError, match="cannot be sent again"):
        await client.post(
            f"{fresh_site.url}/redirect/to?url=/echo/body&status=307", content=Source(3).of(kind)
        )


async def test_a_redirect_that_drops_the_body_drops_the_iterator(client: aioxide.Client, kind: str) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.read(1)
        connection.send(b"HTTP/1.1 303 See Other\r\nlocation: /next\r\ncontent-length: 0\r\n\r\n")
        connection.hang()

    def after(connection: Connection) -> None:
        assert b"transfer-encoding" not in connection.read_head()
        connection.send(OK)

    source = Source(10**9)
    with RawServer(script, after) as server:
        assert (await client.post(server.url, content=source.of(kind))).ok
    assert source.closed


async def test_an_exception_while_it_is_closed_is_told_to_the_loop(
    client: aioxide.Client, reported: list[dict[str, Any]]
) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.read(1)
        connection.send(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n")
        connection.hang()

    async def spiteful() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(100)
        finally:
            raise Failure("in the end")

    with RawServer(script) as server:
        assert (await client.post(server.url, content=spiteful())).status_code == 413
    (context,) = reported
    assert isinstance(context["exception"], Failure)
    reported.clear()


async def test_closing_the_operation_closes_the_iterator(
    fresh_site: LocalSite, client: aioxide.Client, kind: str, until: Callable[..., Any]
) -> None:
    source = Source(10**9)
    operation = client.post(f"{fresh_site.url}/upload", content=source.of(kind))
    assert operation.send(None) is operation
    await until(lambda: source.given)
    operation.close()
    await until(lambda: source.closed)
    await fresh_site.wait_open(0)


async def test_in_a_gather(site: LocalSite, client: aioxide.Client, kind: str) -> None:
    responses = await aioxide.gather(
        *[client.put(f"{site.url}/echo/body", content=Source(n).of(kind)) for n in range(20)], limit=7
    )
    assert [len(response.content) for response in responses] == [10 * n for n in range(20)]


async def test_a_gather_that_is_cancelled_closes_them(
    site: LocalSite, client: aioxide.Client, kind: str, until: Callable[..., Any]
) -> None:
    sources = [Source(10**9) for _ in range(5)]
    running = aioxide.gather(*[client.post(f"{site.url}/upload", content=s.of(kind)) for s in sources])
    await until(lambda: all(source.given for source in sources))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: all(source.closed for source in sources))


async def test_a_time_limit_closes_it(client: aioxide.Client, kind: str) -> None:
    source = Source(10**9)
    with RawServer(silence) as server, pytest.raises(aioxide.TimeoutException):
        await client.post(server.url, content=source.of(kind), timeout=0.3)
    # On a machine that is busy there may have been no connection.
    assert source.closed or not source.given


async def test_a_request_that_is_never_awaited_leaves_the_iterator_alone(client: aioxide.Client) -> None:
    source = Source(3)
    iterator = source.sync()
    with pytest.warns(RuntimeWarning, match="never awaited"):
        client.post("http://127.0.0.1:9/", content=iterator)
    assert next(iterator) == bytes(10)


async def close(client: aioxide.Client) -> None:
    await client.aclose()


def test_a_loop_that_ends_in_the_middle(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    source = Source(10**9)

    async def main() -> None:
        request = asyncio.ensure_future(client.post(f"{site.url}/upload", content=source.sync()))
        while source.given < 3:
            await aioxide._core.noop()
        assert not request.done()

    client = aioxide.Client()
    with LocalSite() as site, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
    asyncio.run(close(client))
    assert source.closed


# ---- data and json ----


@pytest.mark.parametrize("data", [b"raw", "raw", bytearray(b"raw"), io.BytesIO(b"raw"), texts])
@pytest.mark.parametrize("files", [None, {"a": b"b"}])
def test_data_is_no_raw_body(data: Any, files: Any) -> None:
    with pytest.raises(TypeError, match="content="):
        aioxide.fetch("http://host/", data=data() if data is texts else data, files=files)


async def test_data_may_be_pairs_and_repeat(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.post(f"{site.url}/echo/body", data=[("a", 1), ("b", ["x", "y"]), ("a", None)])
    assert response.content == b"a=1&b=x&b=y&a="


async def test_json_none_is_no_body(site: LocalSite, client: aioxide.Client) -> None:
    assert (await client.post(f"{site.url}/echo/body", json=None)).content == b""
    assert "content-type" not in headers_seen(site)


# ---- plain threads ----


class Pipe:
    """Takes so many chunks."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.got: list[Any] = []

    def room(self) -> Any:
        raise NotImplementedError

    def room_blocking(self) -> bool:
        return len(self.got) < self.wanted

    def put(self, chunk: object) -> None:
        self.got.append(chunk)

    def end(self) -> None:
        self.got.append("end")

    def fail(self, error: BaseException) -> bool:
        self.got.append(error)
        return True


def test_a_thread_feeds_until_the_end_or_until_nobody_wants_more() -> None:
    def source_of(value: Any) -> Any:
        return recognise(value, "content")

    feed_blocking(source_of(iter([b"a", b"b"])), pipe := Pipe(9))
    assert pipe.got == [b"a", b"b", "end"]
    source = Source(10)
    feed_blocking(source_of(source.sync()), pipe := Pipe(3))
    assert (len(pipe.got), source.closed) == (3, True)
    failure = Failure()
    with pytest.raises(Failure) as caught:
        feed_blocking(source_of(Source(1, raises=failure).sync()), pipe := Pipe(9))
    assert caught.value is failure
    assert pipe.got[-1] is failure
    with pytest.raises(TypeError, match="only be sent from a loop"):
        feed_blocking(source_of(texts()), Pipe(9))
