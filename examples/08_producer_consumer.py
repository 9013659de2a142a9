"""Producers and consumers: book numbers go in, pages are fetched, and rows are written in batches.

Two queues, and no sentinels: ``shutdown`` ends each ``async for`` when its queue has run empty, on every
Python. ``join`` waits for what was taken to be done, as asyncio's does. ``get_many`` takes what is there,
up to a number, so that the writer pays for one transaction instead of fifty.
"""

import asyncio
import sqlite3

import aioxide
from aioxide.testing import LocalSite

BATCH = 50

Row = tuple[int, str, float]


async def produce(jobs: aioxide.Queue[int], numbers: range) -> None:
    """Put numbers in; a full queue makes this wait."""
    for number in numbers:
        await jobs.put(number)


async def fetch(client: aioxide.Client, jobs: aioxide.Queue[int], rows: aioxide.Queue[Row]) -> None:
    """Make rows of numbers, until the numbers are shut down and used up."""
    async for number in jobs:
        book = (await client.get(f"/site/api/item/{number}")).raise_for_status().json()
        await rows.put((number, book["title"], book["price"]))
        jobs.task_done()


async def write(rows: aioxide.Queue[Row], database: sqlite3.Connection) -> int:
    """Write rows in batches, and give the number of batches."""
    batches = 0
    while True:
        try:
            # At least one row, and whatever else comes within a hundredth of a second.
            batch = await rows.get_many(BATCH, within=0.01)
        except aioxide.QueueShutDown:
            return batches
        await aioxide.to_thread(insert, database, batch)
        batches += 1


def insert(database: sqlite3.Connection, batch: list[Row]) -> None:
    """Insert a batch in one transaction."""
    with database:
        database.executemany("INSERT INTO book VALUES (?, ?, ?)", batch)


async def main(site: str, database: sqlite3.Connection) -> None:
    """Run two producers, five consumers and a writer; each ends by itself."""
    jobs: aioxide.Queue[int] = aioxide.Queue(maxsize=10)
    rows: aioxide.Queue[Row] = aioxide.Queue(maxsize=200)
    async with aioxide.Client(base_url=site) as client, aioxide.TaskGroup() as group:
        writer = group.create_task(write(rows, database))
        for _ in range(5):
            group.create_task(fetch(client, jobs, rows))
        await aioxide.gather(produce(jobs, range(150)), produce(jobs, range(150, 300)))
        jobs.shutdown()
        await jobs.join()
        rows.shutdown()

    count, worth = database.execute("SELECT count(*), sum(price) FROM book").fetchone()
    print(f"{count} books, worth {worth:,.2f}; fewer batches than books: {writer.result() < count}")
    left = jobs.statistics()
    print(f"left behind: {left['size']} jobs, {left['getting']} consumers, {left['unfinished']} unfinished")


if __name__ == "__main__":
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT, price REAL)")
    with LocalSite() as site:
        asyncio.run(main(site.url, connection))
    connection.close()
