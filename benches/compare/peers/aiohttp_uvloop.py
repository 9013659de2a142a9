"""aiohttp on uvloop."""

from uvloop import new_event_loop as loop

from benches.compare.peers.aiohttp import client, get

__all__ = ["DISTRIBUTIONS", "client", "get", "loop"]

DISTRIBUTIONS = ("aiohttp", "uvloop")
