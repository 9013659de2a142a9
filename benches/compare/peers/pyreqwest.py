"""pyreqwest, on its default runtime: one thread."""

from pathlib import Path

from pyreqwest.bytes import Bytes
from pyreqwest.client import Client, ClientBuilder

from benches.compare.load import authority


def client() -> Client:
    path = authority()
    if path is None:
        return ClientBuilder().build()
    return ClientBuilder().add_root_certificate_pem(Path(path).read_bytes()).build()


async def get(session: Client, url: str) -> tuple[int, Bytes]:
    response = await session.get(url).build().send()
    return response.status, await response.bytes()
