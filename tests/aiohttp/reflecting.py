"""A server that tells what it was sent, byte for byte, and answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Reflecting:
    """Requests as they came: the head, and the body with its framing taken off."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await self._body(head.lower(), reader)
                self.heads.append(head)
                self.bodies.append(body)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _body(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        if b"transfer-encoding: chunked" in head:
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
            return body
        if b"content-length: " in head:
            return await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        return b""


@asynccontextmanager
async def reflecting() -> AsyncIterator[Reflecting]:
    reflected = Reflecting()
    server = await asyncio.start_server(reflected.serve, "127.0.0.1", 0)
    async with server:
        reflected.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        yield reflected
