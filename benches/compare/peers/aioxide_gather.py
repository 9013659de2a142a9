"""aioxide's `gather`, which does the fan-out and the limit without a task for each request."""

from collections.abc import Sequence

from aioxide import Client, gather
from benches.compare.peers.aioxide import client, get
from benches.compare.tally import Tally

__all__ = ["DISTRIBUTIONS", "client", "get", "many"]

DISTRIBUTIONS = ("aioxide",)


async def many(session: Client, urls: Sequence[str], limit: int, tally: Tally) -> None:
    for end in await gather(*map(session.get, urls), limit=limit, return_exceptions=True):
        if isinstance(end, Exception):
            tally.failed(end)
        else:
            tally.answered(end.status_code, end.content)
