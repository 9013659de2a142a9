"""`fetch_all`: leaving it, in whatever way, stops everything in flight at once."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.conftest import Script
from tests.http.accounting import is_at_rest
from tests.http.fetching import collected
from tests.http.pooling import Until

pytestmark = pytest.mark.filterwarnings("error")


class LeaveError(Exception):
    pass


def urls(site: LocalSite) -> list[str]:
    """One that is answered, and many that are not."""
    return [f"{site.url}/json"] + [f"{site.url}/hang"] * 30


Begun = Callable[[], Awaitable[None]]
Way = Callable[[aioxide.FetchAll, Begun], Awaitable[None]]


async def breaks(fetching: aioxide.FetchAll, begun: Begun) -> None:
    async for _ in fetching:
        await begun()
        break


async def breaks_out_of_batches(fetching: aioxide.FetchAll, begun: Begun) -> None:
    batches = fetching.batches(10, within=0)
    async for _ in batches:
        await begun()
        break
    # Kept alive by nobody but this.
    assert batches is not None


async def raises(fetching: aioxide.FetchAll, begun: Begun) -> None:
    try:
        async for _ in fetching:
            await begun()
            raise LeaveError
    except LeaveError:
        pass


async def closes(fetching: aioxide.FetchAll, begun: Begun) -> None:
    results = aiter(fetching)
    await anext(results)
    await begun()
    await fetching.aclose()
    await fetching.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(results)


async def closes_from_elsewhere(fetching: aioxide.FetchAll, begun: Begun) -> None:
    task = asyncio.ensure_future(collected(fetching))
    await begun()
    await fetching.aclose()
    assert len(await task) <= 1


async def leaves_async_with(fetching: aioxide.FetchAll, begun: Begun) -> None:
    async with fetching as same:
        assert same is fetching
        results = aiter(fetching)
        await anext(results)
        await begun()
    with pytest.raises(StopAsyncIteration):
        await anext(results)


async def is_cancelled(fetching: aioxide.FetchAll, begun: Begun) -> None:
    task = asyncio.ensure_future(collected(fetching))
    await begun()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def is_cancelled_as_it_is_awaited(fetching: aioxide.FetchAll, begun: Begun) -> None:
    async def awaits() -> None:
        await fetching

    task = asyncio.ensure_future(awaits())
    await begun()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def drops(fetching: aioxide.FetchAll, begun: Begun) -> None:
    results = aiter(fetching)
    await anext(results)
    await begun()
    del results


WAYS = [
    breaks,
    breaks_out_of_batches,
    raises,
    closes,
    closes_from_elsewhere,
    leaves_async_with,
    is_cancelled,
    is_cancelled_as_it_is_awaited,
    drops,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("executor", [False, True])
async def test_all_is_closed(
    fresh_site: LocalSite, client: aioxide.Client, way: Way, executor: bool, until: Until
) -> None:
    with ThreadPoolExecutor(1) as pool:
        options: dict[str, Any] = {"parse": len_of, "executor": pool} if executor else {}
        fetching = client.fetch_all(urls(fresh_site), concurrency=10, retries=3, **options)

        async def begun() -> None:
            await fresh_site.wait_begun(11)
            await fresh_site.wait_finished(1)

        await way(fetching, begun)
        await fresh_site.wait_aborted(10)
        # Nothing was begun after it, and nothing is.
        await until(lambda: is_at_rest(client))
        counts = fresh_site.statistics()
        assert (counts["requests_begun"], counts["requests_finished"]) == (11, 1)
        # It is known to be over, though it is still there.
        statistics = fetching.statistics()
        assert (statistics.in_flight, statistics.queued, statistics.finished) == (0, 0, True)
        assert (await client.get(f"{fresh_site.url}/json")).ok
    assert len(await client.fetch_all([f"{fresh_site.url}/json"] * 20)) == 20


@pytest.mark.parametrize("how", ["loop", "thread", "shut down"])
async def test_who_keeps_a_failed_result_keeps_nothing_in_flight(fresh_site: LocalSite, how: str) -> None:
    """The error that `parse` raised has a traceback, which must not lead to who called it."""
    with ThreadPoolExecutor(1) as pool:
        if how == "shut down":
            pool.shutdown()
        options: dict[str, Any] = {} if how == "loop" else {"executor": pool}
        fetching = aioxide.fetch_all(urls(fresh_site), concurrency=10, parse=fails, **options)
        kept = []
        async for result in fetching:
            kept.append(result)
            await fresh_site.wait_begun(11)
            break
        # At once, and not when their timeout is over.
        statistics = fetching.statistics()
        assert (statistics.in_flight, statistics.finished) == (0, True)
        await fresh_site.wait_aborted(10)
        assert isinstance(kept[0].error, RuntimeError if how == "shut down" else LeaveError)


def fails(response: aioxide.Response) -> None:
    raise LeaveError


def len_of(response: aioxide.Response) -> int:
    return len(response.content)


async def test_no_result_comes_after_aclose(site: LocalSite, client: aioxide.Client, until: Until) -> None:
    fetching = client.fetch_all([f"{site.url}/json"] * 40)
    results = aiter(fetching)
    await anext(results)
    await until(lambda: fetching.statistics().done == 40)
    await anext(results)
    await fetching.aclose()
    assert await collected(results) == []
    with pytest.raises(RuntimeError, match="closed"):
        aiter(fetching)


async def test_closed_before_it_was_begun(site: LocalSite, client: aioxide.Client) -> None:
    fetching = client.fetch_all([f"{site.url}/json"])
    await fetching.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await fetching


@pytest.mark.parametrize("executor", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
async def test_who_gives_up_waiting_loses_nothing(
    site: LocalSite, client: aioxide.Client, ordered: bool, executor: bool
) -> None:
    with ThreadPoolExecutor(1) as pool:
        options: dict[str, Any] = {"parse": len_of, "executor": pool} if executor else {}
        urls = [f"{site.url}/delay/{n % 3}" for n in range(60)]
        results = aiter(client.fetch_all(urls, concurrency=3, ordered=ordered, **options))
        taken = []
        given_up = 0
        while len(taken) < 60:
            waits = asyncio.ensure_future(anext(results))
            for _ in range(given_up % 4):
                await asyncio.sleep(0)
            waits.cancel()
            try:
                taken.append(await waits)
            except asyncio.CancelledError:
                given_up += 1
                if given_up % 3 == 0:
                    taken.append(await anext(results))
    assert given_up
    assert sorted(result.index for result in taken) == list(range(60))
    assert not ordered or [result.index for result in taken] == list(range(60))


async def test_a_batch_that_is_given_up_loses_nothing(
    site: LocalSite, client: aioxide.Client, until: Until
) -> None:
    fetching = client.fetch_all([f"{site.url}/json"] * 3 + [f"{site.url}/hang"])
    batches = aiter(fetching.batches(4))
    for _ in range(3):
        waits = asyncio.ensure_future(anext(batches))
        await until(lambda: fetching.statistics().done == 3)
        for _ in range(5):
            await asyncio.sleep(0)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
    del batches, waits


async def test_a_client_closed_meanwhile(fresh_site: LocalSite) -> None:
    client = aioxide.Client()
    source = (url for url in [f"{fresh_site.url}/json", *[f"{fresh_site.url}/hang"] * 1000])
    results = aiter(client.fetch_all(source, concurrency=5))
    assert (await anext(results)).ok
    await fresh_site.wait_begun(6)
    await client.aclose()
    errors: list[type] = []

    async def take() -> None:
        async for result in results:
            errors.append(type(result.error))

    with pytest.raises(RuntimeError, match="closed"):
        await take()
    assert 0 < len(errors) < 1000
    assert set(errors) == {aioxide.CloseError}
    # It said so once.
    with pytest.raises(StopAsyncIteration):
        await anext(results)
    await fresh_site.wait_aborted(5)
    with pytest.raises(RuntimeError, match="closed"):
        await client.fetch_all([f"{fresh_site.url}/json"])


@pytest.mark.parametrize("executor", [False, True])
async def test_nothing_keeps_it_alive(site: LocalSite, client: aioxide.Client, executor: bool) -> None:
    with ThreadPoolExecutor(1) as pool:
        options: dict[str, Any] = {"parse": len_of, "executor": pool} if executor else {}
        fetching = client.fetch_all([f"{site.url}/json"] * 3, **options)
        results = aiter(fetching)
        refs = [weakref.ref(fetching), weakref.ref(results)]
        await anext(results)
        gc.disable()
        try:
            del fetching, results
            await asyncio.sleep(0)
            assert [ref() for ref in refs] == [None, None]
        finally:
            gc.enable()


def test_a_loop_that_ends_with_it(site: LocalSite) -> None:
    async def main() -> Any:
        client = aioxide.Client()
        task = asyncio.ensure_future(collected(client.fetch_all([f"{site.url}/hang"] * 3)))
        results = aiter(client.fetch_all([f"{site.url}/json", f"{site.url}/hang"]))
        await anext(results)
        await client.aclose()
        return task, results

    task, results = asyncio.run(main())
    assert task.done()
    del task, results


def test_a_fork(site: LocalSite, script: Script, fork_source: str) -> None:
    """The child can drop what it has, is told that it is not its own, and can fetch for itself."""
    script.works(
        fork_source
        + """
import asyncio, sys, warnings
import aioxide
warnings.simplefilter("ignore")
url = sys.argv[1]

async def main():
    global kept
    client = aioxide.Client()
    fetching = client.fetch_all([url + "/json", url + "/hang", url + "/hang"])
    results = aiter(fetching)
    assert (await anext(results)).ok
    kept = [client, fetching, results]

asyncio.Runner().run(main())

def child():
    client, fetching, results = kept
    assert "parent" in repr(fetching), repr(fetching)
    for act in (fetching.statistics, lambda: asyncio.run(next_of(results))):
        try:
            act()
        except RuntimeError as error:
            assert "fork" in str(error), error
        else:
            raise AssertionError(act)
    del client, fetching, results
    kept.clear()

    async def again():
        return await aioxide.fetch_all([url + "/json"] * 3)

    assert all(result.ok for result in asyncio.run(again()))

async def next_of(results):
    return await anext(results)

fork(child)
""",
        site.url,
    )


@pytest.mark.parametrize("how", ["iterated", "awaited", "left"])
async def test_connections_of_its_own_are_closed_in_the_end(
    fresh_site: LocalSite, until: Until, how: str
) -> None:
    """Also where it is kept, for its statistics."""
    fetching = aioxide.fetch_all([f"{fresh_site.url}/bytes/{n}" for n in range(20)], concurrency=5)
    if how == "awaited":
        await fetching
    else:
        async for _ in fetching:
            if how == "left":
                break
        if how == "left":
            await fetching.aclose()
    await until(lambda: fresh_site.statistics()["connections_open"] == 0)
    assert fetching.statistics().done >= 1
