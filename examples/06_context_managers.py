"""Context managers: what is opened on the way in is closed on the way out, whatever happens in between.

A transaction on a SQLite file, in three endings: done, failed, out of time. In aioxide clients, pools, locks,
limiters and timeouts are all entered with ``async with``. ``to_thread`` keeps what blocks off the loop;
``move_on_after`` is a ``timeout`` that ends the block and raises nothing.
"""

import asyncio
import contextlib
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aioxide


class Transaction:
    """A connection inside one transaction: committed if the block ends well, else rolled back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __aenter__(self) -> Self:
        self._connection = await aioxide.to_thread(sqlite3.connect, self._path, check_same_thread=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end = self._connection.rollback if kind else self._connection.commit
        try:
            await aioxide.to_thread(end)
        finally:
            self._connection.close()

    async def execute(self, statement: str, *values: object) -> list[Any]:
        """Run a statement on a thread, and give its rows."""

        def work() -> list[Any]:
            return self._connection.execute(statement, values).fetchall()

        return await aioxide.to_thread(work)


@contextlib.asynccontextmanager
async def written_down(path: Path, ending: str) -> AsyncIterator[Transaction]:
    """Make a small one of a generator: it enters another, does something first, and something after."""
    async with Transaction(path) as transaction:
        await transaction.execute("INSERT INTO note VALUES (?)", ending)
        yield transaction
    print(f"{ending}: committed")


async def main(path: Path) -> None:
    """Write three notes, of which one stays."""
    async with Transaction(path) as transaction:
        await transaction.execute("CREATE TABLE note (text TEXT)")

    async with written_down(path, "done"):
        pass

    try:
        async with written_down(path, "failed"):
            raise LookupError("no such book")
    except LookupError as error:
        print(f"failed: rolled back, and the error goes on: {error}")

    async with aioxide.move_on_after(0.02) as scope, written_down(path, "out of time"):
        await aioxide.sleep(60)
    print(f"out of time: rolled back, after 0.02 seconds of 60: {scope.expired()}")

    async with Transaction(path) as transaction:
        print(f"in the file: {await transaction.execute('SELECT text FROM note')}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder) / "notes.db"))
