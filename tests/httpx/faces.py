"""One way to speak to every client under test: httpx's and httpx2's, on their own transport or on ours.

A synchronous client is asked on a thread, so that the body of a test is the same for it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import httpx
import httpx2

from aioxide.httpx import AsyncTransport, Transport


@dataclass(frozen=True)
class Kind:
    """A library, a transport and a face."""

    library: ModuleType
    ours: bool
    asynchronous: bool

    def __str__(self) -> str:
        whose = "ours" if self.ours else "theirs"
        return f"{self.library.__name__}-{whose}-{'async' if self.asynchronous else 'sync'}"

    def transport(self, **options: Any) -> Any:
        if self.asynchronous:
            return (AsyncTransport if self.ours else self.library.AsyncHTTPTransport)(**options)
        return (Transport if self.ours else self.library.HTTPTransport)(**options)

    def face(self, transport: Any = None, **options: Any) -> "Face":
        """A client on that transport, or on one with these options."""
        if transport is None:
            transport = self.transport(**options)
        face = AsyncFace if self.asynchronous else SyncFace
        return face(self.library, transport)


KINDS = [
    Kind(library, ours, asynchronous)
    for library in (httpx, httpx2)
    for ours in (False, True)
    for asynchronous in (True, False)
]


class Face:
    """A client of either kind; options of a request are the library's."""

    def __init__(self, library: Any, client: Any) -> None:
        self.library = library
        self.client = client

    async def request(self, method: str, url: str, **options: Any) -> Any:
        """The response, with its body."""
        raise NotImplementedError

    async def get(self, url: str, **options: Any) -> Any:
        return await self.request("GET", url, **options)

    def stream(self, method: str, url: str, **options: Any) -> Any:
        """`async with` that: an `Opened`."""
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError

    def body(self, *pieces: bytes, last: Callable[[], object] | None = None) -> Any:
        """Content in pieces of unknown length; `last` is called after them."""
        raise NotImplementedError

    async def __aenter__(self) -> "Face":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class Opened:
    """A response whose body is still to be read, and the iterator over it."""

    def __init__(self, response: Any, step: Callable[[], Any], read: Callable[[], Any]) -> None:
        self.response = response
        self._step = step
        self.read = read

    async def next(self) -> bytes | None:
        """The next piece as it came; None at the end."""
        piece: bytes | None = await self._step()
        return piece

    async def rest(self) -> bytes:
        whole = b""
        while (piece := await self.next()) is not None:
            whole += piece
        return whole


class AsyncFace(Face):
    def __init__(self, library: Any, transport: Any) -> None:
        super().__init__(library, library.AsyncClient(transport=transport, timeout=30))

    async def request(self, method: str, url: str, **options: Any) -> Any:
        return await self.client.request(method, url, **options)

    @asynccontextmanager
    async def stream(self, method: str, url: str, **options: Any) -> AsyncIterator[Opened]:
        async with self.client.stream(method, url, **options) as response:
            pieces: list[Any] = []

            async def step() -> Any:
                if not pieces:
                    pieces.append(response.aiter_raw())
                return await anext(pieces[0], None)

            try:
                yield Opened(response, step, response.aread)
            finally:
                for each in pieces:
                    await each.aclose()

    def body(self, *pieces: bytes, last: Callable[[], object] | None = None) -> Any:
        async def body() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece
            if last is not None:
                last()

        return body()

    async def aclose(self) -> None:
        await self.client.aclose()


class SyncFace(Face):
    def __init__(self, library: Any, transport: Any) -> None:
        super().__init__(library, library.Client(transport=transport, timeout=30))

    async def request(self, method: str, url: str, **options: Any) -> Any:
        return await asyncio.to_thread(self.client.request, method, url, **options)

    @asynccontextmanager
    async def stream(self, method: str, url: str, **options: Any) -> AsyncIterator[Opened]:
        opening = self.client.stream(method, url, **options)
        response = await asyncio.to_thread(opening.__enter__)
        pieces: list[Any] = []

        def next_piece() -> Any:
            if not pieces:
                pieces.append(response.iter_raw())
            return next(pieces[0], None)

        try:
            yield Opened(
                response, lambda: asyncio.to_thread(next_piece), lambda: asyncio.to_thread(response.read)
            )
        finally:
            for each in pieces:
                each.close()
            await asyncio.to_thread(opening.__exit__, None, None, None)

    def body(self, *pieces: bytes, last: Callable[[], object] | None = None) -> Any:
        def body() -> Iterator[bytes]:
            yield from pieces
            if last is not None:
                last()

        return body()

    async def aclose(self) -> None:
        self.client.close()
