"""`asyncio.tasks`, with our `gather`, `as_completed`, `sleep` and `wait_for`."""

from asyncio import tasks as _theirs
from collections.abc import Iterable as _Iterable
from typing import TYPE_CHECKING

from aioxide import _core
from aioxide._core import gather as gather
from aioxide.asyncio._module import stands_for

if TYPE_CHECKING:
    # What came first stays, which has more than asyncio's.
    from aioxide._core import as_completed as as_completed

from asyncio.tasks import *  # type: ignore[assignment,no-redef]

if not TYPE_CHECKING:
    from aioxide._core import gather, sleep
    from aioxide.timeouts import wait_for

    __all__ = _theirs.__all__
    __getattr__, __dir__ = stands_for(_theirs, globals())

    def as_completed(fs: _Iterable, *, timeout: float | None = None, limit: int | None = None):
        """Iterate over what has ended, the first to end first."""
        return _core.as_completed(fs, timeout=timeout, limit=limit)
