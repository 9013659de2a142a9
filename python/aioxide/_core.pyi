"""The extension module: what is written in Rust. Import from ``aioxide``, not from here."""

import os
from asyncio import AbstractEventLoop, Future
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Hashable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    Sequence,
    ValuesView,
)
from concurrent.futures import Executor
from contextvars import Context
from datetime import timedelta
from pathlib import Path
from ssl import SSLContext
from traceback import StackSummary
from types import FrameType, GenericAlias, TracebackType
from typing import (
    IO,
    Any,
    Generic,
    Literal,
    NoReturn,
    ParamSpec,
    Protocol,
    Self,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    final,
    overload,
    type_check_only,
)

import yarl
from typing_extensions import disjoint_base

from aioxide.aiohttp._contexts import RequestContextManager
from aioxide.aiohttp.client_reqrep import ClientResponse
from aioxide.exceptions import ConnectionClosed

__version__: str

_P = ParamSpec("_P")
_T = TypeVar("_T")
_R = TypeVar("_R")
_T1 = TypeVar("_T1")
_T2 = TypeVar("_T2")
_T3 = TypeVar("_T3")
_T4 = TypeVar("_T4")
_T5 = TypeVar("_T5")
_T6 = TypeVar("_T6")

_Awaitable: TypeAlias = Future[_T] | Awaitable[_T]

@final
class Operation(Coroutine[Any, Any, _T], Generic[_T]):
    """What every call into Rust gives: await it, or hand it to whatever takes a coroutine.

    Nothing starts before the first ``await``, task or ``gather``. Cancelling, closing or dropping it stops
    the work at once. It can be awaited once.
    """

    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...
    async def __aenter__(self) -> _T:
        """Begin it in a form that is still at work: a response whose body is to be read.

        TypeError for an operation that has no such form.
        """

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...
    @property
    def cr_running(self) -> bool: ...
    @property
    def cr_suspended(self) -> bool: ...
    @property
    def cr_frame(self) -> FrameType | None: ...
    @property
    def cr_await(self) -> None: ...
    @property
    def cr_origin(self) -> None: ...
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...
    def __await__(self) -> Generator[Any, Any, _T]: ...
    def __iter__(self) -> Generator[Any, Any, _T]: ...
    def __next__(self) -> Any: ...
    def send(self, value: None, /) -> Any: ...
    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
        /,
    ) -> Any: ...
    def close(self) -> None: ...
    # While a task waits for it, it is that task's Future.
    _asyncio_future_blocking: bool | None
    def get_loop(self) -> AbstractEventLoop: ...
    def add_done_callback(
        self, callback: Callable[[Operation[_T]], object], /, *, context: Context | None = None
    ) -> None: ...
    def done(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def result(self) -> None: ...
    def cancel(self, msg: object = None) -> bool: ...

# ---- aioxide.sync ----

class _Acquired(Protocol):
    """What ``async with`` enters and leaves."""

    def __aenter__(self) -> Awaitable[None]: ...
    def __aexit__(
        self,
        _exc_type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> Awaitable[None]: ...

@disjoint_base
class Lock:
    """Lets one in at a time, in the order in which they came; for tasks of several loops and for threads."""

    def __init__(self) -> None: ...
    def acquire(self) -> Operation[Literal[True]]:
        """Take the lock, waiting for it if need be.

        Cancel safety: it is not taken; if it was granted by then it goes to the next in line.
        """
    def try_acquire(self) -> bool:
        """Take the lock if it is free and nobody is in line for it; whether it did."""
    def acquire_blocking(self, timeout: float | None = None) -> bool:
        """Take the lock on a plain thread, waiting at most ``timeout`` seconds; whether it did.

        Raises:
            RuntimeError: An event loop runs on this thread.
            ValueError: The timeout is negative or NaN.
        """
    def release(self) -> None:
        """Give the lock to the first in line, or leave it free.

        Raises:
            RuntimeError: Nobody has it.
        """
    def locked(self) -> bool:
        """Whether somebody has it."""
    def statistics(self) -> dict[str, Any]:
        """Whether it is ``locked``, and how many are ``waiting``."""
    def __aenter__(self) -> Awaitable[None]: ...
    def __aexit__(
        self,
        _exc_type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> Awaitable[None]: ...

@disjoint_base
class RLock:
    """A lock that its holder, a task or a thread, may take again, and has to release as often."""

    def __init__(self) -> None: ...
    def acquire(self) -> Operation[Literal[True]]:
        """Take the lock, waiting unless the task has it already.

        Cancel safety: it is not taken; if it was granted by then it goes to the next in line.
        """
    def try_acquire(self) -> bool:
        """Take the lock if that can be done at once; whether it did."""
    def acquire_blocking(self, timeout: float | None = None) -> bool:
        """Take the lock for a plain thread, waiting at most ``timeout`` seconds; whether it did.

        Raises:
            RuntimeError: An event loop runs on this thread.
            ValueError: The timeout is negative or NaN.
        """
    def release(self) -> None:
        """Undo one acquire; the last lets the first in line in.

        Raises:
            RuntimeError: Whoever calls this does not have it.
        """
    def locked(self) -> bool:
        """Whether somebody has it."""
    def statistics(self) -> dict[str, Any]:
        """``locked``, ``waiting``, ``owner`` (a task or a thread's ident) and ``count`` of its acquires."""
    def __aenter__(self) -> Awaitable[None]: ...
    def __aexit__(
        self,
        _exc_type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> Awaitable[None]: ...

@disjoint_base
class RWLock:
    """Lets in any number of readers or one writer, in the order in which they came: neither starves."""

    def __init__(self) -> None: ...
    def read(self) -> _Acquired:
        """``async with lock.read():`` holds the lock for reading inside the block."""
    def write(self) -> _Acquired:
        """``async with lock.write():`` holds the lock for writing inside the block."""
    def acquire_read(self) -> Operation[Literal[True]]:
        """Take the lock for reading, waiting if need be. Cancel safety: as ``Lock.acquire``."""
    def acquire_write(self) -> Operation[Literal[True]]:
        """Take the lock for writing, waiting if need be. Cancel safety: as ``Lock.acquire``."""
    def try_acquire_read(self) -> bool:
        """Take the lock for reading if that can be done at once; whether it did."""
    def try_acquire_write(self) -> bool:
        """Take the lock for writing if that can be done at once; whether it did."""
    def acquire_read_blocking(self, timeout: float | None = None) -> bool:
        """Take the lock for reading on a plain thread, waiting at most ``timeout`` seconds; whether it did.

        Raises:
            RuntimeError: An event loop runs on this thread.
            ValueError: The timeout is negative or NaN.
        """
    def acquire_write_blocking(self, timeout: float | None = None) -> bool:
        """Take the lock for writing on a plain thread, waiting at most ``timeout`` seconds; whether it did.

        Raises:
            RuntimeError: An event loop runs on this thread.
            ValueError: The timeout is negative or NaN.
        """
    def release_read(self) -> None:
        """Say that one reader is done.

        Raises:
            RuntimeError: No reader has it.
        """
    def release_write(self) -> None:
        """Say that the writer is done.

        Raises:
            RuntimeError: No writer has it.
        """
    def locked(self) -> bool:
        """Whether a writer has it."""
    @property
    def readers(self) -> int:
        """How many readers have it."""
    def statistics(self) -> dict[str, Any]:
        """Whether a writer has it (``writing``), how many ``readers`` do, and how many are ``waiting``."""

@disjoint_base
class Event:
    """A flag that tasks of several loops, and threads, wait for."""

    def __init__(self) -> None: ...
    def set(self) -> None:
        """Set the flag: everybody who waits goes on, in the order in which they came."""
    def clear(self) -> None:
        """Take the flag back: who comes from now on waits for the next ``set``."""
    def is_set(self) -> bool:
        """Whether the flag is set."""
    def wait(self) -> Operation[Literal[True]]:
        """Wait until the flag is set. Cancel safety: nothing is lost."""
    def wait_blocking(self, timeout: float | None = None) -> bool:
        """Wait on a plain thread for at most ``timeout`` seconds; whether the flag was set.

        Raises:
            RuntimeError: An event loop runs on this thread.
            ValueError: The timeout is negative or NaN.
        """
    def statistics(self) -> dict[str, Any]:
        """Whether it is ``set``, and how many are ``waiting``."""

@disjoint_base
class Condition:
    """Lets tasks wait, with a lock let go of, until another one notifies them.

    Raises:
        TypeError: ``lock`` is neither an ``aioxide.Lock`` nor an ``aioxide.RLock``.
    """

    def __init__(self, lock: Lock | RLock | None = None) -> None: ...
    def acquire(self) -> Operation[Literal[True]]:
        """Take the lock, as its own ``acquire``."""
    def try_acquire(self) -> bool:
        """Take the lock if that can be done at once; whether it did."""
    def acquire_blocking(self, timeout: float | None = None) -> bool:
        """Take the lock on a plain thread, as its own ``acquire_blocking``."""
    def release(self) -> None:
        """Give the lock back."""
    def locked(self) -> bool:
        """Whether somebody has the lock."""
    def wait(self) -> Operation[Literal[True]]:
        """Let go of the lock, wait to be notified, and take the lock again.

        Cancel safety: the lock is held again before the CancelledError comes up, and a notification that
        came by then goes to the next who waits.

        Raises:
            RuntimeError: The lock is not held.
        """
    def wait_blocking(self, timeout: float | None = None) -> bool:
        """Let go of the lock on a plain thread, wait at most ``timeout`` seconds, and take the lock again.

        Whether it was notified. Taking the lock again may take longer than the timeout. An exception that
        comes up meanwhile, as of Ctrl-C, is raised with the lock held, and a notification that came by then
        goes to the next who waits.

        Raises:
            RuntimeError: The lock is not held, or an event loop runs on this thread.
            ValueError: The timeout is negative or NaN.
        """
    def wait_for(self, predicate: Callable[[], _T]) -> Operation[_T]:
        """Wait until ``predicate()`` is true, and give its value.

        It looks before the first wait and after each notification, with the lock held. Cancel safety: as
        ``wait``.

        Raises:
            RuntimeError: The lock is not held, and it would have to wait.
        """
    def wait_for_blocking(self, predicate: Callable[[], _T], timeout: float | None = None) -> _T:
        """Wait on a plain thread until ``predicate()`` is true, for at most ``timeout`` seconds.

        What it gave last: something false, if the time was over. It is called with the lock held, before the
        first wait and after each.

        Raises:
            RuntimeError: The lock is not held, and it would have to wait; or an event loop runs on this
                thread.
            ValueError: The timeout is negative or NaN.
        """
    def notify(self, n: int = 1) -> None:
        """Wake the first ``n`` who wait.

        Raises:
            RuntimeError: The lock is not held.
        """
    def notify_all(self) -> None:
        """Wake all who wait.

        Raises:
            RuntimeError: The lock is not held.
        """
    def statistics(self) -> dict[str, Any]:
        """How many are ``waiting``, and the statistics of the ``lock``."""
    def __aenter__(self) -> Awaitable[None]: ...
    def __aexit__(
        self,
        _exc_type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> Awaitable[None]: ...

@disjoint_base
class Semaphore:
    """Lets at most so many in at a time, in the order in which they came; for several loops and for threads.

    Raises:
        ValueError: The value is negative.
    """

    def __init__(self, value: int = 1) -> None: ...
    def acquire(self, n: int = 1) -> Operation[Literal[True]]:
        """Take ``n`` permits, waiting for them if need be.

        Cancel safety: nothing is taken; what was granted by then goes to the next in line.

        Raises:
            ValueError: ``n`` is below 1, or above what a bounded semaphore has in all.
        """
    def try_acquire(self, n: int = 1) -> bool:
        """Take ``n`` permits if they are free and nobody is in line for them; whether it did."""
    def acquire_blocking(self, n: int = 1, timeout: float | None = None) -> bool:
        """Take ``n`` permits on a plain thread, waiting at most ``timeout`` seconds; whether it did.

        Raises:
            RuntimeError: An event loop runs on this thread.
            ValueError: As ``acquire``, or the timeout is negative or NaN.
        """
    def release(self, n: int = 1) -> None:
        """Give ``n`` permits back, and let in who can be let in then.

        Raises:
            ValueError: ``n`` is below 1, or a bounded semaphore would have more than it began with.
        """
    def locked(self) -> bool:
        """Whether ``acquire()`` would have to wait."""
    def resize(self, capacity: int) -> None:
        """Change how many permits there are in all.

        Fewer: what is out comes back before anybody is let in.

        Raises:
            ValueError: The capacity is negative.
        """
    @property
    def capacity(self) -> int:
        """How many permits there are in all."""
    @property
    def value(self) -> int:
        """How many permits are free; below zero after a ``resize`` that took more than were."""
    @property
    def _value(self) -> int: ...
    def statistics(self) -> dict[str, Any]:
        """``value``, ``capacity``, and how many are ``waiting``."""
    def __aenter__(self) -> Awaitable[None]: ...
    def __aexit__(
        self,
        _exc_type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> Awaitable[None]: ...

@disjoint_base
class BoundedSemaphore(Semaphore):
    """A semaphore that never has more permits than it began with: releasing too often is a ValueError."""

    def __new__(cls, value: int = 1) -> Self: ...

@disjoint_base
class Barrier:
    """Holds tasks until ``parties`` of them have come, then lets them all go on; again and again.

    Raises:
        ValueError: There is to be less than one party.
    """

    def __init__(self, parties: int) -> None: ...
    def wait(self) -> Operation[int]:
        """Wait until all have come; each gets another number, from 0 on. Cancel safety: it has not come.

        Raises:
            BrokenBarrierError: The barrier is aborted, or was reset meanwhile.
        """
    def wait_blocking(self, timeout: float | None = None) -> int:
        """Wait on a plain thread, for at most ``timeout`` seconds, until all have come; as ``wait``.

        Raises:
            TimeoutError: They had not by then; and this one has not come.
            BrokenBarrierError: The barrier is aborted, or was reset meanwhile.
            RuntimeError: An event loop runs on this thread.
            ValueError: The timeout is negative or NaN.
        """
    def reset(self) -> Operation[None]:
        """Make the barrier new; BrokenBarrierError for those who wait at it."""
    def abort(self) -> Operation[None]:
        """Break the barrier: BrokenBarrierError for those who wait, and who come, until ``reset``."""
    @property
    def parties(self) -> int:
        """How many have to come."""
    @property
    def n_waiting(self) -> int:
        """How many have come and wait for the others."""
    @property
    def broken(self) -> bool:
        """Whether it was aborted."""
    def statistics(self) -> dict[str, Any]:
        """``parties``, how many of them are ``waiting``, and the ``state`` in a word."""
    def __aenter__(self) -> Awaitable[int]: ...
    def __aexit__(
        self,
        _exc_type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> Awaitable[None]: ...

@disjoint_base
class Queue(Generic[_T]):
    """Items handed from those who put to those who get, first in, first out.

    For tasks of several loops and for threads. ``maxsize`` of zero or less is no limit.
    """

    def __init__(self, maxsize: float = 0) -> None: ...
    def put(self, item: _T) -> Operation[None]:
        """Put ``item`` in, waiting for room if need be. Cancel safety: then it is not put in.

        Raises:
            QueueShutDown: The queue is shut down.
        """
    def put_nowait(self, item: _T) -> None:
        """Put ``item`` in.

        Raises:
            QueueFull: There is no room, or all of it is promised to those who wait.
            QueueShutDown: The queue is shut down.
        """
    def put_blocking(self, item: _T, timeout: float | None = None) -> None:
        """Put ``item`` in from a plain thread, waiting for room for at most ``timeout`` seconds.

        Raises:
            TimeoutError: There was no room by then.
            QueueShutDown: The queue is shut down.
            RuntimeError: An event loop runs on this thread.
        """
    def put_many(self, items: Iterable[_T]) -> Operation[None]:
        """Put all ``items`` in, in order, waiting for room. Cancel safety: what is in by then stays there.

        Raises:
            QueueShutDown: The queue is shut down.
        """
    def get(self, timeout: float | None = None) -> Operation[_T]:
        """Take an item out, waiting for one, if need be for at most ``timeout`` seconds.

        Cancel safety: no item is lost; one that was due goes to the next in line.

        Raises:
            TimeoutError: There was none by then.
            QueueShutDown: The queue is shut down and empty.
            ValueError: The timeout is negative or NaN.
        """
    def get_nowait(self) -> _T:
        """Take an item out.

        Raises:
            QueueEmpty: There is none, or all are spoken for by those who wait.
            QueueShutDown: The queue is shut down and empty.
        """
    def get_blocking(self, timeout: float | None = None) -> _T:
        """Take an item out on a plain thread, waiting for one for at most ``timeout`` seconds.

        Raises:
            TimeoutError: There was none by then.
            QueueShutDown: The queue is shut down and empty.
            RuntimeError: An event loop runs on this thread.
        """
    def get_many(self, max: int, within: float | None = None) -> Operation[list[_T]]:
        """Wait for an item and take what else is there, at most ``max`` in all.

        With ``within`` it goes on for so many seconds after the first, or until it has ``max``. Cancel
        safety: what it has taken goes back to where it was.

        Raises:
            QueueShutDown: The queue is shut down and empty.
            ValueError: ``max`` is below 1, or ``within`` is negative or NaN.
        """
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Operation[_T]: ...
    def task_done(self) -> None:
        """Say that the work on an item that was taken out is done.

        Raises:
            ValueError: That was said too often.
        """
    def join(self) -> Operation[None]:
        """Wait until the work on every item that was put in is done. Cancel safety: nothing is lost."""
    def shutdown(self, immediate: bool = False) -> None:
        """Let nothing in from now on: puts raise QueueShutDown, and gets do when the queue is empty.

        With ``immediate`` what is in it is thrown away, and its work counts as done.
        """
    def qsize(self) -> int:
        """How many items are in it."""
    def empty(self) -> bool:
        """Whether it has no item."""
    def full(self) -> bool:
        """Whether it has as many items as ``maxsize``; never, where that is zero or less."""
    @property
    def maxsize(self) -> int:
        """How many items it may have; zero or less for no limit."""
    def statistics(self) -> dict[str, Any]:
        """``size``, ``maxsize``, ``getting``, ``putting``, ``unfinished`` work, and whether ``shutdown``."""
    def _items(self) -> list[_T]: ...
    def _set_items(self, items: Sequence[_T]) -> None: ...
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...

@disjoint_base
class LifoQueue(Queue[_T]):
    """A queue whose newest item comes out first."""

    def __new__(cls, maxsize: float = 0) -> Self: ...

@disjoint_base
class PriorityQueue(Queue[_T]):
    """A queue whose smallest item comes out first, and of equal ones that which went in first.

    ``key(item)`` computes what is compared; without it that is the item itself. Only ``<`` is used. A
    comparison that raises does so where the item is put in or taken out, and the queue stays as it was.
    """

    def __init__(self, maxsize: float = 0, *, key: Callable[[_T], Any] | None = None) -> None: ...

@disjoint_base
class RateLimiter:
    """Lets ``rate`` through in ``per`` seconds, evenly spaced, or up to ``burst`` at once after a pause.

    By the generic cell rate algorithm. With a key it keeps a pace for each key apart, and forgets keys that
    have been idle. With a burst of 1 no window of ``per`` seconds has more than ``rate`` in it; a larger
    burst adds itself to that.

    Args:
        rate: How many in ``per`` seconds.
        per: Seconds.
        burst: How many at once after a pause.
        strict: Up to ``rate`` at once, and never more than that in any window of ``per`` seconds: for servers
            that count so. It remembers when the last ``rate`` went, of each key.

    Raises:
        ValueError: The rate, ``per`` or the burst is not positive; with ``strict``, the rate is no whole
            number, or there is a burst.
    """

    def __init__(self, rate: float, per: float = 1.0, burst: int = 1, *, strict: bool = False) -> None: ...
    def acquire(self, n: int = 1, key: Hashable = None) -> Operation[None]:
        """Wait until ``n`` more may go, of those with that ``key``.

        Cancel safety: nothing is used up; what was granted by then goes to the next in line.

        Raises:
            ValueError: ``n`` is below 1 or above the burst; with ``strict``, above the rate.
            TypeError: The key cannot be hashed.
        """
    def try_acquire(self, n: int = 1, key: Hashable = None) -> bool:
        """Let ``n`` go if they may go now and nobody is in line; whether it did."""
    def refund(self, n: int = 1, key: Hashable = None) -> None:
        """Take back ``n`` that went and did nothing, as when a cache had it: others may go in their place.

        Raises:
            ValueError: ``n`` is below 1.
            TypeError: The key cannot be hashed.
        """
    def acquire_blocking(self, n: int = 1, key: Hashable = None, timeout: float | None = None) -> bool:
        """Wait on a plain thread, for at most ``timeout`` seconds, until ``n`` more may go; whether they did.

        Raises:
            RuntimeError: An event loop runs on this thread.
            ValueError: As ``acquire``, or the timeout is negative or NaN.
        """
    @property
    def rate(self) -> float:
        """How many may go in ``per`` seconds."""
    @property
    def per(self) -> float:
        """The seconds that ``rate`` is for."""
    @property
    def burst(self) -> int:
        """How many may go at once after a pause."""
    @property
    def strict(self) -> bool:
        """Whether no window of ``per`` seconds ever has more than ``rate``."""
    def statistics(self) -> dict[str, Any]:
        """How many ``keys`` it remembers, and how many are ``waiting`` in all."""
    def __aenter__(self) -> Awaitable[None]: ...
    def __aexit__(
        self,
        _exc_type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> Awaitable[None]: ...

# ---- aioxide.tasks ----

@overload
def gather(  # type: ignore[overload-overlap]
    aw1: _Awaitable[_T1],
    /,
    *,
    return_exceptions: Literal[False] = False,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1]]: ...
@overload
def gather(  # type: ignore[overload-overlap]
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    /,
    *,
    return_exceptions: Literal[False] = False,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1, _T2]]: ...
@overload
def gather(  # type: ignore[overload-overlap]
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    aw3: _Awaitable[_T3],
    /,
    *,
    return_exceptions: Literal[False] = False,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1, _T2, _T3]]: ...
@overload
def gather(  # type: ignore[overload-overlap]
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    aw3: _Awaitable[_T3],
    aw4: _Awaitable[_T4],
    /,
    *,
    return_exceptions: Literal[False] = False,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1, _T2, _T3, _T4]]: ...
@overload
def gather(  # type: ignore[overload-overlap]
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    aw3: _Awaitable[_T3],
    aw4: _Awaitable[_T4],
    aw5: _Awaitable[_T5],
    /,
    *,
    return_exceptions: Literal[False] = False,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1, _T2, _T3, _T4, _T5]]: ...
@overload
def gather(  # type: ignore[overload-overlap]
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    aw3: _Awaitable[_T3],
    aw4: _Awaitable[_T4],
    aw5: _Awaitable[_T5],
    aw6: _Awaitable[_T6],
    /,
    *,
    return_exceptions: Literal[False] = False,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1, _T2, _T3, _T4, _T5, _T6]]: ...
@overload
def gather(  # type: ignore[overload-overlap]
    *aws: _Awaitable[_T],
    return_exceptions: Literal[False] = False,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[list[_T]]: ...
@overload
def gather(
    aw1: _Awaitable[_T1],
    /,
    *,
    return_exceptions: bool,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1 | BaseException]]: ...
@overload
def gather(
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    /,
    *,
    return_exceptions: bool,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1 | BaseException, _T2 | BaseException]]: ...
@overload
def gather(
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    aw3: _Awaitable[_T3],
    /,
    *,
    return_exceptions: bool,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1 | BaseException, _T2 | BaseException, _T3 | BaseException]]: ...
@overload
def gather(
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    aw3: _Awaitable[_T3],
    aw4: _Awaitable[_T4],
    /,
    *,
    return_exceptions: bool,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[tuple[_T1 | BaseException, _T2 | BaseException, _T3 | BaseException, _T4 | BaseException]]: ...
@overload
def gather(
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    aw3: _Awaitable[_T3],
    aw4: _Awaitable[_T4],
    aw5: _Awaitable[_T5],
    /,
    *,
    return_exceptions: bool,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[
    tuple[
        _T1 | BaseException,
        _T2 | BaseException,
        _T3 | BaseException,
        _T4 | BaseException,
        _T5 | BaseException,
    ]
]: ...
@overload
def gather(
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    aw3: _Awaitable[_T3],
    aw4: _Awaitable[_T4],
    aw5: _Awaitable[_T5],
    aw6: _Awaitable[_T6],
    /,
    *,
    return_exceptions: bool,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[
    tuple[
        _T1 | BaseException,
        _T2 | BaseException,
        _T3 | BaseException,
        _T4 | BaseException,
        _T5 | BaseException,
        _T6 | BaseException,
    ]
]: ...
@overload
def gather(
    *aws: _Awaitable[_T],
    return_exceptions: bool,
    limit: int | None = None,
    progress: Callable[[int, int], object] | bool | None = None,
) -> Future[list[_T | BaseException]]:
    """Run awaitables concurrently, for the list of their results in the order of the arguments.

    They start at once, and the Future is a real one, as ``asyncio.gather``'s. Native operations need no Task.

    Args:
        aws: Operations, coroutines, Tasks and Futures, in any mixture. One that comes twice runs once.
        return_exceptions: Whether an exception is a result like any other. If not, the first is raised at
            once, and the others go on.
        limit: At most so many run at a time, in their order.
        progress: Called at each end, on the loop's thread, with how many different ones have ended and how
            many there are, until the Future is done or cancelled. What it raises, the Future raises. True
            draws a bar on standard error if that is a terminal.

    Cancel safety: cancelling stops native operations at once and cancels the rest.

    Raises:
        TypeError: For what cannot be awaited, or is no ``progress``.
        ValueError: The limit is below 1, or futures are of different loops.
    """

@type_check_only
class _AsCompleted(AsyncIterator[Future[_T]], Iterator[Operation[_T]], Generic[_T]):
    def __iter__(self) -> Self: ...
    def __next__(self) -> Operation[_T]: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Operation[Future[_T]]: ...

def as_completed(
    aws: Iterable[_Awaitable[_T]], *, timeout: float | None = None, limit: int | None = None
) -> _AsCompleted[_T]:
    """Iterate over what has ended, the first to end first.

    Plain iteration gives awaitables, each for the next result. ``async for`` gives Futures that are done:
    Tasks and Futures as they were given, for a coroutine its Task. With ``limit`` at most so many run at a
    time. When ``timeout`` seconds of the loop's clock have passed, the rest raises TimeoutError; native
    operations are stopped then, and Tasks go on.

    Raises:
        RuntimeError: There is no loop.
        TypeError: Not an iterable of awaitables.
        ValueError: The limit is below 1, the timeout is NaN, or a future belongs to another loop.
    """

@final
class MapRun(Generic[_T, _R]):
    """The inside of ``amap``."""

    def __new__(
        cls, func: Callable[[_T], Awaitable[_R]], source: Iterator[_T] | None, limit: int, ordered: bool
    ) -> Self: ...
    def next(self) -> Operation[_R]:
        """Give the next result, and after the last one this object itself."""

    def room(self) -> Operation[bool]:
        """Wait until an item may be added; False if none is wanted any more."""

    def add(self, item: _T) -> None:
        """Start one more."""

    def end(self, error: BaseException | None = None) -> None:
        """Say that no item comes any more, and why."""

    def stop(self) -> Operation[None]:
        """Cancel what runs, and wait until it has ended."""

def to_thread(func: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Operation[_T]:
    """Call ``func(*args, **kwargs)`` on another thread, in a copy of the caller's context.

    Gives what it returns and raises what it raises. Cancelling does not stop a function that has begun.
    """

# ---- aioxide.timeouts ----

@overload
def sleep(delay: float) -> Operation[None]:
    """Give ``result`` after ``delay`` seconds of the loop's clock; zero or less lets the loop turn once.

    Raises:
        ValueError: The delay is NaN.
    """

@overload
def sleep(delay: float, result: _T) -> Operation[_T]: ...
def timeout(delay: float | None) -> Timeout:
    """Enter with ``async with``: after ``delay`` seconds what is inside ends with TimeoutError.

    Raises:
        RuntimeError: No loop runs.
        ValueError: The delay is NaN.
    """

def timeout_at(when: float | None) -> Timeout:
    """Like ``timeout``, with a deadline in seconds of the loop's clock.

    Raises:
        ValueError: The deadline is NaN.
    """

def entered_timeout(delay: float) -> Timeout:
    """Give a ``timeout`` that is entered already; whoever calls this leaves it.

    Raises:
        RuntimeError: Not called in a task.
        ValueError: The delay is NaN.
    """

def move_on_after(seconds: float | None) -> MoveOn:
    """Enter with ``async with``: after ``seconds`` what is inside ends, and the program goes on after it.

    Raises:
        RuntimeError: No loop runs.
        ValueError: The time is NaN.
    """

@final
class MoveOn:
    """The scope that ``move_on_after`` gives; enter it once."""

    def when(self) -> float | None:
        """Give the deadline in seconds of the loop's clock, or None."""

    def expired(self) -> bool:
        """Tell whether the scope was ended by its deadline."""

    def reschedule(self, when: float | None) -> None:
        """Move the deadline to ``when``, in seconds of the loop's clock; None for no deadline.

        Raises:
            RuntimeError: The scope was not entered, has expired or was left.
            ValueError: The deadline is NaN.
        """

    def __aenter__(self) -> Awaitable[Self]: ...
    def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> Awaitable[bool]: ...

@final
class Timeout:
    """The scope that ``timeout`` and ``timeout_at`` give; enter it once."""

    def when(self) -> float | None:
        """Give the deadline in seconds of the loop's clock, or None."""

    def expired(self) -> bool:
        """Tell whether the scope was ended by its deadline."""

    def reschedule(self, when: float | None) -> None:
        """Move the deadline to ``when``, in seconds of the loop's clock; None for no deadline.

        Raises:
            RuntimeError: The scope was not entered, has expired or was left.
            ValueError: The deadline is NaN.
        """

    def __aenter__(self) -> Awaitable[Self]: ...
    def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> Awaitable[None]: ...

# ---- aioxide.watchdog ----

def watchdog(
    threshold: float = 0.1,
    *,
    callback: Callable[[Stall], object] | None = None,
    interval: float | None = None,
) -> Watchdog:
    """Watch the running event loop: tell where it is stuck once it has not turned for ``threshold`` seconds.

    The loop is asked to turn every ``interval`` seconds: half the threshold if that is None, and no more
    often than every 10 ms. A stall longer than both together is found, one shorter than the threshold is not.
    Each is told of twice, while it lasts and when it is over: as a warning to the logger
    ``aioxide.watchdog``, or by ``callback(stall)``, which is called on a thread of the watchdog's own. What
    the callback raises goes to ``sys.unraisablehook``.

    Nothing is watched before ``start``, ``with`` or ``async with``.

    Raises:
        RuntimeError: No loop runs.
        TypeError: The callback cannot be called.
        ValueError: The threshold or the interval is NaN, zero or less.
    """

@final
class Watchdog:
    """What ``watchdog`` gives: start and stop it, or enter it with ``with`` or ``async with``."""

    def start(self) -> None:
        """Watch the running loop, until ``stop`` or until the loop is closed. It can be started again then.

        Raises:
            RuntimeError: No loop runs, the watchdog is running already, or no thread can be started.
        """

    def stop(self) -> None:
        """End the watch; a stall that lasts is over by this. A second time does nothing.

        What there is to tell is told before this returns, unless a callback takes more than five seconds.
        """

    @property
    def running(self) -> bool:
        """Whether it watches a loop."""

    @property
    def stalls(self) -> int:
        """How many stalls there were since it was made."""

    @property
    def longest(self) -> float:
        """The length of the longest, in seconds; of one that lasts, what it was when it was told of."""

    @property
    def threshold(self) -> float:
        """For how long the loop may not turn, in seconds."""

    @property
    def interval(self) -> float:
        """How often the loop is asked to turn, in seconds."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _class: type[BaseException] | None,
        _exception: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None: ...
    def __aenter__(self) -> Awaitable[Self]: ...
    def __aexit__(
        self,
        _class: type[BaseException] | None,
        _exception: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> Awaitable[None]: ...

@final
class Stall:
    """A time during which the event loop did not turn: what a watchdog's callback gets.

    It comes twice, while the stall lasts and when it is over. ``str`` gives the text that is logged.
    """

    @property
    def duration(self) -> float:
        """How long so far, in seconds; the whole length if it is finished.

        The loop may have been stuck for up to one interval of the watchdog before.
        """

    @property
    def finished(self) -> bool:
        """Whether the loop turns again."""

    @property
    def thread_id(self) -> int:
        """The thread that runs the loop, as ``threading.get_ident`` numbers it."""

    @property
    def task(self) -> str | None:
        """The name of the task that was running; None for a callback, and if it is not known."""

    @property
    def stack(self) -> StackSummary:
        """Where the thread was stuck: a list of ``traceback.FrameSummary``, the oldest call first.

        Empty if the stall was over before the GIL could be had.
        """

    @property
    def gil_wait(self) -> float:
        """How long the watchdog had to wait for the GIL before it could look, in seconds."""

# ---- aioxide.testing ----

def noop() -> Operation[None]: ...
def echo(value: _T) -> Operation[_T]: ...
def pending() -> Operation[None]: ...
def pending_count() -> int: ...
def bridge_statistics() -> dict[str, int]: ...
def cookies_as_aiohttp(addresses: bool, quoted: bool, trusted: list[str]) -> Cookies:
    """Make a jar that does as aiohttp's where programs see it; see ``aioxide.aiohttp.CookieJar``."""

def pattern(length: int) -> bytes: ...

@final
class SeenRequest:
    @property
    def method(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def authority(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def headers(self) -> list[tuple[str, str]]: ...
    @property
    def body_length(self) -> int | None: ...

@final
class LocalSite:
    def __new__(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        http2: bool = True,
        workers: int = 1,
        pages: int = 5000,
        log: bool = True,
    ) -> Self: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        class_: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        class_: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def url(self) -> str: ...
    @property
    def certificate(self) -> str | None: ...
    @property
    def certificate_path(self) -> str | None: ...
    def statistics(self) -> dict[str, Any]: ...
    def requests(self) -> list[SeenRequest]: ...
    def wait_begun(self, count: int) -> Operation[None]: ...
    def wait_finished(self, count: int) -> Operation[None]: ...
    def wait_aborted(self, count: int) -> Operation[None]: ...
    def wait_open(self, count: int) -> Operation[None]: ...

# ---- aioxide.httpx ----

_Carried: TypeAlias = tuple[int, list[tuple[bytes, bytes]], bytes | None, CarriedBody | None, dict[str, Any]]

@final
class Carrier:
    """Carries requests of httpx, with the settings of `Client`; see ``aioxide.httpx``.

    An answer is its status, its headers as they were written, its body in bytes or, if that did not come with
    the head, as what it is read from, and its extensions.
    """

    def __new__(cls, **settings: Any) -> Self: ...
    def open(self, request: Any, body: Any, tracer: Tracer | None = None) -> Operation[_Carried]: ...
    def wait(self, request: Any, body: Any, tracer: Tracer | None = None) -> _Carried: ...
    def close(self) -> None: ...

@final
class CarriedBody:
    """A body that is read as it comes, and in the coding in which it comes."""

    def __aiter__(self) -> AsyncPieces[bytes]: ...
    def __iter__(self) -> Pieces[bytes]: ...
    def close(self) -> None: ...

@final
class NetworkStream:
    """The extension ``network_stream`` of a response: the two ends of its connection."""

    def get_extra_info(self, info: str) -> tuple[str, int] | None:
        """Give ``client_addr`` or ``server_addr``, an address and a port; None for anything else."""

    def read(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Raise NotImplementedError: the connection is the pool's."""

    def write(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Raise NotImplementedError: the connection is the pool's."""

    def start_tls(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Raise NotImplementedError: the connection is the pool's."""

@final
class Tracer:
    """Writes down what happens to one request."""

    def __new__(cls) -> Self: ...
    def events(self) -> list[TraceEvent]: ...

# ---- aioxide: http ----

_Default = TypeVar("_Default")

@final
class Headers(Mapping[str, str]):
    """HTTP headers: an immutable mapping whose keys have no case and may repeat.

    ``headers["name"]`` joins repeated values with ``", "`` (RFC 9110, section 5.3); of ``Set-Cookie``, which
    cannot be joined, it is the first. ``get_list`` and ``multi_items`` give each value. Names come in lower
    case. Values are UTF-8 if they are that, else Latin-1.

    Raises:
        LocalProtocolError: For a name that is no token, or a value with CR, LF, NUL or another control
            character. A ValueError.
        TypeError: For names or values that are neither str nor bytes.
    """

    def __new__(cls, headers: _Headers | None = None, /) -> Self: ...
    def __getitem__(self, name: str, /) -> str: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str | _Default, /) -> str | _Default:
        """Return what ``[]`` gives, or ``default``."""

    def get_list(self, name: str, split_commas: bool = False) -> list[str]:
        """Return each value of ``name``, in order; none is an empty list."""

    @overload
    def getall(self, name: str, /) -> list[str]: ...
    @overload
    def getall(self, name: str, default: _Default, /) -> list[str] | _Default:
        """Return each value of ``name``, in order; without any, ``default``, or KeyError if there is none."""

    def keys(self) -> KeysView[str]:
        """Return the names, each once."""

    def values(self) -> ValuesView[str]:
        """Return what ``[]`` gives for each name."""

    def items(self) -> ItemsView[str, str]:
        """Return each name with what ``[]`` gives for it."""

    def multi_items(self) -> list[tuple[str, str]]:
        """Return each pair, repeated names repeated."""

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """Each pair as bytes."""

    def copy(self) -> Self:
        """Make a copy; as it cannot be changed, it is as good as the original."""

@final
class Cookie:
    """One cookie, with all that is known of it; a value, which does not change.

    Args:
        name: Empty for a nameless cookie, of which only the value is sent.
        value: As it is sent; nothing is quoted or encoded.
        domain: A host. Without ``host_only`` the cookie is for the hosts below it as well. Empty: every host.
        path: Begins with ``/``. The cookie is for this path and those below it.
        expires: Seconds since 1970. None: it lasts as long as the jar, and is a session cookie in a file.
        secure: Send it over TLS only, or to ``localhost`` and the names below it.
        http_only: Kept for whoever reads it; scripts of a page may not.
        same_site: ``"Strict"``, ``"Lax"``, ``"None"``, or None for nothing said. Kept, and without effect.
        host_only: Not for the hosts below the domain. Always so for an address and a name without dots.

    Raises:
        ValueError: For a name or value that no header can hold, what is no domain, or a public suffix as
            ``co.uk`` without ``host_only``.
    """

    def __new__(
        cls,
        name: str | bytes,
        value: str | bytes,
        *,
        domain: str = "",
        path: str = "/",
        expires: float | None = None,
        secure: bool = False,
        http_only: bool = False,
        same_site: str | None = None,
        host_only: bool = False,
    ) -> Self: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def domain(self) -> str:
        """In lower case and ASCII (``xn--``), without a leading dot; empty for every host."""

    @property
    def path(self) -> str: ...
    @property
    def expires(self) -> int | None: ...
    @property
    def secure(self) -> bool: ...
    @property
    def http_only(self) -> bool: ...
    @property
    def same_site(self) -> Literal["Strict", "Lax", "None"] | None: ...
    @property
    def host_only(self) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getnewargs_ex__(self) -> tuple[tuple[bytes, bytes], dict[str, Any]]: ...

@type_check_only
class _LibraryJar(Protocol):
    """``http.cookiejar.CookieJar`` and its subclasses, as requests' is."""

    def extract_cookies(self, response: Any, request: Any) -> None: ...
    def __iter__(self) -> Iterator[Any]: ...

_Cookies = Mapping[str, str] | Iterable[tuple[str, str] | Cookie] | _LibraryJar

@final
class Cookies(MutableMapping[str, str]):
    """Cookies by RFC 6265bis: a mapping from names to values that knows where each may be sent.

    Made of a mapping, pairs, ``Cookie`` objects, another ``Cookies``, or a jar or cookies of httpx, requests,
    ``http.cookiejar`` or ``http.cookies``. Cookies without a domain go to **every** host that is asked; give
    those that are secrets a domain. Where a server sets one of the same name for itself, it gets that.

    Several cookies may have one name, for different domains and paths. The mapping has each name once;
    reading such a name is a ``CookieConflict``, and ``all()`` and ``multi_items()`` have every cookie.
    Setting a name by ``[]`` changes the value of the one cookie with that name, or makes one for every host.

    What servers set is held to the rules: a domain is the server's own and no public suffix; ``Secure`` and
    the prefixes ``__Secure-`` and ``__Host-`` need TLS; nothing lasts longer than 400 days; name and value
    have at most 4,096 bytes together; and when a domain has more than 180 cookies, or all have more than
    10,000, the least used go.

    It may be shared by clients, loops and threads. Can be pickled and copied; copies share nothing. ``repr``
    shows names and domains and no values.

    Raises:
        ValueError: For a name or value with ``;`` or a control character, or a name with ``=``.
        TypeError: For names or values that are not str.
    """

    def __new__(cls, cookies: _Cookies | None = None, /) -> Self: ...
    def set(
        self,
        name: str,
        value: str,
        *,
        domain: str = "",
        path: str = "/",
        secure: bool = False,
        httponly: bool = False,
        expires: float | None = None,
        same_site: str | None = None,
        host_only: bool = False,
    ) -> None:
        """Keep a cookie, in place of one with the same name, domain and path; see ``Cookie`` for the rest.

        ``expires`` is in seconds since 1970; a time that has passed removes the cookie.

        Raises:
            ValueError: As ``Cookie`` does; also for a tab, and for an empty name.
        """

    @overload
    def get(
        self, name: str, default: None = None, domain: str | None = None, path: str | None = None
    ) -> str | None: ...
    @overload
    def get(
        self, name: str, default: str | _Default, domain: str | None = None, path: str | None = None
    ) -> str | _Default:
        """Return the value of the cookie of that name, or ``default``.

        Args:
            name: That of the cookie, in its own case.
            default: What there is without one.
            domain: That of the cookie, not of a host below it; ``""`` for one that is for every host.
            path: That of the cookie.

        Raises:
            CookieConflict: Several cookies have that name.
        """

    def delete(self, name: str, domain: str | None = None, path: str | None = None) -> None:
        """Remove the cookies of that name; without any, nothing happens."""

    def clear(self, domain: str | None = None, path: str | None = None) -> None:
        """Remove all cookies; or those for one domain, or one path."""

    def all(self) -> list[Cookie]:
        """Return every cookie that is not expired, in the order in which they were first set."""

    def multi_items(self) -> list[tuple[str, str]]:
        """Return each name and value, repeated names repeated."""

    def update(self, cookies: _Cookies, /) -> None:  # type: ignore[override]
        """Take over cookies. Those that are but a name and a value are set as by ``[]``."""

    def header_for(self, url: str) -> str | None:
        """Return the value of the ``Cookie`` header of a request to ``url``; None if no cookie is for it.

        Longer paths come first, then older cookies (RFC 6265bis, section 5.8.3).

        Raises:
            InvalidURL, UnsupportedProtocol: For a URL that could not be requested.
        """

    def extract(self, url: str, set_cookie_headers: Headers | Iterable[str | bytes]) -> None:
        """Keep what a response from ``url`` sets: ``Headers``, or the values of ``Set-Cookie`` headers.

        A cookie that breaks a rule is passed over (RFC 6265bis, section 5.7).
        """

    def save(self, path: str | os.PathLike[str], *, session: bool = True) -> None:
        """Write a ``cookies.txt``, the format of Netscape, which curl, wget and yt-dlp read.

        The file is replaced in one go and is for its owner only (mode 0600). Cookies for every host are
        written as comments, which only ``load`` understands. What the format cannot hold is not kept:
        ``same_site``, and cookies with a tab in them. Blocks while it writes.

        Args:
            path: The file. A link stays, and what it leads to is replaced.
            session: Whether to write the cookies without an expiry too.

        Raises:
            OSError: The file cannot be written; what was there stays.
        """

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Cookies:
        """Return the cookies of a ``cookies.txt``, without those that are expired. Blocks while it reads.

        Raises:
            OSError: The file cannot be read.
            ValueError: A line is none of the format; the message has its number.
        """

    def copy(self) -> Self:
        """Make another jar with the same cookies."""

    @overload
    def pop(self, name: str, /) -> str: ...
    @overload
    def pop(self, name: str, default: str, /) -> str: ...
    @overload
    def pop(self, name: str, default: _Default, /) -> str | _Default:
        """Remove the cookie of that name and return its value; without one, ``default`` or KeyError."""

    def popitem(self) -> tuple[str, str]:
        """Remove the cookie that was set last and return its name and value; KeyError if there is none."""

    def setdefault(self, name: str, default: str = "", /) -> str:
        """Return the value of the cookie of that name; if there is none, set it to ``default`` first."""

    def keys(self) -> KeysView[str]:
        """Return the names, each once."""

    def values(self) -> ValuesView[str]:
        """Return the value of each name."""

    def items(self) -> ItemsView[str, str]:
        """Return each name with its value."""

    def __getitem__(self, name: str, /) -> str: ...
    def __setitem__(self, name: str, value: str, /) -> None: ...
    def __delitem__(self, name: str, /) -> None: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[type[Self], tuple[list[Cookie]]]: ...

@type_check_only
class _Options(TypedDict, total=False):
    """What a request may have, but for its headers and its body."""

    params: _Pairs | str | None
    cookies: _Cookies | None
    auth: _Auth
    timeout: _Timeout
    follow_redirects: bool | None
    proxy: str | Proxy | Literal[False] | None
    retries: int | Retry | None
    max_body: int | None
    extensions: Mapping[str, Any] | None

@type_check_only
class _Bodiless(_Options, total=False):
    """The keyword arguments of a request that sends no body."""

    headers: _Headers | None

@type_check_only
class _Body(TypedDict, total=False):
    """What a body is made of."""

    content: _Content | None
    data: _Fields | None
    json: Any
    files: _Files | None

@type_check_only
class _Request(_Bodiless, _Body, total=False):
    """The keyword arguments of a request.

    None is the same as not given, except for ``timeout``, where it is no limit, and for ``auth`` and
    ``retries``, where it switches off the client's. ``auth=None`` is about the client's ``auth`` and netrc
    alone: an ``Authorization`` among its ``headers`` is a header like any other, and goes along.
    """

@type_check_only
class _Made(_Options, _Body, total=False):
    """The keyword arguments of a ``Request`` that is made by hand."""

@final
class Request:
    """A request as it was sent, or is to be, by ``Client.send`` or ``fetch_all``. Can be pickled and copied.

    ``options`` are those of ``Client.request``; ``TypeError``, ``ValueError`` for what they cannot be.
    """

    def __new__(
        cls, method: str, url: str, headers: _Headers | None = None, **options: Unpack[_Made]
    ) -> Self: ...
    @property
    def method(self) -> str:
        """In upper case: ``"GET"``."""

    @property
    def url(self) -> str:
        """As it was sent, absolute and without credentials; one that was made by hand: as it was given."""

    @property
    def headers(self) -> Headers:
        """Those that were asked for. ``Host``, ``Content-Length`` and the like are added on the way."""

    @property
    def host(self) -> str | None:
        """The URL's host; an IPv6 address has brackets."""

    @property
    def port(self) -> int | None:
        """The URL's port, or the usual one of its scheme."""

    def __getnewargs_ex__(self) -> tuple[tuple[str, str, Headers], dict[str, Any]]: ...

@final
class HttpTimeout:
    """``aioxide.Timeout``: limits on the time of a request, in seconds; None is no limit.

    Args:
        total: From the first ``await`` to the last byte of the body, redirects included. Past it:
            ``TimeoutException``.
        connect: For each connection made: name, TCP, proxy and TLS. Past it: ``ConnectTimeout``. A request
            that gets an idle connection of the pool makes none.
        read: For each silence of the server, once the request is sent. Past it: ``ReadTimeout``.
        write: For each time in which the server takes nothing of the body. Past it: ``WriteTimeout``.
        pool: For the wait for a connection, where ``Limits`` has none left. Past it: ``PoolTimeout``.

    Raises:
        ValueError: For zero, a negative number, or NaN. Infinity is None.
        TypeError: For what is no number.
    """

    def __new__(
        cls,
        total: float | None = None,
        connect: float | None = None,
        read: float | None = None,
        write: float | None = None,
        pool: float | None = None,
    ) -> Self: ...
    @property
    def total(self) -> float | None: ...
    @property
    def connect(self) -> float | None: ...
    @property
    def read(self) -> float | None: ...
    @property
    def write(self) -> float | None: ...
    @property
    def pool(self) -> float | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Limits:
    """Limits on the connections of a client; None is no limit.

    They hold exactly: a connection counts from before its name is resolved until its socket is closed. Who
    waits is served in the order of asking.

    Args:
        max_connections: In all.
        max_connections_per_host: To one host and port, by one proxy.
        max_keepalive: Idle ones that are kept; the oldest is closed first.
        keepalive_expiry: Seconds for which an idle one is kept.

    Raises:
        ValueError: For less than one connection, and for a negative number.
        TypeError: For what is no number.
    """

    def __new__(
        cls,
        max_connections: int | None = 100,
        max_connections_per_host: int | None = None,
        max_keepalive: int | None = None,
        keepalive_expiry: float | None = 15.0,
    ) -> Self: ...
    @property
    def max_connections(self) -> int | None: ...
    @property
    def max_connections_per_host(self) -> int | None: ...
    @property
    def max_keepalive(self) -> int | None: ...
    @property
    def keepalive_expiry(self) -> float | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Proxy:
    """A proxy, for a client or for one request; a URL alone is the same.

    Args:
        url: ``http``, ``https``, ``socks4``, ``socks4a``, ``socks5`` or ``socks5h``, with a user and a
            password where the proxy wants them. With ``socks4`` and ``socks5`` names are resolved here, else
            by the proxy.
        headers: Sent to an HTTP proxy, with each CONNECT and each request that it forwards.

    Raises:
        ValueError: For a URL that is none; the message does not show it.
    """

    def __new__(cls, url: str, *, headers: _Headers | None = None) -> Self: ...
    @property
    def url(self) -> str:
        """Without the credentials."""

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class ClientStatistics:
    """What the connections of a client are doing, at one moment, in this process."""

    @property
    def connections(self) -> int:
        """Open, or being opened."""

    @property
    def idle(self) -> int:
        """Of those, how many no request has."""

    @property
    def waiting(self) -> int:
        """Requests that wait for one."""

    @property
    def hosts(self) -> int:
        """Hosts that any of these are about."""

    @property
    def opened(self) -> int:
        """Connections opened since the client was made."""

    @property
    def reused(self) -> int:
        """How often a request got one that had been there."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Download:
    """A file that ``Client.download`` has written."""

    @property
    def path(self) -> Path:
        """Where it is, as it was given."""

    @property
    def size(self) -> int:
        """Of the file, in bytes."""

    @property
    def resumed_from(self) -> int:
        """How many of its bytes an earlier call had brought; 0: none."""

    @property
    def elapsed(self) -> timedelta:
        """From the first step until it was in its place."""

    @property
    def response(self) -> Response:
        """The last response, without its body.

        Its status is 200, 206 for the rest of a file, or 416 if all of it was here.
        """

@final
class TraceEvent:
    """One thing that happened to a request."""

    @property
    def name(self) -> str:
        """``dns.begin``, ``connection.reused``, ``response.head`` and the like."""

    @property
    def at(self) -> float:
        """Seconds since the request was called for."""

    @property
    def detail(self) -> str:
        """An address, a status, a number of bytes; empty where the name says it all."""

@final
class AiohttpConnections:
    """A pool of connections that adds nothing to a request; see ``aioxide.aiohttp.connector``."""

    def __new__(cls, **settings: Any) -> Self: ...
    def close(self) -> None: ...
    @property
    def is_closed(self) -> bool: ...
    def statistics(self) -> ClientStatistics: ...
    def tell(self, host: str, port: int, addresses: list[tuple[str, int]]) -> None: ...
    def forget(self, host: str | None = None) -> None: ...
    def open(self, method: str, url: str, terms: dict[str, Any]) -> Operation[Response]: ...

@final
class AiohttpTrace:
    """What happens to one request, told while it happens; see ``aioxide.aiohttp._telling``."""

    def __new__(cls) -> Self: ...
    def beyond(self, heard: int) -> Operation[list[TraceEvent]]: ...
    def end(self) -> None: ...

def asked_url(response: Response) -> str: ...
def written_headers(response: Response) -> list[tuple[str, str]]: ...
def raw_headers(response: Response) -> list[tuple[_Bytes, _Bytes]]: ...

@disjoint_base
class AiohttpSession:
    """The class under ``aioxide.aiohttp.ClientSession``."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    def _set_up(
        self,
        *,
        connector: Any,
        connections: AiohttpConnections,
        jar: Cookies | None,
        timeout: Any,
        decompress: bool,
        trust_env: bool,
        raise_for_status: bool,
        auto: dict[str, str],
        headers: Any,
        version: Callable[[Any], int],
        serialize: Callable[[Any], str],
        response_class: Callable[..., Any],
        own: Callable[..., Any],
        theirs: tuple[type[Any], Callable[..., Any]] | None,
    ) -> None: ...
    def _native_request(self, method: str, url: Any, **kwargs: Any) -> Operation[Any] | None: ...
    def request(
        self, method: str, url: str | yarl.URL, **kwargs: Any
    ) -> RequestContextManager[ClientResponse]: ...
    def get(self, url: str | yarl.URL, **kwargs: Any) -> RequestContextManager[ClientResponse]: ...
    def options(self, url: str | yarl.URL, **kwargs: Any) -> RequestContextManager[ClientResponse]: ...
    def head(self, url: str | yarl.URL, **kwargs: Any) -> RequestContextManager[ClientResponse]: ...
    def post(self, url: str | yarl.URL, **kwargs: Any) -> RequestContextManager[ClientResponse]: ...
    def put(self, url: str | yarl.URL, **kwargs: Any) -> RequestContextManager[ClientResponse]: ...
    def patch(self, url: str | yarl.URL, **kwargs: Any) -> RequestContextManager[ClientResponse]: ...
    def delete(self, url: str | yarl.URL, **kwargs: Any) -> RequestContextManager[ClientResponse]: ...

@final
class Preparation:
    """A call that Python has something to say about before it is made; see ``aioxide.hooks``."""

    @property
    def function(self) -> str: ...
    @property
    def request(self) -> Request: ...
    def update(self, given: _Headers, secret: bool = False) -> None: ...
    def send(self) -> Operation[Response] | Operation[Download]: ...
    def open(self) -> Operation[Response]: ...
    def wait(self, streamed: bool) -> Response | Download: ...
    def events(self) -> list[TraceEvent]: ...

@final
class AsyncPieces(Generic[_T]):
    """What ``Response.aiter_bytes`` and its like give."""

    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Operation[_T]: ...

@final
class Pieces(Generic[_T]):
    """What ``Response.iter_bytes`` and its like give."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> _T: ...

@final
class BodyReader:
    """Reads the body of a response by operations of one's choice; one reads at a time.

    Cancelling an operation loses nothing: the next one gives what it would have given.
    """

    def __new__(cls, response: Response) -> Self: ...
    def some(self, n: int | None = None) -> Operation[_Bytes]:
        """Give up to ``n`` bytes of what is here, at least one; None: all that is here. At the end, none."""

    def exactly(self, n: int) -> Operation[_Bytes]:
        """Give exactly ``n`` bytes; asyncio.IncompleteReadError with what was left if there are fewer."""

    def until(self, separator: _Bytes, limit: int) -> Operation[_Bytes]:
        """Give what comes up to and with the separator, or what is left.

        What is longer than ``limit`` bytes is taken, and raises what ``raise_by`` was told, or ValueError.
        """

    def chunk(self) -> Operation[tuple[_Bytes, bool]]:
        """Give a piece as it came, and whether it is taken for a chunk; ``(b"", False)`` at the end."""

    def all(self) -> Operation[_Bytes]:
        """Give all that is left."""

    def end(self) -> Operation[None]:
        """Wait until everything has come; nothing is taken."""

    def each_some(self, n: int | None = None) -> BodyPieces[_Bytes]:
        """Iterate over ``some(n)``."""

    def each_until(self, separator: _Bytes, limit: int) -> BodyPieces[_Bytes]:
        """Iterate over ``until(separator, limit)``."""

    def each_chunk(self) -> BodyPieces[tuple[_Bytes, bool]]:
        """Iterate over ``chunk()``."""

    def now(self, n: int | None = None) -> _Bytes:
        """Give up to ``n`` bytes of what is here, nothing if nothing is; None: all that is here."""

    def unread(self, data: _Bytes) -> None:
        """Put back what was taken."""

    def skip(self) -> None:
        """Drop what is left of a body that was here from the start: it was read by other means."""

    @property
    def is_drained(self) -> bool:
        """Whether everything has come and was taken."""

    @property
    def is_whole(self) -> bool:
        """Whether everything has come."""

    @property
    def total(self) -> int:
        """How many bytes have come, decoded."""

    @property
    def total_coded(self) -> int | None:
        """How many bytes have come in the coding that they came in; None if that is none."""

    @property
    def failure(self) -> BaseException | None:
        """What every operation raises."""

    def fail(self, error: BaseException) -> None:
        """Let every operation raise this from now on."""

    def raise_by(
        self,
        translate: Callable[[BaseException], BaseException] | None,
        too_long: Callable[[_Bytes, int], BaseException] | None,
    ) -> None:
        """Say how failures are raised.

        Args:
            translate: Makes the exception to raise of one of aioxide's.
            too_long: Makes that for a part longer than its limit, of its first 100 bytes and the limit.
        """

    def call_when_whole(self, callback: Callable[[], object]) -> None:
        """Call it once everything has come: at once, or when an operation finds it."""

@final
class BodyPieces(Generic[_T]):
    """What ``BodyReader.each_some`` and its like give."""

    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Operation[_T]: ...

@final
class BasicAuth:
    """``auth=``: a user name and a password that go with every request, readable (RFC 7617).

    A tuple of the two is the same.

    Args:
        username: Text is sent as UTF-8, bytes as they are.
        password: Likewise; may be empty.

    Raises:
        ValueError: For a colon in the name, and for control characters.
        TypeError: For what is neither str nor bytes.
    """

    def __new__(cls, username: str | bytes, password: str | bytes) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class BearerAuth:
    """``auth=``: a token that goes with every request (RFC 6750).

    Args:
        token: Visible ASCII, without the word ``Bearer``.

    Raises:
        ValueError: For an empty token, and for spaces, line breaks and other characters.
        TypeError: For what is neither str nor bytes.
    """

    def __new__(cls, token: str | bytes) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class DigestAuth:
    """``auth=``: proves that it knows a password, without sending it (RFC 7616, RFC 2069).

    Knows MD5, SHA-256 and SHA-512-256, each also as ``-sess``, and takes the strongest that is offered; of
    ``qop`` it prefers ``auth``. The first request to a server is answered 401 and sent again; what the server
    said is remembered by this object, so that the next requests are sent once. Share one object, by any
    number of threads; a pickle has the credentials alone.

    Args:
        username: Text is sent as UTF-8, bytes as they are.
        password: Likewise.

    Raises:
        ValueError: For control characters.
        TypeError: For what is neither str nor bytes.
    """

    def __new__(cls, username: str | bytes, password: str | bytes) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class NetRCAuth:
    """``auth=``: the user name and the password that a netrc file has for the host, as ``BasicAuth``.

    The file is read here, and once. A pickle has its path alone, and reads it anew where it is unpickled.

    Args:
        file: None for the one that the variable ``NETRC`` names, else ``~/.netrc``; on Windows also
            ``~/_netrc``.

    Raises:
        OSError: If the file cannot be read; FileNotFoundError if there is none.
        ValueError: If it makes no sense; the message has the file and the line.
        TypeError: For what is no path.
    """

    def __new__(cls, file: str | os.PathLike[str] | None = None) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

_Scalar = str | int | float | bool | None
_Pairs = Mapping[str, _Scalar | Sequence[_Scalar]] | Sequence[tuple[str, _Scalar | Sequence[_Scalar]]]
_Headers = (
    Headers
    | Mapping[str, str]
    | Mapping[str, bytes]
    | Mapping[bytes, bytes]
    | Sequence[tuple[str | bytes, str | bytes]]
)

@type_check_only
class _Readable(Protocol):
    def read(self, size: int, /) -> bytes | Awaitable[bytes]: ...

_Chunk = bytes | str | bytearray | memoryview
_Content = _Chunk | _Readable | Iterable[_Chunk] | AsyncIterable[_Chunk]
_File = (
    _Content
    | tuple[str | None, _Content]
    | tuple[str | None, _Content, str | None]
    | tuple[str | None, _Content, str | None, _Headers | None]
)
_Files = Mapping[str, _File | list[_File]] | Sequence[tuple[str, _File | list[_File]]]
_Field = _Scalar | bytes
_Fields = Mapping[str, _Field | Sequence[_Field]] | Sequence[tuple[str, _Field | Sequence[_Field]]]
_Timeout = float | HttpTimeout | None
_Pem = str | bytes | os.PathLike[str]
_Verify = bool | _Pem | SSLContext

_Auth = (
    BasicAuth
    | BearerAuth
    | DigestAuth
    | NetRCAuth
    | tuple[str | bytes, str | bytes]
    | Callable[[Request], Any]
    | None
)

@type_check_only
class _Settings(TypedDict, total=False):
    """The keyword arguments of ``Client`` and ``BlockingClient``."""

    base_url: str | None
    headers: _Headers | None
    params: _Pairs | str | None
    cookies: _Cookies | Literal[False] | None
    auth: _Auth
    timeout: _Timeout
    limits: Limits | None
    retries: int | Retry | None
    proxy: str | Proxy | Literal[False] | None
    trust_env: bool
    verify: _Verify
    cert: _Pem | tuple[_Pem, _Pem] | None
    min_tls: Literal["1.2", "1.3"] | None
    sni: bool
    http1: bool
    http2: bool
    follow_redirects: bool
    max_redirects: int
    allow_downgrade: bool
    decompress: bool
    max_body: int | None
    max_headers: int | None
    max_header_size: int | None
    resolve: Mapping[str, str | Sequence[str]] | None
    dns_ttl: float
    local_address: str | None
    uds: str | os.PathLike[str] | None
    event_hooks: Mapping[Literal["request", "response"], Sequence[Callable[..., Any]]] | None
    trace: Callable[[list[TraceEvent]], object] | None

@type_check_only
class _Fetch(_Request, total=False):
    method: str

def fetch(url: str, **request: Unpack[_Fetch]) -> Operation[Response]:
    """Make one request on a default client, which the process shares and never closes.

    ``method`` is ``"GET"`` unless given; everything else is as for ``Client.request``.
    """

_Item = str | tuple[str, str] | Sequence[str] | Request

def fetch_all(
    urls: Iterable[_Item] | AsyncIterable[_Item] | IO[str] | IO[bytes] | os.PathLike[str],
    *,
    concurrency: int | Literal["auto"] | None = 100,
    per_host: int | None = None,
    rate: float | None = None,
    per_host_rate: float | None = None,
    ordered: bool | None = False,
    dedupe: bool | None = False,
    robots: bool | str | None = False,
    parse: Callable[[Response], Any] | None = None,
    executor: Executor | None = None,
    progress: bool | Callable[[FetchStatistics], Any] | None = None,
    journal: str | os.PathLike[str] | Any | None = None,
    **request: Unpack[_Fetch],
) -> FetchAll:
    """Make many requests, a few at a time, on connections of their own: as ``Client.fetch_all``.

    There are as many connections as requests in flight, and no cookies are kept.
    """

@final
class FetchAll:
    """A ``fetch_all`` that was called for: iterate over it or await it, once.

    Nothing is done before that. Its results are handed out as they finish, or in the order of the URLs;
    awaited, it gives them all as a list in the order of the URLs.
    """

    def __aiter__(self) -> AsyncIterator[Result]: ...
    def __await__(self) -> Generator[Any, None, list[Result]]: ...
    def batches(self, size: int, *, within: float | None = None) -> AsyncIterator[list[Result]]:
        """Give the results in lists of ``size``, the last one maybe shorter.

        With ``within``, a list is given no later than so many seconds after it was asked for, if it has a
        result by then. ``ValueError`` for a size below 1 and a negative ``within``.
        """

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        resume: bool = False,
        retry_failed: bool = False,
        body: bool | None = None,
    ) -> Coroutine[Any, Any, FetchStatistics]:
        """Write the results to ``path`` as they come, in the form that its name says.

        Args:
            path: ``.jsonl``, ``.ndjson``, or no suffix: a JSON object a line. A name that ends in a slash, or
                a directory: a file for each body, and an ``index.jsonl`` that says which it is. ``.parquet``,
                ``.arrow``: a table, by pyarrow, the extra ``aioxide[arrow]``; any ``value`` is JSON in it.
            resume: Go on with what is there, however it ended: what it has is not fetched again, be it an
                error, so that each URL is there once. Unless given, what is there is replaced.
            retry_failed: The same, but what failed is taken out first, and fetched again if it is among the
                URLs: errors, those of ``parse`` too, and a status of 429 or 5xx.
            body: Whether bodies are written; unless given, in directories and tables, and not in lines, where
                they are ``text``.

        Raises, when called: ``ImportError`` without pyarrow; ``ValueError`` for a name that says no form, and
        beside a ``journal``; ``RuntimeError`` if this was begun. When awaited: ``OSError`` for what cannot be
        written, a ``BlockingIOError`` if somebody else writes it; ``ValueError`` for what cannot be resumed.
        Nothing is fetched before the output is open.

        Cancel safety: what was fetched is written first. Killed at any moment, it can be resumed; a power
        failure may lose what was written last, where the system had not put it on the disk yet.
        """

    def statistics(self) -> FetchStatistics:
        """Tell how far it is; all zeros before it has begun."""

    def aclose(self) -> Operation[None]:
        """Stop what is in flight, and give no more results. A second time does nothing. Never suspends."""

    def __aenter__(self) -> Awaitable[Self]: ...
    def __aexit__(self, *exception: object) -> Awaitable[None]: ...
    def _start(self) -> tuple[FetchRun, AsyncIterator[Result] | None]: ...
    def _leave_out(self, journal: object) -> Any: ...

@final
class FetchRun:
    """What gives the results of a ``fetch_all``."""

    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Operation[Result]: ...
    def all(self) -> Operation[list[Result]]: ...
    def batch(self, size: int, within: float | None = None) -> Operation[list[Result]]: ...
    def room(self) -> Operation[bool]: ...
    def add(self, item: object) -> None: ...
    def finish(self, error: BaseException | None = None) -> None: ...
    def defer(self) -> None: ...
    def hand_out(self, results: list[Result]) -> None: ...
    def settle_deferred(self) -> None: ...
    def parse_failed(self) -> None: ...
    def stop(self) -> None: ...
    def statistics(self) -> FetchStatistics: ...

@final
class Result:
    """What came of one URL of a ``fetch_all``: a response, or the error in its place. Can be pickled."""

    def __new__(
        cls,
        index: int,
        item: Any,
        *,
        response: Response | None = None,
        error: BaseException | None = None,
        value: Any = None,
        attempts: int = 1,
        elapsed: float = 0.0,
    ) -> Self: ...
    @property
    def index(self) -> int:
        """The place of the URL among those that were given, from 0."""

    @property
    def item(self) -> Any:
        """What was given: a URL, a pair of method and URL, a ``Request``."""

    @property
    def url(self) -> str:
        """The URL as it was given; empty where none was."""

    @property
    def request(self) -> Request | None:
        """The request as it was sent first; None if none could be made."""

    @property
    def response(self) -> Response | None:
        """The answer, with whatever status; None if there was none."""

    @property
    def error(self) -> BaseException | None:
        """What went wrong, in the request or in ``parse``; None if nothing did."""

    @property
    def value(self) -> Any:
        """What ``parse`` made of the response; None without it, and where it failed."""

    @property
    def attempts(self) -> int:
        """How often the request was made; 0 if it could not be, or was not allowed."""

    @property
    def elapsed(self) -> float:
        """Seconds from the beginning of the first attempt to the end of the last."""

    @property
    def ok(self) -> bool:
        """Whether there is no error. The status may be anything: see ``response.ok``."""

    def unwrap(self) -> Response:
        """Return the response, or raise the error."""

    def __getnewargs_ex__(self) -> tuple[tuple[int, Any], dict[str, Any]]: ...

@final
class FetchStatistics:
    """How far a ``fetch_all`` is, at one moment. Times are in seconds."""

    @property
    def done(self) -> int:
        """Results, the failed among them."""

    @property
    def failed(self) -> int:
        """Results that are errors."""

    @property
    def retried(self) -> int:
        """Attempts that were made once more."""

    @property
    def skipped(self) -> int:
        """URLs that were not fetched since they had been: ``dedupe`` and ``journal``."""

    @property
    def bytes(self) -> int:
        """Bytes of the bodies, as they came."""

    @property
    def elapsed(self) -> float:
        """The time since the beginning; up to the end once there was one."""

    @property
    def rate(self) -> float:
        """Results a second, over the whole time."""

    @property
    def in_flight(self) -> int:
        """Requests that are being made."""

    @property
    def queued(self) -> int:
        """Requests that wait for their turn, or for their next attempt."""

    @property
    def concurrency(self) -> int:
        """How many may be in flight."""

    @property
    def p50(self) -> float | None:
        """Half of the attempts took no longer; None before the first."""

    @property
    def p90(self) -> float | None:
        """Nine in ten took no longer."""

    @property
    def p99(self) -> float | None:
        """Ninety-nine in a hundred took no longer."""

    @property
    def finished(self) -> bool:
        """Whether everything is done."""

    @property
    def decisions(self) -> dict[str, int] | None:
        """What ``concurrency="auto"`` did so far, counted; None without it."""

    @property
    def hosts(self) -> dict[str, HostStatistics]:
        """The same of each host, by its origin; ``others`` are those that were forgotten, being too many."""

@final
class HostStatistics:
    """One host of a ``fetch_all``, at one moment."""

    @property
    def done(self) -> int:
        """Results, the failed among them."""

    @property
    def failed(self) -> int:
        """Results that are errors, but for what ``parse`` raised, which is not the host's fault."""

    @property
    def retried(self) -> int:
        """Attempts that were made once more."""

    @property
    def bytes(self) -> int:
        """Bytes of the bodies, as they came."""

    @property
    def in_flight(self) -> int:
        """Requests that are being made."""

    @property
    def queued(self) -> int:
        """Requests that wait for their turn."""

    @property
    def concurrency(self) -> int:
        """How many may be in flight."""

@disjoint_base
class Client:
    """An HTTP client with a pool of connections.

    Not bound to a loop or a thread: one client serves many of both, outlives the loops it was used on, and
    goes on working in a forked child, with connections of its own. ``async with`` closes it; so does
    ``await client.aclose()``.

    Args:
        base_url: What relative URLs go below: with ``"http://host/api"`` both ``"users"`` and ``"/users"``
            are ``http://host/api/users``. Has no query and no fragment.
        headers: Sent with every request. A header of the request itself takes the place of one of these.
            Unless given, ``Accept: */*``, ``Accept-Encoding: gzip, deflate, br, zstd`` and
            ``User-Agent: aioxide/<version>``.
        params: Added to the query of every request. A name that the request's own ``params`` have is left
            out.
        timeout: Seconds in total, a ``Timeout``, or None for no limit. Unless given,
            ``Timeout(total=60, connect=10)``.
        cookies: A ``Cookies`` to keep them in, shared with whoever else has it; or a dict or pairs, which go
            to every host. Unless given, the client has a jar of its own; False: none are kept.
        auth: Proves who we are: ``BasicAuth`` or a tuple of user and password, ``BearerAuth``,
            ``DigestAuth``, ``NetRCAuth``, or a callable that takes the ``Request`` and gives headers, also as
            a coroutine. It does not go to another origin. Credentials in a URL, and an ``Authorization``
            header, come before it; with ``trust_env`` a netrc file comes after it.
        limits: How many connections there may be: ``Limits(100)``.
        retries: A ``Retry``, or how often a request is tried again that failed. Unless given: never, except
            that what no server can have seen is sent again by itself.
        proxy: A URL or a ``Proxy`` for all requests. False: none, not even the environment's.
        follow_redirects: Whether to follow redirects, unless the request says otherwise.
        max_redirects: How many in a row; one more is ``TooManyRedirects``.
        allow_downgrade: Whether to follow a redirect from https to http, which is an error otherwise.
        verify: True trusts the certificates that the system trusts, and where it has none, Mozilla's; those
            alone with ``"bundled"``. A path of a PEM file, or PEM itself, trusts those in there and no
            others. False trusts anybody, with an ``InsecureWarning``. Of an ``ssl.SSLContext`` the
            authorities, ``verify_mode``, ``check_hostname`` and ``minimum_version`` count, and what else it
            was told does not; a key in it cannot be read, and is given as ``cert``.
        cert: Who we are, to servers that ask: PEM with certificate and key, or a path of it, or a pair of
            these.
        min_tls: ``"1.2"``, or ``"1.3"``.
        sni: Whether the server's name is sent in the clear when TLS begins.
        decompress: Whether to ask for, and to undo, content codings.
        max_body: The longest body of a response, in bytes, as it comes and decoded; past it:
            ``BodyTooLarge``. No more than that is held in memory, however well it was compressed.
        max_headers: How many headers a response may have: 256.
        max_header_size: How long the head of a response may be, in bytes: 256 KiB.
        resolve: Addresses for names, which are not looked up then: ``{"host": "10.0.0.1"}``.
        dns_ttl: For how long a name's addresses are kept, in seconds.
        local_address: The address that connections come from; or one with a port, as ``"127.0.0.1:4000"``.
        uds: A Unix socket to connect to, whatever the host in the URL.
        event_hooks: ``{"request": [...], "response": [...]}``: callables, also asynchronous ones. Those for
            requests take the ``Request`` before it is sent, and may give headers to put into it; those for
            responses take the ``Response``. Once for each call: redirects and retries are within.
        trace: Called with a list of ``TraceEvent`` when the head of a response is here, or its body was
            read, or there was an error.
        http1, http2: What to speak. With both, TLS settles which (ALPN), and without TLS it is HTTP/1.1. With
            ``http1=False`` it is HTTP/2 at once, also without TLS ("prior knowledge", RFC 9113, section 3.3).
        trust_env: Whether to use the proxies that ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and
            ``NO_PROXY`` name.

    Raises:
        TypeError: For a setting that does not exist, or is of the wrong type.
        ValueError: For one that could never be right; of a URL, as ``InvalidURL`` or ``UnsupportedProtocol``,
            of a header, as ``LocalProtocolError``.
        OSError: If the file that ``verify`` names cannot be read.
    """

    def __new__(cls, **settings: Unpack[_Settings]) -> Self: ...
    def request(self, method: str, url: str, **request: Unpack[_Request]) -> Operation[Response]:
        """Send a request, follow redirects, and read the whole body.

        What can be wrong with the arguments is raised here, at the call; the request itself starts at the
        first ``await``.

        Args:
            method: Any token; sent in upper case.
            url: Absolute, or relative to ``base_url``. A user and a password in it are sent as
                ``Authorization: Basic`` (RFC 7617) and appear nowhere else.
            params: Added to the URL's query: a mapping, pairs, or a str that is encoded already. A list or
                tuple repeats its name. True is ``true``, None is empty.
            headers: A mapping or pairs of str or bytes; str goes as UTF-8.
            cookies: Sent with this request, and not kept: a dict, pairs, or a ``Cookies``, of which those go
                along that are for the URL.
            content: The body: bytes; str, which goes as UTF-8; a list of these; an open file; or an iterator,
                plain or asynchronous, of bytes or str.

                An open file, in binary mode, is sent from its position to the end that it has at the call. It
                is read in the background by a descriptor of its own: its position does not change, and it may
                be closed after the call. Other objects with ``read(size)`` are read in a thread, or awaited
                where that is a coroutine function.

                An iterator is pulled on the loop as the server takes what it gives, at most two items ahead,
                and not before there is a connection. It is sent in chunks (RFC 9112, section 7.1) unless
                ``headers`` promise a ``Content-Length``, which it then has to keep. What it raises is raised.
                When the request ends before it does, it is closed, and the ``await`` goes on after that. It
                is sent once: a redirect that wants it again is a ``LocalProtocolError``.
            data: The body as a form: as ``params``, with ``Content-Type: application/x-www-form-urlencoded``.
                Values may be bytes too. With ``files``, the fields beside them.
            json: The body as JSON, compact, with ``Content-Type: application/json``. What ``json.dumps``
                takes, except NaN and infinities. None is no body, as with httpx, requests and aiohttp: many
                pass on a ``json`` that may not be there. ``content="null"`` is JSON's null.
            files: The body as a multipart form (RFC 7578), streamed: pairs of a field's name and a file, or a
                list of files. A file is anything that ``content`` may be, or a tuple of a file name, such a
                content, and maybe a content type and headers. Unless given, the file name is the last part of
                the file's ``name``, or else ``upload``, and the type is guessed from it; with None for a
                name it is a field. The boundary is random unless ``headers`` have a multipart
                ``Content-Type`` with one.
            timeout: Seconds in total, a ``Timeout``, or None for no limit; in place of all the client's
                limits.
            follow_redirects: In place of the client's. 301 and 302 make a POST a GET, 303 anything but HEAD
                (RFC 9110, section 15.4). ``Authorization`` and ``Cookie`` do not go to another origin.

        Cancel safety: the server sees the connection closed, or the HTTP/2 stream reset. Whether it has acted
        on the request is not known.

        Raises:
            InvalidURL, UnsupportedProtocol, LocalProtocolError: At the call, for a URL, header or method that
                cannot be sent. All but the second are ValueErrors.
            TypeError, ValueError: At the call, for an argument that does not exist or could never be right.
            RuntimeError: At the call, if the client is closed.
            ConnectError: The host was not resolved or not reached, or refused.
            TLSError: The certificate is not trusted, or the server speaks no TLS.
            ConnectTimeout: A connection took longer than ``connect``.
            TimeoutException: The whole took longer than ``total``; its ``phase`` says what was going on.
            ReadError, WriteError: The connection broke.
            RemoteProtocolError: The server sent what is no HTTP, or not all of it.
            DecodingError: The body is not valid for its ``Content-Encoding``.
            TooManyRedirects: More than ``max_redirects``.
            CloseError: The client was closed meanwhile.
        """

    def get(self, url: str, **request: Unpack[_Request]) -> Operation[Response]:
        """``request("GET", ...)``."""

    def head(self, url: str, **request: Unpack[_Request]) -> Operation[Response]:
        """``request("HEAD", ...)``."""

    def options(self, url: str, **request: Unpack[_Request]) -> Operation[Response]:
        """``request("OPTIONS", ...)``."""

    def post(self, url: str, **request: Unpack[_Request]) -> Operation[Response]:
        """``request("POST", ...)``."""

    def put(self, url: str, **request: Unpack[_Request]) -> Operation[Response]:
        """``request("PUT", ...)``."""

    def patch(self, url: str, **request: Unpack[_Request]) -> Operation[Response]:
        """``request("PATCH", ...)``."""

    def delete(self, url: str, **request: Unpack[_Request]) -> Operation[Response]:
        """``request("DELETE", ...)``."""

    def send(self, request: Request, /, **options: Unpack[_Request]) -> Operation[Response]:
        """Send a ``Request``, as ``request`` does with what it says; ``options`` come before that.

        Headers of both go along. A ValueError at the call for the request of a response that had a body: it
        is not kept.
        """

    def stream(self, method: str, url: str, **request: Unpack[_Request]) -> Operation[Response]:
        """Send a request, for ``async with``: the head of the response is here, its body is to be read.

        ::

            async with client.stream("GET", url) as response:
                async for chunk in response.aiter_bytes():
                    ...

        So can ``get`` and the others be used. On the way out the connection goes back to the pool if the body
        was read to its end, and is closed if not. The limit ``total`` holds until the body is read.
        """

    def download(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        resume: bool = True,
        progress: Callable[[int, int | None], object] | bool | None = None,
        **request: Unpack[_Bodiless],
    ) -> Operation[Download]:
        """GET a file and write it to ``path``; what an earlier call has left of it is gone on from.

        What comes is written to ``<path>.part``. When it is complete and on the disk, that takes the place of
        ``path``, which until then is what it was: it is old or new, never half. Writing is done in the
        background, and no more than some hundred kilobytes are held in memory.

        A download that fails or is cancelled leaves its part to the next call, which asks for the rest
        (RFC 9110, section 14), if the server says what it is a part of, by a strong ``ETag`` or a
        ``Last-Modified`` (section 8.8), if that has not changed, and if the URL is the same. If not, it
        begins anew; a part that nobody could go on from is removed. ``<path>.part.json`` says what a part is
        of. With ``retries``, what breaks off is gone on from within the call.

        The body is asked for as it is, not compressed, unless ``headers`` have an ``Accept-Encoding``. One
        that is coded nevertheless is decoded, and cannot be gone on from.

        Args:
            url: As for ``request``.
            path: Where it goes. What is there already is replaced; a symbolic link is replaced, not followed.
                The permissions are those of a new file.
            resume: Whether to go on from a part, and to leave one.
            progress: Called with the number of bytes that are here and of all, None if that is not known: on
                the loop's thread, ten times a second at most, and once at the end. What it raises stops the
                download and is raised; at the end, ``path`` is complete already. True draws a progress bar
                on stderr, if that is a terminal.
            request: As for ``request``, without a body. ``timeout``: unless the call or the client says
                otherwise, there is no limit for the whole, and of 60 seconds for each wait for the server.
                ``max_body`` is about the whole file.

        Cancel safety: the connection is closed at once, and the ``await`` raises when the part is closed, so
        that it can be called again. A second cancel does not wait for that.

        Raises:
            HTTPStatusError: The server's answer is not the file; an older part stays as it is.
            RemoteProtocolError: The body is shorter than the server said. And what else ``request`` raises.
            BlockingIOError: Another download to ``path`` is under way, in this process or another.
            IsADirectoryError: ``path`` is a directory.
            FileExistsError: ``path`` exists and is no regular file.
            OSError: The part cannot be opened or written, or take the place of ``path``; FileNotFoundError if
                there is no such directory.
            TypeError, ValueError: At the call, for an argument that could never be right, and for ``Range``
                and ``If-Range`` among the headers.
        """

    def statistics(self) -> ClientStatistics:
        """Tell what its connections are doing."""

    @property
    def cookies(self) -> Cookies | None:
        """The jar; None for a client that keeps no cookies."""

    def fetch_all(
        self,
        urls: Iterable[_Item] | AsyncIterable[_Item] | IO[str] | IO[bytes] | os.PathLike[str],
        *,
        concurrency: int | Literal["auto"] | None = 100,
        per_host: int | None = None,
        rate: float | None = None,
        per_host_rate: float | None = None,
        ordered: bool | None = False,
        dedupe: bool | None = False,
        robots: bool | str | None = False,
        parse: Callable[[Response], Any] | None = None,
        executor: Executor | None = None,
        progress: bool | Callable[[FetchStatistics], Any] | None = None,
        journal: str | os.PathLike[str] | Any | None = None,
        **request: Unpack[_Fetch],
    ) -> FetchAll:
        """Make many requests, a few at a time, wholly in Rust: iterate over the results, or await them all.

        Args:
            urls: URLs, pairs of method and URL, or ``Request`` objects, from any iterable, plain or
                asynchronous, from a file, or from the file that a path names, whose lines are URLs then.
                Pulled as they are needed: ten million of them take the memory of a few hundred.
            concurrency: How many requests are in flight at most; ``"auto"``: found out on the way, by how
                the servers answer, for each host and in all. A client that was made without ``limits`` allows
                for so many connections then. ``limits`` that were given hold as well: with 50 connections
                over HTTP/1.1 no more than 50 get on, and the rest of them wait for one.
            per_host: The same for each host, that is scheme, name and port.
            rate: How many requests begin in a second at most, evenly spaced.
            per_host_rate: The same for each host.
            retries: A ``Retry``, or how often a request is tried again that failed; unless given, as the
                client has it. A request that waits for its next attempt holds up no other.
            ordered: Results in the order of the URLs, not as they finish.
            dedupe: A request that was made is not made again: same method, body and URL, without its fragment
                and however it is escaped (RFC 3986, section 6.2.2). One whose body comes from files is always
                made. Takes about 16 bytes a URL.
            robots: Read the robots.txt of each host first and obey it (RFC 9309), its crawl-delay too: what
                it forbids is a ``RobotsDisallowed``. True is for the product token of the ``User-Agent``
                that is sent; a str is for that one. It counts for the URLs given, not for those redirected
                to. A crawl-delay of more than 60 seconds counts as 60.
            parse: A plain function, called with each response; what it returns is the result's ``value``,
                what it raises its ``error``.
            executor: Where ``parse`` is called, a ``concurrent.futures`` one; unless given, on the loop's
                thread.
            progress: True draws a bar on standard error if that is a terminal, and in a notebook if tqdm is
                installed. A callable is called with a ``FetchStatistics`` now and then, and at the end.
            journal: A path, or a ``Journal``: what it says is done is not done again. A URL counts as done
                when the result after its own is asked for, and so never where all are awaited as a list. It
                is known by method, URL as given, and the ``params`` and body that all have; not by headers.
            method: Of requests that are given as URLs: ``"GET"``.
            request: The options of ``Client.request``, for all of them. ``timeout`` is for each attempt: to
                wait for one's turn is not counted.

        Raises, when called: ``TypeError`` and ``ValueError`` for arguments that make no sense, and for what
        would need Python in the course of a request (hooks, ``trace``, a callable as ``auth``, bodies from
        iterators). What one URL does is its result's ``error``, and stops nothing. What the iterable raises
        is raised when everything is done that it gave before, except that ``KeyboardInterrupt`` and the
        like, of a plain iterable, do not wait; and so is the ``RuntimeError`` of a client that was closed
        meanwhile.

        Politeness: of the hosts that may be asked, the one with the fewest requests in flight is next; all
        that do not answer have no more than a sixteenth of ``concurrency`` between them. A 429, or a 503
        with a ``Retry-After``, lets that host rest, and no other.

        Cancel safety: leaving the loop in whatever way, cancelling the task, and ``aclose`` stop everything
        in flight at once.
        """

    def aclose(self) -> Operation[None]:
        """Close the connections. Requests in flight, on any loop, fail with ``CloseError``.

        Never suspends. Closing a closed client does nothing.
        """

    @property
    def is_closed(self) -> bool:
        """Whether it was closed; a request on it is then a RuntimeError."""

    @property
    def headers(self) -> Headers:
        """What goes with every request that does not say otherwise; it does not change."""

    @property
    def base_url(self) -> str | None:
        """What relative URLs go below; its path ends in a slash."""

    @property
    def timeout(self) -> HttpTimeout:
        """The limits of requests that do not say their own."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...

@disjoint_base
class BlockingClient:
    """``Client`` for plain threads: the same settings and requests, waited for with the interpreter let go.

    One serves many threads. On a thread whose event loop is running each method is a RuntimeError. Hooks and
    bodies must not be asynchronous.
    """

    def __new__(cls, **settings: Unpack[_Settings]) -> Self: ...
    def request(self, method: str, url: str, **request: Unpack[_Request]) -> Response:
        """As ``Client.request``; a signal handler that raises stops it."""

    def get(self, url: str, **request: Unpack[_Request]) -> Response:
        """``request("GET", ...)``."""

    def head(self, url: str, **request: Unpack[_Request]) -> Response:
        """``request("HEAD", ...)``."""

    def options(self, url: str, **request: Unpack[_Request]) -> Response:
        """``request("OPTIONS", ...)``."""

    def post(self, url: str, **request: Unpack[_Request]) -> Response:
        """``request("POST", ...)``."""

    def put(self, url: str, **request: Unpack[_Request]) -> Response:
        """``request("PUT", ...)``."""

    def patch(self, url: str, **request: Unpack[_Request]) -> Response:
        """``request("PATCH", ...)``."""

    def delete(self, url: str, **request: Unpack[_Request]) -> Response:
        """``request("DELETE", ...)``."""

    def send(self, request: Request, /, **options: Unpack[_Request]) -> Response:
        """As ``Client.send``."""

    def stream(self, method: str, url: str, **request: Unpack[_Request]) -> Response:
        """Send a request, for ``with``: the head of the response is here, its body is to be read."""

    def download(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        resume: bool = True,
        progress: Callable[[int, int | None], object] | bool | None = None,
        **request: Unpack[_Bodiless],
    ) -> Download:
        """As ``Client.download``; ``progress`` is called on this thread."""

    def statistics(self) -> ClientStatistics:
        """Tell what its connections are doing."""

    def close(self) -> None:
        """Close the connections. Requests in flight, on other threads, fail with ``CloseError``."""

    @property
    def cookies(self) -> Cookies | None:
        """The jar; None for a client that keeps no cookies."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed; a request on it is then a RuntimeError."""

    @property
    def headers(self) -> Headers:
        """What goes with every request that does not say otherwise; it does not change."""

    @property
    def base_url(self) -> str | None:
        """What relative URLs go below; its path ends in a slash."""

    @property
    def timeout(self) -> HttpTimeout:
        """The limits of requests that do not say their own."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...

@final
class Retry:
    """Which requests are sent again, how often, and when; given to a client or a request as ``retries``.

    A request whose body was a stream that is gone is never sent again, and neither is one that the server may
    have acted on, unless its method is among ``methods``. Where it is known that nothing was sent, as when no
    connection could be made, any method is retried. When the retries are used up, the last response or
    error is the outcome.

    Two with the same settings are equal. They can be pickled and copied; each has a budget of its own then.

    Args:
        total: How many retries at most: with 3 there are up to 4 attempts. ``retries=3`` is ``Retry(3)``.
        backoff: Seconds: the longest wait before the first retry; it doubles with each.
        max_backoff: Seconds, beyond which it does not double.
        jitter: Whether the wait is a random part of that time, evenly between nothing and all of it, so that
            clients which failed together do not come back together.
        statuses: The statuses that are retried.
        methods: The methods that are retried, without regard to case: by itself the idempotent ones of
            RFC 9110, section 9.2.2. None is any.
        errors: The exceptions that are retried, as a class or a collection of classes; a class stands for its
            subclasses too. By itself ConnectError, ReadError, WriteError, ConnectTimeout, ReadTimeout,
            PoolTimeout and RemoteProtocolError; there are also WriteTimeout and ProxyError. What another
            attempt would not change is never retried: a certificate, a URL, a total timeout, a closed client,
            a body that is too large or does not decode.
        respect_retry_after: Whether a response with ``Retry-After``, in seconds or as a date (RFC 9110,
            section 10.2.3), is retried no sooner than it says.
        max_retry_after: Seconds: a response that asks for more is not retried but handed over.
        budget: The share of requests that may be retried, more than 0 and at most 1: 0.2 is one retry for
            five requests, counted over 10 seconds and all requests with this object, and 1 a second more.
            None is no bound.

    Raises:
        ValueError: For a number out of its range, a status that is none, a class that is never retried.
        TypeError: For an argument of the wrong type.
        LocalProtocolError: For a method that is not valid.
    """

    def __new__(
        cls,
        total: int = 3,
        *,
        backoff: float = 0.5,
        max_backoff: float = 30.0,
        jitter: bool = True,
        statuses: Iterable[int] = (429, 502, 503, 504),
        methods: Iterable[str] | None = ("DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"),
        errors: type[Exception] | Iterable[type[Exception]] = ...,
        respect_retry_after: bool = True,
        max_retry_after: float = 60.0,
        budget: float | None = None,
    ) -> Self: ...
    @property
    def total(self) -> int: ...
    @property
    def backoff(self) -> float: ...
    @property
    def max_backoff(self) -> float: ...
    @property
    def jitter(self) -> bool: ...
    @property
    def statuses(self) -> tuple[int, ...]:
        """Sorted, each once."""

    @property
    def methods(self) -> tuple[str, ...] | None:
        """In upper case, sorted, each once."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The classes that are raised, without their bases."""

    @property
    def respect_retry_after(self) -> bool: ...
    @property
    def max_retry_after(self) -> float: ...
    @property
    def budget(self) -> float | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getnewargs_ex__(self) -> tuple[tuple[int], dict[str, Any]]: ...

@final
class Response:
    """The answer to a request, with its whole body. Can be pickled and copied, once the body was read.

    A copy knows nothing of the connection: its addresses, attempts and trace.

    To make one by hand, for a test say, give what is known; the rest is as of an empty 200.
    """

    def __new__(
        cls,
        status_code: int,
        *,
        headers: _Headers | None = None,
        content: bytes | None = None,
        url: str = "",
        http_version: str = "HTTP/1.1",
        reason_phrase: str | None = None,
        elapsed: timedelta | None = None,
        request: Request | None = None,
        history: list[Response] | None = None,
        encoding: str | None = None,
    ) -> Self: ...
    @property
    def status_code(self) -> int:
        """100 to 999."""

    @property
    def status(self) -> int:
        """The same as ``status_code``, by aiohttp's name."""

    @property
    def reason_phrase(self) -> str:
        """What the server said beside the number; with HTTP/2, where it says nothing, the usual words."""

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""

    @property
    def is_redirect(self) -> bool:
        """Whether the status is 3xx."""

    @property
    def is_client_error(self) -> bool:
        """Whether the status is 4xx."""

    @property
    def is_server_error(self) -> bool:
        """Whether the status is 5xx."""

    @property
    def is_error(self) -> bool:
        """Whether the status is 4xx or 5xx."""

    @property
    def is_informational(self) -> bool:
        """Whether the status is 1xx."""

    @property
    def has_redirect_location(self) -> bool:
        """Whether this is a redirect that says where to (RFC 9110, section 15.4)."""

    @property
    def extensions(self) -> dict[str, bytes]:
        """What httpx has under these names: ``http_version`` and, up to HTTP/1.1, ``reason_phrase``.

        A new dict each time.
        """

    @property
    def headers(self) -> Headers:
        """As they came: ``Content-Encoding`` and ``Content-Length`` are those of the body before decoding."""

    @property
    def url(self) -> str:
        """Where the response came from, after redirects; without credentials."""

    @property
    def http_version(self) -> str:
        """``"HTTP/1.1"``, ``"HTTP/2"``."""

    @property
    def content(self) -> bytes:
        """The body, decoded by ``Content-Encoding``; the same object each time."""

    @property
    def text(self) -> str:
        """The body as text, without a byte order mark. Bytes that are none become U+FFFD; it never raises.

        The encoding is that of a byte order mark, else the ``charset`` of ``Content-Type``, else what HTML or
        XML says of itself in the first 1024 bytes (WHATWG HTML, section 13.2.3.2), else UTF-8 if the body is
        valid as that, else the guess that Firefox would make from the letters and the top-level domain of
        ``url``. JSON is not guessed: it is UTF-8, or the UTF-16 or UTF-32 that RFC 4627, section 3, tells.
        Labels mean what they mean to browsers (WHATWG Encoding): ``iso-8859-1`` is windows-1252.
        """

    @property
    def encoding(self) -> str:
        """The encoding of ``text``, in lower case, by a name that Python's codecs know.

        It can be set, for a server that says it wrongly: ``text`` is decoded anew, and ``aiter_text`` and its
        like that are begun after that go by it. None takes back what was set. ``latin-1`` is windows-1252
        here too.

        Raises:
            LookupError: For one that is not known, or that browsers do not decode.
        """

    @encoding.setter
    def encoding(self, label: str | None, /) -> None: ...
    @property
    def charset(self) -> str | None:
        """The charset that ``Content-Type`` names, in lower case."""

    @property
    def links(self) -> dict[str, dict[str, str]]:
        """The links of the ``Link`` headers (RFC 8288), a new dict each time: ``links["next"]["url"]``.

        Keys are relation types, in lower case; a link with several has an entry for each, and one without
        is found by its URL. An entry has ``"url"``, as given, so it may be relative, and the link's
        parameters, with names in lower case; ``title*`` (RFC 8187) is decoded to ``title`` too. Of several
        links with the same relation type the last is kept. What is no link is passed over.
        """

    def json(self, **kwargs: Any) -> Any:
        """Parse the body as ``json.loads(response.content, **kwargs)`` does; without arguments, in Rust.

        Raises ``json.JSONDecodeError`` or UnicodeDecodeError, both ValueErrors.
        """

    @property
    def elapsed(self) -> timedelta:
        """The time from the start of the request to the last byte of the body.

        Where the body is read as it comes, the time to its head.
        """

    @property
    def request(self) -> Request | None:
        """The request that this answers: after redirects, the last. None if the response was made by hand."""

    def __getnewargs_ex__(self) -> tuple[tuple[int], dict[str, Any]]: ...
    def raise_for_status(self) -> Self:
        """Raise ``HTTPStatusError``, which shows the start of the body, if the status is 400 or above."""

    @property
    def history(self) -> list[Response]:
        """The redirects that led here, the first first. Of a body longer than 64 KiB they have nothing.

        A new list each time, of the same responses.
        """

    @property
    def next_request(self) -> Request | None:
        """The request that this redirect leads to, whether or not it was followed.

        None if it is no redirect, or one that leads to what cannot be requested; and for a response that was
        made by hand or unpickled.
        """

    @property
    def cookies(self) -> Cookies:
        """The cookies that this response sets."""

    @property
    def attempts(self) -> int:
        """How often the request was sent, with those that were tried again."""

    @property
    def remote_address(self) -> tuple[str, int] | None:
        """The address of the server, or of the proxy, and its port; None where it is not known."""

    @property
    def local_address(self) -> tuple[str, int] | None:
        """The address and the port on this side."""

    @property
    def num_bytes_downloaded(self) -> int:
        """How many bytes of the body came, before they were decoded."""

    @property
    def trace(self) -> list[TraceEvent]:
        """What happened until now; empty unless it was asked for."""

    @property
    def is_closed(self) -> bool:
        """Whether no more of the body will come."""

    def aread(self) -> Awaitable[_Bytes]:
        """Read what is left of the body; it is ``content`` then.

        Cancel safety: what came is kept, and the next read goes on from there. So it is with all of these.
        """

    def read(self) -> _Bytes:
        """Do the same on a plain thread."""

    def aiter_bytes(self, size: int | None = None) -> AsyncPieces[_Bytes]:
        """Iterate over the body in pieces of ``size`` bytes, the last one shorter; None: as they come."""

    def aiter_text(self) -> AsyncPieces[str]:
        """Iterate over the body as text, in pieces as they come.

        It is decoded as ``text`` is, detection seeing the first piece.
        """

    def aiter_lines(self) -> AsyncPieces[str]:
        """Iterate over the lines of the body, which end with LF or CRLF, without their ends."""

    def iter_bytes(self, size: int | None = None) -> Pieces[_Bytes]:
        """``aiter_bytes`` on a plain thread."""

    def iter_text(self) -> Pieces[str]:
        """``aiter_text`` on a plain thread."""

    def iter_lines(self) -> Pieces[str]:
        """``aiter_lines`` on a plain thread."""

    def aclose(self) -> Awaitable[None]:
        """Give the connection back if the body was read to its end, else close it. Never suspends."""

    def close(self) -> None:
        """Do the same on a plain thread."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None: ...

# ---- aioxide.cli ----

# A property of the class has its name.
_Bytes: TypeAlias = bytes

@final
class Progress:
    """A progress bar on stderr; it counts, and draws nothing, where that is no terminal.

    It shows how many of ``total`` things are done, how many a second, errors, bytes, the time gone and left.
    Drawing is done by a thread of its own, ten times a second.
    """

    def __new__(cls, total: int | None = None, *, hidden: bool = False) -> Self: ...
    @property
    def visible(self) -> bool:
        """Whether it is drawn: not hidden, not finished, and stderr is a terminal."""

    @property
    def done(self) -> int:
        """How many things are done, the failed ones among them."""

    @property
    def failed(self) -> int:
        """How many of them failed."""

    @property
    def bytes(self) -> int:
        """How many bytes they brought."""

    def advance(self, n: int = 1, failed: int = 0, bytes: int = 0) -> None:
        """Count ``n`` more as done, ``failed`` of them as failed, and ``bytes``; not once it is finished.

        Raises:
            OverflowError: For a negative number.
        """

    def write_above(self, data: _Bytes) -> None:
        """Write to stdout above the bar, for when both are on one terminal.

        Raises:
            OSError: If stdout cannot be written.
        """

    def finish(self) -> None:
        """Stop the clock and leave the bar on a line of its own. A second time does nothing."""

def build_info() -> dict[str, Any]:
    """``workers``, ``tls``, ``http`` and ``content_codings``; starts the runtime.

    Raises:
        ValueError: If AIOXIDE_WORKERS is no number of threads.
    """

# ---- WebSockets ----

_Message = str | bytes | bytearray | memoryview

@final
class WebSocket:
    """A connection over which both sides send messages (RFC 6455). ``connect_ws`` and ``serve_ws`` give it.

    Iterating gives each message until the connection is closed normally. ``async with`` closes it. Dropping
    it closes the stream at once. Tasks of one loop or of several can share it; a forked child cannot use it.
    """

    def send(self, message: _Message) -> Operation[None]:
        """Send a message: str as text, anything else as bytes.

        It is finished when the message is on its way; when ``write_limit`` bytes are waiting to be taken, it
        waits for room first. Messages go in the order of the calls.

        Cancel safety: a send that is cancelled while it waits has sent nothing.

        Raises:
            ConnectionClosed: The connection is over, or is being closed.
            TypeError: The message is neither.
        """

    def send_frame(
        self, opcode: int, data: _Message | None = None, *, last: bool = True, compress: bool = True
    ) -> Operation[None]:
        """Send one frame: 0 a continuation, 1 text, 2 bytes, 9 a ping, 10 a pong (RFC 6455, section 5.2).

        A message can be sent in parts: the first with its opcode and ``last=False``, the others with 0.
        Nobody else should send meanwhile. A frame with all of a message is compressed, if that was agreed,
        unless ``compress`` is False. A ping that is sent so is not waited for.

        Raises:
            ConnectionClosed: The connection is over, or is being closed.
            ValueError: Another opcode, or a control frame in parts or of more than 125 bytes.
        """

    def receive(self) -> Operation[str | bytes]:
        """Wait for the next message.

        One that is here already is given without suspending.

        Cancel safety: no message is lost; one that was due goes to the next who receives.

        Raises:
            ConnectionClosed: It is over, and what came before that has been received.
        """

    def receive_message(self) -> Operation[tuple[int, Any, str | None]]:
        """Wait for the next message of any kind, as ``(opcode, data, extra)``.

        1: text, a str. 2: bytes. 8: a close frame, ``data`` being its code and ``extra`` its reason. 9 and
        10: pings and pongs, bytes; only with ``autoping=False``. Cancel safety as for ``receive``.

        Raises:
            ConnectionClosed: It is over, and what came before that has been received.
        """

    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Operation[str | bytes]: ...
    def ping(self, data: _Message | None = None) -> Operation[float]:
        """Send a ping, and wait for its pong; gives the seconds that it took.

        ``data``, at most 125 bytes, is random unless given. Messages before the pong are read meanwhile, as
        far as there is room for them.

        Raises:
            ConnectionClosed: The connection is over, or is being closed.
            ValueError: There are more than 125 bytes.
        """

    def pong(self, data: _Message | None = None) -> Operation[None]:
        """Send a pong that nobody asked for. Pings are answered without it, unless ``autoping`` is False.

        Raises:
            ConnectionClosed: The connection is over, or is being closed.
            ValueError: There are more than 125 bytes.
        """

    def close(self, code: int = 1000, reason: str = "") -> Operation[None]:
        """Send a close frame after what was sent before, and wait until the stream is closed.

        The peer has ``close_timeout`` seconds for its answer, and to read what was sent before; then the
        stream is closed all the same, and ``close_code`` is 1006. It does not raise for what the peer does.
        Closing twice does no harm.

        Cancel safety: a close that is cancelled while it waits closes the stream at once, as ``abort`` does,
        unless somebody else waits for the same.

        Raises:
            ValueError: A code that cannot be sent, or a reason of more than 123 bytes as UTF-8.
        """

    def aclose(self) -> Operation[None]:
        """Do what ``close()`` does."""

    def abort(self) -> None:
        """Close the stream at once, without a word to the peer."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent any more. What came before can still be received."""

    @property
    def waiting(self) -> int:
        """How many messages came and were not received."""

    @property
    def buffered(self) -> int:
        """About how many bytes were sent and are still on this side."""

    @property
    def close_code(self) -> int | None:
        """The ``code`` of ConnectionClosed; None while the connection is open."""

    @property
    def close_reason(self) -> str | None:
        """The ``reason`` of ConnectionClosed; None while the connection is open."""

    @property
    def close_error(self) -> ConnectionClosed | None:
        """What ``receive`` raises when no message is left; None while the connection is open."""

    @property
    def latency(self) -> float | None:
        """Seconds that the last ping took, whoever sent it; None before the first."""

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that was agreed on."""

    @property
    def compression(self) -> bool:
        """Whether permessage-deflate was agreed on (RFC 7692)."""

    @property
    def url(self) -> str:
        """Where it leads, after redirects; of a server's connection, what the client asked for."""

    @property
    def path(self) -> str:
        """The path and the query of the request, as they were sent."""

    @property
    def query(self) -> str:
        """What is behind the question mark of ``path``, as it was sent; empty if there is none."""

    @property
    def request_headers(self) -> Headers:
        """What the client said in the handshake."""

    @property
    def response_headers(self) -> Headers:
        """What the server said in the handshake."""

    @property
    def headers(self) -> Headers:
        """What the peer said in the handshake."""

    @property
    def remote_address(self) -> tuple[str, int] | None:
        """The address of the peer, or of a proxy, and its port; None where it is not known."""

    @property
    def local_address(self) -> tuple[str, int] | None:
        """The address and the port on this side; None where it is not known."""

def connect_ws(
    url: str,
    *,
    headers: _Headers | None = None,
    subprotocols: Iterable[str] | None = None,
    origin: str | None = None,
    timeout: float | None = 10.0,
    ping_interval: float | None = 20.0,
    ping_timeout: float | None = 20.0,
    close_timeout: float | None = 10.0,
    max_message_size: int | None = 1048576,
    max_queue: int = 32,
    write_limit: int = 65536,
    compression: bool | int = True,
    autoping: bool = True,
    autoclose: bool = True,
    proxy: str | Proxy | Literal[False] | None = None,
    trust_env: bool = True,
    verify: bool | str | bytes | os.PathLike[str] = True,
    cert: Any | None = None,
    server_hostname: str | None = None,
    resolve: Mapping[str, str | Sequence[str]] | None = None,
    local_address: str | None = None,
    uds: str | os.PathLike[str] | None = None,
    follow_redirects: bool = True,
) -> Operation[WebSocket]:
    """Open a WebSocket: to be awaited, or entered with ``async with``, which closes it on its way out.

    Credentials in the URL are sent as basic authentication. Times are in seconds, and None is no limit.

    Args:
        url: ``ws://`` or ``wss://``; http and https stand for them.
        headers: Sent with the request, beside those of the handshake itself.
        subprotocols: What this side speaks, in order of preference.
        origin: The header ``Origin``, which browsers send.
        timeout: For all of it: name, TCP, proxy, TLS and handshake, redirects included.
        ping_interval: The time between two pings.
        ping_timeout: A peer from which nothing has come for so long after a ping is given up: 1011.
        close_timeout: For the peer's answer to a close frame.
        max_message_size: Bytes of a message, decompressed; a longer one ends the connection: 1009.
        max_queue: Messages that wait to be received; with so many there, no more is read.
        write_limit: Bytes that wait to be sent; with so many there, ``send`` waits.
        compression: Whether permessage-deflate is offered (RFC 7692); a number from 9 to 15 is how wide the
            server's window may be.
        autoping: Answer pings here, and hide them and pongs from ``receive_message``.
        autoclose: Answer close frames here.
        proxy: As for ``Client``; an HTTP proxy is asked for a tunnel.
        trust_env: Whether the environment says which proxy to use, where ``proxy`` says nothing.
        verify: As for ``Client``.
        cert: As for ``Client``.
        server_hostname: The name that the certificate must be for, where it is not the host's.
        resolve: Addresses of hosts, which are not looked up then: a dict of names.
        local_address: The IP address to connect from, or one with a port.
        uds: A Unix socket to connect to instead of the host.
        follow_redirects: At most 10; what proves who we are goes to no other origin.

    Raises:
        HandshakeRefused: The server answered with another status than 101.
        HandshakeError: Its answer makes no WebSocket.
        RequestError: The server was not reached, or did not answer in time.
        TypeError: An argument of a wrong type. Like all below, at the call.
        ValueError: An argument that could never be right.
    """

def broadcast(
    connections: Iterable[WebSocket],
    message: _Message,
    *,
    slow: Literal["buffer", "skip", "close"] = "buffer",
) -> int:
    """Send a message to many, waiting for none; give to how many it was sent.

    Connections that are over are left out. ``slow`` says what becomes of one with ``write_limit`` bytes
    waiting
    already: ``"buffer"`` keeps the message all the same, however many there are; ``"skip"`` leaves it out;
    ``"close"`` closes it, with 1013.

    Raises:
        TypeError: Something is not a WebSocket, or the message not one.
        ValueError: ``slow`` is something else.
    """

@final
class HandshakeRequest:
    """What a client asks for, before it is let in: ``serve_ws`` gives it to ``process_request``."""

    @property
    def url(self) -> str:
        """What was asked for, as ``url`` of the connection would be."""

    @property
    def path(self) -> str:
        """The path and the query, as they were sent."""

    @property
    def query(self) -> str:
        """What is behind the question mark of ``path``, as it was sent; empty if there is none."""

    @property
    def headers(self) -> Headers:
        """The request's headers."""

    @property
    def subprotocols(self) -> list[str]:
        """Those that the client offers, in its order of preference."""

    @property
    def remote_address(self) -> tuple[str, int] | None:
        """The address of the client, or of a proxy, and its port; None where it is not known."""

    @property
    def local_address(self) -> tuple[str, int] | None:
        """The address and the port on this side; None where it is not known."""

@final
class WebSocketListener:
    """The native part of ``serve_ws``: an asynchronous iterator over connections, or requests for one."""

    def __new__(cls, host: str, port: int, *, asks: bool = False, **options: Any) -> Self: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Operation[WebSocket | HandshakeRequest]: ...
    def time_left(self, request: HandshakeRequest) -> float | None:
        """Give the seconds that are left for a request's handshake; None: there is no limit."""

    def open(self, request: HandshakeRequest) -> WebSocket | None:
        """Make a connection of a request; None if it does not ask for one, and was told so."""

    def refuse(self, request: HandshakeRequest, status_code: int, headers: _Headers, content: bytes) -> None:
        """Answer a request with something else, and end its connection. It returns before that is out."""

    def close(self) -> None:
        """Listen no more; who was let in before can still be taken."""

    @property
    def address(self) -> tuple[str, int]:
        """The address and the port that it listens on."""
