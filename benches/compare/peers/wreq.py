"""wreq, on its default runtime: a worker for each core."""

from wreq import Client

client = Client


async def get(session: Client, url: str) -> tuple[int, memoryview]:
    response = await session.get(url)
    return response.status.as_int(), await response.bytes()
