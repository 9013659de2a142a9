"""wreq, on its default runtime: a worker for each core."""

from pathlib import Path

from wreq import Client
from wreq.tls import CertStore

from benches.compare.turn import Turn


def client(turn: Turn) -> Client:
    if turn.authority is None:
        return Client(gzip=True)
    trusted = CertStore.from_pem_certs([Path(turn.authority).read_text()])
    return Client(gzip=True, tls_verify=trusted)


async def get(session: Client, url: str) -> tuple[int, memoryview]:
    response = await session.get(url)
    return response.status.as_int(), await response.bytes()
