"""Who puts another function in the place of aiohttp's ``ClientSession._request`` means our sessions, too.

Such a function mocks requests, or records or measures them: what it lets through it gives to the function
that it has replaced, with the session, and goes on with the response. It may have got hold of that one long
before it was put there. So that very function has to know our sessions: once it is seen to be replaced it
does their requests as they do them, and all others as ever.
"""

from __future__ import annotations

import inspect
from types import FunctionType
from typing import Any

from aioxide._core import AiohttpSession

from ._installed import module

__all__ = ["PATCHED", "let_through"]

_theirs = module("aiohttp.client")
#: aiohttp's class, and its own function: also where another stands in its place already, and says so.
PATCHED = None if _theirs is None else (_theirs.ClientSession, inspect.unwrap(_theirs.ClientSession._request))

#: What aiohttp's function did before it knew our sessions.
_own: Any = None


async def _request(self: Any, *arguments: Any, **options: Any) -> Any:
    # It runs in the place of a function of another module, whose globals it has.
    from aioxide.aiohttp._mocks import _let_through

    return await _let_through(self, *arguments, **options)


async def _let_through(session: Any, *arguments: Any, **options: Any) -> Any:
    if isinstance(session, AiohttpSession):
        return await session._send(*arguments, **options)  # type: ignore[attr-defined]
    return await _own(session, *arguments, **options)


def let_through(original: Any) -> None:
    """Let aiohttp's own ``_request`` do the requests of our sessions as they do them."""
    global _own
    if _own is None and isinstance(original, FunctionType):
        _own = FunctionType(
            original.__code__,
            original.__globals__,
            original.__name__,
            original.__defaults__,
            original.__closure__,
        )
        _own.__kwdefaults__ = original.__kwdefaults__
        original.__code__ = _request.__code__
