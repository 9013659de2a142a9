"""What the requests of a session give where Python has a part in them."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from .client import ClientSession
    from .client_reqrep import ClientResponse

__all__ = ["RequestContextManager", "SessionRequestContextManager"]


class _Entered(Protocol):
    async def __aenter__(self) -> Any: ...
    async def __aexit__(self, *exception: Any) -> None: ...


_R = TypeVar("_R", bound=_Entered)


class RequestContextManager(Coroutine[Any, Any, _R], Generic[_R]):
    """A request that Python has a part in: to be awaited, or used with ``async with``."""

    __slots__ = ("_coro", "_resp")

    def __init__(self, coro: Coroutine[Any, Any, _R]) -> None:
        self._coro = coro

    def send(self, arg: None) -> Any:
        """As a coroutine's."""
        return self._coro.send(arg)

    def throw(self, *arguments: Any, **more: Any) -> Any:
        """As a coroutine's."""
        return self._coro.throw(*arguments, **more)

    def close(self) -> None:
        """As a coroutine's."""
        self._coro.close()

    def __await__(self) -> Generator[Any, None, _R]:
        return self._coro.__await__()

    def __iter__(self) -> Generator[Any, None, _R]:
        return self.__await__()

    async def __aenter__(self) -> _R:
        self._resp = await self._coro
        await self._resp.__aenter__()
        return self._resp

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._resp.__aexit__(exc_type, exc, tb)


class SessionRequestContextManager:
    """A request with a session of its own, which is closed with it."""

    __slots__ = ("_coro", "_resp", "_session")

    def __init__(self, coro: Coroutine[Any, Any, ClientResponse], session: ClientSession) -> None:
        self._coro = coro
        self._session = session

    async def __aenter__(self) -> ClientResponse:
        try:
            self._resp = await self._coro
        except BaseException:
            await self._session.close()
            raise
        return self._resp

    async def __aexit__(self, *exception: object) -> None:
        self._resp.close()
        await self._session.close()
