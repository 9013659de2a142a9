"""What one client is made to do, the same for all of them.

A module of ``peers`` says how: ``client()`` makes a context manager that gives a session, and
``get(session, url)`` fetches a URL, body and all. Where a client has a better way to make many requests than
a task for each, ``bulk(session, urls, limit, check)`` takes it.

Run as a program, this is one client in a process of its own: it makes the requests of one scenario and prints
what they took, and what they took of the CPU, as one line of JSON.
"""

import argparse
import asyncio
import importlib
import importlib.metadata
import json
import os
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

#: Raises unless that status and that body are what the site answers.
Check = Callable[[int, Any], None]

#: Requests before the clock runs: they open the connections.
WARM_UP = 500


async def tasks(peer: ModuleType, session: Any, urls: Sequence[str], limit: int, check: Check) -> None:
    """Make a task of every request, behind one semaphore: what programs do."""
    semaphore = asyncio.Semaphore(limit)

    async def one(url: str) -> None:
        async with semaphore:
            check(*await peer.get(session, url))

    await asyncio.gather(*map(one, urls))


async def bulk(peer: ModuleType, session: Any, urls: Sequence[str], limit: int, check: Check) -> None:
    """Make all requests the way the client is best at."""
    if hasattr(peer, "bulk"):
        await peer.bulk(session, urls, limit, check)
    else:
        await tasks(peer, session, urls, limit, check)


async def sequential(peer: ModuleType, session: Any, urls: Sequence[str], limit: int, check: Check) -> None:
    """Make one request after another."""
    for url in urls:
        check(*await peer.get(session, url))


LOADS = {"bulk": bulk, "tasks": tasks, "sequential": sequential}


def authority() -> str | None:
    """The file of the authority to trust, where the site speaks TLS."""
    return os.environ.get("COMPARE_AUTHORITY")


async def run(options: argparse.Namespace) -> dict[str, Any]:
    peer = importlib.import_module(f"benches.compare.peers.{options.peer}")
    load = LOADS[options.load]
    requests = max(options.requests // getattr(peer, "FEWER", 1), 1)
    urls = [f"{options.url}/bytes/{options.size}"] * requests

    def check(status: int, body: Any) -> None:
        if (status, len(body)) != (200, options.size):
            raise RuntimeError(f"status {status} and {len(body)} bytes instead of 200 and {options.size}")

    async with peer.client() as session:
        await load(peer, session, urls[:WARM_UP], options.limit, check)
        wall, cpu = time.perf_counter(), time.process_time()
        await load(peer, session, urls, options.limit, check)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    version = importlib.metadata.version(options.peer)
    return {"requests": requests, "wall": wall, "cpu": cpu, "version": version}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer")
    parser.add_argument("load", choices=LOADS)
    parser.add_argument("url", help="where the site is")
    parser.add_argument("size", type=int, help="bytes of a body")
    parser.add_argument("requests", type=int)
    parser.add_argument("limit", type=int, help="requests in flight")
    print(json.dumps(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
