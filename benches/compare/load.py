"""One client in a process of its own: it makes the requests of a turn, and prints what they took.

    python -m benches.compare.load PEER TURN

A module of ``peers`` says how: ``client(turn)`` makes a context manager that gives a session, and
``get(session, url)`` gives the status and the body of one URL. Where a client has a better way to make many
requests than a task for each, ``many(session, urls, limit, tally)`` takes it. ``Semaphore`` and ``loop``
stand for asyncio's own; ``DISTRIBUTIONS`` are those whose versions matter, if not the one of that name.

A peer that lacks what the turn asks for raises SystemExit, with a reason that goes into the report.
"""

import asyncio
import importlib
import importlib.metadata
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from benches.compare.tally import Exact, Mixed, Tally
from benches.compare.turn import Turn

#: Before the clock runs, batches are made until one takes so long: then its speed says how many requests
#: a turn has. Each has four times the requests of the last.
PROBE = 0.1

#: Requests of the first batch, and of a turn, if no more are in flight.
LEAST = 50

#: Where the numbers of the mixed pages begin that only warm up.
AWAY = 1_000_000_000


async def tasks(peer: ModuleType, session: Any, urls: Sequence[str], limit: int, tally: Tally) -> None:
    """Make a task of every request, behind one semaphore: what programs do."""
    semaphore = getattr(peer, "Semaphore", asyncio.Semaphore)(limit)

    async def one(url: str) -> None:
        async with semaphore:
            await fetch(peer, session, url, tally)

    await asyncio.gather(*map(one, urls))


async def fetch(peer: ModuleType, session: Any, url: str, tally: Tally) -> None:
    try:
        status, body = await peer.get(session, url)
    except Exception as error:
        tally.failed(error)
    else:
        tally.answered(status, body)


async def load(peer: ModuleType, session: Any, urls: Sequence[str], limit: int) -> dict[str, int]:
    """Make all these requests; what was counted."""
    tally: Tally = Mixed() if "/mixed/" in urls[0] else Exact(int(urls[0].rpartition("/")[2]))
    if hasattr(peer, "many"):
        await peer.many(session, urls, limit, tally)
    elif limit == 1:
        for url in urls:
            await fetch(peer, session, url, tally)
    else:
        await tasks(peer, session, urls, limit, tally)
    return tally.counts()


async def warm_up(peer: ModuleType, session: Any, turn: Turn) -> int:
    """Open the connections, and find out how many requests the turn has."""
    least = max(turn.limit, LEAST)
    await load(peer, session, turn.urls(least, AWAY), turn.limit)
    if turn.requests:
        return turn.requests
    batch = least
    while True:
        urls = turn.urls(batch, AWAY)
        started = time.perf_counter()
        await load(peer, session, urls, turn.limit)
        took = time.perf_counter() - started
        # The first batch alone may have been held up by chance.
        if took >= turn.seconds or (took >= PROBE and batch > least):
            return max(int(batch / took * turn.seconds), least)
        batch *= 4


async def check_version(peer: ModuleType, session: Any, turn: Turn) -> None:
    """Raise SystemExit unless the client speaks the HTTP that it is measured at."""
    _, body = await peer.get(session, f"{turn.url}/echo")
    spoken, wanted = json.loads(bytes(body))["version"], "HTTP/2.0" if turn.http2 else "HTTP/1.1"
    if spoken != wanted:
        raise SystemExit(f"speaks {spoken} where {wanted} is measured")


async def run(peer: ModuleType, turn: Turn) -> dict[str, Any]:
    async with peer.client(turn) as session:
        await check_version(peer, session, turn)
        requests = await warm_up(peer, session, turn)
        urls = turn.urls(requests)
        wall, cpu = time.perf_counter(), time.process_time()
        counts = await load(peer, session, urls, turn.limit)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"requests": requests, "wall": wall, "cpu": cpu, "counts": counts}


def peak() -> int:
    """The most memory that this process has had, in bytes.

    ``ru_maxrss`` counts what the parent had when it forked, the kernel's ``VmHWM`` does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    import resource

    # macOS, alone among the systems, counts bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def version(name: str, peer: ModuleType) -> str:
    """The version of the peer; those of its helpers with their names."""
    first, *others = getattr(peer, "DISTRIBUTIONS", (name,))
    versions = [importlib.metadata.version(first)]
    return ", ".join(versions + [f"{other} {importlib.metadata.version(other)}" for other in others])


def main() -> None:
    name, turn = sys.argv[1], Turn.from_json(sys.argv[2])
    peer = importlib.import_module(f"benches.compare.peers.{name}")
    with asyncio.Runner(loop_factory=getattr(peer, "loop", None)) as runner:
        measured = runner.run(run(peer, turn))
    print(json.dumps(measured | {"peak": peak(), "version": version(name, peer)}))


if __name__ == "__main__":
    main()
