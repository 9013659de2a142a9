"""Where the results of ``fetch_all`` go: JSON lines, a directory of bodies, Arrow and Parquet files.

An output is its own journal: it tells which URLs it has, so that a run that was killed at any moment can be
gone on with, each URL being there exactly once. So there is nothing to keep beside it, and it does not matter
what the run was before: one that was killed, interrupted, or finished, after which nothing is fetched.

Nothing is forced to the disk before the end. A power failure may lose what the system still had in memory:
the end of lines and tables, which is cut off, and bodies in a directory, which the index then names in vain.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from aioxide._core import FetchAll, FetchRun, FetchStatistics, Result
from aioxide.journal import Done
from aioxide.outputs.arrow import ArrowFile
from aioxide.outputs.directory import Directory
from aioxide.outputs.lines import LinesFile, LinesStream

__all__ = ["LinesStream", "Output", "output_at", "save", "write"]

# Results that are written at once, and the seconds that one may wait for others.
_MANY = 500
_DELAY = 0.1

# Seconds that results are waited for which are there already.
_PATIENCE = 1.0

_TABLES = (".parquet", ".arrow")
_LINES = ("", ".jsonl", ".ndjson", ".jl", ".json", ".txt", ".log", ".out")


class Output(Protocol):
    """Where results go. What ``add`` has returned from is there, however the process ends."""

    #: Whether ``add`` may take long, and is not to be called on the loop's thread. The others never are.
    in_thread: bool

    def begin(self, done: Done, resume: bool, retry_failed: bool) -> None:
        """Open it; empty it, or to resume add what it has to ``done``.

        ``retry_failed``: without what failed, which is taken out.
        """

    def add(self, results: list[Result]) -> None:
        """Write results, all or none of them."""

    def close(self, finished: bool) -> None:
        """Close it; ``finished``: no more is to come, ever. A second time does nothing."""


def output_at(path: str | os.PathLike[str], body: bool | None = None) -> Output:
    """Make the output that is at a path, of the form that its name says. It is not opened yet.

    Raises:
        ImportError: It needs pyarrow, which is the extra ``arrow``, and that is not there.
        ValueError: No form has such a name, or cannot be with or without bodies.
    """
    name = os.fspath(path)
    if not isinstance(name, str):
        raise TypeError(f"path must be a str or a path of str, not {type(path).__name__}")
    if not name:
        raise ValueError("path must not be empty")
    if name.endswith(("/", os.sep)) or os.path.isdir(name):
        if body is False:
            raise ValueError(f"{name} is a directory, which is for bodies: body cannot be False")
        return Directory(name)
    suffix = os.path.splitext(name)[1].lower()
    if suffix in _TABLES:
        return ArrowFile(name, body is not False)
    if suffix in _LINES:
        return LinesFile(name, bool(body))
    raise ValueError(
        f"{name}: results are written to .jsonl, .ndjson, .parquet, .arrow, or to a directory, whose name "
        "ends in a slash"
    )


def save(
    fetching: FetchAll,
    path: str | os.PathLike[str],
    *,
    resume: bool = False,
    retry_failed: bool = False,
    body: bool | None = None,
) -> Coroutine[Any, Any, FetchStatistics]:
    """Write the results of ``fetching`` to ``path`` as they come; a coroutine that tells how far it came.

    Args:
        fetching: One that was not begun.
        path: ``.jsonl`` and ``.ndjson`` are JSON lines; a name that ends in a slash, or a directory, is one
            with a file for each body and an ``index.jsonl``; ``.parquet`` and ``.arrow`` need pyarrow.
        resume: Go on with what is there: URLs that it has, also those that failed, are not fetched again.
            Without it, what is there is replaced.
        retry_failed: The same, but what failed is taken out first, and fetched again as far as it is among
            the URLs: errors, those of ``parse`` too, and a status of 429 or 5xx.
        body: Whether bodies are written too; unless given, in tables and directories. In lines they are
            ``text``.

    Raises, when called: ``ImportError`` without pyarrow; ``ValueError`` for a name of no form, and for a
    ``fetching`` that has a journal; ``RuntimeError`` for one that was begun. When awaited: ``OSError`` if
    something cannot be written, a ``BlockingIOError`` if somebody else is writing it; ``ValueError`` for what
    cannot be resumed. Nothing is fetched before the output is open.

    Cancel safety: what was fetched is written first.
    """
    return write(fetching, output_at(path, body), resume=resume, retry_failed=retry_failed)


def write(
    fetching: FetchAll, output: Output, *, resume: bool = False, retry_failed: bool = False
) -> Coroutine[Any, Any, FetchStatistics]:
    """Do what `save` does, for an output that is there already."""
    done = Done()
    done.asked = fetching._leave_out(done)
    return _write(fetching, output, partial(output.begin, done, resume or retry_failed, retry_failed))


async def _write(fetching: FetchAll, output: Output, begin: Callable[[], None]) -> FetchStatistics:
    finished = False
    try:
        await _in_thread(begin)
        run, elsewhere = fetching._start()
        if elsewhere is None:
            await _write_batches(run, output)
        else:
            await _write_results(elsewhere, output)
        finished = True
    except GeneratorExit:
        # The loop has dropped the task: nothing can be awaited any more.
        output.close(False)
        raise
    finally:
        try:
            await fetching.aclose()
        finally:
            await _in_thread(output.close, finished)
    return run.statistics()


async def _write_batches(run: FetchRun, output: Output) -> None:
    taken = 0
    try:
        while batch := await run.batch(_MANY, _DELAY):
            taken += len(batch)
            await _add(output, batch)
    except asyncio.CancelledError:
        # What was fetched up to now comes at once; but for what has to keep the order, and waits for others.
        there = run.statistics().done
        with contextlib.suppress(TimeoutError):
            while taken < there:
                async with asyncio.timeout(_PATIENCE):
                    batch = await run.batch(_MANY, 0.0)
                taken += len(batch)
                await _add(output, batch)
        raise


async def _write_results(results: AsyncIterator[Result], output: Output) -> None:
    """Do the same for results that come one by one."""
    batch: list[Result] = []
    began = 0.0
    try:
        async for result in results:
            if not batch:
                began = time.monotonic()
            batch.append(result)
            if len(batch) >= _MANY or time.monotonic() - began >= _DELAY:
                ready, batch = batch, []
                await _add(output, ready)
    except GeneratorExit:
        batch = []
        raise
    finally:
        if batch:
            await _add(output, batch)


async def _add(output: Output, results: list[Result]) -> None:
    if output.in_thread:
        await _in_thread(output.add, results)
    else:
        output.add(results)


async def _in_thread(function: Callable[..., None], *arguments: Any) -> None:
    """Call what may take long, and see it to its end even if that is not wanted any more."""
    future = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
    cancelled = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    future.result()
    if cancelled is not None:
        raise cancelled
