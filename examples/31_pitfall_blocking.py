"""Pitfall: blocking the loop. While one task blocks, no other gets a turn, and no timeout fires.

Here a write to SQLite waits for another connection's lock, on the loop's thread. asyncio's debug mode
tells afterwards that something was slow; ``aioxide.watchdog`` watches from a thread of its own, and shows
the line that blocks while it does. It costs little enough to be left on.
"""

import asyncio
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import aioxide

# How long SQLite waits for a lock, in seconds.
PATIENCE = 0.08


class Shop:
    """A database that somebody else has locked."""

    def __init__(self, path: Path) -> None:
        self._mine = sqlite3.connect(path, timeout=PATIENCE, check_same_thread=False)
        self._mine.execute("CREATE TABLE sale (book INTEGER)")
        self._theirs = sqlite3.connect(path)
        self._theirs.execute("BEGIN IMMEDIATE")

    def sell(self, book: int) -> None:
        """Write a sale; blocks until there is no lock, or patience is at its end."""
        try:
            with self._mine:
                self._mine.execute("INSERT INTO sale VALUES (?)", [book])
        except sqlite3.OperationalError as error:
            print(f"  {error}")

    def close(self) -> None:
        """Close both connections."""
        self._mine.close()
        self._theirs.close()


async def wrong(shop: Shop) -> None:
    """Block the loop."""
    shop.sell(1)


async def right(shop: Shop) -> None:
    """Block a thread, of which there are others."""
    await aioxide.to_thread(shop.sell, 1)


async def main(path: Path) -> None:
    """Sell a book in the wrong and in the right way, with a watchdog and a clock that ticks."""
    shop = Shop(path)
    for way in (wrong, right):
        reports: list[Any] = []
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            async for _ in aioxide.interval(0.01, missed="skip"):
                ticks += 1

        print(f"{way.__name__}:")
        with aioxide.watchdog(0.04, callback=reports.append):
            ticking = asyncio.create_task(tick())
            await aioxide.sleep(0)
            before = ticks
            await way(shop)
            print(f"  the loop went on meanwhile: {ticks > before}")
            ticking.cancel()
            await asyncio.wait([ticking])
        print(f"  the watchdog saw the loop blocked: {bool(reports)}")
        for report in reports:
            print(f"  in the function that it names: {'sell' in str(report)}")
    shop.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder) / "shop.db"))
