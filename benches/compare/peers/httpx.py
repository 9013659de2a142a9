"""httpx. So much slower than the others that it is given fewer requests."""

from httpx import AsyncClient

#: Of the requests that the others make, one in so many.
FEWER = 10

client = AsyncClient


async def get(session: AsyncClient, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content
