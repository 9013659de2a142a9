"""Mocks in the place of aiohttp's ``ClientSession._request``, which are meant for our sessions, too.

Some pass requests on, by calling the function that they have replaced, with the session as its first
argument. So they are given a stand-in for the session: where aiohttp's function asks whether that is
closed, which is the first thing that it does, the request comes back to our session.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["PassedOn", "StandIn"]


class PassedOn(BaseException):
    """A request that is not mocked after all, with what it was made of.

    A BaseException, lest a mock takes it for a failure of the request.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        super().__init__("a request that a mock has passed on")
        self.method: str = arguments.pop("method")
        self.url: Any = arguments.pop("str_or_url")
        #: Those that are not what they would be anyway.
        self.options = arguments


class StandIn:
    """What looks like a session to a mock, and does not run in aiohttp's ``original`` function."""

    __slots__ = ("_original", "_session")

    def __init__(self, session: Any, original: Any) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_original", original)

    @property
    def closed(self) -> bool:
        """Whether the session is closed; asked by the original function, it takes the request back."""
        frame = sys._getframe(1)
        if frame.f_code is not self._original.__code__:
            return bool(self._session.closed)
        defaults = self._original.__kwdefaults__
        given = {name: frame.f_locals[name] for name in ("method", "str_or_url", *defaults)}
        raise PassedOn({name: one for name, one in given.items() if one is not defaults.get(name, given)})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._session, name, value)
