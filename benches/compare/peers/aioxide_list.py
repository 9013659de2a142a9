"""aioxide's `fetch_all`, awaited: all results at once, so all of them are held in memory."""

from collections.abc import Sequence

from aioxide import Client
from benches.compare.peers.aioxide import client, get
from benches.compare.tally import Tally

__all__ = ["DISTRIBUTIONS", "client", "get", "many"]

DISTRIBUTIONS = ("aioxide",)


async def many(session: Client, urls: Sequence[str], limit: int, tally: Tally) -> None:
    for result in await session.fetch_all(urls, concurrency=limit):
        if result.response is None:
            tally.failed(result.error)
        else:
            tally.answered(result.response.status_code, result.response.content)
