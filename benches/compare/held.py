"""Memory of many requests in flight: the server has their heads, and never answers."""

from statistics import median
from typing import Any

from aioxide.testing import site_process
from benches.compare.clients import PeerFailedError, take
from benches.compare.turn import Turn

#: Each of aioxide's ways, and what it is measured against.
PEERS = ("aioxide_async_for", "aioxide_gather", "aioxide", "aiohttp")

REQUESTS = 10_000


def held(rounds: int, workers: int) -> dict[str, Any]:
    """Bytes of each request in flight, and of the whole process, the peers in turn."""
    found: dict[str, list[dict[str, Any]]] = {}
    absent: dict[str, str] = {}
    for _ in range(rounds):
        for peer in PEERS:
            if peer in absent:
                continue
            # A server for each: what the last one left is being taken down for a while.
            try:
                with site_process(log=False) as site:
                    turn = Turn(site.url, 0, 1, REQUESTS, REQUESTS, 0.0, False, None, workers)
                    found.setdefault(peer, []).append(take(peer, turn, "hold"))
            except PeerFailedError as error:
                absent[peer] = str(error)
                found.pop(peer, None)
    peers = {
        peer: {
            "bytes_per_request": round(median(each["after"] - each["before"] for each in rounds) / REQUESTS),
            "bytes": round(median(each["after"] for each in rounds)),
            "rounds": rounds,
        }
        for peer, rounds in found.items()
    }
    return {"requests": REQUESTS, "rounds": rounds, "peers": peers, "absent": absent}
