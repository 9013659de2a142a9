"""Each limit on time, in each phase: its class and what it says; also while a body is streamed."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

import aioxide
from aioxide import Limits, Timeout
from aioxide.testing import LocalSite
from tests.http.pooling import begin, cancel
from tests.servers.raw import Connection, RawServer, reply, silence

# Long enough that a loaded machine has answered by then, short enough to wait for.
SHORT = 0.15

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def takes_nothing() -> Iterator[str]:
    """The URL of a server that reads the head of a request, and nothing more."""
    over = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        over.wait()

    with RawServer(script) as server:
        yield server.url
        over.set()


def drip(connection: Connection) -> None:
    """A body whose every piece comes in time, and which takes longer than that as a whole."""
    connection.read_head()
    connection.send(OK + b"content-length: 8\r\n\r\n")
    for _ in range(8):
        threading.Event().wait(SHORT / 3)
        connection.send(b"x")


def stops(connection: Connection) -> None:
    connection.read_head()
    connection.send(OK + b"content-length: 8\r\n\r\nhalf")
    connection.hang()


def test_each_class_is_a_timeout_error() -> None:
    kinds = [aioxide.ConnectTimeout, aioxide.ReadTimeout, aioxide.WriteTimeout, aioxide.PoolTimeout]
    for kind in kinds:
        assert issubclass(kind, aioxide.TimeoutException)
        assert issubclass(kind, TimeoutError)
        assert [other for other in kinds if issubclass(kind, other)] == [kind]


@pytest.mark.parametrize("own", [False, True], ids=["of the client", "of the request"])
async def test_silence_instead_of_a_head(own: bool) -> None:
    limits = Timeout(read=SHORT)
    with RawServer(silence) as server:
        async with aioxide.Client(timeout=60 if own else limits) as client:
            options: dict[str, Any] = {"timeout": limits} if own else {}
            with pytest.raises(aioxide.ReadTimeout, match=rf"nothing came for {SHORT} s") as caught:
                await client.get(server.url, **options)
            assert (caught.value.phase, caught.value.url) == ("headers", f"{server.url}/")
            assert client.statistics().waiting == 0


async def test_silence_in_the_body() -> None:
    with RawServer(stops) as server:
        async with aioxide.Client(timeout=Timeout(read=SHORT)) as client:
            with pytest.raises(aioxide.ReadTimeout, match="nothing came") as caught:
                await client.get(server.url)
    assert caught.value.phase == "body"


async def test_silence_over_http2(fresh_site: LocalSite) -> None:
    async with aioxide.Client(http1=False, timeout=Timeout(read=SHORT)) as client:
        for path, phase in (("/hang", "headers"), ("/hang/body", "body")):
            with pytest.raises(aioxide.ReadTimeout) as caught:
                await client.get(fresh_site.url + path)
            assert caught.value.phase == phase
        await fresh_site.wait_aborted(2)
        # A stream has ended, and the connection goes on.
        assert (await client.get(f"{fresh_site.url}/json")).ok
        assert client.statistics().opened == 1


async def test_a_slow_body_is_not_silent() -> None:
    with RawServer(drip) as server:
        async with aioxide.Client(timeout=Timeout(read=SHORT)) as client:
            assert (await client.get(server.url)).content == b"x" * 8


async def test_the_wait_for_an_upload_is_not_silence(fresh_site: LocalSite) -> None:
    """The server cannot answer before it has the request."""

    async def body() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.sleep(2 * SHORT)
        yield b"done"

    async with aioxide.Client(timeout=Timeout(read=SHORT, write=SHORT)) as client:
        assert (await client.post(f"{fresh_site.url}/echo/body", content=body())).content == b"begundone"


@pytest.mark.parametrize("own", [False, True], ids=["of the client", "of the request"])
async def test_a_server_that_takes_nothing(takes_nothing: str, own: bool) -> None:
    limits = Timeout(write=SHORT)
    async with aioxide.Client(timeout=60 if own else limits) as client:
        options: dict[str, Any] = {"timeout": limits} if own else {}
        with pytest.raises(aioxide.WriteTimeout, match=rf"nothing could be sent for {SHORT} s") as caught:
            await client.post(takes_nothing, content=bytes(50_000_000), **options)
    assert caught.value.phase == "headers"


async def test_the_total_while_sending(takes_nothing: str) -> None:
    async with aioxide.Client(timeout=SHORT) as client:
        with pytest.raises(aioxide.TimeoutException) as caught:
            await client.post(takes_nothing, content=bytes(50_000_000))
    assert type(caught.value) is aioxide.TimeoutException
    assert caught.value.phase == "headers"
    assert "sending the request" in str(caught.value)


async def test_the_total_in_each_phase(fresh_site: LocalSite) -> None:
    with RawServer(silence) as server:
        urls = {
            "connect": f"https://127.0.0.1:{server.port}/",
            "headers": f"{fresh_site.url}/hang",
            "body": f"{fresh_site.url}/hang/body",
        }
        async with aioxide.Client(timeout=SHORT) as client:
            outcomes = await asyncio.gather(*begin(client, *urls.values()), return_exceptions=True)
        async with aioxide.Client(limits=Limits(1)) as client:
            held = begin(client, urls["headers"])
            await fresh_site.wait_begun(3)
            outcomes += await asyncio.gather(
                *begin(client, urls["body"], timeout=SHORT), return_exceptions=True
            )
            await cancel(held)
    assert [type(outcome) for outcome in outcomes] == [aioxide.TimeoutException] * 4
    assert [getattr(outcome, "phase", None) for outcome in outcomes] == [*urls, "pool"]


# ---- while streaming ----


@pytest.mark.parametrize(
    "read",
    [
        lambda response: response.aread(),
        lambda response: anext(response.aiter_lines()),
        lambda response: anext(response.aiter_bytes(8)),
    ],
    ids=["aread", "aiter_lines", "aiter_bytes"],
)
@pytest.mark.parametrize("total", [False, True], ids=["read", "total"])
async def test_the_limits_go_on_while_a_body_is_read(
    read: Callable[[aioxide.Response], Awaitable[object]], total: bool
) -> None:
    limits = Timeout(total=SHORT) if total else Timeout(read=SHORT)
    with RawServer(stops) as server:
        async with (
            aioxide.Client(timeout=limits) as client,
            client.stream("GET", server.url) as response,
        ):
            with pytest.raises(aioxide.TimeoutException) as caught:
                await read(response)
    assert type(caught.value) is (aioxide.TimeoutException if total else aioxide.ReadTimeout)
    assert caught.value.phase == "body"


async def test_the_time_of_whoever_reads_is_not_the_servers(fresh_site: LocalSite) -> None:
    """The limit on silence runs while somebody waits for more, and not while it is worked on what came."""
    async with (
        aioxide.Client(timeout=Timeout(read=SHORT)) as client,
        client.stream("GET", f"{fresh_site.url}/bytes/30000000") as response,
    ):
        read = 0
        async for piece in response.aiter_bytes():
            if read == 0:
                await asyncio.sleep(2 * SHORT)
            read += len(piece)
    assert read == 30_000_000


async def test_a_head_that_does_not_come_while_streaming() -> None:
    with RawServer(silence) as server:
        async with aioxide.Client(timeout=Timeout(read=SHORT)) as client:
            with pytest.raises(aioxide.ReadTimeout) as caught:
                async with client.stream("GET", server.url):
                    pass
    assert caught.value.phase == "headers"


async def test_a_coded_body_that_stops() -> None:
    coded = gzip.compress(b"x" * 100_000)[:-20]
    head = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % (len(coded) + 20)

    def script(connection: Connection) -> None:
        reply(head + coded)(connection)
        connection.hang()

    with RawServer(script) as server:
        async with aioxide.Client(timeout=Timeout(read=SHORT)) as client:
            with pytest.raises(aioxide.ReadTimeout):
                await client.get(server.url)


def test_the_limits_of_a_blocking_client() -> None:
    with RawServer(silence) as server, aioxide.BlockingClient(timeout=Timeout(read=SHORT)) as client:
        with pytest.raises(aioxide.ReadTimeout) as caught:
            client.get(server.url)
        assert caught.value.phase == "headers"
        with pytest.raises(aioxide.ConnectTimeout):
            client.get(f"https://127.0.0.1:{server.port}/", timeout=Timeout(connect=SHORT))
