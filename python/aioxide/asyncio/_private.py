"""Private attributes of asyncio's classes that programs use all the same, for our classes.

Seen in public programs: who waits (`len(semaphore._waiters)`), a queue's items (`list(queue._queue)`,
`queue._queue.clear()`), its unfinished tasks. What can only be read says so when it is written to.
"""

from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from typing import Any, NoReturn, overload

from aioxide import _core

__all__ = ["Contents", "Finished", "Unbound", "Waiting"]


class Unbound:
    """A primitive of no loop, as asyncio's is until somebody has waited for it."""

    @property
    def _loop(self) -> None:
        return None

    @_loop.setter
    def _loop(self, loop: None) -> None:
        if loop is not None:
            raise NotImplementedError("a primitive of aioxide is bound to no loop")


class _Waiter:
    """Stands for the future of somebody who waits."""

    def done(self) -> bool:
        return False

    def cancelled(self) -> bool:
        return False

    def cancel(self, msg: object = None) -> NoReturn:
        raise NotImplementedError("who waits at a primitive of aioxide is cancelled by cancelling its task")

    set_result = set_exception = cancel


class Waiting(Sequence[_Waiter]):
    """Stands for the futures of those who wait: as many as there were when it was asked for."""

    def __init__(self, count: int) -> None:
        self._waiters = [_Waiter() for _ in range(count)]

    def __len__(self) -> int:
        return len(self._waiters)

    @overload
    def __getitem__(self, index: int) -> _Waiter: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_Waiter]: ...
    def __getitem__(self, index: int | slice) -> _Waiter | Sequence[_Waiter]:
        return self._waiters[index]

    def __repr__(self) -> str:
        return f"<{len(self)} waiting>"


class Finished:
    """Stands for the event of a queue that is set while no task is unfinished."""

    def __init__(self, queue: _core.Queue[Any]) -> None:
        self._queue = queue

    def is_set(self) -> bool:
        return not self._queue.statistics()["unfinished"]

    def wait(self) -> _core.Operation[None]:
        return self._queue.join()

    def set(self) -> None:
        """Count every task as done."""
        while not self.is_set():
            self._queue.task_done()


class Contents(MutableSequence[Any]):
    """The items of a queue, which can be looked at and changed, as a list or a deque can.

    Each use looks at all of them.
    """

    def __init__(self, queue: _core.Queue[Any]) -> None:
        self._of = queue

    def __len__(self) -> int:
        return len(self._of._items())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._of._items())

    def __getitem__(self, index: Any) -> Any:
        return self._of._items()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        items = self._of._items()
        items[index] = value
        self._of._set_items(items)

    def __delitem__(self, index: Any) -> None:
        items = self._of._items()
        del items[index]
        self._of._set_items(items)

    def insert(self, index: int, value: Any) -> None:
        items = self._of._items()
        items.insert(index, value)
        self._of._set_items(items)

    def appendleft(self, value: Any) -> None:
        self.insert(0, value)

    def popleft(self) -> Any:
        return self.pop(0)

    def extend(self, values: Iterable[Any]) -> None:
        self._of._set_items([*self, *values])

    def extendleft(self, values: Iterable[Any]) -> None:
        self._of._set_items([*reversed(list(values)), *self])

    def clear(self) -> None:
        self._of._set_items([])

    def rotate(self, n: int = 1) -> None:
        if items := self._of._items():
            n %= len(items)
            self._of._set_items([*items[len(items) - n :], *items[: len(items) - n]])

    def reverse(self) -> None:
        self._of._set_items(self._of._items()[::-1])

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        self._of._set_items(sorted(self, key=key, reverse=reverse))

    def copy(self) -> list[Any]:
        return self._of._items()

    def __eq__(self, other: object) -> bool:
        return list(other) == self._of._items() if isinstance(other, Iterable) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self._of._items())
