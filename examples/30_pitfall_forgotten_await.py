"""Pitfall: a forgotten ``await``. What was called has not begun, and what was to be a result is a coroutine.

Python warns when such a coroutine is dropped. aioxide's operations are as lazy as coroutines and warn in the
same way, so that a forgotten ``lock.acquire()`` or ``client.get()`` is noticed as well. Tests should turn
the warning into an error: ``filterwarnings = ["error"]`` for pytest, ``python -W error`` for a program.
"""

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import aioxide
from aioxide.testing import LocalSite


async def fetch_year(client: aioxide.Client, number: int) -> int:
    """Fetch the year in which a book appeared."""
    return int((await client.get(f"/site/api/item/{number}")).json()["year"])


@contextmanager
def noted() -> Iterator[None]:
    """Print the warnings of a block, which by themselves would go to stderr."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        print(f"  {warning.category.__name__}: {str(warning.message).splitlines()[0]}")


async def main(site: LocalSite) -> None:
    """Forget three awaits, and then none."""
    lock = aioxide.Lock()
    async with aioxide.Client(base_url=site.url) as client:
        print("a coroutine of one's own:")
        with noted():
            fetch_year(client, 1)  # type: ignore[unused-coroutine]

        print("a request:")
        with noted():
            client.get("/site/api/item/1")
        print(f"  requests that the site has seen: {site.statistics()['requests_begun']}")

        print("a lock, after which nothing is locked:")
        with noted():
            lock.acquire()
        print(f"  locked: {lock.locked()}")

        print("a result that is none:")
        year = fetch_year(client, 1)
        try:
            print(year + 1)  # type: ignore[operator]
        except TypeError as error:
            print(f"  TypeError: {error}")
        # Awaited late is awaited.
        print(f"awaited: {await year}")
        async with lock:
            print(f"and locked: {lock.locked()}")


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site))
