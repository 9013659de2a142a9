"""curl_cffi, with as many curl handles as the load needs, and no browser impersonated."""

from curl_cffi import AsyncSession, CurlHttpVersion

from benches.compare.turn import Turn


def client(turn: Turn) -> AsyncSession:
    spoken = CurlHttpVersion.V2TLS if turn.http2 else CurlHttpVersion.V1_1
    return AsyncSession(max_clients=turn.limit, verify=turn.authority or True, http_version=spoken, timeout=0)


async def get(session: AsyncSession, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content
