"""aiohttp's own classes where it is installed, ours where it is not.

A library that catches ``aiohttp.ClientError``, or asks ``isinstance(value, aiohttp.BasicAuth)``, must not
have to know of aioxide: where both are, they are the same classes. A version of aiohttp that lacks one gets
ours, derived from those it has.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["base", "module", "or_theirs", "required"]

_T = TypeVar("_T")


def module(name: str) -> ModuleType | None:
    """Import a module of aiohttp, ``"aiohttp.helpers"`` say; None where aiohttp is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def required(name: str) -> ModuleType:
    """Import a module of aiohttp that there is nothing of ours for.

    Raises:
        ImportError: aiohttp is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"aioxide.aiohttp is a client: {name} is aiohttp's own, which cannot be imported: "
            f"pip install aiohttp"
        ) from error


def or_theirs(name: str) -> Callable[[_T], _T]:
    """Make a decorator that gives, for a class, the one of its name in aiohttp's module ``name``."""
    theirs = module(name)

    def choose(ours: _T) -> _T:
        own: Any = ours
        chosen: _T = getattr(theirs, own.__name__, ours)
        return chosen

    return choose


def base(name: str, own: str) -> Any:
    """Give what a class of ours derives from so that libraries take its objects for aiohttp's.

    They ask ``isinstance(session, aiohttp.ClientSession)``, or register functions for its classes. Ours
    has every method itself; a private one that it lacks is aiohttp's, and of no use. `object` where
    aiohttp is not installed.
    """
    theirs = getattr(module(name), own, None)
    if theirs is None:
        return object
    members = {
        "__slots__": (),
        # What aiohttp does when a class is derived, an attribute set in debug mode, or an object forgotten.
        "__init_subclass__": classmethod(lambda cls: None),
        "__setattr__": object.__setattr__,
        "__del__": lambda self: None,
    }
    with warnings.catch_warnings():
        # To derive from them is discouraged.
        warnings.simplefilter("ignore", DeprecationWarning)
        return type(own, (theirs,), members)
