"""httpr, which is a synchronous client on threads: one for each request in flight."""

from httpr import AsyncClient

from benches.compare.turn import Turn


def client(turn: Turn) -> AsyncClient:
    return AsyncClient(
        max_concurrency=turn.limit,
        ca_cert_file=turn.authority,
        http1_only=not turn.http2,
        http2_only=turn.http2,
        timeout=None,
    )


async def get(session: AsyncClient, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content
