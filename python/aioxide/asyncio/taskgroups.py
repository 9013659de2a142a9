"""`asyncio.taskgroups`, with our `TaskGroup`, which takes a ``limit``."""

from asyncio import taskgroups as _theirs
from typing import TYPE_CHECKING

from aioxide.asyncio._module import stands_for

__all__ = ["TaskGroup"]

if TYPE_CHECKING:

    class TaskGroup(_theirs.TaskGroup):
        """Asyncio's, with a ``limit``."""

        def __init__(self, limit: int | None = None) -> None: ...

else:
    from aioxide import tasks as _ours
    from aioxide.asyncio._kind import stands_in_for

    __getattr__, __dir__ = stands_for(_theirs, globals())

    @stands_in_for(_theirs.TaskGroup)
    class TaskGroup(_ours.TaskGroup):
        """Tasks that end together: leaving the ``async with`` waits for all of them."""
