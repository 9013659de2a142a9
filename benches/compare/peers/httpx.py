"""httpx, with its limits lifted: the load has one."""

import ssl

from httpx import AsyncClient, Limits

from benches.compare.turn import Turn


def client(turn: Turn) -> AsyncClient:
    trusted = ssl.create_default_context(cafile=turn.authority) if turn.authority else True
    return AsyncClient(verify=trusted, http2=turn.http2, timeout=None, limits=Limits())


async def get(session: AsyncClient, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content
