"""Traces of connections, names and what is sent, told while a request is under way.

What happens is written down by tokio. The request runs in a task beside the one that asked for it, and that
one tells: a function that raises does it to its own request. Whatever happened before a failure is told
before it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Sequence
from typing import Any

from aioxide._core import AiohttpTrace, Response, TraceEvent

from ._request import ClientRequest
from .helpers import is_ip_address
from .tracing import Trace

__all__ = ["Telling", "told"]

#: With these a request has, or makes, the connection that it may have waited for.
_NEXT = frozenset({"dns.begin", "connect.begin", "connection.created", "connection.reused"})


class Telling:
    """What aiohttp calls the things that happen.

    Args:
        traces: Who is told.
        request: What is sent.
        keeps: Whether addresses are kept, so that a name may be known.
        resolves: Whether a resolver of the program's own finds addresses, before the native client is asked.
    """

    def __init__(
        self, traces: Sequence[Trace], request: ClientRequest, *, keeps: bool, resolves: bool
    ) -> None:
        self._traces = traces
        self._request = request
        #: A body that is sent in one piece.
        self._whole: bytes | None = None
        self._begun = asyncio.Event()
        self._keeps = keeps
        self._resolves = resolves
        self._name = ""
        self._waits = self._creates = self._asks = False

    async def body(self, body: Any) -> Any:
        """Give the body to send, whose chunks are told of: all of it, or as an iterator gives them."""
        if body is None:
            return None
        if hasattr(body, "__aiter__"):
            return self._chunks(body)
        self._whole = body if isinstance(body, bytes) else await asyncio.to_thread(body.read)
        return self._whole

    async def _chunks(self, body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for chunk in body:
            # The head goes first, though the body may be here before there is a connection.
            await self._begun.wait()
            await self._sent(chunk)
            yield chunk

    async def _sent(self, chunk: bytes) -> None:
        request = self._request
        await self._tell("request_chunk_sent", request.method, request.url, chunk)

    async def hear(self, event: TraceEvent) -> None:
        """Tell of one thing."""
        name = event.name
        if self._waits and name in _NEXT:
            self._waits = False
            await self._tell("connection_queued_end")
        if not self._creates and name in ("dns.begin", "connect.begin"):
            self._creates = True
            await self._tell("connection_create_start")
        match name:
            case "pool.wait":
                self._waits = True
                await self._tell("connection_queued_start")
            case "dns.begin":
                self._name = event.detail
            case "dns.ask":
                self._asks = True
                if self._keeps:
                    await self._tell("dns_cache_miss", self._name)
                await self._tell("dns_resolvehost_start", self._name)
            case "dns.end":
                await self._known()
            case "connection.created":
                self._creates = False
                await self._tell("connection_create_end")
            case "connection.reused":
                await self._tell("connection_reuseconn")
            case "request.begin":
                request = self._request
                await self._tell("request_headers", request.method, request.url, request.headers)
                if self._whole is not None:
                    await self._sent(self._whole)
                self._begun.set()

    async def _known(self) -> None:
        if is_ip_address(self._name):
            return
        if self._asks:
            self._asks = False
            await self._tell("dns_resolvehost_end", self._name)
        elif self._resolves:
            await self._tell("dns_resolvehost_start", self._name)
            await self._tell("dns_resolvehost_end", self._name)
        else:
            await self._tell("dns_cache_hit", self._name)

    async def _tell(self, what: str, *of: Any) -> None:
        for trace in self._traces:
            await getattr(trace, f"send_{what}")(*of)


async def told(opening: Awaitable[Response], events: AiohttpTrace, telling: Telling) -> Response:
    """Await ``opening``, and tell what happens meanwhile."""
    running = asyncio.ensure_future(opening)
    running.add_done_callback(lambda _: events.end())
    heard = 0
    try:
        while new := await events.beyond(heard):
            heard += len(new)
            for event in new:
                await telling.hear(event)
        return await running
    except BaseException:
        # A function has raised, or the request was cancelled.
        running.cancel()
        running.add_done_callback(_close)
        raise


def _close(running: asyncio.Future[Response]) -> None:
    with contextlib.suppress(BaseException):
        running.result().close()
