"""Many things at once: ``gather`` keeps their order, bounds how many run, and can keep their errors.

``aioxide.gather`` is ``asyncio.gather`` to the program that calls it. Given aioxide's own operations, such
as ``client.get(...)``, it needs no task for each of them.
"""

import asyncio

import aioxide
from aioxide.testing import LocalSite

BOOKS = range(40)


async def fetch_title(client: aioxide.Client, number: int) -> str:
    """Fetch a book's title: a coroutine of one's own is gathered like any other."""
    response = await client.get(f"/site/api/item/{number}")
    title: str = response.raise_for_status().json()["title"]
    return title


async def main(site: str) -> None:
    """Gather operations, coroutines, and failures."""
    async with aioxide.Client(base_url=site) as client:
        responses = await aioxide.gather(*(client.get(f"/site/page/{number}") for number in BOOKS), limit=10)
        print(f"{len(responses)} pages, {sum(len(response.content) for response in responses):,} bytes")

        titles = await aioxide.gather(*(fetch_title(client, number) for number in BOOKS))
        print(f"the first of {len(titles)} titles: {titles[0]}")

        paths = ["/site/api/item/1", "/broken/gzip", "/redirect/loop"]
        outcomes = await aioxide.gather(*map(client.get, paths), return_exceptions=True)
        for path, outcome in zip(paths, outcomes, strict=True):
            print(f"{path}: {outcome!r}")


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site.url))
