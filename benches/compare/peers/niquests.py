"""niquests, with a pool as large as the load."""

from niquests import AsyncSession

from benches.compare.turn import Turn


def client(turn: Turn) -> AsyncSession:
    return AsyncSession(
        disable_http2=not turn.http2,
        disable_http3=True,
        pool_connections=turn.hosts,
        pool_maxsize=turn.limit,
        verify=turn.authority or True,
    )


async def get(session: AsyncSession, url: str) -> tuple[int, bytes | None]:
    response = await session.get(url)
    return response.status_code or 0, response.content
