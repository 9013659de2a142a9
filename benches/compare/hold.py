"""One client with many requests in flight: it prints the bytes that it has in use before and then, and ends.

python -m benches.compare.hold PEER TURN
"""

import asyncio
import gc
import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from urllib.request import urlopen

from benches.compare.load import version
from benches.compare.tally import Exact
from benches.compare.turn import Turn


async def measure(peer: ModuleType, turn: Turn) -> dict[str, int]:
    """Make the requests, and look at the memory when the server has all of them."""
    session = await peer.client(turn).__aenter__()
    # What is there but once is there before the count begins.
    await peer.get(session, f"{turn.url}/bytes/1")
    await asyncio.to_thread(in_flight, turn)
    before = resident()
    urls = [f"{turn.url}/hang"] * turn.limit
    if hasattr(peer, "many"):
        requests = [asyncio.ensure_future(peer.many(session, urls, turn.limit, Exact(0)))]
    else:
        requests = [asyncio.ensure_future(peer.get(session, url)) for url in urls]
    while await asyncio.to_thread(in_flight, turn) < turn.limit:
        await asyncio.sleep(0.05)
        for request in requests:
            if request.done():
                request.result()
                raise RuntimeError("a request that is never answered has ended")
    return {"before": before, "after": resident()}


def in_flight(turn: Turn) -> int:
    """How many requests the server has not answered, this one apart."""
    with urlopen(f"{turn.url}/statistics") as answer:
        counts = json.load(answer)
    done = counts["requests_finished"] + counts["requests_aborted"]
    return int(counts["requests_begun"] - done - 1)


def resident() -> int:
    """Bytes of memory that the process has in use, after a collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    name, turn = sys.argv[1], Turn.from_json(sys.argv[2])
    peer = importlib.import_module(f"benches.compare.peers.{name}")
    measured = asyncio.Runner(loop_factory=getattr(peer, "loop", None)).run(measure(peer, turn))
    print(json.dumps(measured | {"version": version(name, peer)}), flush=True)
    # To take down ten thousand requests is not what is measured.
    os._exit(0)


if __name__ == "__main__":
    main()
