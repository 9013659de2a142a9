"""ry, whose client needs no closing."""

from contextlib import nullcontext
from pathlib import Path

from ry import Bytes, Certificate, Client

from benches.compare.turn import Turn


def client(turn: Turn) -> nullcontext[Client]:
    if turn.authority is None:
        return nullcontext(Client())
    trusted = Certificate.from_pem(Path(turn.authority).read_bytes())
    return nullcontext(Client(tls_certs_only=[trusted]))


async def get(session: Client, url: str) -> tuple[int, Bytes]:
    response = await session.get(url)
    return response.status, await response.bytes()
