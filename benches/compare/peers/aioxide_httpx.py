"""httpx's program on aioxide's transport, and nothing else changed."""

from httpx import AsyncClient

from aioxide.httpx import AsyncTransport
from benches.compare.peers.httpx import get, settings
from benches.compare.turn import Turn

__all__ = ["DISTRIBUTIONS", "client", "get"]

DISTRIBUTIONS = ("aioxide", "httpx")


def client(turn: Turn) -> AsyncClient:
    return AsyncClient(transport=AsyncTransport(**settings(turn)), timeout=None)
