"""aioxide's `fetch_all`, whose results are taken as they come, and let go."""

from collections.abc import Sequence

from aioxide import Client
from benches.compare.peers.aioxide import client, get
from benches.compare.tally import Tally

__all__ = ["DISTRIBUTIONS", "client", "get", "many"]

DISTRIBUTIONS = ("aioxide",)


async def many(session: Client, urls: Sequence[str], limit: int, tally: Tally) -> None:
    async for result in session.fetch_all(urls, concurrency=limit):
        if result.response is None:
            tally.failed(result.error)
        else:
            tally.answered(result.response.status_code, result.response.content)
