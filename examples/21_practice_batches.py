"""Practice: work in batches where a batch is cheaper, and at a steady width where it is not.

Batches of requests that wait for their slowest are no gain: ``gather(limit=)`` and ``amap`` start the next
one as soon as any has ended. Writes are the other way about: ``get_many`` collects what many tasks write at
the same time, and one transaction serves them all.
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aioxide
from aioxide.testing import LocalSite

Saved = tuple[int, "asyncio.Future[None]"]


async def steady(client: aioxide.Client) -> None:
    """Every tenth request is slow; only a fixed batch makes the other nine wait for it."""
    paths = [f"/delay/{30 if number % 10 == 0 else 1}" for number in range(60)]
    loop = asyncio.get_running_loop()

    begin = loop.time()
    for first in range(0, len(paths), 10):
        await aioxide.gather(*map(client.get, paths[first : first + 10]))
    batches = loop.time() - begin

    begin = loop.time()
    await aioxide.gather(*map(client.get, paths), limit=10)
    print(f"60 requests, ten at a time: quicker at a steady width: {loop.time() - begin < batches}")


class Writer:
    """Saves numbers; whoever saves one waits until it is on the disk, together with all who do so now."""

    def __init__(self, path: Path) -> None:
        self.transactions = 0
        self._queue: aioxide.Queue[Saved] = aioxide.Queue(maxsize=1000)
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.execute("CREATE TABLE number (value INTEGER)")

    async def save(self, value: int) -> None:
        """Wait until the value is written."""
        saved = asyncio.get_running_loop().create_future()
        await self._queue.put((value, saved))
        await saved

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write in the background; at the end of the block, write the rest and close."""
        async with aioxide.TaskGroup() as group:
            group.create_task(self._run())
            yield
            self._queue.shutdown()
        self._database.close()

    async def _run(self) -> None:
        while True:
            try:
                batch = await self._queue.get_many(100, within=0.005)
            except aioxide.QueueShutDown:
                return
            await aioxide.to_thread(self._insert, [(value,) for value, _ in batch])
            self.transactions += 1
            for _, saved in batch:
                # Whoever waited may have been cancelled.
                if not saved.done():
                    saved.set_result(None)

    def _insert(self, values: list[tuple[int]]) -> None:
        with self._database:
            self._database.executemany("INSERT INTO number VALUES (?)", values)

    def count(self) -> int:
        """Count what was written."""
        return int(self._database.execute("SELECT count(*) FROM number").fetchone()[0])


async def main(site: str, folder: Path) -> None:
    """Fetch at a steady width; write in batches."""
    async with aioxide.Client(base_url=site) as client:
        await steady(client)
    writer = Writer(folder / "numbers.db")
    async with writer.running():
        await aioxide.gather(*(writer.save(value) for value in range(500)))
        print(f"{writer.count()} rows saved by as many tasks, in {writer.transactions} transactions")


if __name__ == "__main__":
    with LocalSite() as site, tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(site.url, Path(folder)))
