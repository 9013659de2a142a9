"""What a session tells of its requests while they are under way.

A `TraceConfig` has a signal for each moment, a list of functions that are awaited as it comes::

    async def on_request_start(session, context, params):
        print(params.method, params.url)

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(on_request_start)

Where aiohttp is installed, these are its very classes.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterable, MutableSequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar, overload

from multidict import CIMultiDict
from yarl import URL

from ._installed import or_theirs

if TYPE_CHECKING:
    from .client_reqrep import ClientResponse

__all__ = [
    "Signal",
    "Trace",
    "TraceConfig",
    "TraceConnectionCreateEndParams",
    "TraceConnectionCreateStartParams",
    "TraceConnectionQueuedEndParams",
    "TraceConnectionQueuedStartParams",
    "TraceConnectionReuseconnParams",
    "TraceDnsCacheHitParams",
    "TraceDnsCacheMissParams",
    "TraceDnsResolveHostEndParams",
    "TraceDnsResolveHostStartParams",
    "TraceRequestChunkSentParams",
    "TraceRequestEndParams",
    "TraceRequestExceptionParams",
    "TraceRequestHeadersSentParams",
    "TraceRequestRedirectParams",
    "TraceRequestStartParams",
    "TraceResponseChunkReceivedParams",
]

#: Called with the session, the context of the request, and what there is to tell.
Receiver = Callable[[Any, SimpleNamespace, Any], Awaitable[Any]]
_Receiver = TypeVar("_Receiver", bound=Receiver)

_or_theirs = or_theirs("aiohttp.tracing")


class Signal(MutableSequence[Receiver]):
    """The functions that are awaited at one moment, in their order. A session freezes it."""

    def __init__(self, owner: object) -> None:
        self._owner = owner
        self._receivers: list[Receiver] = []
        self._frozen = False

    def __repr__(self) -> str:
        return f"<Signal owner={self._owner!r}, frozen={self._frozen}, {self._receivers!r}>"

    @property
    def frozen(self) -> bool:
        """Whether it stays as it is."""
        return self._frozen

    def freeze(self) -> None:
        """Let it stay as it is."""
        self._frozen = True

    async def send(self, *args: Any, **kwargs: Any) -> None:
        """Call each function, and await it before the next.

        Raises:
            RuntimeError: It is not frozen.
        """
        if not self._frozen:
            raise RuntimeError("Cannot send non-frozen signal.")
        for receiver in self._receivers:
            await receiver(*args, **kwargs)

    def __call__(self, receiver: _Receiver) -> _Receiver:
        """Add a function, as a decorator."""
        self.append(receiver)
        return receiver

    def _changing(self) -> list[Receiver]:
        if self._frozen:
            raise RuntimeError("Cannot modify frozen list.")
        return self._receivers

    def insert(self, index: int, value: Receiver) -> None:
        """Add a function before another."""
        self._changing().insert(index, value)

    def __len__(self) -> int:
        return len(self._receivers)

    @overload
    def __getitem__(self, index: int) -> Receiver: ...
    @overload
    def __getitem__(self, index: slice) -> list[Receiver]: ...
    def __getitem__(self, index: int | slice) -> Receiver | list[Receiver]:
        return self._receivers[index]

    @overload
    def __setitem__(self, index: int, value: Receiver) -> None: ...
    @overload
    def __setitem__(self, index: slice, value: Iterable[Receiver]) -> None: ...
    def __setitem__(self, index: Any, value: Any) -> None:
        self._changing()[index] = value

    def __delitem__(self, index: int | slice) -> None:
        del self._changing()[index]


def _signal(moment: str) -> functools.cached_property[Signal]:
    made: functools.cached_property[Signal] = functools.cached_property(Signal)
    made.__doc__ = f"When {moment}."
    return made


@_or_theirs
class TraceConfig:
    """Functions to be told of requests, one signal for each moment.

    Args:
        trace_config_ctx_factory: Makes the context of one request, which all functions get, from
            ``trace_request_ctx``, what was given to the request.
    """

    on_request_start = _signal("a request begins")
    on_request_headers_sent = _signal("the head of a request was sent")
    on_request_chunk_sent = _signal("a chunk of its body was sent")
    on_request_redirect = _signal("a redirect came")
    on_response_chunk_received = _signal("a chunk of the answer's body was read")
    on_request_end = _signal("the head of the answer is here")
    on_request_exception = _signal("a request has failed")
    on_connection_queued_start = _signal("a request waits for a connection")
    on_connection_queued_end = _signal("it does no longer")
    on_connection_create_start = _signal("a connection is being made")
    on_connection_create_end = _signal("it was made")
    on_connection_reuseconn = _signal("a connection is used again")
    on_dns_resolvehost_start = _signal("a name is being resolved")
    on_dns_resolvehost_end = _signal("it was resolved")
    on_dns_cache_hit = _signal("a name was known")
    on_dns_cache_miss = _signal("a name was not known")

    def __init__(self, trace_config_ctx_factory: Callable[..., Any] = SimpleNamespace) -> None:
        self._trace_config_ctx_factory = trace_config_ctx_factory

    def trace_config_ctx(self, trace_request_ctx: Any = None) -> Any:
        """Make the context of a request."""
        return self._trace_config_ctx_factory(trace_request_ctx=trace_request_ctx)

    def freeze(self) -> None:
        """Let all signals stay as they are."""
        for name in dir(type(self)):
            if name.startswith("on_"):
                getattr(self, name).freeze()


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceRequestStartParams:
    """A request begins."""

    method: str
    url: URL
    headers: CIMultiDict[str]


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceRequestChunkSentParams:
    """A chunk of a request's body was sent."""

    method: str
    url: URL
    chunk: bytes


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceResponseChunkReceivedParams:
    """A chunk of a response's body was read."""

    method: str
    url: URL
    chunk: bytes


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceRequestEndParams:
    """The head of the answer is here."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: ClientResponse


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceRequestExceptionParams:
    """A request has failed."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    exception: BaseException


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceRequestRedirectParams:
    """A redirect came."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    response: ClientResponse


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceConnectionQueuedStartParams:
    """A request waits for a connection."""


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceConnectionQueuedEndParams:
    """It does no longer."""


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceConnectionCreateStartParams:
    """A connection is being made."""


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceConnectionCreateEndParams:
    """It was made."""


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceConnectionReuseconnParams:
    """A connection is used again."""


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceDnsResolveHostStartParams:
    """A name is being resolved."""

    host: str


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceDnsResolveHostEndParams:
    """It was resolved."""

    host: str


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceDnsCacheHitParams:
    """A name was known."""

    host: str


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceDnsCacheMissParams:
    """A name was not known."""

    host: str


@_or_theirs
@dataclass(frozen=True, slots=True)
class TraceRequestHeadersSentParams:
    """The head of a request was sent."""

    method: str
    url: URL
    headers: CIMultiDict[str]


class Trace:
    """One request, as one `TraceConfig` is told of it."""

    def __init__(self, session: Any, trace_config: Any, trace_config_ctx: Any) -> None:
        self._session = session
        self._config = trace_config
        self._context = trace_config_ctx

    async def _send(self, signal: Any, params: Any) -> None:
        # Most signals have nobody to tell.
        if signal:
            await signal.send(self._session, self._context, params)

    async def send_request_start(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        """Tell that a request begins."""
        await self._send(self._config.on_request_start, TraceRequestStartParams(method, url, headers))

    async def send_request_headers(self, method: str, url: URL, headers: CIMultiDict[str]) -> None:
        """Tell that the head of a request was sent."""
        params = TraceRequestHeadersSentParams(method, url, headers)
        await self._send(self._config.on_request_headers_sent, params)

    async def send_request_chunk_sent(self, method: str, url: URL, chunk: bytes) -> None:
        """Tell that a chunk of a request's body was sent."""
        await self._send(self._config.on_request_chunk_sent, TraceRequestChunkSentParams(method, url, chunk))

    async def send_response_chunk_received(self, method: str, url: URL, chunk: bytes) -> None:
        """Tell that a chunk of a response's body was read."""
        params = TraceResponseChunkReceivedParams(method, url, chunk)
        await self._send(self._config.on_response_chunk_received, params)

    async def send_request_end(self, method: str, url: URL, headers: CIMultiDict[str], response: Any) -> None:
        """Tell that the head of the answer is here."""
        params = TraceRequestEndParams(method, url, headers, response)
        await self._send(self._config.on_request_end, params)

    async def send_request_exception(
        self, method: str, url: URL, headers: CIMultiDict[str], exception: BaseException
    ) -> None:
        """Tell that a request has failed."""
        params = TraceRequestExceptionParams(method, url, headers, exception)
        await self._send(self._config.on_request_exception, params)

    async def send_request_redirect(
        self, method: str, url: URL, headers: CIMultiDict[str], response: Any
    ) -> None:
        """Tell that a redirect came."""
        params = TraceRequestRedirectParams(method, url, headers, response)
        await self._send(self._config.on_request_redirect, params)

    async def send_connection_queued_start(self) -> None:
        """Tell that a request waits for a connection."""
        await self._send(self._config.on_connection_queued_start, TraceConnectionQueuedStartParams())

    async def send_connection_queued_end(self) -> None:
        """Tell that it does no longer."""
        await self._send(self._config.on_connection_queued_end, TraceConnectionQueuedEndParams())

    async def send_connection_create_start(self) -> None:
        """Tell that a connection is being made."""
        await self._send(self._config.on_connection_create_start, TraceConnectionCreateStartParams())

    async def send_connection_create_end(self) -> None:
        """Tell that it was made."""
        await self._send(self._config.on_connection_create_end, TraceConnectionCreateEndParams())

    async def send_connection_reuseconn(self) -> None:
        """Tell that a connection is used again."""
        await self._send(self._config.on_connection_reuseconn, TraceConnectionReuseconnParams())

    async def send_dns_resolvehost_start(self, host: str) -> None:
        """Tell that a name is being resolved."""
        await self._send(self._config.on_dns_resolvehost_start, TraceDnsResolveHostStartParams(host))

    async def send_dns_resolvehost_end(self, host: str) -> None:
        """Tell that it was resolved."""
        await self._send(self._config.on_dns_resolvehost_end, TraceDnsResolveHostEndParams(host))

    async def send_dns_cache_hit(self, host: str) -> None:
        """Tell that a name was known."""
        await self._send(self._config.on_dns_cache_hit, TraceDnsCacheHitParams(host))

    async def send_dns_cache_miss(self, host: str) -> None:
        """Tell that a name was not known."""
        await self._send(self._config.on_dns_cache_miss, TraceDnsCacheMissParams(host))
