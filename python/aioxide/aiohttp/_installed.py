"""aiohttp's own classes where it is installed, ours where it is not.

A library that catches ``aiohttp.ClientError``, or asks ``isinstance(value, aiohttp.BasicAuth)``, must not
have to know of aioxide: where both are, they are the same classes. A version of aiohttp that lacks one gets
ours, derived from those it has.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["module", "or_theirs"]

_T = TypeVar("_T")


def module(name: str) -> ModuleType | None:
    """Import a module of aiohttp, ``"aiohttp.helpers"`` say; None where aiohttp is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def or_theirs(name: str) -> Callable[[_T], _T]:
    """Make a decorator that gives, for a class, the one of its name in aiohttp's module ``name``."""
    theirs = module(name)

    def choose(ours: _T) -> _T:
        own: Any = ours
        chosen: _T = getattr(theirs, own.__name__, ours)
        return chosen

    return choose
