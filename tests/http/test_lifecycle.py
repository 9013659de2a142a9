"""Clients that come and go: what they leave behind, and what becomes of what is on its way."""

import asyncio
import gc
import os
import threading
import warnings
from pathlib import Path

import pytest

import aioxide
from aioxide import Limits
from aioxide.testing import LocalSite
from tests.http.pooling import Until, begin, linux, state
from tests.servers.counting import Counting
from tests.servers.raw import RawServer, silence

CLIENTS = 1000

procfs = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@procfs
def test_a_thousand_clients_that_were_closed_leave_no_fd(fresh_site: LocalSite) -> None:
    async def main() -> int:
        async with aioxide.Client() as client:
            await client.get(f"{fresh_site.url}/json")
        await fresh_site.wait_open(0)
        before = open_files()
        for _ in range(CLIENTS // 50):
            clients = [aioxide.Client(verify="bundled", trust_env=False) for _ in range(50)]
            await asyncio.gather(*[client.get(f"{fresh_site.url}/json") for client in clients])
            await asyncio.gather(*[client.aclose() for client in clients])
        await fresh_site.wait_open(0)
        return open_files() - before

    assert asyncio.run(main()) == 0
    assert fresh_site.statistics()["connections_opened"] == CLIENTS + 1


@procfs
def test_a_thousand_clients_that_were_dropped_leave_no_fd_and_warn(fresh_site: LocalSite) -> None:
    async def main() -> int:
        async with aioxide.Client() as client:
            await client.get(f"{fresh_site.url}/json")
        await fresh_site.wait_open(0)
        before = open_files()
        for _ in range(CLIENTS // 50):
            clients = [aioxide.Client(verify="bundled", trust_env=False) for _ in range(50)]
            await asyncio.gather(*[client.get(f"{fresh_site.url}/json") for client in clients])
            del clients
        gc.collect()
        await fresh_site.wait_open(0)
        return open_files() - before

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # Fewer: earlier tests left some to the collector.
        assert asyncio.run(main()) <= 0
    unclosed = [warning for warning in caught if "unclosed aioxide.Client" in str(warning.message)]
    assert {warning.category for warning in unclosed} == {ResourceWarning}
    assert len(unclosed) == CLIENTS


async def test_closing_ends_all_that_is_on_its_way(fresh_site: LocalSite, until: Until) -> None:
    with RawServer(silence) as server:
        client = aioxide.Client(limits=Limits(2))
        [held] = begin(client, f"{fresh_site.url}/hang")
        await fresh_site.wait_begun(1)
        [dials] = begin(client, f"https://127.0.0.1:{server.port}/")
        await until(lambda: server.received and server.received[0])
        waiting = begin(client, f"{fresh_site.url}/json", f"https://127.0.0.1:{server.port}/")
        await until(lambda: state(client) == (2, 0, 2))
        await client.aclose()
        outcomes = await asyncio.gather(held, dials, *waiting, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [aioxide.CloseError] * 4
        phases = [getattr(outcome, "phase", None) for outcome in outcomes]
        assert phases[:3] == ["headers", "connect", "pool"]
        await fresh_site.wait_open(0)
        assert fresh_site.statistics()["requests_begun"] == 1
    assert len(server.received) == 1


async def test_closing_ends_a_body_that_is_read(fresh_site: LocalSite) -> None:
    client = aioxide.Client()
    async with client.stream("GET", f"{fresh_site.url}/hang/body") as response:
        reading = asyncio.ensure_future(response.aread())
        await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(aioxide.CloseError):
            await reading
    await fresh_site.wait_open(0)


@linux
def test_loops_and_threads_share_a_client_and_its_limit() -> None:
    """A `Client` on a loop in each of four threads, and a `BlockingClient` in four more, at the same time."""
    each = 60
    with Counting("127.0.0.1") as for_loops, Counting("127.0.0.1") as for_threads:
        client = aioxide.Client(limits=Limits(3))
        blocking = aioxide.BlockingClient(limits=Limits(3))
        texts: list[str] = []
        start = threading.Barrier(8)

        async def many() -> None:
            responses = await asyncio.gather(*begin(client, *[f"{for_loops.urls[0]}/"] * each))
            texts.extend(response.text for response in responses)

        def loop() -> None:
            start.wait()
            asyncio.run(many())

        def plain() -> None:
            start.wait()
            for _ in range(each):
                texts.append(blocking.get(f"{for_threads.urls[0]}/").text)

        threads = [threading.Thread(target=target) for target in (loop, plain) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert texts == ["ok"] * (8 * each)
        now = client.statistics()
        assert now.opened + now.reused == 4 * each
        assert (now.waiting, blocking.statistics().waiting) == (0, 0)
        blocking.close()

        async def close() -> None:
            await client.aclose()

        asyncio.run(close())
    for count in (for_loops, for_threads):
        assert 1 < count.most_open <= 3
        assert len(count.targets) == 4 * each


@linux
def test_a_plain_thread_gets_what_a_request_of_another_gives_back() -> None:
    with Counting("127.0.0.1") as count, aioxide.BlockingClient(limits=Limits(1)) as client:
        answers: list[str] = []
        held = threading.Thread(target=lambda: answers.append(client.get(f"{count.urls[0]}/hold").text))
        held.start()
        waits = threading.Thread(target=lambda: answers.append(client.get(f"{count.urls[0]}/next").text))
        waits.start()
        while client.statistics().waiting == 0:
            assert waits.is_alive()
        count.release()
        held.join()
        waits.join()
        assert answers == ["ok", "ok"]
        assert client.statistics().opened == 1
