"""aioxide: also in bulk, where one `gather` does the fan-out and the limit."""

from collections.abc import Sequence

from aioxide import Client, gather
from benches.compare.load import Check

client = Client


async def get(session: Client, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content


async def bulk(session: Client, urls: Sequence[str], limit: int, check: Check) -> None:
    for response in await gather(*map(session.get, urls), limit=limit):
        check(response.status_code, response.content)
