"""What calls Python in the course of a request: hooks, a callable that authenticates, a listener.

The course is written once, as a generator of what is to be done next. One driver awaits that, another
waits for it on a plain thread.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Awaitable, Coroutine, Generator
from typing import TYPE_CHECKING, Any

from aioxide._core import Download, Operation, Preparation, Response, TraceEvent

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Asking", "ask_blocking"]

_Hooks = list["Callable[..., Any]"]

# A download has its response within.
_Outcome = Response | Download

# What the course asks its driver for: the response itself, or that an outcome be awaited if it can be.
_SEND = object()


def _course(
    preparation: Preparation,
    request_hooks: _Hooks,
    response_hooks: _Hooks,
    auth: Callable[..., Any] | None,
    trace: Callable[[list[TraceEvent]], Any] | None,
) -> Generator[Any, Any, _Outcome]:
    """Yield outcomes of Python's callables, to be sent back as values, and `_SEND`, for the outcome."""
    for hook in request_hooks:
        headers = yield hook(preparation.request)
        if headers is not None:
            preparation.update(headers)
    if auth is not None:
        headers = yield auth(preparation.request)
        if headers is not None:
            preparation.update(headers, secret=True)
    try:
        outcome: _Outcome = yield _SEND
    except BaseException:
        # Of a failure too: that is when one wants to know.
        if trace is not None:
            trace(preparation.events())
        raise
    response = outcome.response if isinstance(outcome, Download) else outcome
    try:
        if trace is not None:
            trace(preparation.events())
        for hook in response_hooks:
            yield hook(response)
    except BaseException:
        response.close()
        raise
    return outcome


class Asking(Coroutine[Any, Any, _Outcome]):
    """An awaitable, and a coroutine, for one request; or for `async with`, as an operation is."""

    __slots__ = ("__weakref__", "_begun", "_course", "_entered", "_preparation", "_steps")

    def __init__(self, preparation: Preparation, *course: Any) -> None:
        self._preparation = preparation
        self._course = course
        self._steps: Coroutine[Any, Any, _Outcome] | None = None
        self._entered: Response | None = None
        self._begun = False

    def __del__(self) -> None:
        # As an operation does, and a coroutine.
        if not self._begun:
            name = self._preparation.function
            warnings.warn(f"operation '{name}' was never awaited", RuntimeWarning, 2, source=self)

    async def _run(self, send: Callable[[], Operation[Response] | Operation[Download]]) -> _Outcome:
        course = _course(self._preparation, *self._course)
        try:
            wanted = next(course)
            while True:
                try:
                    if wanted is _SEND:
                        value: Any = await send()
                    else:
                        value = await wanted if inspect.isawaitable(wanted) else wanted
                except BaseException as error:
                    wanted = course.throw(error)
                else:
                    wanted = course.send(value)
        except StopIteration as end:
            result: _Outcome = end.value
            return result

    def _coroutine(self) -> Coroutine[Any, Any, _Outcome]:
        self._begun = True
        if self._steps is None:
            self._steps = self._run(self._preparation.send)
        return self._steps

    def send(self, value: Any, /) -> Any:
        """Go one step on."""
        return self._coroutine().send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an exception where it waits."""
        return self._coroutine().throw(*error)

    def close(self) -> None:
        """End it where it is."""
        self._begun = True
        if self._steps is not None:
            self._steps.close()

    def __await__(self) -> Generator[Any, Any, _Outcome]:
        return self._coroutine().__await__()

    async def __aenter__(self) -> Response:
        self._begun = True
        response = await self._run(self._preparation.open)
        # It refuses a download.
        assert isinstance(response, Response)
        self._entered = response
        return response

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None:
        if self._entered is not None:
            self._entered.close()


def ask_blocking(preparation: Preparation, *given: Any) -> _Outcome:
    """Do the same on a plain thread; the last of `given` says whether the body is read as it comes."""
    *arguments, streamed = given
    course = _course(preparation, *arguments)
    try:
        wanted = next(course)
        while True:
            try:
                if wanted is _SEND:
                    value: Any = preparation.wait(streamed)
                elif isinstance(wanted, Awaitable):
                    if isinstance(wanted, Coroutine):
                        wanted.close()
                    raise TypeError("a hook of a BlockingClient must not be asynchronous")
                else:
                    value = wanted
            except BaseException as error:
                wanted = course.throw(error)
            else:
                wanted = course.send(value)
    except StopIteration as end:
        result: Response = end.value
        return result
