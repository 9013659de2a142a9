"""`asyncio.coroutines`, whose `iscoroutinefunction` knows what of ours takes a coroutine function's place.

Python 3.14 deprecates it in favour of inspect's, which knows only what was written with ``async def``.
"""

import sys
from asyncio import coroutines as _theirs
from asyncio.coroutines import *
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any

from aioxide import _core
from aioxide.asyncio._module import stands_for

if not TYPE_CHECKING:
    __all__ = _theirs.__all__
    __getattr__, __dir__ = stands_for(_theirs, globals())

    if sys.version_info < (3, 14):

        def iscoroutinefunction(func: Any) -> bool:
            """Tell whether ``func`` gives coroutines: an ``async def``, or a function or method of ours."""
            return _gives_operations(func) or _theirs.iscoroutinefunction(func)


def _gives_operations(func: Any) -> bool:
    if not isinstance(func, BuiltinFunctionType):
        return False
    if func is _core.sleep or func is _core.to_thread:
        return True
    # A method, of an object that is an instance of asyncio's class, too.
    for kind in type(func.__self__).__mro__:
        if kind.__module__.startswith("asyncio.") and func.__name__ in vars(kind):
            return _theirs.iscoroutinefunction(vars(kind)[func.__name__])
    return False
