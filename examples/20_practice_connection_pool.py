"""Practice: keep connections. One client for the whole program, one pool for whatever else is opened.

A ``Client`` is a pool: it can be shared by all tasks, loops and threads. ``Pool`` does the same for what
aioxide does not speak itself, here a line protocol over asyncio's streams.
"""

import asyncio
from typing import TypeAlias

import aioxide
from aioxide.testing import LocalSite

Wire: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def a_client_for_each_request(site: LocalSite) -> None:
    """Do it the costly way: each request opens a connection, and closes it."""
    before = site.statistics()["connections_opened"]
    for number in range(20):
        async with aioxide.Client(base_url=site.url) as client:
            await client.get(f"/site/api/item/{number}")
    print(f"a client for each of 20 requests: {site.statistics()['connections_opened'] - before} connections")


async def one_client(site: LocalSite) -> None:
    """Do it the good way: one after another they share one; ten at once share about ten."""
    before = site.statistics()["connections_opened"]
    async with aioxide.Client(base_url=site.url) as client:
        for number in range(20):
            await client.get(f"/site/api/item/{number}")
        print(f"one client for 20 requests: {site.statistics()['connections_opened'] - before} connection")
        await aioxide.gather(*(client.get(f"/site/api/item/{number}") for number in range(500)), limit=10)
    opened = site.statistics()["connections_opened"] - before
    print(f"and 500 more, ten at a time: ten or more on each connection: {opened <= 50}")


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each line with the same line in capitals."""
    async for line in reader:
        writer.write(line.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def a_pool_of_anything() -> None:
    """Ask a server of one's own a hundred questions over four connections."""
    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    opened = 0

    async def connect() -> Wire:
        nonlocal opened
        opened += 1
        return await asyncio.open_connection(host, port)

    async def close(wire: Wire) -> None:
        wire[1].close()
        await wire[1].wait_closed()

    async def ask(question: str) -> str:
        async with pool.acquire() as (reader, writer):
            writer.write(f"{question}\n".encode())
            return (await reader.readline()).decode().strip()

    async with server, aioxide.Pool(connect, max_size=4, close=close) as pool:
        answers = await aioxide.gather(*(ask(f"question {number}") for number in range(100)))
    print(f"{len(answers)} answers, from {answers[0]!r} to {answers[-1]!r}, over {opened} connections")


async def main(site: LocalSite) -> None:
    """Count connections."""
    await a_client_for_each_request(site)
    await one_client(site)
    await a_pool_of_anything()


if __name__ == "__main__":
    with LocalSite() as site:
        asyncio.run(main(site))
