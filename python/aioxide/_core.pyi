"""The extension module: what is written in Rust. Import from ``aioxide``, not from here."""

import os
from asyncio import AbstractEventLoop, Future
from collections.abc import (
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
    Sequence,
    ValuesView,
)
from contextvars import Context
from datetime import timedelta
from traceback import StackSummary
from types import FrameType, GenericAlias, TracebackType
from typing import (
    Any,
    Generic,
    Literal,
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

from typing_extensions import disjoint_base

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

    Raises:
        ValueError: The rate, ``per`` or the burst is not positive.
    """

    def __init__(self, rate: float, per: float = 1.0, burst: int = 1) -> None: ...
    def acquire(self, n: int = 1, key: Hashable = None) -> Operation[None]:
        """Wait until ``n`` more may go, of those with that ``key``.

        Cancel safety: nothing is used up; what was granted by then goes to the next in line.

        Raises:
            ValueError: ``n`` is below 1 or above the burst.
            TypeError: The key cannot be hashed.
        """
    def try_acquire(self, n: int = 1, key: Hashable = None) -> bool:
        """Let ``n`` go if they may go now and nobody is in line; whether it did."""
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
) -> Future[tuple[_T1]]: ...
@overload
def gather(  # type: ignore[overload-overlap]
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    /,
    *,
    return_exceptions: Literal[False] = False,
    limit: int | None = None,
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
) -> Future[tuple[_T1, _T2, _T3, _T4, _T5, _T6]]: ...
@overload
def gather(  # type: ignore[overload-overlap]
    *aws: _Awaitable[_T],
    return_exceptions: Literal[False] = False,
    limit: int | None = None,
) -> Future[list[_T]]: ...
@overload
def gather(
    aw1: _Awaitable[_T1],
    /,
    *,
    return_exceptions: bool,
    limit: int | None = None,
) -> Future[tuple[_T1 | BaseException]]: ...
@overload
def gather(
    aw1: _Awaitable[_T1],
    aw2: _Awaitable[_T2],
    /,
    *,
    return_exceptions: bool,
    limit: int | None = None,
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
) -> Future[list[_T | BaseException]]: ...

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
class Request:
    """A request as it was sent. Can be pickled and copied."""

    def __new__(cls, method: str, url: str, headers: _Headers | None = None) -> Self: ...
    @property
    def method(self) -> str:
        """In upper case: ``"GET"``."""

    @property
    def url(self) -> str:
        """Absolute and without credentials."""

    @property
    def headers(self) -> Headers:
        """Those that were asked for. ``Host``, ``Content-Length`` and the like are added on the way."""

    @property
    def host(self) -> str | None:
        """The URL's host; an IPv6 address has brackets."""

    @property
    def port(self) -> int | None:
        """The URL's port, or the usual one of its scheme."""

@final
class HttpTimeout:
    """``aioxide.Timeout``: limits on the time of a request, in seconds; None is no limit.

    Args:
        total: From the first ``await`` to the last byte of the body, redirects included. Past it:
            ``TimeoutException``.
        connect: For each connection made: name, TCP, proxy and TLS. Past it: ``ConnectTimeout``. A request
            that gets an idle connection of the pool makes none.

    Raises:
        ValueError: For zero, a negative number, or NaN. Infinity is None.
        TypeError: For what is no number.
    """

    def __new__(cls, total: float | None = None, connect: float | None = None) -> Self: ...
    @property
    def total(self) -> float | None: ...
    @property
    def connect(self) -> float | None: ...
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
_Timeout = float | HttpTimeout | None
_Verify = bool | str | bytes | os.PathLike[str]

@type_check_only
class _Request(TypedDict, total=False):
    """The keyword arguments of a request; None is the same as not given, except for ``timeout``."""

    params: _Pairs | str | None
    headers: _Headers | None
    content: bytes | str | bytearray | memoryview | None
    data: _Pairs | None
    json: Any
    timeout: _Timeout
    follow_redirects: bool | None

@type_check_only
class _Settings(TypedDict, total=False):
    """The keyword arguments of ``Client``."""

    base_url: str | None
    headers: _Headers | None
    params: _Pairs | str | None
    timeout: _Timeout
    follow_redirects: bool
    max_redirects: int
    verify: _Verify
    http1: bool
    http2: bool
    trust_env: bool

@type_check_only
class _Fetch(_Request, total=False):
    method: str

def fetch(url: str, **request: Unpack[_Fetch]) -> Operation[Response]:
    """Make one request on a default client, which the process shares and never closes.

    ``method`` is ``"GET"`` unless given; everything else is as for ``Client.request``.
    """

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
        follow_redirects: Whether to follow redirects, unless the request says otherwise.
        max_redirects: How many in a row; one more is ``TooManyRedirects``.
        verify: True trusts the certificates that the system trusts. A path of a PEM file, or PEM itself,
            trusts those in there and no others. False trusts anybody.
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
            content: The body: bytes, or str, which goes as UTF-8.
            data: The body as a form: as ``params``, with ``Content-Type: application/x-www-form-urlencoded``.
            json: The body as JSON, compact, with ``Content-Type: application/json``. What ``json.dumps``
                takes, except NaN and infinities. None is no body; ``content="null"`` is JSON's null.
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

    def aclose(self) -> Operation[None]:
        """Close the connections. Requests in flight, on any loop, fail with ``CloseError``.

        Never suspends. Closing a closed client does nothing.
        """

    @property
    def is_closed(self) -> bool:
        """Whether it was closed; a request on it is then a RuntimeError."""

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

@final
class Response:
    """The answer to a request, with its whole body. Can be pickled and copied.

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

        The encoding is that of a byte order mark, else the ``charset`` of ``Content-Type``, else UTF-8.
        Labels mean what they mean to browsers (WHATWG Encoding): ``iso-8859-1`` is windows-1252.
        """

    @property
    def encoding(self) -> str:
        """The encoding of ``text``, in lower case, by a name that Python's codecs know."""

    @property
    def charset(self) -> str | None:
        """The charset that ``Content-Type`` names, in lower case."""

    def json(self, **kwargs: Any) -> Any:
        """Parse the body as ``json.loads(response.content, **kwargs)`` does; without arguments, in Rust.

        Raises ``json.JSONDecodeError`` or UnicodeDecodeError, both ValueErrors.
        """

    @property
    def elapsed(self) -> timedelta:
        """The time from the start of the request to the last byte of the body."""

    @property
    def request(self) -> Request | None:
        """The request that this answers: after redirects, the last. None if the response was made by hand."""

    def __getnewargs_ex__(self) -> tuple[tuple[int], dict[str, Any]]: ...
    def raise_for_status(self) -> Self:
        """Raise ``HTTPStatusError``, which shows the start of the body, if the status is 400 or above."""

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
