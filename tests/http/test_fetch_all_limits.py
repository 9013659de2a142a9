"""`fetch_all`: limits, paces, retries, rests, and hosts that are dead."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import aioxide
from aioxide import Limits, Retry
from aioxide.testing import LocalSite
from tests.http.fetching import OK, Crowd, Gate, collected, outcomes
from tests.http.pooling import Until
from tests.servers.raw import Connection, RawServer

pytestmark = pytest.mark.filterwarnings("error")

TOO_MANY = b"HTTP/1.1 429 Slow down\r\ncontent-length: 0\r\nretry-after: %d\r\n\r\n"


# ---- how many ----


@pytest.mark.parametrize("concurrency", [1, 2, 7])
async def test_concurrency_is_exact(client: aioxide.Client, concurrency: int) -> None:
    crowd = Crowd(concurrency)
    with RawServer(crowd) as server:
        results = await client.fetch_all([server.url] * 40, concurrency=concurrency)
    assert outcomes(results) == [200] * 40
    assert crowd.most == concurrency


async def test_a_client_without_limits_allows_for_as_many(client: aioxide.Client) -> None:
    """More than the hundred connections that it has otherwise."""
    crowd = Crowd(120)
    with RawServer(crowd) as server:
        results = await client.fetch_all([server.url] * 120, concurrency=120)
    assert outcomes(results) == [200] * 120
    assert crowd.most == 120


async def test_limits_that_were_given_hold() -> None:
    crowd = Crowd(3)
    with RawServer(crowd) as server:
        async with aioxide.Client(limits=aioxide.Limits(max_connections=3)) as client:
            results = await client.fetch_all([server.url] * 20, concurrency=10)
    assert outcomes(results) == [200] * 20
    assert crowd.most == 3


async def test_per_host_is_exact(client: aioxide.Client) -> None:
    crowds = [Crowd(3), Crowd(3)]
    with RawServer(crowds[0]) as one, RawServer(crowds[1]) as other:
        urls = [one.url] * 30 + [other.url] * 30
        results = await client.fetch_all(urls, concurrency=50, per_host=3)
    assert outcomes(results) == [200] * 60
    assert [crowd.most for crowd in crowds] == [3, 3]


async def test_per_host_and_in_all(client: aioxide.Client) -> None:
    """Three hosts with two each at most, and four in all: nobody waits for the third host."""
    there, most, lock = 0, 0, threading.Lock()

    def script(connection: Connection) -> None:
        nonlocal there, most
        while True:
            connection.read_head()
            with lock:
                there += 1
                most = max(most, there)
            with lock:
                there -= 1
            connection.send(OK)

    with RawServer(script) as one, RawServer(script) as two, RawServer(script) as three:
        urls = [server.url for server in (one, two, three) for _ in range(40)]
        fetching = client.fetch_all(urls, concurrency=4, per_host=2)
        results = await fetching
    assert outcomes(results) == [200] * 120
    assert most <= 4
    statistics = fetching.statistics()
    assert {host.done for host in statistics.hosts.values()} == {40}


async def test_a_host_with_many_urls_does_not_hold_up_the_next(
    client: aioxide.Client, site: LocalSite, until: Until
) -> None:
    gate = Gate()
    with RawServer(gate) as server:
        urls = [server.url] * 300 + [f"{site.url}/bytes/{n}" for n in range(20)]
        results = aiter(client.fetch_all(urls, concurrency=10, per_host=5))
        first = [await anext(results) for _ in range(20)]
        assert [result.index for result in sorted(first, key=lambda result: result.index)] == list(
            range(300, 320)
        )
        await until(lambda: len(gate.targets) >= 5)
        assert len(gate.targets) == 5
        gate.open()
        assert len(await collected(results)) == 300


async def test_auto(site: LocalSite) -> None:
    fetching = aioxide.fetch_all([f"{site.url}/bytes/{n % 50}" for n in range(600)], concurrency="auto")
    results = await fetching
    assert outcomes(results) == [200] * 600
    statistics = fetching.statistics()
    assert statistics.decisions is not None
    assert set(statistics.decisions) == {
        "grown",
        "timeouts",
        "refusals",
        "failures",
        "latency",
        "held",
        "highest",
    }
    assert 1 <= statistics.concurrency <= statistics.decisions["highest"] <= 1000
    [host] = statistics.hosts.values()
    assert 1 <= host.concurrency <= 1000


async def test_auto_keeps_to_per_host(client: aioxide.Client) -> None:
    crowd = Crowd(2)
    with RawServer(crowd) as server:
        results = await client.fetch_all([server.url] * 60, concurrency="auto", per_host=2)
    assert outcomes(results) == [200] * 60
    assert crowd.most == 2


async def test_waiting_for_a_connection_is_no_timeout() -> None:
    """A client with fewer connections than requests in flight: those who wait for one do not fail."""
    crowd = Crowd(2)
    async with aioxide.Client(limits=Limits(2)) as client:
        with RawServer(crowd) as server:
            results = await client.fetch_all([server.url] * 30, concurrency=10)
    assert outcomes(results) == [200] * 30
    assert crowd.most == 2


# ---- how often ----


class Clock:
    """A script that notes when requests come."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, connection: Connection) -> None:
        while True:
            connection.read_head()
            self.times.append(time.monotonic())
            connection.send(OK)


def least(times: list[float], count: int) -> float:
    """The shortest time in which so many came."""
    times = sorted(times)
    return min(last - first for first, last in zip(times, times[count - 1 :], strict=False))


async def test_rate_is_for_all_hosts(client: aioxide.Client) -> None:
    clocks = [Clock(), Clock()]
    with RawServer(clocks[0]) as one, RawServer(clocks[1]) as other:
        urls = [one.url, other.url] * 10
        assert outcomes(await client.fetch_all(urls, rate=50)) == [200] * 20
    times = clocks[0].times + clocks[1].times
    # 19 intervals of 20 ms, of which 10 ms can be caught up. However slow the machine, it is not less in all.
    assert max(times) - min(times) >= 19 * 0.02 - 0.01 - 0.05


async def test_per_host_rate_is_for_one(client: aioxide.Client, site: LocalSite) -> None:
    clock = Clock()
    with RawServer(clock) as slow:
        urls = [slow.url] * 10 + [f"{site.url}/json"] * 5
        fetching = client.fetch_all(urls, per_host_rate=40)
        assert outcomes(await fetching) == [200] * 15
    assert max(clock.times) - min(clock.times) >= 9 * 0.025 - 0.01 - 0.05


async def test_retries_count_for_the_rate(client: aioxide.Client, fresh_site: LocalSite) -> None:
    begin = time.monotonic()
    [result] = await client.fetch_all(
        [f"{fresh_site.url}/flaky/rated/4"], rate=20, retries=Retry(4, backoff=0, jitter=False)
    )
    assert result.attempts == 5
    assert time.monotonic() - begin >= 4 * 0.05 - 0.01


# ---- retries ----


async def test_retries(client: aioxide.Client, fresh_site: LocalSite) -> None:
    urls = [f"{fresh_site.url}/flaky/{n}/{n}" for n in range(5)]
    fetching = client.fetch_all(urls, retries=Retry(3, backoff=0))
    results = await fetching
    assert outcomes(results) == [200, 200, 200, 200, 503]
    assert [result.attempts for result in results] == [1, 2, 3, 4, 4]
    assert fresh_site.statistics()["requests_begun"] == 14
    statistics = fetching.statistics()
    [host] = statistics.hosts.values()
    assert (statistics.retried, host.retried) == (9, 9)
    assert (statistics.done, host.done, statistics.failed) == (5, 5, 0)


async def test_retries_of_the_client(fresh_site: LocalSite) -> None:
    async with aioxide.Client(retries=Retry(2, backoff=0)) as client:
        urls = [f"{fresh_site.url}/flaky/client/2"]
        assert outcomes(await client.fetch_all(urls)) == [200]
        assert outcomes(await client.fetch_all([f"{fresh_site.url}/flaky/none/1"], retries=0)) == [503]


async def test_posts_are_not_retried(client: aioxide.Client, fresh_site: LocalSite) -> None:
    items = [("POST", f"{fresh_site.url}/flaky/post/1"), ("PUT", f"{fresh_site.url}/flaky/put/1")]
    results = await client.fetch_all(items, retries=Retry(2, backoff=0), content=b"body")
    assert outcomes(results) == [503, 200]
    assert [seen.body_length for seen in fresh_site.requests()] == [4, 4, 4]


async def test_who_waits_for_a_retry_holds_up_nobody(client: aioxide.Client, fresh_site: LocalSite) -> None:
    urls = [f"{fresh_site.url}/flaky/slow/1?retry-after=1"] + [f"{fresh_site.url}/json"] * 10
    fetching = client.fetch_all(urls, concurrency=1, retries=Retry(1))
    # A 503 with a Retry-After is a rest of the whole host; without one of this request.
    urls[0] = f"{fresh_site.url}/flaky/slow/1"
    order = [
        result.index
        async for result in client.fetch_all(urls, concurrency=1, retries=Retry(1, backoff=0.3, jitter=False))
    ]
    assert order == [*range(1, 11), 0]
    await fetching.aclose()


# ---- rests ----


async def test_429_lets_that_host_rest(client: aioxide.Client, site: LocalSite) -> None:
    """The one that refuses gets nothing while the others are served, and everything afterwards."""
    heads: list[float] = []
    first = threading.Lock()

    def script(connection: Connection) -> None:
        while True:
            connection.read_head()
            heads.append(time.monotonic())
            connection.send(TOO_MANY % 1 if first.acquire(blocking=False) else OK)

    with RawServer(script) as busy:
        urls = [busy.url] * 5 + [f"{site.url}/bytes/{n}" for n in range(60)]
        fetching = client.fetch_all(urls, concurrency=10, per_host=1)
        order = [result.index async for result in fetching]
    assert order[:61] == [0, *range(5, 65)] or sorted(order[:61]) == [0, *range(5, 65)]
    assert len(heads) == 5
    assert heads[1] - heads[0] >= 0.95


async def test_after_a_429_there_are_half_as_many(client: aioxide.Client) -> None:
    """Eight at once are refused once: after the rest there are four, and one more each time that all came."""
    refused = threading.Barrier(8)
    after: list[int] = []
    lock = threading.Lock()
    there = 0

    def script(connection: Connection) -> None:
        nonlocal there
        connection.read_head()
        refused.wait(10)
        connection.send(TOO_MANY % 1)
        while True:
            connection.read_head()
            with lock:
                there += 1
                after.append(there)
            time.sleep(0.02)
            with lock:
                there -= 1
            connection.send(OK)

    def later(connection: Connection) -> None:
        nonlocal there
        while True:
            connection.read_head()
            with lock:
                there += 1
                after.append(there)
            time.sleep(0.02)
            with lock:
                there -= 1
            connection.send(OK)

    with RawServer(*[script] * 8, later) as server:
        results = await client.fetch_all([server.url] * 60, concurrency=8)
    assert outcomes(results).count(429) == 8
    assert max(after[:4]) <= 4
    assert max(after) <= 8


async def test_503_without_retry_after_is_no_rest(client: aioxide.Client, site: LocalSite) -> None:
    urls = [f"{site.url}/status/503"] * 20
    begin = time.monotonic()
    assert outcomes(await client.fetch_all(urls, retries=0)) == [503] * 20
    assert time.monotonic() - begin < 20


# ---- hosts that are dead ----


@pytest.fixture
def deaf() -> Iterator[str]:
    """A listener that never accepts, and whose queue is full: who connects hears nothing."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for other in (first, second):
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


async def test_a_dead_host_holds_up_nobody(client: aioxide.Client, site: LocalSite, deaf: str) -> None:
    urls = [deaf] * 200 + [f"{site.url}/bytes/{n % 9}" for n in range(200)]
    fetching = client.fetch_all(
        urls, concurrency=16, per_host=8, timeout=aioxide.Timeout(connect=0.3), retries=0
    )
    served = 0
    async for result in fetching:
        if result.ok:
            served += 1
            if served == 200:
                break
    statistics = fetching.statistics()
    dead = statistics.hosts[deaf.rstrip("/")]
    # Eight were on their way before it was known; one at a time is tried after that.
    assert dead.done <= 60
    assert dead.done == dead.failed


async def test_hosts_that_refuse_connections(client: aioxide.Client, site: LocalSite) -> None:
    urls = [f"http://127.0.0.1:{port}/" for port in range(1, 30)] + [f"{site.url}/json"] * 30
    results = await client.fetch_all(urls, concurrency=8, retries=0)
    assert outcomes(results) == [aioxide.ConnectError] * 29 + [200] * 30


async def test_a_host_that_comes_back(client: aioxide.Client, until: Until) -> None:
    """It hangs up on the first ones, and answers then."""
    left = 5
    lock = threading.Lock()

    def script(connection: Connection) -> None:
        nonlocal left
        connection.read_head()
        with lock:
            left -= 1
            if left >= 0:
                return
        connection.send(OK)
        while True:
            connection.read_head()
            connection.send(OK)

    with RawServer(script) as server:
        results = await client.fetch_all([server.url] * 40, concurrency=5, retries=Retry(6, backoff=0))
    assert outcomes(results) == [200] * 40
    assert sum(result.attempts - 1 for result in results) == 5


# ---- statistics ----


async def test_statistics_add_up(client: aioxide.Client, site: LocalSite) -> None:
    urls: list[Any] = [f"{site.url}/bytes/{n}" for n in range(50)]
    urls += ["nonsense"] * 3 + ["http://127.0.0.1:1/"] * 4
    fetching = client.fetch_all(
        urls, retries=0, concurrency=5, parse=lambda response: 1 // len(response.content)
    )
    seen = []
    async for _ in fetching:
        now = fetching.statistics()
        seen.append(now.done)
        assert now.in_flight <= now.concurrency == 5
        assert sum(host.in_flight for host in now.hosts.values()) == now.in_flight
        assert sum(host.queued for host in now.hosts.values()) == now.queued
    assert seen == sorted(seen)
    end = fetching.statistics()
    assert (end.done, end.finished, end.in_flight, end.queued) == (57, True, 0, 0)
    # One body is empty, which `parse` does not like.
    assert end.failed == 3 + 4 + 1
    assert end.bytes == sum(range(50))
    assert set(end.hosts) == {site.url, "http://127.0.0.1:1"}
    assert [end.hosts[site.url].done, end.hosts[site.url].failed] == [50, 0]
    assert [end.hosts["http://127.0.0.1:1"].done, end.hosts["http://127.0.0.1:1"].failed] == [4, 4]
    assert end.hosts[site.url].bytes == end.bytes
    assert end.p50 is not None
    assert end.p90 is not None
    assert end.p99 is not None
    assert 0 < end.p50 <= end.p90 <= end.p99 <= end.elapsed
    assert end.rate == pytest.approx(57 / end.elapsed)
    await asyncio.sleep(0)
    # The clock has stopped.
    later = fetching.statistics()
    assert later.elapsed == end.elapsed
    assert end.decisions is None


async def test_a_host_that_is_dead_from_the_beginning_holds_up_nobody(
    site: LocalSite, client: aioxide.Client
) -> None:
    """It comes first, with more URLs than may be in flight; the others are done while it is still silent."""
    gate = Gate()
    with RawServer(gate) as dead:
        urls = [dead.url] * 500 + [f"{site.url}/bytes/{n}" for n in range(100)]
        # A source whose end is not known.
        fetching = client.fetch_all(iter([*urls, *urls[500:] * 3]), concurrency=20, timeout=60)
        done = 0
        async for result in fetching:
            assert result.url != dead.url
            done += 1
            if done == 400:
                break
        await fetching.aclose()
        gate.open()
