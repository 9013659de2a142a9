"""What of `timeouts` is plain Python: `wait_for` over the native `timeout`, and the ticks of `interval`."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable
from typing import Literal, TypeVar

from aioxide._core import entered_timeout, sleep

__all__ = ["interval", "wait_for"]

_T = TypeVar("_T")
# Looked up in each call, where an attribute of a module costs.
_Future = asyncio.Future


async def wait_for(fut: Awaitable[_T], timeout: float | None) -> _T:
    """Await ``fut`` for at most ``timeout`` seconds of the loop's clock; None waits without a limit.

    The semantics are those of CPython 3.12 and later on every Python: ``fut`` is awaited in place, with no
    task of its own. What is ready is returned though the limit be tiny; with a limit of zero or less only
    what is done already is.

    Cancel safety: cancelling the wait cancels ``fut``, and so does the timeout; ``shield`` keeps it running.

    Raises:
        TimeoutError: The time is over. ``fut`` was cancelled, and has ended.
        ValueError: The limit is NaN.
    """
    if timeout is None or (isinstance(fut, _Future) and fut.done()):
        return await fut
    if timeout <= 0:
        return await _at_once(fut)
    # `async with timeout(...)`, without the steps of awaiting its two ends.
    scope = entered_timeout(timeout)
    try:
        result = await fut
    except BaseException as error:
        await scope.__aexit__(type(error), error, error.__traceback__)
        raise
    scope.__aexit__(None, None, None)
    return result


async def _at_once(fut: Awaitable[_T]) -> _T:
    """Give what is done already, or cancel it and raise TimeoutError; a coroutine does not begin."""
    task: asyncio.Future[_T] = asyncio.ensure_future(fut)
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
        if task.cancelled():
            try:
                return task.result()
            except asyncio.CancelledError as error:
                raise TimeoutError from error
    return task.result()


def interval(period: float, missed: Literal["burst", "delay", "skip"] = "burst") -> AsyncIterator[int]:
    """Tick every ``period`` seconds of the loop's clock: an endless async iterator of the ticks' numbers.

    Tick 0 comes at once and starts the clock; tick ``n`` is due ``n`` periods later. ``missed`` says what
    becomes of the ticks that were due before they were asked for:

    - ``"burst"``: they come one right after another until the ticks have caught up.
    - ``"delay"``: the first of them comes at once, and the next is due a whole period after that.
    - ``"skip"``: the latest of them comes at once; the numbers of those before it are left out.

    Cancel safety: no tick is lost; the one that was waited for comes when the next is asked for.

    Raises:
        ValueError: ``period`` is not a positive, finite number of seconds, or ``missed`` is not one of them.
    """
    if not 0 < period < math.inf:
        raise ValueError(f"period must be a positive number of seconds, not {period!r}")
    if missed not in ("burst", "delay", "skip"):
        raise ValueError(f"missed must be 'burst', 'delay' or 'skip', not {missed!r}")
    return _Interval(period, missed)


class _Interval:
    """The iterator of `interval`: tick ``_number`` is due ``_number - _base`` periods after ``_start``."""

    def __init__(self, period: float, missed: str) -> None:
        self._period = period
        self._missed = missed
        self._number = 0
        self._base = 0
        # In the loop's clock; None before the first tick.
        self._start: float | None = None

    def __aiter__(self) -> "_Interval":
        return self

    async def __anext__(self) -> int:
        now = asyncio.get_running_loop().time()
        if self._start is None:
            self._start = now
        due = self._start + (self._number - self._base) * self._period
        # A tick that is due lets the loop turn all the same: a body that awaits nothing starves nobody.
        await sleep(due - now)
        if now > due and self._missed == "skip":
            self._number = max(self._number, self._base + int((now - self._start) / self._period))
        elif now > due and self._missed == "delay":
            self._start, self._base = now, self._number
        number = self._number
        self._number = number + 1
        return number
