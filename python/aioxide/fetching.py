"""What ``fetch_all`` has in Python: sources that are not plain iterators, bars, batches, other executors.

Everything else of it is in Rust.
"""

import asyncio
import io
import os
import sys
import weakref
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from types import CoroutineType
from typing import Any

from aioxide._core import FetchAll, FetchRun, FetchStatistics, Progress, Result

__all__: list[str] = []

# Results that are with an executor, for each of its workers: one in work, and one that is next.
_PER_WORKER = 2

# So many items are fed, then the loop turns.
_IN_A_ROW = 256

# Feeders that run: a loop alone does not keep a task.
_feeders: set[asyncio.Task[None]] = set()


def source(urls: Any) -> Iterator[Any] | AsyncIterator[Any]:
    """Make what gives the items; of a file, or of one that a path names, its lines.

    TypeError for what cannot be iterated; OSError if the file cannot be opened.
    """
    if isinstance(urls, os.PathLike):
        lines = _lines_of(urls)
        # It has the file now, and closes it also if nobody asks for a line.
        next(lines)
        return lines
    if hasattr(urls, "__aiter__"):
        items: AsyncIterator[Any] = aiter(urls)
        return items
    # Those of `tempfile` and `codecs` are files of other classes.
    if isinstance(urls, io.IOBase) or hasattr(urls, "readline"):
        return _lines(urls)
    try:
        plain: Iterator[Any] = iter(urls)
    except TypeError:
        raise TypeError(f"fetch_all() takes an iterable of URLs, not {type(urls).__name__}") from None
    return plain


def _lines_of(path: "os.PathLike[str]") -> Iterator[str]:
    with open(path, "rb") as file:
        yield ""
        yield from _lines(file)


def _lines(file: Any) -> Iterator[str]:
    return filter(None, map(url_of_line, file))


def url_of_line(line: bytes | str) -> str:
    """Give the URL on a line of a file; nothing for a blank line, and for one that begins with ``#``.

    Bytes that are no UTF-8 make a URL that fails by itself, and is reported as it was.
    """
    text = line.decode("utf-8", "surrogateescape") if isinstance(line, bytes) else line
    # A byte order mark is Windows' way to begin a file; of a text, whoever opened it may have left it.
    text = text.removeprefix("\ufeff").strip()
    return "" if text.startswith("#") else text


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
    fed = 0
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
            fed += 1
            if fed % _IN_A_ROW == 0:
                # Neither of the two may have waited.
                await asyncio.sleep(0)
    except BaseException as failure:
        error = failure
    run = reference()
    if run is not None:
        # It is raised there, where somebody hears of it.
        run.finish(error)
    # What was raised leads to this frame, which is not to lead there.
    del run, error
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

    __slots__ = ("_fetching", "_size", "_within")

    def __init__(self, fetching: FetchAll, size: int, within: float | None) -> None:
        self._fetching = fetching
        self._size = size
        self._within = within

    def __aiter__(self) -> AsyncIterator[list[Result]]:
        # An iterator of its own: who leaves the loop drops it, whatever else he keeps.
        run, parsed = self._fetching._start()
        return _Batches(parsed if isinstance(parsed, ParsedElsewhere) else run, self._size, self._within)


class _Batches:
    __slots__ = ("_results", "_size", "_within")

    def __init__(self, results: "FetchRun | ParsedElsewhere", size: int, within: float | None) -> None:
        self._results = results
        self._size = size
        self._within = within

    def __aiter__(self) -> "_Batches":
        return self

    async def __anext__(self) -> list[Result]:
        batch = await self._results.batch(self._size, self._within)
        if not batch:
            raise StopAsyncIteration
        return batch


async def collect(results: AsyncIterator[Result]) -> list[Result]:
    """Wait for all results; a list in the order of the URLs."""
    return sorted([result async for result in results], key=lambda result: result.index)


class ParsedElsewhere:
    """Results whose responses are parsed in an executor, in the order in which they came.

    Whoever stops waiting loses nothing: what came is kept for the next one who asks. The run is asked for
    more than was given on, so it hears from here what is done.
    """

    def __init__(self, run: FetchRun, parse: Callable[..., Any], executor: Executor) -> None:
        run.defer()
        self._run = run
        self._parse = parse
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._most = _PER_WORKER * int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)
        self._window: deque[tuple[Result, asyncio.Future[Any] | None]] = deque()
        self._coming: asyncio.Future[Result] | None = None
        # What the run raised in the end.
        self._end: BaseException | None = None

    def __aiter__(self) -> "ParsedElsewhere":
        return self

    async def __anext__(self) -> Result:
        batch = await self.batch(1, None)
        if not batch:
            raise StopAsyncIteration
        return batch[0]

    async def batch(self, size: int, within: float | None) -> list[Result]:
        # Whoever asks for more is done with what he has.
        self._run.settle_deferred()
        until = None if within is None else self._loop.time() + within
        while True:
            waits = self._advance()
            ready = self._ready(size)
            late = until is not None and self._loop.time() >= until
            if ready == size or not waits or (ready and late):
                batch = self._take(ready)
                if not batch and (end := self._end) is not None:
                    self._end = StopAsyncIteration()
                    if not isinstance(end, StopAsyncIteration):
                        raise end
                return batch
            left = None if until is None or late else until - self._loop.time()
            await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    def _advance(self) -> "list[asyncio.Future[Any]]":
        """Go as far as can be; what there is to wait for."""
        while True:
            if self._coming is not None and self._coming.done():
                coming, self._coming = self._coming, None
                try:
                    result = coming.result()
                except BaseException as end:
                    # Without this frame, which would be a cycle.
                    self._end = end.with_traceback(end.__traceback__ and end.__traceback__.tb_next)
                else:
                    self._window.append((result, self._begin(result)))
            if (
                self._coming is not None
                or self._end is not None
                or len(self._window) - self._ready() >= self._most
            ):
                break
            self._coming = asyncio.ensure_future(self._run.__anext__())
        waits = [parsing for _, parsing in self._window if parsing is not None and not parsing.done()][:1]
        return waits if self._coming is None else [*waits, self._coming]

    def _begin(self, result: Result) -> "asyncio.Future[Any] | None":
        if result.response is None:
            return None
        try:
            return self._loop.run_in_executor(self._executor, self._parse, result.response)
        except Exception as error:
            # As if it had been raised there: its frames lead back to this one.
            refused: asyncio.Future[Any] = self._loop.create_future()
            refused.set_exception(error.with_traceback(None))
            return refused

    def _take(self, count: int) -> list[Result]:
        batch = []
        for place in range(count):
            result, parsing = self._window[place]
            try:
                parsed = _parsed(result, parsing)
            except BaseException:
                # It is raised once, and what was parsed before is not lost.
                del self._window[place]
                raise
            if parsed.error is not result.error:
                self._run.parse_failed()
            batch.append(parsed)
        for _ in batch:
            self._window.popleft()
        self._run.hand_out(batch)
        return batch

    def __del__(self) -> None:
        self._run.stop()
        if self._loop.is_closed():
            return
        for future in (self._coming, *(parsing for _, parsing in self._window)):
            if future is None:
                continue
            if not future.done():
                future.cancel()
            elif not future.cancelled():
                # Nobody is to be told of what nobody wants.
                future.exception()

    def _ready(self, most: int | None = None) -> int:
        """Count the results that can be given."""
        ready = 0
        for _, parsing in self._window:
            if ready == most or (parsing is not None and not parsing.done()):
                break
            ready += 1
        return ready


def _parsed(result: Result, parsing: "asyncio.Future[Any] | None") -> Result:
    if parsing is None:
        return result
    # Not raised: its traceback would lead to the frames of who asks, and whoever keeps the result would keep
    # everything in flight.
    error = parsing.exception()
    if error is not None and not isinstance(error, Exception):
        raise error
    value = parsing.result() if error is None else None
    if isinstance(value, CoroutineType):
        value.close()
        value, error = None, TypeError("parse must return a value, not a coroutine: nobody awaits it")
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
    if _in_notebook() and (tqdm := _tqdm()) is not None:
        return _NotebookBar(tqdm(total=total, unit=" URLs"))
    return _Bar(Progress(total))


def _tqdm() -> Any:
    """Give tqdm's bar for a notebook; that of text where there are no widgets; None without tqdm."""
    try:
        from tqdm import tqdm  # type: ignore[import-untyped]
        from tqdm.notebook import IProgress, tqdm_notebook  # type: ignore[import-untyped]
    except ImportError:
        return None
    # Without ipywidgets tqdm's module is there, and its bar is an ImportError.
    return tqdm if IProgress is None else tqdm_notebook


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return type(shell).__name__ == "ZMQInteractiveShell"


def show(progress: Progress, statistics: FetchStatistics) -> None:
    """Bring a bar up to the statistics; what is left out counts as done."""
    progress.advance(
        statistics.done + statistics.skipped - progress.done,
        failed=statistics.failed - progress.failed,
        bytes=statistics.bytes - progress.bytes,
    )


class _Bar:
    """Draws on standard error, where that is a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, statistics: FetchStatistics) -> None:
        show(self._progress, statistics)
        if statistics.finished:
            self._progress.finish()

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
