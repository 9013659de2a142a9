"""aioxide: also in bulk, where `as_completed` does the fan-out and the limit, without a task for each."""

from collections.abc import Sequence

from aioxide import Client, as_completed
from benches.compare.load import Check, authority


def client() -> Client:
    return Client(verify=authority() or True)


async def get(session: Client, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content


async def bulk(session: Client, urls: Sequence[str], limit: int, check: Check) -> None:
    async for finished in as_completed(map(session.get, urls), limit=limit):
        response = await finished
        check(response.status_code, response.content)
