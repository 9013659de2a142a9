"""pyreqwest, on its default runtime: one thread."""

from pyreqwest.bytes import Bytes
from pyreqwest.client import Client, ClientBuilder


def client() -> Client:
    return ClientBuilder().build()


async def get(session: Client, url: str) -> tuple[int, Bytes]:
    response = await session.get(url).build().send()
    return response.status, await response.bytes()
