"""httpx. So much slower than the others that it is given fewer requests."""

import ssl

from httpx import AsyncClient

from benches.compare.load import authority

#: Of the requests that the others make, one in so many.
FEWER = 10


def client() -> AsyncClient:
    path = authority()
    return AsyncClient(verify=ssl.create_default_context(cafile=path) if path else True)


async def get(session: AsyncClient, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content
