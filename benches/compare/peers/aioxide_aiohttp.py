"""aioxide.aiohttp, under the very file that aiohttp runs: what its ``from aiohttp import`` finds is ours."""

import sys

from aioxide import aiohttp

sys.modules["aiohttp"] = aiohttp

from benches.compare.peers.aiohttp import client, get  # noqa: E402

__all__ = ["DISTRIBUTIONS", "client", "get"]

DISTRIBUTIONS = ("aioxide",)
