"""aiohttp, with its own limit of connections lifted: the load has one. It has no HTTP/2."""

import ssl

from aiohttp import ClientSession, TCPConnector

from benches.compare.load import authority


def client() -> ClientSession:
    path = authority()
    trusted = ssl.create_default_context(cafile=path) if path else True
    return ClientSession(connector=TCPConnector(limit=0, ssl=trusted))


async def get(session: ClientSession, url: str) -> tuple[int, bytes]:
    async with session.get(url) as response:
        return response.status, await response.read()
