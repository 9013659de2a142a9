"""pyqwest, without its telemetry; unless it is told how many, it keeps two idle connections to a host."""

from contextlib import nullcontext
from pathlib import Path

from pyqwest import Client, HTTPTransport, HTTPVersion

from benches.compare.turn import Turn


def client(turn: Turn) -> nullcontext[Client]:
    transport = HTTPTransport(
        tls_ca_cert=Path(turn.authority).read_bytes() if turn.authority else None,
        http_version=HTTPVersion.HTTP2 if turn.http2 else HTTPVersion.HTTP1,
        pool_max_idle_per_host=turn.limit,
        enable_otel=False,
    )
    return nullcontext(Client(transport))


async def get(session: Client, url: str) -> tuple[int, bytes]:
    response = await session.get(url)
    return response.status, response.content
