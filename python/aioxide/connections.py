"""The life of one connection of a pool: made, counted, closed.

Each is made and closed in a task of its own, which no cancel of whoever asked for it stops: a factory that is
cut short may lose what it has just opened, and what is half closed stays open. `Pool` says when.
"""

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aioxide._core import Event

_Conn = TypeVar("_Conn")


@dataclass(slots=True, eq=False)
class Entry(Generic[_Conn]):
    """A connection of a pool; the times are the loop's."""

    connection: _Conn
    dies: float
    # When it will have been idle for too long.
    stale: float = math.inf
    # What it is lent for: it tells a block whether the connection is still its own.
    loan: object = None


class Connections(Generic[_Conn]):
    """Makes connections, and knows those that there are until they have been closed."""

    def __init__(
        self,
        factory: Callable[[], Any],
        close: Callable[[_Conn], object] | None,
        max_lifetime: float | None,
    ) -> None:
        self._factory, self._close = factory, close
        self._max_lifetime = math.inf if max_lifetime is None else max_lifetime
        self._loop: Any = None
        # Those that are idle, lent or being checked, by the id of the connection.
        self._entries: dict[int, Entry[_Conn]] = {}
        self._making: set[asyncio.Task[Any]] = set()
        self._closing: set[asyncio.Task[Any]] = set()
        # Whether no more are made; then, that none is left.
        self._closed = False
        self._gone = Event()
        self._counts = {"made": 0, "closed": 0, "failed": 0}

    @property
    def size(self) -> int:
        """How many connections there are, with those that are being made or closed."""
        return len(self._entries) + len(self._making) + len(self._closing)

    def _begin(self) -> asyncio.Task[Entry[_Conn]]:
        """Begin to make a connection."""
        return self._start(self._make(), self._making)

    async def _make(self) -> Entry[_Conn]:
        try:
            made = self._factory()
            connection: _Conn = await made if inspect.isawaitable(made) else made
            if id(connection) in self._entries:
                raise RuntimeError(f"the factory gave a connection that the pool has: {connection!r}")
            entry = Entry(connection, self._loop.time() + self._max_lifetime)
            self._entries[id(connection)] = entry
            self._counts["made"] += 1
            return entry
        except Exception:
            self._counts["failed"] += 1
            raise
        finally:
            self._forget(asyncio.current_task())

    def _end(self, entry: Entry[_Conn]) -> asyncio.Task[Any] | None:
        """Close a connection; gives the task that does it, if one does. The place stays the caller's."""
        del self._entries[id(entry.connection)]
        self._counts["closed"] += 1
        try:
            ending = None if self._close is None else self._close(entry.connection)
        except Exception as error:
            ending = None
            self._report(error)
        if inspect.isawaitable(ending):
            return self._start(self._await_end(ending), self._closing)
        self._forget(None)
        return None

    async def _await_end(self, ending: Awaitable[object]) -> None:
        try:
            await ending
        except Exception as error:
            self._report(error)
        finally:
            self._forget(asyncio.current_task())

    def _report(self, error: Exception) -> None:
        context = {"message": f"closing a connection failed: {self!r}", "exception": error}
        self._loop.call_exception_handler(context)

    def _start(self, work: Coroutine[Any, Any, Any], where: set[asyncio.Task[Any]]) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = self._loop.create_task(work)
        # An eager one may have ended; one that is cancelled before its first step does not forget itself.
        if not task.done():
            where.add(task)
            task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any] | None) -> None:
        self._making.discard(task)
        self._closing.discard(task)
        if self._closed and not self.size:
            self._gone.set()


async def ended(task: asyncio.Task[Any] | None) -> None:
    """Wait until a task has ended; it goes on if the wait is cancelled."""
    if task is not None:
        await asyncio.wait([task])
