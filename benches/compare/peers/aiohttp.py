"""aiohttp, with its own limit of connections lifted: the load has one."""

import ssl

from aiohttp import ClientSession, TCPConnector

from benches.compare.turn import Turn


def client(turn: Turn) -> ClientSession:
    if turn.http2:
        raise SystemExit("has no HTTP/2")
    trusted = ssl.create_default_context(cafile=turn.authority) if turn.authority else True
    return ClientSession(connector=TCPConnector(limit=0, ssl=trusted))


async def get(session: ClientSession, url: str) -> tuple[int, bytes]:
    async with session.get(url) as response:
        return response.status, await response.read()
