"""Pitfall: mixing plain functions and asyncio. There are two doors, and each opens from one side.

From plain code into asyncio: ``asyncio.run``, once, at the top. Between plain threads and a loop: aioxide's
queues and locks, which have a blocking side for threads. asyncio's belong to a loop, and a thread that uses
one corrupts it. On the loop's own thread the blocking side refuses to work, since it would wait for itself.
"""

import asyncio
import sqlite3
import threading

import aioxide
from aioxide.testing import LocalSite

Row = tuple[int, str]


async def fetch_title(url: str) -> str:
    """Fetch a book's title."""
    return str((await aioxide.fetch(url)).raise_for_status().json()["title"])


def title(url: str) -> str:
    """Do the same for callers that know nothing of asyncio. A loop is made, and closed again."""
    return asyncio.run(fetch_title(url))


class Shelf:
    """A list that several threads fill, under a lock that tasks take as well."""

    def __init__(self) -> None:
        self.lock = aioxide.Lock()
        self.rows: list[Row] = []

    def store(self, rows: aioxide.Queue[Row]) -> None:
        """Take rows until the queue is shut down; runs on a plain thread with a database of its own."""
        database = sqlite3.connect(":memory:")
        database.execute("CREATE TABLE book (id INTEGER, title TEXT)")
        try:
            while True:
                database.execute("INSERT INTO book VALUES (?, ?)", rows.get_blocking(timeout=10))
        except aioxide.QueueShutDown:
            pass
        self.lock.acquire_blocking()
        try:
            self.rows += database.execute("SELECT * FROM book").fetchall()
        finally:
            self.lock.release()
        database.close()


async def from_a_loop_to_threads(site: str) -> None:
    """Fetch on the loop, store on two threads; a full queue makes the loop's tasks wait."""
    shelf = Shelf()
    rows: aioxide.Queue[Row] = aioxide.Queue(maxsize=5)
    threads = [threading.Thread(target=shelf.store, args=[rows]) for _ in range(2)]
    for thread in threads:
        thread.start()

    async def move(number: int) -> None:
        await rows.put((number, await fetch_title(f"{site}/site/api/item/{number}")))

    await aioxide.gather(*map(move, range(50)), limit=10)
    rows.shutdown()
    # Thread.join blocks, like everything that threading has.
    for thread in threads:
        await aioxide.to_thread(thread.join)
    async with shelf.lock:
        print(f"{len(shelf.rows)} rows from two threads, the last by number: {max(shelf.rows)}")


async def from_a_thread_to_the_loop(site: str) -> None:
    """Ask the loop from a thread, and wait there for what it says."""
    loop = asyncio.get_running_loop()

    def ask() -> str:
        return asyncio.run_coroutine_threadsafe(fetch_title(f"{site}/site/api/item/3"), loop).result()

    print(f"asked from a thread: {await aioxide.to_thread(ask)}")


async def at_the_wrong_door() -> None:
    """Try the blocking side where it would block the loop."""
    try:
        aioxide.Lock().acquire_blocking()
    except RuntimeError as error:
        print(f"RuntimeError: {error}")


if __name__ == "__main__":
    with LocalSite() as site:
        print(title(f"{site.url}/site/api/item/1"))
        asyncio.run(from_a_loop_to_threads(site.url))
        asyncio.run(from_a_thread_to_the_loop(site.url))
        asyncio.run(at_the_wrong_door())
