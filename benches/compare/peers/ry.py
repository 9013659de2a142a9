"""ry, whose client needs no closing."""

from contextlib import nullcontext

from ry import Bytes, Client

from benches.compare.load import authority


def client() -> nullcontext[Client]:
    # Any certificate will do: that is the way it has of trusting this one.
    return nullcontext(Client(tls_danger_accept_invalid_certs=authority() is not None))


async def get(session: Client, url: str) -> tuple[int, Bytes]:
    response = await session.get(url)
    return response.status, await response.bytes()
