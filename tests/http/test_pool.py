"""The limits on connections, exactly, and the line of those who wait for one."""

import asyncio
import random
from typing import Any

import pytest

import aioxide
from aioxide import Limits, Timeout
from aioxide.testing import LocalSite
from tests.http.pooling import Until, begin, cancel, linux, state
from tests.http.trust import authority
from tests.servers.counting import Counting
from tests.servers.raw import Connection, RawServer, silence

# Long enough that a loaded machine has answered by then, short enough to wait for.
SHORT = 0.15


async def begin_in_turn(
    until: Until, client: aioxide.Client, *urls: str
) -> list[asyncio.Future[aioxide.Response]]:
    """Each is in the line before the next one asks."""
    begun = []
    for place, url in enumerate(urls, 1):
        begun += begin(client, url)
        await until(lambda place=place: client.statistics().waiting == place)
    return begun


# ---- how many ----


@pytest.mark.parametrize("kind", ["HTTP/1.1", "TLS", "TLS, offered HTTP/2"])
async def test_no_more_connections_than_the_limit(kind: str, until: Until) -> None:
    tls = kind != "HTTP/1.1"
    with LocalSite(tls=tls, http2=False) as site:
        settings: dict[str, Any] = {"verify": authority(site), "http2": "HTTP/2" in kind} if tls else {}
        async with aioxide.Client(limits=Limits(3), **settings) as client:
            requests = begin(client, *[f"{site.url}/hang"] * 10)
            await site.wait_begun(3)
            await until(lambda: state(client) == (3, 0, 7))
            assert site.statistics()["connections_opened"] == 3
            await cancel(requests)
            await until(lambda: state(client) == (0, 0, 0))
            await site.wait_open(0)


@pytest.mark.parametrize("tls", [False, True], ids=["prior knowledge", "ALPN"])
async def test_http2_needs_one_connection_for_all(tls: bool, until: Until) -> None:
    with LocalSite(tls=tls) as site:
        settings: dict[str, Any] = {"verify": authority(site)} if tls else {"http1": False}
        async with aioxide.Client(limits=Limits(1), **settings) as client:
            requests = begin(client, *[f"{site.url}/hang"] * 10)
            await site.wait_begun(10)
            assert state(client) == (1, 0, 0)
            assert site.statistics()["connections_opened"] == 1
            assert (client.statistics().opened, client.statistics().reused) == (1, 9)
            await cancel(requests)
            # The streams are gone, and the connection is not.
            await until(lambda: state(client) == (1, 1, 0))
            assert (await client.get(f"{site.url}/json")).ok
        assert site.statistics()["connections_opened"] == 1


async def test_http2_to_another_host_waits_for_the_place(until: Until) -> None:
    with LocalSite() as one, LocalSite() as other:
        async with aioxide.Client(http1=False, limits=Limits(1)) as client:
            held = begin(client, f"{one.url}/hang")
            await one.wait_begun(1)
            [waits] = begin(client, f"{other.url}/json")
            await until(lambda: state(client) == (1, 0, 1))
            # The connection that is there serves its own host meanwhile.
            assert (await client.get(f"{one.url}/json")).ok
            assert not waits.done()
            await cancel(held)
            assert (await waits).ok
            await one.wait_open(0)


@linux
async def test_the_limits_hold_at_every_moment() -> None:
    dice = random.Random(4)
    with Counting("127.0.0.1", "127.0.0.2", "127.0.0.3") as count:
        async with aioxide.Client(limits=Limits(5, 2)) as client:
            urls = [f"{dice.choice(count.urls)}/{dice.choice(['keep', 'close'])}" for _ in range(150)]
            requests = begin(client, *urls)
            for request in dice.sample(requests, 20):
                request.cancel()
                await asyncio.sleep(0)
            outcomes = await asyncio.gather(*requests, return_exceptions=True)
        served = [outcome for outcome in outcomes if isinstance(outcome, aioxide.Response)]
        # The server closes half of its connections without a word, so a request may be lost with one again
        # and again until it is given up: once in some hundred runs.
        lost = [outcome for outcome in outcomes if isinstance(outcome, aioxide.RequestError)]
        assert len(served) + len(lost) >= 130
        assert len(lost) <= 2, lost
        assert {response.text for response in served} == {"ok"}
        assert 1 < count.most_open <= 5
        assert 0 < min(count.most_open_of) <= max(count.most_open_of) <= 2


@linux
async def test_the_limit_of_a_host_is_its_own(until: Until) -> None:
    with Counting("127.0.0.1", "127.0.0.2") as count:
        async with aioxide.Client(limits=Limits(10, max_connections_per_host=2)) as client:
            held = begin(client, *[f"{count.urls[0]}/hold"] * 6)
            await until(lambda: len(count.targets) == 2 and state(client) == (2, 0, 4))
            # Who waits for that host holds up nobody else.
            assert (await client.get(f"{count.urls[1]}/")).ok
            assert client.statistics().hosts == 2
            count.release()
            await asyncio.gather(*held)
    assert count.most_open_of == [2, 1]
    assert count.opened == [2, 1]


@linux
async def test_a_host_is_a_name_and_a_port_and_a_scheme(until: Until) -> None:
    with Counting("127.0.0.1", "127.0.0.1") as count:
        resolve = {"one.test": "127.0.0.1", "two.test": "127.0.0.1"}
        async with aioxide.Client(limits=Limits(10, 1), resolve=resolve) as client:
            [first, second] = [url.rpartition(":")[2] for url in count.urls]
            urls = [f"http://{host}:{port}/hold" for host in resolve for port in (first, second)]
            held = begin(client, *urls, *urls)
            await until(lambda: state(client) == (4, 0, 4) and len(count.targets) == 4)
            assert client.statistics().hosts == 4
            count.release()
            await asyncio.gather(*held)


# ---- who is next ----


@linux
async def test_who_asks_first_is_served_first(until: Until) -> None:
    with Counting("127.0.0.1", "127.0.0.2") as count:
        async with aioxide.Client(limits=Limits(1)) as client:
            held = begin(client, f"{count.urls[0]}/hold")
            await until(lambda: count.targets)
            # Also if they want different hosts, for which the connection has to be closed each time.
            urls = [f"{count.urls[number // 3 % 2]}/{number}" for number in range(15)]
            line = await begin_in_turn(until, client, *urls)
            count.release()
            await asyncio.gather(*held, *line)
    assert count.targets == ["/hold", *[f"/{number}" for number in range(15)]]
    assert count.most_open == 1


@linux
async def test_who_is_cancelled_leaves_the_line(until: Until) -> None:
    with Counting("127.0.0.1") as count:
        async with aioxide.Client(limits=Limits(1)) as client:
            held = begin(client, f"{count.urls[0]}/hold")
            await until(lambda: count.targets)
            line = await begin_in_turn(until, client, *[f"{count.urls[0]}/{number}" for number in range(5)])
            await cancel([line[0], line[2], line[4]])
            await until(lambda: state(client) == (1, 0, 2))
            count.release()
            await asyncio.gather(*held, line[1], line[3])
    assert count.targets == ["/hold", "/1", "/3"]
    assert count.opened == [1]


async def test_a_cancelled_dial_gives_its_place_to_the_next(until: Until) -> None:
    with RawServer(silence) as server:
        async with aioxide.Client(limits=Limits(1)) as client:
            url = f"https://127.0.0.1:{server.port}/"
            [first] = begin(client, url)
            await until(lambda: len(server.received) == 1 and server.received[0])
            [second] = begin(client, url)
            await until(lambda: state(client) == (1, 0, 1))
            await cancel([first])
            await until(lambda: len(server.received) == 2 and server.received[1])
            assert state(client) == (1, 0, 0)
            assert not second.done()
            await cancel([second])
            await until(lambda: client.statistics() == aioxide.Client().statistics())


async def test_a_dial_that_fails_is_the_failure_of_one_request(until: Until) -> None:
    def refuse(connection: Connection) -> None:
        connection.read(1)

    with RawServer(refuse, silence) as server:
        # Nobody knows whether that is HTTP/2: one dials for all.
        async with aioxide.Client() as client:
            requests = begin(client, *[f"https://127.0.0.1:{server.port}/"] * 3)
            await until(lambda: len(server.received) == 2 and server.received[1])
            await until(lambda: any(request.done() for request in requests) and state(client) == (1, 0, 1))
            [failed] = [request for request in requests if request.done()]
            assert isinstance(failed.exception(), aioxide.ConnectError)
            await cancel(requests)


async def test_a_host_that_refuses_leaves_nothing(until: Until) -> None:
    with RawServer(silence) as server:
        port = server.port
    async with aioxide.Client(limits=Limits(2)) as client:
        requests = begin(client, *[f"http://127.0.0.1:{port}/"] * 20)
        outcomes = await asyncio.gather(*requests, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {aioxide.ConnectError}
        now = client.statistics()
        assert (now.connections, now.waiting, now.hosts, now.opened) == (0, 0, 0, 0)


# ---- how long ----


async def test_waiting_for_a_connection_has_a_limit(fresh_site: LocalSite, until: Until) -> None:
    async with aioxide.Client(limits=Limits(1), timeout=Timeout(pool=SHORT)) as client:
        # Once it has its connection, that limit says nothing to it.
        [held] = begin(client, f"{fresh_site.url}/hang")
        await fresh_site.wait_begun(1)
        with pytest.raises(aioxide.PoolTimeout, match=rf"no connection was free within {SHORT} s") as caught:
            await client.get(f"{fresh_site.url}/json")
        assert isinstance(caught.value, TimeoutError)
        assert (caught.value.phase, caught.value.url) == ("pool", f"{fresh_site.url}/json")
        # A request has limits of its own.
        with pytest.raises(aioxide.PoolTimeout, match=r"within 0\.05 s"):
            await client.get(f"{fresh_site.url}/json", timeout=Timeout(pool=0.05))
        assert state(client) == (1, 0, 0)
        assert not held.done()
        await cancel([held])
    assert fresh_site.statistics()["requests_begun"] == 1


async def test_waiting_for_a_connection_counts_for_the_total(fresh_site: LocalSite) -> None:
    async with aioxide.Client(limits=Limits(1)) as client:
        held = begin(client, f"{fresh_site.url}/hang")
        await fresh_site.wait_begun(1)
        with pytest.raises(aioxide.TimeoutException, match="waiting for a connection") as caught:
            await client.get(f"{fresh_site.url}/json", timeout=SHORT)
        assert type(caught.value) is aioxide.TimeoutException
        assert caught.value.phase == "pool"
        with pytest.raises(aioxide.TimeoutException) as caught:
            async with client.stream("GET", f"{fresh_site.url}/json", timeout=SHORT):
                pass
        assert caught.value.phase == "pool"
        await cancel(held)


async def test_a_line_behind_a_connection_is_not_connecting() -> None:
    """One dials for all until it is known what the host speaks; then the others wait for a free one."""
    with LocalSite(tls=True, http2=False) as site:
        limits = Timeout(connect=SHORT)
        async with aioxide.Client(verify=authority(site), limits=Limits(1), timeout=limits) as client:
            # The first connection of a process takes its time, for the certificates.
            await client.get(f"{site.url}/close", timeout=None)
            await site.wait_open(0)
            urls = [f"{site.url}/delay/{int(SHORT * 1000)}"] * 3
            responses = await asyncio.gather(*begin(client, *urls))
            assert [response.status_code for response in responses] == [200] * 3


async def test_who_waited_for_a_dial_waits_for_a_free_connection_then() -> None:
    with LocalSite(tls=True, http2=False) as site:
        limits = Timeout(connect=60, pool=SHORT)
        async with aioxide.Client(verify=authority(site), limits=Limits(1), timeout=limits) as client:
            waiting = set(begin(client, *[f"{site.url}/hang"] * 3))
            done: set[asyncio.Future[aioxide.Response]] = set()
            while len(waiting) > 1:
                late, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                done |= late
            assert {type(request.exception()) for request in done} == {aioxide.PoolTimeout}
            assert state(client) == (1, 0, 0)
            await cancel([*waiting])
