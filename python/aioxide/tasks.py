"""What of `tasks` has to be Python: classes that are asyncio's own kind, and what awaits in its own body."""

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from contextvars import Context
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from aioxide._core import MapRun

__all__ = ["GatheringFuture", "TaskGroup", "amap"]

_T = TypeVar("_T")
_R = TypeVar("_R")


class _Children(Protocol):
    def cancel(self, msg: Any = None) -> bool: ...


class GatheringFuture(asyncio.Future[list[Any]]):
    """What `aioxide.gather` returns: cancelling it cancels the children, and it ends when they have."""

    def __init__(self, children: _Children, *, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._children = children

    def cancel(self, msg: Any = None) -> bool:
        """Cancel every child that has not ended; False if there is none."""
        if self.done():
            return False
        return self._children.cancel(msg)


def amap(
    func: Callable[[_T], Awaitable[_R]],
    iterable: Iterable[_T] | AsyncIterable[_T],
    *,
    limit: int,
    ordered: bool = True,
) -> AsyncGenerator[_R, None]:
    """Iterate with ``async for`` over what ``func`` gives for each item, ``limit`` of them at a time.

    ``func`` is an async function, or any other that returns an awaitable; native operations need no Task.
    Results come in the order of the items, or with ``ordered=False`` as they end. Items are pulled as there
    is room: no more than ``limit`` are running or wait to be asked for.

    The first exception, also of ``func`` itself or of the iterable, has all that runs cancelled; results
    that had come before it are given, and when everything has ended it is raised.

    Cancel safety: whoever leaves early, by ``aclose`` or because the wait for a result was cancelled, has
    all that runs cancelled, and waits until it has ended; results that were not given are lost.

    Raises:
        TypeError: ``func`` cannot be called, or ``iterable`` not iterated.
        ValueError: The limit is below 1.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    if not callable(func):
        raise TypeError(f"func must be callable, not {func!r}")
    if isinstance(iterable, AsyncIterable):
        return _amap(func, None, aiter(iterable), limit, ordered)
    return _amap(func, iter(iterable), None, limit, ordered)


async def _amap(
    func: Callable[[_T], Awaitable[_R]],
    source: Iterator[_T] | None,
    async_source: AsyncIterator[_T] | None,
    limit: int,
    ordered: bool,
) -> AsyncGenerator[_R, None]:
    run = MapRun(func, source, limit, ordered)
    # Comes after the last result.
    end: object = run
    feeder = None if async_source is None else asyncio.create_task(_feed(run, async_source))
    try:
        while (result := await run.next()) is not end:
            yield result
    finally:
        if feeder is not None:
            feeder.cancel()
        await run.stop()
        if feeder is not None:
            await asyncio.wait([feeder])


async def _feed(run: "MapRun[_T, Any]", source: AsyncIterator[_T]) -> None:
    """Put the items of an asynchronous source into a run, as there is room."""
    try:
        while await run.room():
            try:
                item = await anext(source)
            except StopAsyncIteration:
                break
            run.add(item)
        run.end()
    except BaseException as error:
        run.end(error)
        if isinstance(error, asyncio.CancelledError) or _interrupts(error):
            raise


class TaskGroup:
    """Tasks that end together: leaving the ``async with`` waits for all of them.

    The semantics are those of ``asyncio.TaskGroup`` of CPython 3.13, on every Python: the first task that
    fails has the others and the body cancelled, and when all have ended their exceptions are raised as one
    ExceptionGroup. With ``limit``, at most so many tasks run at a time; the others wait in the order they
    were made. A task that waits for another of its group keeps its own place while it waits.

    Raises:
        ValueError: The limit is below 1.
    """

    def __init__(self, limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        self._turns = None if limit is None else _Turns(limit)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._parent: asyncio.Task[Any] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        # Under a limit, what each task is to run: cancelled before its first step, it would drop that unrun.
        self._unstarted: dict[asyncio.Task[Any], Coroutine[Any, Any, Any]] = {}
        self._errors: list[BaseException] = []
        # The KeyboardInterrupt or SystemExit that is raised in place of a group.
        self._interrupt: BaseException | None = None
        self._leaving = False
        self._aborting = False
        # That the parent was cancelled by us, which has to be taken back.
        self._cancelled_parent = False
        # What `__aexit__` waits for.
        self._all_done: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        words = ["TaskGroup"]
        if self._tasks:
            words.append(f"tasks={len(self._tasks)}")
        if self._errors:
            words.append(f"errors={len(self._errors)}")
        if self._aborting:
            words.append("cancelling")
        elif self._loop is not None:
            words.append("entered")
        return f"<{' '.join(words)}>"

    async def __aenter__(self) -> Self:
        if self._loop is not None:
            raise RuntimeError(f"TaskGroup {self!r} has already been entered")
        loop = asyncio.get_running_loop()
        self._parent = asyncio.current_task(loop)
        if self._parent is None:
            raise RuntimeError(f"TaskGroup {self!r} cannot determine the parent task")
        self._loop = loop
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leaving = True
        cancelled = exc if isinstance(exc, asyncio.CancelledError) else None
        if exc is not None:
            if _interrupts(exc) and self._interrupt is None:
                self._interrupt = exc
            if not self._aborting:
                self._abort()
        if self._tasks:
            meanwhile = await self._wait()
            cancelled = cancelled if meanwhile is None else meanwhile
            del meanwhile
        try:
            if self._interrupt is not None:
                raise self._interrupt
            if self._cancelled_parent and await self._take_back():
                cancelled = None
            if cancelled is not None and not self._errors:
                raise cancelled
            if exc is not None and not isinstance(exc, asyncio.CancelledError):
                self._errors.append(exc)
            if self._errors:
                self._keep_cancelled()
                raise BaseExceptionGroup("unhandled errors in a TaskGroup", self._errors) from None
        finally:
            # A traceback leads here, and from here to every exception: cycles that only the collector ends.
            self._errors = []
            self._interrupt = None
            self._parent = None
            del cancelled, exc

    async def _wait(self) -> asyncio.CancelledError | None:
        """Wait for all tasks, whatever happens; the CancelledError that has the group cancelled meanwhile."""
        assert self._loop is not None
        cancelled = None
        while self._tasks:
            self._all_done = self._loop.create_future()
            try:
                await self._all_done
            except asyncio.CancelledError as error:
                # Cancelled once more while it is aborting anyway: the wait goes on.
                if not self._aborting:
                    cancelled = error
                    self._abort()
        self._all_done = None
        return cancelled

    async def _take_back(self) -> bool:
        """Take back our own cancelling of the parent; True if nobody else asked for one."""
        assert self._parent is not None
        if self._parent.uncancel() > 0:
            return False
        if sys.version_info < (3, 13) and getattr(self._parent, "_must_cancel", False):
            # Asked for and not yet raised. From 3.13 on `uncancel` forgets it; before, it has to be taken.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        return True

    def _keep_cancelled(self) -> None:
        """Have a parent that somebody else is cancelling hear of it again, after our own exception."""
        assert self._parent is not None
        if self._parent.cancelling():
            self._parent.uncancel()
            self._parent.cancel()

    def create_task(
        self, coro: Coroutine[Any, Any, _T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[_T]:
        """Run a coroutine or a native operation as a task of this group.

        Raises:
            RuntimeError: The group was not entered, has ended, or is being cancelled. ``coro`` is closed.
        """
        loop = self._loop
        if loop is None or self._aborting or (self._leaving and not self._tasks):
            coro.close()
            raise RuntimeError(f"TaskGroup {self!r} {self._refusal()}")
        runs = coro if self._turns is None else self._turns.wait_and_run(coro)
        if context is None:
            task = loop.create_task(runs, name=name)
        else:
            task = loop.create_task(runs, name=name, context=context)
        if self._turns is not None:
            self._unstarted[task] = coro
        # An eager task may have ended already.
        if task.done():
            self._task_done(task)
        else:
            self._tasks.add(task)
            task.add_done_callback(self._task_done)
        return task

    def _refusal(self) -> str:
        if self._loop is None:
            return "has not been entered"
        return "is finished" if self._leaving and not self._tasks else "is shutting down"

    def _abort(self) -> None:
        self._aborting = True
        for task in self._tasks:
            task.cancel()

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if self._turns is not None and (coro := self._unstarted.pop(task, None)) is not None:
            # Does nothing to one that has run.
            coro.close()
        if not self._tasks and self._all_done is not None and not self._all_done.done():
            self._all_done.set_result(None)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._failed(task, error)

    def _failed(self, task: asyncio.Task[Any], error: BaseException) -> None:
        assert self._loop is not None
        self._errors.append(error)
        if _interrupts(error) and self._interrupt is None:
            self._interrupt = error
        if self._parent is None or self._parent.done():
            message = f"Task {task!r} has errored out but its parent task {self._parent} is already completed"
            self._loop.call_exception_handler({"message": message, "exception": error, "task": task})
        elif not self._aborting and not self._cancelled_parent:
            self._abort()
            # The body is cancelled too; `__aexit__` takes that back.
            self._cancelled_parent = True
            self._parent.cancel()


def _interrupts(error: BaseException) -> bool:
    """Tell whether it has to leave the loop at once."""
    return isinstance(error, (KeyboardInterrupt, SystemExit))


class _Turns:
    """Lets so many coroutines run at a time, in the order in which they ask."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    def wait_and_run(self, coro: Coroutine[Any, Any, _T]) -> Coroutine[Any, Any, _T]:
        """Wrap ``coro`` so that it waits for its turn, under its own name."""
        if not asyncio.iscoroutine(coro):
            raise TypeError(f"a coroutine was expected, got {coro!r}")
        wrapper = self._wait_and_run(coro)
        for name in ("__name__", "__qualname__"):
            setattr(wrapper, name, getattr(coro, name, type(coro).__name__))
        return wrapper

    async def _wait_and_run(self, coro: Coroutine[Any, Any, _T]) -> _T:
        await self._take()
        try:
            return await coro
        finally:
            self._give_back()

    async def _take(self) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            # It may have been given a turn that it will not use.
            if turn.done() and not turn.cancelled():
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
