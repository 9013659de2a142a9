"""A pool of whatever costs to open: database connections, sessions, processes.

A semaphore counts the places. Whoever takes, makes, checks or closes a connection holds a place meanwhile,
and an idle connection holds none: so there are never more of them than places. A place is given back when
its connection lies in ``_idle`` or is gone, in that order: the next in line finds it there.
"""

import asyncio
import inspect
import math
import warnings
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Generic, NoReturn, Required, Self, TypedDict, TypeVar, Unpack, overload

from aioxide._core import Semaphore, move_on_after
from aioxide._core import timeout as time_limit
from aioxide.connections import Connections, Entry, ended

__all__ = ["Pool"]

_Conn = TypeVar("_Conn")

# Seconds until a connection that `min_size` asks for, and that could not be made, is tried again.
_RETRY = 1.0


class _Options(TypedDict, Generic[_Conn], total=False):
    max_size: Required[int]
    min_size: int
    idle_timeout: float | None
    max_lifetime: float | None
    check: Callable[[_Conn], object] | None
    close: Callable[[_Conn], object] | None


class Pool(Connections[_Conn]):
    """Keeps up to ``max_size`` connections, or anything else, and lends each to one user at a time.

    ``factory()`` gives a connection. ``check(connection)`` says whether an idle one still works: if it is
    false or raises, that one is closed, and the next is taken. ``close(connection)`` ends one; its errors go
    to the loop's exception handler. All three may be async, and should have time limits of their own: a place
    is taken while one of them runs. ``async with`` opens the pool and closes it.

    Those who wait are served in the order in which they came; what was used last is lent first. Times are
    seconds of the loop's clock. A connection that was idle for ``idle_timeout`` is closed if there are more
    than ``min_size``; one that is ``max_lifetime`` old is closed unless it is lent. This is looked at when it
    is taken, when it comes back, and between by the pool's only timer, which does not keep the pool alive.
    After ``open`` those that end are replaced, down to ``min_size``; if that fails, again after a second.
    A pool belongs to the loop on which it has connections; when it has none, any loop can use it.

    Raises:
        TypeError: ``factory``, ``check`` or ``close`` cannot be called.
        ValueError: A size or a time is out of range.
    """

    __module__ = "aioxide"

    @overload
    def __init__(
        self, factory: Callable[[], Awaitable[_Conn]], **options: Unpack[_Options[_Conn]]
    ) -> None: ...
    @overload
    def __init__(self, factory: Callable[[], _Conn], **options: Unpack[_Options[_Conn]]) -> None: ...
    def __init__(
        self,
        factory: Callable[[], Any],
        *,
        max_size: int,
        min_size: int = 0,
        idle_timeout: float | None = None,
        max_lifetime: float | None = None,
        check: Callable[[_Conn], object] | None = None,
        close: Callable[[_Conn], object] | None = None,
    ) -> None:
        for name, function in (("factory", factory), ("check", check), ("close", close)):
            if not callable(function) and (function is not None or name == "factory"):
                raise TypeError(f"{name} must be callable, not {function!r}")
        if max_size < 1:
            raise ValueError(f"max_size must be at least 1, not {max_size}")
        if not 0 <= min_size <= max_size:
            raise ValueError(f"min_size must be from 0 to max_size, not {min_size}")
        for name, seconds in (("idle_timeout", idle_timeout), ("max_lifetime", max_lifetime)):
            if seconds is not None and not seconds > 0:
                raise ValueError(f"{name} must be a positive number of seconds, not {seconds!r}")
        super().__init__(factory, close, max_lifetime)
        self._check = check
        self._max_size, self._min_size = max_size, min_size
        self._idle_timeout = math.inf if idle_timeout is None else idle_timeout
        self._timed = min(self._idle_timeout, self._max_lifetime) < math.inf
        self._places = Semaphore(max_size)
        self._idle: list[Entry[_Conn]] = []
        self._in_use = 0
        # When it goes off is `_due`.
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf
        self._opened = False

    def __repr__(self) -> str:
        kind, state = type(self), "closed" if self._closed else "open"
        counts = "size:{size}/{0}, idle:{idle}, waiting:{waiting}".format(self._max_size, **self.statistics())
        return f"<{kind.__module__}.{kind.__qualname__} object at {id(self):#x} [{state}, {counts}]>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("cannot pickle 'aioxide.Pool' object")

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        # An __init__ that raised has left no entries.
        if getattr(self, "_entries", None):
            _warn(f"unclosed pool {self!r}", ResourceWarning, source=self)

    @property
    def idle(self) -> int:
        """How many connections wait to be used."""
        return len(self._idle)

    @property
    def in_use(self) -> int:
        """How many connections are lent."""
        return self._in_use

    @property
    def max_size(self) -> int:
        """How many connections there can be."""
        return self._max_size

    @property
    def min_size(self) -> int:
        """How many connections are kept up once the pool was opened."""
        return self._min_size

    @property
    def closed(self) -> bool:
        """Whether ``aclose`` was called; when all connections have been closed ``size`` is 0."""
        return self._closed

    def statistics(self) -> dict[str, int]:
        """``size``, ``idle``, ``in_use`` and ``waiting`` now; so far ``made``, ``closed`` and ``failed``."""
        waiting = self._places.statistics()["waiting"]
        now = {"size": self.size, "idle": self.idle, "in_use": self._in_use, "waiting": waiting}
        return now | self._counts

    def acquire(self, timeout: float | None = None) -> "_Acquire[_Conn]":
        """Borrow a connection: ``async with pool.acquire() as connection``, or ``await`` and ``release``.

        Nothing happens before that. ``timeout`` limits the wait in seconds, making and checking included.
        The block gives the connection back however it ends; after an error that broke it, ``discard`` it.
        Cancel safety: one that is being made goes to the pool, one that is being checked is closed.

        Raises:
            RuntimeError: The pool is closed, or has connections on another loop.
            TimeoutError: The time is over.
            ValueError: The timeout is negative or NaN.
        """
        _refuse_bad(timeout)
        return _Acquire(self, timeout)

    def release(self, connection: _Conn, *, discard: bool = False) -> Coroutine[Any, Any, None]:
        """Give a connection back, at the call; with ``discard`` it is closed, and its place is free.

        Awaiting it waits until it is closed, if it has to be. Cancel safety: it is closed all the same.

        Raises:
            RuntimeError: The connection is on another loop, or no loop runs.
            ValueError: The connection is not lent by this pool.
        """
        return ended(self._give_back(self._lent(connection), discard))

    def discard(self, connection: _Conn) -> None:
        """Close a broken connection, in or out of its block, without waiting. Raises as ``release``."""
        self._give_back(self._lent(connection), True)

    async def open(self) -> None:
        """Make connections until there are ``min_size``; from then on that many are kept up.

        Raises:
            Exception: What ``factory`` raised; the pool keeps those that were made, and can be used.
            RuntimeError: The pool is closed, or has connections on another loop.
        """
        self._enter_loop()
        if making := {*self._fill_up(opening=True), *self._making}:
            await asyncio.wait(making)
        self._enter_loop()
        for task in making:
            task.result()
        self._opened = True

    async def aclose(self, timeout: float | None = None) -> None:
        """Close the pool: idle connections at once, those that are lent when they come back.

        Those who wait for one get a RuntimeError. Returns when all are closed, or after ``timeout`` seconds;
        it may be called again. Cancel safety: the pool is closed all the same.

        Raises:
            RuntimeError: The pool has connections on another loop.
            ValueError: The timeout is negative or NaN.
        """
        _refuse_bad(timeout)
        self._enter_loop(closing=True)
        if not self._closed:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            for making in self._making:
                making.cancel()
            # They find the pool closed. From now on nobody counts the places.
            if waiting := self._places.statistics()["waiting"]:
                self._places.release(waiting)
            while self._idle:
                self._end(self._idle.pop())
            self._forget(None)
        async with move_on_after(timeout):
            await self._gone.wait()

    async def __aenter__(self) -> Self:
        try:
            await self.open()
        except BaseException:
            # What is not entered is not left.
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def _enter_loop(self, *, closing: bool = False) -> None:
        """See that this loop is or becomes that of the connections, and that the pool is open."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            if self.size:
                raise RuntimeError(f"the pool has connections on another event loop: {self!r}")
            # A timer of the loop before may be on another thread: it is left to find that it is too late.
            self._loop, self._timer, self._due = loop, None, math.inf
        if self._closed and not closing:
            raise RuntimeError("the pool is closed")

    async def _take_or_make(self) -> Entry[_Conn]:
        """Find a connection for the caller's place; if it fails, the place is free again."""
        while self._idle and not self._closed:
            entry = self._idle.pop()
            works = not self._is_spent(entry)
            try:
                if works and self._check is not None:
                    answer = self._check(entry.connection)
                    works = bool(await answer if inspect.isawaitable(answer) else answer)
            except Exception:
                works = False
            except BaseException:
                # Nobody knows in which state a check that was cut short has left it.
                self._leave(self._end(entry))
                raise
            if works and not self._closed:
                return entry
            await self._wait_in_place(self._end(entry))
        self._enter_loop()
        making = self._begin()
        await self._wait_in_place(making)
        if self._closed or making.cancelled() or making.exception() is not None:
            self._leave(making)
            self._enter_loop()
        return making.result()

    async def _wait_in_place(self, task: asyncio.Task[Any] | None) -> None:
        """Wait for a task; if the wait is cut short, it goes on, and has the caller's place."""
        try:
            await ended(task)
        except BaseException:
            self._leave(task)
            raise

    def _lent(self, connection: _Conn) -> Entry[_Conn]:
        self._enter_loop(closing=True)
        entry = self._entries.get(id(connection))
        if entry is None or entry.loan is None:
            raise ValueError(f"the connection is not lent by this pool: {connection!r}")
        return entry

    def _give_back(self, entry: Entry[_Conn], discard: bool = False) -> asyncio.Task[Any] | None:
        """Take a connection back; gives the task that closes it, if one does."""
        entry.loan = None
        self._in_use -= 1
        if discard or self._closed or (self._timed and self._loop.time() >= entry.dies):
            self._leave(ending := self._end(entry))
            return ending
        self._store(entry)
        return None

    def _store(self, entry: Entry[_Conn]) -> None:
        """Keep a connection for the next, and free its place."""
        # Without limits the clock need not be read.
        if self._timed:
            entry.stale = self._loop.time() + self._idle_timeout
            self._wake_at(min(entry.stale, entry.dies))
        self._idle.append(entry)
        self._places.release()

    def _leave(self, task: asyncio.Task[Any] | None) -> None:
        """Free a place, after the end of the task that runs in it, and keep the connection that it made."""
        if task is not None and not task.done():
            task.add_done_callback(self._leave)
            return
        failed = task is not None and (task.cancelled() or task.exception() is not None)
        entry: Entry[_Conn] | None = None if task is None or failed else task.result()
        if entry is None:
            self._places.release()
        elif self._closed:
            self._end(entry)
        else:
            self._store(entry)
        if not failed:
            self._fill_up()
        elif self._opened and self._lacking() > 0:
            self._wake_at(self._loop.time() + _RETRY)

    def _lacking(self) -> int:
        """How many connections there are too few; below zero, too many."""
        return 0 if self._closed else self._min_size - len(self._entries) - len(self._making)

    def _fill_up(self, opening: bool = False) -> list[asyncio.Task[Any]]:
        """Begin to make what is lacking, in places that neither anybody has nor an idle connection needs."""
        begun: list[asyncio.Task[Any]] = []
        for _ in range(self._lacking() if self._opened or opening else 0):
            if self._places.value > len(self._idle) and self._places.try_acquire():
                begun.append(self._begin())
                self._leave(begun[-1])
        return begun

    def _is_spent(self, entry: Entry[_Conn]) -> bool:
        """Tell whether an idle connection is to be closed."""
        now = self._loop.time() if self._timed else 0.0
        return now >= entry.dies or (now >= entry.stale and self._lacking() < 0)

    def _wake_at(self, when: float) -> None:
        """See that the timer goes off then at the latest."""
        if when < self._due and not self._closed:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._due = self._loop.call_at(when, _tick, weakref.ref(self)), when

    def _expire(self) -> None:
        """Close what was idle or has lived for too long, and make what is lacking."""
        now, self._timer, self._due = self._loop.time(), None, math.inf
        for entry in self._idle[:]:
            if self._is_spent(entry) and self._places.try_acquire():
                self._idle.remove(entry)
                self._leave(self._end(entry))
        self._fill_up()
        ahead = (when for entry in self._idle for when in (entry.stale, entry.dies) if when > now)
        self._wake_at(min(ahead, default=math.inf))


def _tick(reference: "weakref.ref[Pool[Any]]") -> None:
    if (pool := reference()) is not None and pool._loop is asyncio.get_running_loop():
        pool._expire()


def _refuse_bad(timeout: float | None) -> None:
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"the timeout must not be negative or NaN: {timeout!r}")


class _Acquire(Coroutine[Any, Any, _Conn]):
    """What ``Pool.acquire`` gives: a coroutine, and a block around what it gives."""

    __slots__ = ("_coroutine", "_entry", "_pool", "_timeout")

    def __init__(self, pool: Pool[_Conn], timeout: float | None) -> None:
        self._pool = pool
        self._timeout = timeout
        self._entry: Entry[_Conn] | None = None
        self._coroutine = self._borrow()

    async def _borrow(self) -> _Conn:
        pool = self._pool
        if pool._closed or asyncio.get_running_loop() is not pool._loop:
            pool._enter_loop()
        # What is idle, need not be asked, and is for nobody in line, is lent without a wait.
        idle = pool._idle
        if pool._check is None and idle and not pool._is_spent(idle[-1]) and pool._places.try_acquire():
            entry = idle.pop()
        else:
            async with time_limit(self._timeout):
                await pool._places.acquire()
                entry = await pool._take_or_make()
            # Others may have been closed on the way.
            pool._fill_up()
        entry.loan, self._entry = self, entry
        pool._in_use += 1
        return entry.connection

    def __aenter__(self) -> Coroutine[Any, Any, _Conn]:
        return self._coroutine

    async def __aexit__(self, *exc: object) -> None:
        entry = self._entry
        # In the block it may have been released or discarded, and lent to somebody else.
        if entry is not None and entry.loan is self:
            await ended(self._pool._give_back(entry))

    def __await__(self) -> Generator[Any, Any, _Conn]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        return self._coroutine.send(value)

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> Any:
        return self._coroutine.throw(typ if val is None else val)

    def close(self) -> None:
        self._coroutine.close()
