"""How a module of ours stands in for one of asyncio's: what it does not define itself is asyncio's.

That goes for private names, for submodules, and for names that a Python to come may have.
"""

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

__all__ = ["stands_for"]


def stands_for(
    theirs: ModuleType, ours: dict[str, Any]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Give the ``__getattr__`` and the ``__dir__`` of a module, whose namespace is ``ours``."""

    def __getattr__(name: str) -> Any:  # noqa: N807
        # What the import system says of a module, it says of each by itself.
        if not name.startswith("__"):
            if name in vars(theirs):
                return vars(theirs)[name]
            if hasattr(theirs, "__getattr__"):
                return _asked(theirs, name, ours["__name__"])
        raise AttributeError(f"module {ours['__name__']!r} has no attribute {name!r}")

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({*ours, *dir(theirs)})

    return __getattr__, __dir__


def _asked(theirs: ModuleType, name: str, ours: str) -> Any:
    """Ask asyncio for a name that it makes when asked, which are deprecated ones."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = getattr(theirs, name)
        except AttributeError:
            raise AttributeError(f"module {ours!r} has no attribute {name!r}") from None
    for warning in caught:
        # It is about the line that asked us.
        warnings.warn(warning.message, warning.category, stacklevel=3)
    return value
