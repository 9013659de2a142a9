"""primp, with no browser impersonated.

Its ``http2_only`` is left alone: with it, version 2.0.1 stalls sooner than by ALPN, after some megabytes.
"""

from primp import AsyncClient

from benches.compare.turn import Turn


def client(turn: Turn) -> AsyncClient:
    return AsyncClient(ca_cert_file=turn.authority)


async def get(session: AsyncClient, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content
