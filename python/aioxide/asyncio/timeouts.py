"""`asyncio.timeouts`, with our `timeout` and `timeout_at`."""

from asyncio import timeouts as _theirs
from asyncio.timeouts import *
from typing import TYPE_CHECKING, Any

from aioxide.asyncio._module import stands_for

if not TYPE_CHECKING:
    from aioxide import _core
    from aioxide._core import timeout, timeout_at
    from aioxide.asyncio._kind import Kind

    __all__ = _theirs.__all__
    __getattr__, __dir__ = stands_for(_theirs, globals())

    class Timeout(_theirs.Timeout, metaclass=Kind):
        """The scope that ``timeout`` and ``timeout_at`` give; ``when`` is a time of the loop's clock."""

        _kinds = (_theirs.Timeout, _core.Timeout)

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            # Ours is no class to be called.
            return timeout_at(*args, **kwargs) if cls is Timeout else super().__new__(cls)
