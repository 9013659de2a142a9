"""primp, with no browser impersonated."""

from primp import AsyncClient

from benches.compare.turn import Turn


def client(turn: Turn) -> AsyncClient:
    return AsyncClient(ca_cert_file=turn.authority, http2_only=turn.http2)


async def get(session: AsyncClient, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content
