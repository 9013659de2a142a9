"""aiohttp on asyncio's loop with aiofastnet's transports."""

from aiofastnet import loop_factory

from benches.compare.peers.aiohttp import client, get

__all__ = ["DISTRIBUTIONS", "client", "get", "loop"]

DISTRIBUTIONS = ("aiohttp", "aiofastnet")

loop = loop_factory()
