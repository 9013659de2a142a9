"""aioxide: a task for each request, behind its own semaphore; and one request after another."""

from aioxide import Client, Limits, Semaphore
from benches.compare.turn import Turn

__all__ = ["Semaphore", "client", "get"]


def client(turn: Turn) -> Client:
    # The load has a limit.
    return Client(verify=turn.authority or True, limits=Limits(max_connections=None), timeout=None)


async def get(session: Client, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status_code, response.content
