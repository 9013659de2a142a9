"""`asyncio.locks`, with our locks, events, semaphores and barriers."""

from asyncio import locks as _theirs
from asyncio.locks import *
from typing import TYPE_CHECKING, Any

from aioxide.asyncio._module import stands_for

if TYPE_CHECKING:
    from asyncio.locks import __all__ as __all__
else:
    from aioxide import _core
    from aioxide.asyncio._copies import Copied
    from aioxide.asyncio._kind import stands_in_for
    from aioxide.asyncio._private import Unbound, Waiting

    __all__ = _theirs.__all__
    __getattr__, __dir__ = stands_for(_theirs, globals())

    class _Waited(Copied, Unbound):
        """What of asyncio's private attributes programs read."""

        @property
        def _waiters(self) -> Waiting:
            return Waiting(self.statistics()["waiting"])

    @stands_in_for(_theirs.Lock)
    class Lock(_core.Lock, _Waited):
        """Lets one at a time have what it guards, in the order in which they ask."""

        @property
        def _locked(self) -> bool:
            return self.locked()

        def _made_of(self) -> Any:
            return (), [("try_acquire", ())] if self.locked() else []

    @stands_in_for(_theirs.Event)
    class Event(_core.Event, _Waited):
        """Lets everybody wait until it is set."""

        @property
        def _value(self) -> bool:
            return self.is_set()

        def _made_of(self) -> Any:
            return (), [("set", ())] if self.is_set() else []

    def _is_ours(*args: Any, **kwargs: Any) -> bool:
        # Asyncio's condition takes any lock; a class derived from `Lock` makes one of asyncio's.
        lock = args[0] if args else kwargs.get("lock")
        return lock is None or isinstance(lock, (_core.Lock, _core.RLock))

    @stands_in_for(_theirs.Condition, takes=_is_ours)
    class Condition(_core.Condition, _Waited):
        """Lets tasks wait, with the lock let go of, until another one notifies them."""

        def __init__(self, lock: Any = None) -> None:
            self._lock = Lock() if lock is None else lock
            super().__init__(self._lock)

        def _made_of(self) -> Any:
            return (self._lock,), []

    @stands_in_for(_theirs.Semaphore)
    class Semaphore(_core.Semaphore, _Waited):
        """Lets so many at a time have what it guards, in the order in which they ask."""

        def _made_of(self) -> Any:
            return (self.value,), []

    @stands_in_for(_theirs.BoundedSemaphore, Semaphore)
    class BoundedSemaphore(_core.BoundedSemaphore, _Waited):
        """A semaphore that is not released more often than acquired."""

        def _made_of(self) -> Any:
            return (self.capacity,), [("try_acquire", ())] * (self.capacity - self.value)

    @stands_in_for(_theirs.Barrier)
    class Barrier(_core.Barrier, Copied, Unbound):
        """Lets tasks go on when so many of them have come."""

        def _made_of(self) -> Any:
            return (self.parties,), []
