"""Testing: a pytest-asyncio suite on a real server, which ends in a moment because nothing in it sleeps.

With ``asyncio_mode = "auto"``, tests and fixtures may be coroutines without a mark. ``LocalSite`` is an HTTP
server inside the test's process, with routes for what goes wrong as well. What has to have happened is waited
for, with an event, ``statistics()`` or the site's ``wait_...``, and every wait has a limit.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

import aioxide
from aioxide.testing import LocalSite

# ---- what is to be tested ----


async def stock(client: aioxide.Client, numbers: list[int]) -> int:
    """Count the copies of some books; a book that does not exist has none."""
    requests = [client.get(f"/site/api/item/{number}") for number in numbers]
    responses = await aioxide.gather(*requests, limit=10)
    return sum(response.json()["stock"] for response in responses if response.status_code != 404)


# ---- what it is tested with ----


@pytest.fixture
def site() -> Iterator[LocalSite]:
    """Serve the site; a request that it could not make sense of fails the test."""
    with LocalSite(pages=100) as site:
        yield site


@pytest.fixture
async def client(site: LocalSite) -> AsyncIterator[aioxide.Client]:
    """Give a client of the site, on the test's loop."""
    async with aioxide.Client(base_url=site.url, timeout=5) as client:
        yield client


# ---- the tests ----


async def test_a_result(client: aioxide.Client) -> None:
    """Await what is tested, and look at what comes."""
    one, two = await stock(client, [1]), await stock(client, [2])
    assert await stock(client, [1, 2, 1000]) == one + two


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/broken/gzip", aioxide.DecodingError),
        ("/truncated/100", aioxide.RemoteProtocolError),
        ("/redirect/loop", aioxide.TooManyRedirects),
    ],
)
async def test_an_error(client: aioxide.Client, path: str, expected: type[Exception]) -> None:
    """Meet an error that a real server makes."""
    with pytest.raises(expected):
        await client.get(path)


async def test_a_timeout_leaves_nothing_behind(client: aioxide.Client, site: LocalSite) -> None:
    """See from the server that what ran out of time was stopped."""
    with pytest.raises(TimeoutError):
        await aioxide.wait_for(client.get("/hang"), timeout=0.02)
    await site.wait_aborted(1)


async def test_who_waits_for_a_lock_gets_it_next() -> None:
    """Wait until something is so, not for a while: ``statistics`` tells who waits."""
    lock = aioxide.Lock()
    order: list[str] = []

    async def enter(name: str) -> None:
        async with lock:
            order.append(name)

    async with aioxide.timeout(5), aioxide.TaskGroup() as group, lock:
        for count, name in enumerate(["first", "second"], 1):
            group.create_task(enter(name))
            while lock.statistics()["waiting"] < count:
                await aioxide.sleep(0)
    assert order == ["first", "second"]


async def test_a_background_task() -> None:
    """Let the task tell when it is where it is wanted, and end it before the test ends."""
    started = aioxide.Event()
    jobs: aioxide.Queue[int] = aioxide.Queue()

    async def serve() -> int:
        started.set()
        return sum([job async for job in jobs])

    task = asyncio.create_task(serve())
    async with aioxide.timeout(5):
        await started.wait()
        await jobs.put_many([1, 2, 3])
        jobs.shutdown()
        assert await task == 6


if __name__ == "__main__":
    # Leaves no files behind: neither pytest's cache nor the compiled test.
    sys.dont_write_bytecode = True
    sys.exit(pytest.main([__file__, "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]))
