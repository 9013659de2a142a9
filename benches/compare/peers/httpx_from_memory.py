"""httpx's program where every answer is here already: what httpx itself takes, whatever the transport."""

import json

from httpx import AsyncBaseTransport, AsyncClient, ByteStream, Request, Response

from benches.compare.peers.httpx import get
from benches.compare.turn import Turn

__all__ = ["DISTRIBUTIONS", "client", "get"]

DISTRIBUTIONS = ("httpx",)


class FromMemory(AsyncBaseTransport):
    """Answers as the local site does."""

    def __init__(self, turn: Turn) -> None:
        if not turn.size:
            raise SystemExit("has no pages of all sizes")
        self._body = bytes(turn.size)
        self._version = json.dumps({"version": "HTTP/2.0" if turn.http2 else "HTTP/1.1"}).encode()

    async def handle_async_request(self, request: Request) -> Response:
        body = self._version if request.url.path == "/echo" else self._body
        headers = [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", b"%d" % len(body)),
            (b"date", b"Wed, 25 Nov 2026 12:00:00 GMT"),
        ]
        extensions = {"http_version": b"HTTP/1.1", "reason_phrase": b"OK"}
        return Response(200, headers=headers, stream=ByteStream(body), extensions=extensions)


def client(turn: Turn) -> AsyncClient:
    return AsyncClient(transport=FromMemory(turn), timeout=None)
