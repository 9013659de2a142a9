"""A database: a pool of connections, and several queries at once.

``aioxide.Pool`` pools anything that a function opens. By default this is SQLite, whose calls block and go
through ``to_thread``; with a DSN in AIOXIDE_EXAMPLE_POSTGRES, and asyncpg installed, it is PostgreSQL, and
the pool is used in the same way. asyncio has no pool.
"""

import asyncio
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import aioxide

SCHEMA = """
DROP TABLE IF EXISTS example_customers;
DROP TABLE IF EXISTS example_orders;
CREATE TABLE example_customers (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE example_orders (id INTEGER PRIMARY KEY, customer INTEGER, cents INTEGER);
INSERT INTO example_customers VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Edsger');
INSERT INTO example_orders VALUES (1, 1, 1250), (2, 2, 990), (3, 1, 3475), (4, 3, 150), (5, 1, 80);
"""
TABLES_AWAY = "DROP TABLE example_customers; DROP TABLE example_orders;"


class SqliteConnection:
    """SQLite, as asyncpg has it; each call goes to a thread, which leaves the loop to others."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.row_factory = sqlite3.Row

    async def execute(self, script: str) -> None:
        """Run statements that give no rows."""
        await aioxide.to_thread(self._database.executescript, script)

    async def fetch(self, query: str, *values: object) -> list[Any]:
        """Give a query's rows; values are $1, $2, ..."""
        named = {str(number): value for number, value in enumerate(values, 1)}

        def work() -> list[Any]:
            return self._database.execute(query, named).fetchall()

        return await aioxide.to_thread(work)

    async def close(self) -> None:
        """Close the connection."""
        self._database.close()


async def open_connection(folder: Path) -> Any:
    """Open the database that the environment asks for: both kinds have the same three methods."""
    if dsn := os.environ.get("AIOXIDE_EXAMPLE_POSTGRES"):
        try:
            import asyncpg
        except ImportError:
            pass
        else:
            return await asyncpg.connect(dsn)
    return SqliteConnection(folder / "shop.db")


async def fetch(pool: aioxide.Pool[Any], query: str, *values: object) -> list[dict[str, Any]]:
    """Run one query on a connection of the pool."""
    async with pool.acquire() as connection:
        return [dict(row) for row in await connection.fetch(query, *values)]


async def customer(pool: aioxide.Pool[Any], number: int) -> dict[str, Any]:
    """Ask three questions about a customer at once."""
    names, orders, spent = await aioxide.gather(
        fetch(pool, "SELECT name FROM example_customers WHERE id = $1", number),
        fetch(pool, "SELECT id, cents FROM example_orders WHERE customer = $1 ORDER BY id", number),
        fetch(pool, "SELECT sum(cents) AS cents FROM example_orders WHERE customer = $1", number),
    )
    return {"name": names[0]["name"], "orders": len(orders), "spent": spent[0]["cents"]}


async def main(folder: Path) -> None:
    """Make the tables, and ask about all customers at once: nine queries on four connections."""
    opened: list[Any] = []

    async def connect() -> Any:
        opened.append(await open_connection(folder))
        return opened[-1]

    async with aioxide.Pool(connect, max_size=4, close=lambda connection: connection.close()) as pool:
        async with pool.acquire() as connection:
            await connection.execute(SCHEMA)
        try:
            for found in await aioxide.gather(*(customer(pool, number) for number in (1, 2, 3))):
                print(f"{found['name']}: orders: {found['orders']}, spent: {found['spent'] / 100:.2f} EUR")
        finally:
            async with pool.acquire() as connection:
                await connection.execute(TABLES_AWAY)
    print(f"nine queries on {len(opened)} connections")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as path:
        asyncio.run(main(Path(path)))
