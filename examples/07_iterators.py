"""Iterators: ``async for`` over pages, over a function's results, over a queue, and over time.

asyncio has the syntax and little to use it on. aioxide adds ``amap``, which keeps a number of calls going and
draws on its source only as they end; queues that are iterated until they are shut down; and ``interval``,
which keeps time however long each turn takes.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aioxide
from aioxide.testing import LocalSite


async def pages(client: aioxide.Client, first: int, last: int) -> AsyncIterator[str]:
    """Give the titles of pages one by one: a page is asked for when it is wanted."""
    for number in range(first, last):
        response = await client.get(f"/site/page/{number}")
        yield response.text.partition("<title>")[2].partition("</title>")[0]


async def over_a_function(client: aioxide.Client) -> None:
    """``amap`` calls ``year`` for five books at a time; of the million in ``numbers`` it takes few."""
    taken = 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for number in range(1_000_000):
            taken += 1
            yield number

    async def year(number: int) -> int:
        return int((await client.get(f"/site/api/item/{number}")).json()["year"])

    years = []
    results = aioxide.amap(year, numbers(), limit=5)
    async for result in results:
        years.append(result)
        if len(years) == 20:
            break
    await results.aclose()
    print(f"{len(years)} years, from {min(years)} to {max(years)}; not many more were begun: {taken < 30}")


async def over_a_queue() -> None:
    """Whoever puts things in says when that was all; the loop at the other end is then over."""
    queue: aioxide.Queue[str] = aioxide.Queue(maxsize=2)

    async def write() -> None:
        await queue.put_many(["the", "quick", "brown", "fox"])
        queue.shutdown()

    async with aioxide.TaskGroup() as group:
        group.create_task(write())
        print(" ".join([word async for word in queue]))


async def over_time() -> None:
    """Tick a hundred times a second, though half of the time goes into what is done at each tick."""
    loop = asyncio.get_running_loop()
    begin, ticks = loop.time(), 0
    async for _ in aioxide.interval(0.01):
        ticks += 1
        await aioxide.sleep(0.005)
        if ticks == 10:
            break
    print(f"{ticks} ticks, {ticks / (loop.time() - begin):.0f} a second")


async def main(site: str) -> None:
    """Iterate over four things."""
    async with aioxide.Client(base_url=site) as client:
        async for title in pages(client, 7, 9):
            print(title)
        await over_a_function(client)
    await over_a_queue()
    await over_time()


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site.url))
