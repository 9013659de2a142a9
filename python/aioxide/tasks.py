"""The one class of `tasks` that has to be Python: an `asyncio.Future` with a `cancel` of its own."""

import asyncio
from typing import Any, Protocol

__all__ = ["GatheringFuture"]


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
