"""aiosonic, with a pool as large as the load."""

import ssl

from aiosonic import HTTPClient, TCPConnector
from aiosonic.pools import PoolConfig

from benches.compare.turn import Turn

#: Every request takes it: the client has no place for it.
_trusted: ssl.SSLContext | None = None


def client(turn: Turn) -> HTTPClient:
    global _trusted
    if turn.authority:
        _trusted = ssl.create_default_context(cafile=turn.authority)
        _trusted.set_alpn_protocols(["h2"] if turn.http2 else ["http/1.1"])
    pools = {":default": PoolConfig(size=turn.limit)}
    return HTTPClient(TCPConnector(pool_configs=pools, http2=turn.http2), http2=turn.http2)


async def get(session: HTTPClient, url: str) -> tuple[int, bytes]:
    response = await session.get(url, ssl=_trusted)
    return response.status_code, await response.content()
