"""Locks: among tasks, between readers and writers, and across loops and threads.

An asyncio lock serves one loop. An aioxide lock is one queue for everybody who wants it: tasks of any loop
by ``await``, plain threads by ``acquire_blocking``, served in the order in which they came. asyncio has no
``RWLock``.
"""

import asyncio
import sqlite3
import threading

import aioxide


class Counter:
    """A number in a database, which takes two statements to increment: somebody could come in between."""

    def __init__(self) -> None:
        self.lock = aioxide.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute("CREATE TABLE counter AS SELECT 0 AS value")

    def read(self) -> int:
        """Give the number."""
        return int(self._database.execute("SELECT value FROM counter").fetchone()[0])

    def write(self, value: int) -> None:
        """Set the number."""
        self._database.execute("UPDATE counter SET value = ?", [value])

    async def increment(self) -> None:
        """Increment from a task of any loop, which lets other tasks run in between."""
        async with self.lock:
            value = self.read()
            await aioxide.sleep(0)
            self.write(value + 1)

    def increment_blocking(self, times: int) -> None:
        """Increment from a thread that has no loop."""
        for _ in range(times):
            self.lock.acquire_blocking()
            try:
                self.write(self.read() + 1)
            finally:
                self.lock.release()

    def close(self) -> None:
        """Close the database."""
        self._database.close()


async def tasks_of_one_loop(counter: Counter, times: int) -> None:
    """Increment from as many tasks."""
    await aioxide.gather(*(counter.increment() for _ in range(times)))


def several_loops_and_threads(counter: Counter) -> None:
    """Three loops of a hundred tasks, and two threads without a loop, on the same lock."""
    threads = [threading.Thread(target=asyncio.run, args=[tasks_of_one_loop(counter, 100)]) for _ in range(3)]
    threads += [threading.Thread(target=counter.increment_blocking, args=[100]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def readers_and_a_writer() -> None:
    """Readers share the lock; a writer has it alone, and no later reader overtakes one that waits."""
    lock = aioxide.RWLock()
    prices = {"tea": 3}
    both_are_inside = aioxide.Barrier(2)

    async def read_together(name: str) -> None:
        async with lock.read():
            await both_are_inside.wait()
            print(f"{name} reads {prices['tea']}")

    async def write(price: int) -> None:
        async with lock.write():
            prices["tea"] = price
            print(f"a writer writes {price}, with {lock.readers} readers inside")

    async def read_later(name: str) -> None:
        async with lock.read():
            print(f"{name}, who came after the writer, reads {prices['tea']}")

    await aioxide.gather(read_together("Ann"), read_together("Ben"), write(4), read_later("Cid"))


if __name__ == "__main__":
    counter = Counter()
    asyncio.run(tasks_of_one_loop(counter, 50))
    print(f"fifty tasks counted to {counter.read()}")
    several_loops_and_threads(counter)
    print(f"three loops and two threads counted on to {counter.read()}; {counter.lock.statistics()}")
    counter.close()
    asyncio.run(readers_and_a_writer())
