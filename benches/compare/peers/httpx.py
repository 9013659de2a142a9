"""httpx, with its limits lifted: the load has one."""

import ssl
from typing import Any

from httpx import AsyncClient, AsyncHTTPTransport, Limits

from benches.compare.turn import Turn


def settings(turn: Turn) -> dict[str, Any]:
    """Those of a transport."""
    trusted = ssl.create_default_context(cafile=turn.authority) if turn.authority else True
    return {"verify": trusted, "http2": turn.http2, "limits": Limits()}


def client(turn: Turn) -> AsyncClient:
    return AsyncClient(transport=AsyncHTTPTransport(**settings(turn)), timeout=None)


async def get(session: AsyncClient, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content
