"""`asyncio.queues`, with our queues. Python before 3.13 has no ``QueueShutDown`` of its own."""

import sys
from asyncio import queues as _theirs
from asyncio.queues import *
from typing import TYPE_CHECKING, Any

from aioxide.asyncio._module import stands_for

if sys.version_info < (3, 13):
    from aioxide.exceptions import QueueShutDown as QueueShutDown

if not TYPE_CHECKING:
    from aioxide import _core
    from aioxide.asyncio._copies import Copied
    from aioxide.asyncio._kind import stands_in_for
    from aioxide.asyncio._private import Contents, Finished, Unbound, Waiting

    __all__ = sorted({*_theirs.__all__, "QueueShutDown"})
    __getattr__, __dir__ = stands_for(_theirs, globals())

    class _Held(Copied, Unbound):
        """What of asyncio's private attributes programs use."""

        @property
        def _queue(self) -> Contents:
            return Contents(self)

        @_queue.setter
        def _queue(self, items: Any) -> None:
            self._set_items(list(items))

        @property
        def _getters(self) -> Waiting:
            return Waiting(self.statistics()["getting"])

        @property
        def _putters(self) -> Waiting:
            return Waiting(self.statistics()["putting"])

        @property
        def _unfinished_tasks(self) -> int:
            return self.statistics()["unfinished"]

        @property
        def _finished(self) -> Finished:
            return Finished(self)

        @property
        def _maxsize(self) -> int:
            return self.maxsize

        @property
        def _is_shutdown(self) -> bool:
            return self.statistics()["shutdown"]

        def _made_of(self) -> Any:
            calls = [("put_nowait", (None,)), ("get_nowait", ())] * self._unfinished_tasks
            calls.append(("_set_items", (self._items(),)))
            if self._is_shutdown:
                calls.append(("shutdown", ()))
            return (self.maxsize,), calls

    @stands_in_for(_theirs.Queue)
    class Queue(_core.Queue, _Held):
        """Items handed from those who put to those who get, first in, first out."""

    @stands_in_for(_theirs.LifoQueue, Queue)
    class LifoQueue(_core.LifoQueue, _Held):
        """A queue whose newest item comes out first."""

    @stands_in_for(_theirs.PriorityQueue, Queue)
    class PriorityQueue(_core.PriorityQueue, _Held):
        """A queue whose smallest item comes out first, and of equal ones that which went in first."""
