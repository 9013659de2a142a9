"""What ``fetch_all`` has in Python: sources that are not plain iterators, bars, batches, other executors.

Everything else of it is in Rust.
"""

import asyncio
import io
import os
import sys
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Executor
from typing import Any

from aioxide._core import FetchAll, FetchRun, FetchStatistics, Progress, Result

__all__: list[str] = []

# Results that are with an executor, for each of its workers: one in work, and one that is next.
_PER_WORKER = 2

# Feeders that run: a loop alone does not keep a task.
_feeders: set[asyncio.Task[None]] = set()


def source(urls: Any) -> Iterator[Any] | AsyncIterator[Any]:
    """Make what gives the items; of a file, or of one that a path names, its lines.

    TypeError for what cannot be iterated; OSError if the file cannot be opened.
    """
    if isinstance(urls, os.PathLike):
        return _lines_of(open(urls, "rb"))
    if isinstance(urls, io.IOBase):
        return _lines(urls)
    if hasattr(urls, "__aiter__"):
        items: AsyncIterator[Any] = aiter(urls)
        return items
    try:
        plain: Iterator[Any] = iter(urls)
    except TypeError:
        raise TypeError(f"fetch_all() takes an iterable of URLs, not {type(urls).__name__}") from None
    return plain


def _lines_of(file: io.IOBase) -> Iterator[str]:
    with file:
        yield from _lines(file)


def _lines(file: Any) -> Iterator[str]:
    """Give the URLs of a file, a line each; blank lines, and those that begin with ``#``, are none."""
    for line in file:
        text = line.decode("utf-8-sig", "surrogateescape") if isinstance(line, bytes) else line
        text = text.strip()
        if text and not text.startswith("#"):
            yield text


def feed(run: FetchRun, items: AsyncIterator[Any]) -> None:
    """Bring the items of an asynchronous iterator to a run, in a task that ends with it."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(_feed(weakref.ref(run), items), name="aioxide.fetch_all")
    _feeders.add(task)
    task.add_done_callback(_feeders.discard)
    weakref.finalize(run, _end, loop, task).atexit = False


def _end(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    if not task.done() and not loop.is_closed():
        task.cancel()


async def _feed(reference: "weakref.ref[FetchRun]", items: AsyncIterator[Any]) -> None:
    """Feed the items in, as many as are wanted. The run is not kept alive meanwhile: nobody may want it."""
    error: BaseException | None = None
    try:
        while await _room(reference):
            try:
                item = await anext(items)
            except StopAsyncIteration:
                break
            run = reference()
            if run is None:
                break
            run.add(item)
            del run
    except BaseException as failure:
        error = failure
    run = reference()
    if run is not None:
        # It is raised there, where somebody hears of it.
        run.finish(error)
        del run
    if isinstance(items, AsyncGenerator):
        await items.aclose()


async def _room(reference: "weakref.ref[FetchRun]") -> bool:
    run = reference()
    if run is None:
        return False
    room = run.room()
    del run
    return await room


class Batches:
    """The results of a ``fetch_all`` in lists."""

    __slots__ = ("_fetching", "_results", "_run", "_size", "_within")

    def __init__(self, fetching: FetchAll, size: int, within: float | None) -> None:
        self._fetching = fetching
        self._size = size
        self._within = within
        self._run: FetchRun | None = None
        self._results: AsyncIterator[Result] | None = None

    def __aiter__(self) -> "Batches":
        self._run, self._results = self._fetching._start()
        return self

    def __anext__(self) -> Coroutine[Any, Any, list[Result]]:
        return self._next()

    async def _next(self) -> list[Result]:
        if self._run is None:
            raise RuntimeError("batches are for 'async for'")
        if self._results is None:
            batch = await self._run.batch(self._size, self._within)
        else:
            batch = []
            async for result in self._results:
                batch.append(result)
                if len(batch) == self._size:
                    break
        if not batch:
            raise StopAsyncIteration
        return batch


async def collect(results: AsyncIterator[Result]) -> list[Result]:
    """Wait for all results; a list in the order of the URLs."""
    return sorted([result async for result in results], key=lambda result: result.index)


async def parse_elsewhere(
    run: FetchRun, parse: Callable[..., Any], executor: Executor, _ordered: bool, journal: Any
) -> AsyncGenerator[Result]:
    """Give results whose responses were parsed in an executor, in the order in which they came.

    The run is asked for more than was given on: so it is told here what is done.
    """
    loop = asyncio.get_running_loop()
    most = _PER_WORKER * int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)
    window: list[tuple[Result, asyncio.Future[Any] | None]] = []
    coming: asyncio.Task[Result] | None = None
    ended = False
    try:
        while not ended or window:
            if not ended and coming is None and len(window) < most:
                coming = loop.create_task(_next(run))
            first = window[0][1] if window else None
            waits = [future for future in (first, coming) if future is not None]
            if waits and not (window and first is None):
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if coming is not None and coming.done():
                try:
                    result = coming.result()
                except StopAsyncIteration:
                    ended = True
                else:
                    parsing = result.response and loop.run_in_executor(executor, parse, result.response)
                    window.append((result, parsing or None))
                coming = None
            while window and (window[0][1] is None or window[0][1].done()):
                result, parsing = window.pop(0)
                yield _parsed(result, parsing)
                if journal is not None:
                    journal.done(result.item)
                    journal.flush()
    finally:
        if coming is not None:
            coming.cancel()
        for _, parsing in window:
            if parsing is not None:
                parsing.cancel()


async def _next(run: FetchRun) -> Result:
    # StopAsyncIteration of a coroutine is its result only if it is not raised by it.
    return await run.__anext__()


def _parsed(result: Result, parsing: "asyncio.Future[Any] | None") -> Result:
    if parsing is None:
        return result
    error: BaseException | None = None
    value = None
    try:
        value = parsing.result()
    except Exception as failure:
        error = failure
    return Result(
        result.index,
        result.item,
        response=result.response,
        error=error,
        value=value,
        attempts=result.attempts,
        elapsed=result.elapsed,
    )


def bar(total: int | None) -> Callable[[FetchStatistics], None]:
    """Make a progress bar: in a notebook tqdm's, if that is installed."""
    if _in_notebook():
        try:
            from tqdm.notebook import tqdm  # type: ignore[import-untyped]
        except ImportError:
            pass
        else:
            return _NotebookBar(tqdm(total=total, unit=" URLs"))
    return _Bar(Progress(total))


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"


class _Bar:
    """Draws on standard error, where that is a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, statistics: FetchStatistics) -> None:
        progress = self._progress
        progress.advance(
            statistics.done + statistics.skipped - progress.done,
            failed=statistics.failed - progress.failed,
            bytes=statistics.bytes - progress.bytes,
        )
        if statistics.finished:
            progress.finish()

    def __del__(self) -> None:
        self._progress.finish()


class _NotebookBar:
    def __init__(self, drawn: Any) -> None:
        self._drawn = drawn

    def __call__(self, statistics: FetchStatistics) -> None:
        self._drawn.update(statistics.done + statistics.skipped - self._drawn.n)
        self._drawn.set_postfix(failed=statistics.failed, refresh=False)
        if statistics.finished:
            self._drawn.close()

    def __del__(self) -> None:
        self._drawn.close()
