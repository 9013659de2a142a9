"""Connections that nobody uses: which are kept, for how long, and what becomes of those the server closed."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

import aioxide
from aioxide import Limits
from aioxide.testing import LocalSite
from tests.http.pooling import Until, begin, cancel, linux, state
from tests.servers.counting import Counting
from tests.servers.raw import Connection, RawServer, Script, hang_up, reply_always

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def several(site: LocalSite, client: aioxide.Client, count: int) -> None:
    """Has so many connections opened, which are idle then."""
    paths = [f"{site.url}/echo"] * count
    started = asyncio.Event()
    waiting = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal waiting
        waiting += 1
        yield b"x"
        if waiting == count:
            started.set()
        await started.wait()

    await asyncio.gather(*[client.post(path, content=body()) for path in paths])


# ---- what is kept ----


async def test_the_counts_at_each_point(fresh_site: LocalSite, until: Until) -> None:
    async with aioxide.Client(limits=Limits(2)) as client:
        nothing = client.statistics()
        assert repr(nothing) == (
            "ClientStatistics(connections=0, idle=0, waiting=0, hosts=0, opened=0, reused=0)"
        )
        requests = begin(client, *[f"{fresh_site.url}/hang"] * 3)
        await until(lambda: client.statistics().opened == 2 and state(client) == (2, 0, 1))
        assert client.statistics().hosts == 1
        await cancel(requests)
        await until(lambda: state(client) == (0, 0, 0))
        now = client.statistics()
        assert (now.hosts, now.reused) == (0, 0)
        assert now.opened >= 2
        await client.get(f"{fresh_site.url}/json")
        await until(lambda: state(client) == (1, 1, 0))
        before = client.statistics()
        await client.get(f"{fresh_site.url}/json")
        await until(lambda: state(client) == (1, 1, 0))
        now = client.statistics()
        assert (now.opened, now.reused) == (before.opened, before.reused + 1)
        assert now != before
    # Of a closed client there is nothing.
    assert client.statistics() == nothing


async def test_as_many_are_kept_as_were_needed(fresh_site: LocalSite, until: Until) -> None:
    async with aioxide.Client() as client:
        await several(fresh_site, client, 10)
        await until(lambda: state(client) == (10, 10, 0))
        await several(fresh_site, client, 10)
        assert client.statistics().opened == 10
        assert fresh_site.statistics()["connections_opened"] == 10


@pytest.mark.parametrize("keep", [0, 1, 2])
async def test_no_more_are_kept_than_the_limit(fresh_site: LocalSite, until: Until, keep: int) -> None:
    async with aioxide.Client(limits=Limits(max_keepalive=keep)) as client:
        await several(fresh_site, client, 4)
        await until(lambda: state(client) == (keep, keep, 0))
        await fresh_site.wait_open(keep)
        await client.get(f"{fresh_site.url}/json")
        await until(lambda: state(client) == (keep, keep, 0))
        assert client.statistics().opened == (4 if keep else 5)


async def test_none_is_kept_of_http2_either(fresh_site: LocalSite, until: Until) -> None:
    async with aioxide.Client(http1=False, limits=Limits(max_keepalive=0)) as client:
        for opened in (1, 2):
            assert (await client.get(f"{fresh_site.url}/json")).ok
            await until(lambda: state(client) == (0, 0, 0))
            await fresh_site.wait_open(0)
            assert client.statistics().opened == opened


@pytest.mark.parametrize("http1", [True, False], ids=["HTTP/1.1", "HTTP/2"])
async def test_an_idle_connection_is_closed_when_its_time_is_over(
    fresh_site: LocalSite, until: Until, http1: bool
) -> None:
    async with aioxide.Client(http1=http1, limits=Limits(keepalive_expiry=0.05)) as client:
        await client.get(f"{fresh_site.url}/json")
        await fresh_site.wait_open(0)
        await until(lambda: state(client) == (0, 0, 0))
        # It is not only the first that is looked after.
        await client.get(f"{fresh_site.url}/json")
        await fresh_site.wait_open(0)
        assert fresh_site.statistics()["connections_opened"] == 2


@pytest.mark.parametrize("http1", [True, False], ids=["HTTP/1.1", "HTTP/2"])
async def test_with_no_time_none_is_used_again(fresh_site: LocalSite, http1: bool) -> None:
    async with aioxide.Client(http1=http1, limits=Limits(keepalive_expiry=0)) as client:
        for _ in range(5):
            assert (await client.get(f"{fresh_site.url}/json")).ok
        assert client.statistics().reused == 0
        await fresh_site.wait_open(0)
    assert fresh_site.statistics()["connections_opened"] == 5


async def test_without_an_expiry_it_is_kept(fresh_site: LocalSite, until: Until) -> None:
    async with aioxide.Client(limits=Limits(keepalive_expiry=None)) as client:
        for _ in range(5):
            await client.get(f"{fresh_site.url}/json")
            await until(lambda: client.statistics().idle == 1)
        assert client.statistics().opened == 1


async def test_an_idle_connection_gives_way_to_another_host(until: Until) -> None:
    with LocalSite() as one, LocalSite() as other:
        async with aioxide.Client(limits=Limits(3)) as client:
            await several(one, client, 3)
            await until(lambda: state(client) == (3, 3, 0))
            assert (await client.get(f"{other.url}/json")).ok
            # One of them, and no more.
            await one.wait_open(2)
            await until(lambda: state(client) == (3, 3, 0))
            assert client.statistics().hosts == 2
            await several(other, client, 3)
            await one.wait_open(0)
            await until(lambda: state(client) == (3, 3, 0))
            assert client.statistics().hosts == 1


# ---- what the server closes ----


async def test_a_connection_that_the_server_closes_is_noticed(until: Until) -> None:
    close = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(OK)
        close.wait()

    with RawServer(script, reply_always(OK)) as server:
        async with aioxide.Client() as client:
            assert (await client.get(server.url)).text == "ok"
            await until(lambda: state(client) == (1, 1, 0))
            close.set()
            await until(lambda: state(client) == (0, 0, 0))
            assert client.statistics().hosts == 0
            # With a method that is not sent twice: it goes to a new one.
            assert (await client.post(server.url)).text == "ok"
            assert (client.statistics().opened, client.statistics().reused) == (2, 0)


async def test_connection_close_is_heeded(fresh_site: LocalSite, until: Until) -> None:
    async with aioxide.Client() as client:
        for _ in range(3):
            assert (await client.get(f"{fresh_site.url}/close")).ok
            await until(lambda: state(client) == (0, 0, 0))
    assert fresh_site.statistics()["connections_opened"] == 3


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n",
        # Until the end of the connection: there is nothing to use again.
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_an_answer_that_ends_its_connection(until: Until, head: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(head + b"ok")
        if b"length" in head:
            # It is the client that closes.
            connection.hang()

    with RawServer(script) as server:
        async with aioxide.Client() as client:
            assert (await client.get(server.url)).text == "ok"
            await until(lambda: state(client) == (0, 0, 0))
            assert client.statistics().opened == 1


def answers(*, then: Script) -> Script:
    """Answers one request, and does something else about the next one of the connection."""

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(OK)
        then(connection)

    return script


def reset(connection: Connection) -> None:
    connection.read_head()
    connection.settle()
    connection.reset()


@pytest.mark.parametrize("end", [hang_up, reset], ids=["closed", "reset"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_request_lost_with_an_old_connection_is_sent_again(
    until: Until, end: Script, method: str
) -> None:
    with RawServer(answers(then=end), reply_always(OK)) as server:
        async with aioxide.Client() as client:
            await client.get(server.url)
            await until(lambda: state(client) == (1, 1, 0))
            response = await client.request(method, f"{server.url}/second", headers={"x": "y"})
            assert (response.text, response.attempts) == ("ok", 1)
            assert client.statistics().opened == 2
        assert [head.count(b" HTTP/1.1\r\n") for head in server.received] == [2, 1]
        assert server.received[1].startswith(b"%s /second " % method.encode())


async def test_a_request_that_may_have_been_acted_on_is_not_sent_again(until: Until) -> None:
    with RawServer(answers(then=hang_up), reply_always(OK)) as server:
        async with aioxide.Client() as client:
            await client.get(server.url)
            await until(lambda: state(client) == (1, 1, 0))
            with pytest.raises(aioxide.RemoteProtocolError, match="closed the connection"):
                await client.post(server.url)
            await until(lambda: state(client) == (0, 0, 0))
        assert len(server.received) == 1


async def test_a_body_that_is_gone_is_not_sent_again(until: Until) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"once"

    def take_all(connection: Connection) -> None:
        assert connection.read_until(b"once\r\n0\r\n\r\n")

    with RawServer(answers(then=take_all), reply_always(OK)) as server:
        async with aioxide.Client() as client:
            await client.get(server.url)
            await until(lambda: state(client) == (1, 1, 0))
            with pytest.raises(aioxide.RemoteProtocolError):
                await client.put(server.url, content=body())
        assert len(server.received) == 1


async def test_it_is_sent_again_once(until: Until) -> None:
    with RawServer(answers(then=hang_up), hang_up) as server:
        async with aioxide.Client() as client:
            await client.get(server.url)
            await until(lambda: state(client) == (1, 1, 0))
            with pytest.raises(aioxide.RemoteProtocolError):
                await client.get(server.url)
            assert client.statistics().opened == 2
        assert len(server.received) == 2


@linux
async def test_who_gets_one_dying_connection_after_another_is_served_at_last() -> None:
    """Each is handed on at once, and this server closes without a word after each answer."""
    with Counting("127.0.0.1") as count:
        async with aioxide.Client(limits=Limits(2)) as client:
            responses = await asyncio.gather(*begin(client, *[f"{count.urls[0]}/close"] * 100))
            assert [response.text for response in responses] == ["ok"] * 100
    assert count.most_open <= 2


async def test_of_a_server_that_was_restarted_no_other_connection_is_tried(until: Until) -> None:
    """All that is idle is as old; the first that is lost tells it of the others."""
    opened = threading.Barrier(4)

    def old(connection: Connection) -> None:
        connection.read_head()
        opened.wait()
        connection.send(OK)
        connection.read_head()

    with RawServer(old, old, old, old, reply_always(OK)) as server:
        async with aioxide.Client() as client:
            await asyncio.gather(*begin(client, *[server.url] * 4))
            await until(lambda: state(client) == (4, 4, 0))
            assert (await client.get(server.url)).text == "ok"
            await until(lambda: state(client) == (1, 1, 0))
        assert sorted(head.count(b"GET ") for head in server.received) == [1, 1, 1, 1, 2]


# ---- what is not read, and not sent, to its end ----


@pytest.mark.parametrize("read", [False, True], ids=["not at all", "in part"])
async def test_a_body_that_is_not_read_closes_its_connection(
    fresh_site: LocalSite, until: Until, read: bool
) -> None:
    async with aioxide.Client() as client:
        async with client.stream("GET", f"{fresh_site.url}/bytes/50000000") as response:
            assert response.status_code == 200
            assert state(client) == (1, 0, 0)
            if read:
                assert await anext(response.aiter_bytes())
        await until(lambda: state(client) == (0, 0, 0))
        await fresh_site.wait_aborted(1)
        await fresh_site.wait_open(0)


async def test_of_http2_only_the_stream_is_closed(fresh_site: LocalSite, until: Until) -> None:
    async with aioxide.Client(http1=False) as client:
        async with client.stream("GET", f"{fresh_site.url}/bytes/50000000"):
            assert state(client) == (1, 0, 0)
        await until(lambda: state(client) == (1, 1, 0))
        await fresh_site.wait_aborted(1)
        assert (await client.get(f"{fresh_site.url}/json")).ok
        assert fresh_site.statistics()["connections_opened"] == 1


@pytest.mark.parametrize("path", ["/bytes/100000", "/chunked/3/1000", "/status/204", "/gzip/1000"])
async def test_a_body_that_was_read_gives_its_connection_back(
    fresh_site: LocalSite, until: Until, path: str
) -> None:
    async with aioxide.Client() as client:
        async with client.stream("GET", fresh_site.url + path) as response:
            async for _ in response.aiter_bytes():
                pass
            # Before the block ends: a body may be looked at for long.
            await until(lambda: state(client) == (1, 1, 0))
        await client.head(fresh_site.url + path)
        await until(lambda: state(client) == (1, 1, 0))
    assert fresh_site.statistics()["connections_opened"] == 1


async def test_an_answer_before_the_upload_is_over_closes_the_connection(until: Until) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nok")
        connection.hang()

    with RawServer(script) as server:
        never = asyncio.Event()

        async def body() -> AsyncIterator[bytes]:
            yield b"begun"
            await never.wait()

        async with aioxide.Client() as client:
            assert (await client.post(server.url, content=body())).status_code == 413
            await until(lambda: state(client) == (0, 0, 0))
            assert (await client.post(server.url, content=bytes(50_000_000))).status_code == 413
            await until(lambda: state(client) == (0, 0, 0))


@linux
async def test_one_host_after_another(until: Until) -> None:
    """As a crawler does it: more hosts than connections."""
    with Counting(*[f"127.0.1.{number}" for number in range(1, 21)]) as count:
        async with aioxide.Client(limits=Limits(4)) as client:
            urls = [f"{url}/{number}" for number in range(3) for url in count.urls]
            responses = await asyncio.gather(*begin(client, *urls))
            assert {response.text for response in responses} == {"ok"}
            await until(lambda: state(client)[1:] == (4, 0))
            assert client.statistics().hosts <= 4
    assert count.most_open <= 4
