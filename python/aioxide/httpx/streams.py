"""The bodies of answers, as streams of the library that the request is of.

A library tells its streams by their classes, so each has classes of its own, made here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

from aioxide._core import CarriedBody
from aioxide.exceptions import RequestError
from aioxide.httpx.tracing import Told

__all__ = ["Streams"]

_Translated = Callable[[RequestError, Any], Exception]


class Streams:
    """The classes for one library. `translated` gives what it calls an exception of ours."""

    def __init__(self, module: ModuleType, translated: _Translated) -> None:
        asynchronous: Any = module.AsyncByteStream
        synchronous: Any = module.SyncByteStream
        self.async_body = _async_body(asynchronous, translated)
        self.body = _body(synchronous, translated)
        self.async_traced = _async_traced(asynchronous)
        self.traced = _traced(synchronous)


def _async_body(base: Any, translated: _Translated) -> Any:
    class AsyncBody(base):  # type: ignore[misc]
        """A body that is read as it comes, from a loop."""

        def __init__(self, body: CarriedBody, request: Any) -> None:
            self._body = body
            self._request = request

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for piece in self._body:
                    yield piece
            except RequestError as error:
                raise translated(error, self._request) from error

        async def aclose(self) -> None:
            self._body.close()

    return AsyncBody


def _body(base: Any, translated: _Translated) -> Any:
    class Body(base):  # type: ignore[misc]
        """A body that is read as it comes, on a thread."""

        def __init__(self, body: CarriedBody, request: Any) -> None:
            self._body = body
            self._request = request

        def __iter__(self) -> Iterator[bytes]:
            try:
                yield from self._body
            except RequestError as error:
                raise translated(error, self._request) from error

        def close(self) -> None:
            self._body.close()

    return Body


def _async_traced(base: Any) -> Any:
    class AsyncTraced(base):  # type: ignore[misc]
        """A body whose end is told of."""

        def __init__(self, stream: Any, told: Told, tell: Callable[[str, Any], Any]) -> None:
            self._stream = stream
            self._told = told
            self._tell = tell

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in self._stream:
                yield piece

        async def aclose(self) -> None:
            await self._stream.aclose()
            for name, info in self._told.ended():
                await self._tell(name, info)

    return AsyncTraced


def _traced(base: Any) -> Any:
    class Traced(base):  # type: ignore[misc]
        """A body whose end is told of."""

        def __init__(self, stream: Any, told: Told, tell: Callable[[str, Any], Any]) -> None:
            self._stream = stream
            self._told = told
            self._tell = tell

        def __iter__(self) -> Iterator[bytes]:
            yield from self._stream

        def close(self) -> None:
            self._stream.close()
            for name, info in self._told.ended():
                self._tell(name, info)

    return Traced
