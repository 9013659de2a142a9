"""`asyncio.threads`, with our `to_thread`."""

from asyncio import threads as _theirs
from asyncio.threads import *
from typing import TYPE_CHECKING

from aioxide.asyncio._module import stands_for

if not TYPE_CHECKING:
    from aioxide._core import to_thread

    __all__ = _theirs.__all__
    __getattr__, __dir__ = stands_for(_theirs, globals())
