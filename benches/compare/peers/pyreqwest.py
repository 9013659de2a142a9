"""pyreqwest, on its default runtime: one thread."""

from pathlib import Path

from pyreqwest.bytes import Bytes
from pyreqwest.client import Client, ClientBuilder

from benches.compare.turn import Turn


def client(turn: Turn) -> Client:
    builder = ClientBuilder().http2(turn.http2)
    if turn.authority:
        builder = builder.add_root_certificate_pem(Path(turn.authority).read_bytes())
    return builder.build()


async def get(session: Client, url: str) -> tuple[int, Bytes]:
    response = await session.get(url).build().send()
    return response.status, await response.bytes()
