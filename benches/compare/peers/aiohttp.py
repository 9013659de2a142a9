"""aiohttp, with its own limit of connections lifted: the load has one."""

from aiohttp import ClientSession, TCPConnector


def client() -> ClientSession:
    return ClientSession(connector=TCPConnector(limit=0))


async def get(session: ClientSession, url: str) -> tuple[int, bytes]:
    async with session.get(url) as response:
        return response.status, await response.read()
