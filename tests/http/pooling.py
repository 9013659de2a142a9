"""What tests of the pool have in common: requests on their way, and what a client says of its connections."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import aioxide

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="all of 127.0.0.0/8 is local, and TCP tells its state, on Linux"
)

Until = Callable[[Callable[[], object]], Awaitable[None]]


def state(client: aioxide.Client) -> tuple[int, int, int]:
    """Connections, those of them that are idle, and requests that wait."""
    now = client.statistics()
    return now.connections, now.idle, now.waiting


def begin(client: aioxide.Client, *urls: str, **options: Any) -> list[asyncio.Future[aioxide.Response]]:
    return [asyncio.ensure_future(client.get(url, **options)) for url in urls]


async def cancel(requests: list[asyncio.Future[aioxide.Response]]) -> None:
    for request in requests:
        request.cancel()
    await asyncio.wait(requests)
