"""ry, whose client needs no closing."""

from contextlib import nullcontext

from ry import Bytes, Client


def client() -> nullcontext[Client]:
    return nullcontext(Client())


async def get(session: Client, url: str) -> tuple[int, Bytes]:
    response = await session.get(url)
    return response.status, await response.bytes()
