"""Traces: signals that are awaited, and what they are told; aiohttp's own and, where it is absent, ours."""

import inspect
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict
from yarl import URL

from aioxide.aiohttp import tracing
from tests.aiohttp.absent import without_aiohttp

SIGNALS = sorted(name for name in dir(aiohttp.TraceConfig) if name.startswith("on_"))


def test_where_aiohttp_is_installed_they_are_its_own() -> None:
    assert tracing.TraceConfig is aiohttp.TraceConfig
    names = {name for name in tracing.__all__ if name.endswith("Params")}
    assert names == {name for name in aiohttp.tracing.__all__ if name.endswith("Params")}
    for name in names:
        assert getattr(tracing, name) is getattr(aiohttp, name)


def test_a_trace_tells_of_the_same_moments() -> None:
    def sends(kind: Any) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if name.startswith("send_")
        }

    assert sends(tracing.Trace) == sends(aiohttp.tracing.Trace)


ALL = """
import asyncio
from types import SimpleNamespace
from multidict import CIMultiDict
from yarl import URL

async def tell_all(config, kind):
    told = []

    def receiver(name):
        async def receive(session, context, params):
            fields = getattr(type(params), "__slots__", ())
            values = {one: getattr(params, one) for one in fields if not one.startswith("__")}
            told.append((name, session, context.x, type(params).__name__, repr(values)))
        return receive

    for name in sorted(dir(type(config))):
        if name.startswith("on_"):
            getattr(config, name).append(receiver(name))
    config.freeze()
    trace = kind("session", config, config.trace_config_ctx(5))
    url, headers = URL("http://h/"), CIMultiDict(a="b")
    for name in sorted(dir(trace)):
        if not name.startswith("send_"):
            continue
        if name.startswith("send_dns"):
            await getattr(trace, name)("host")
        elif name.startswith("send_connection"):
            await getattr(trace, name)()
        elif name.endswith(("chunk_sent", "chunk_received")):
            await getattr(trace, name)("GET", url, b"chunk")
        elif name in ("send_request_start", "send_request_headers"):
            await getattr(trace, name)("GET", url, headers)
        else:
            await getattr(trace, name)("GET", url, headers, 7)
    return told

def factory(trace_request_ctx):
    return SimpleNamespace(x=trace_request_ctx)
"""


def expected() -> Any:
    scope: dict[str, Any] = {}
    exec(ALL, scope)
    config = aiohttp.TraceConfig(scope["factory"])
    return scope["asyncio"].run(scope["tell_all"](config, aiohttp.tracing.Trace))


def test_each_moment_is_told_as_aiohttp_tells_it() -> None:
    scope: dict[str, Any] = {}
    exec(ALL, scope)
    config = tracing.TraceConfig(scope["factory"])
    told = scope["asyncio"].run(scope["tell_all"](config, tracing.Trace))
    assert told == expected()
    assert {one[0] for one in told} == set(SIGNALS)


def test_and_where_it_is_absent() -> None:
    out = without_aiohttp(
        ALL
        + "\nfrom aioxide.aiohttp import tracing\n"
        + "config = tracing.TraceConfig(factory)\n"
        + "print(repr(asyncio.run(tell_all(config, tracing.Trace))))\n"
    )
    assert eval(out) == expected()


async def receiver(*_: Any, **__: Any) -> None:
    pass


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_signal_is_a_list_until_it_is_frozen() -> None:
    signal = tracing.Signal(self)
    with pytest.raises(RuntimeError, match="non-frozen"):
        await signal.send()
    signal.append(receiver)
    assert signal(receiver) is receiver
    signal.insert(0, print)  # type: ignore[arg-type]
    signal[0] = receiver
    assert (len(signal), signal[0], signal[1:], signal.frozen) == (3, receiver, [receiver] * 2, False)
    del signal[0]
    assert list(signal) == [receiver] * 2
    signal.freeze()
    assert signal.frozen
    assert "frozen=True" in repr(signal)
    for change in (signal.append, signal, signal.remove):
        with pytest.raises(RuntimeError, match="Cannot modify"):
            change(receiver)
    await signal.send(1, 2, three=3)


self = SimpleNamespace()


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_who_raises_stops_the_rest() -> None:
    told = []

    async def failing(*_: Any) -> None:
        told.append("failing")
        raise KeyError("mine")

    signal = tracing.Signal(self)
    signal.append(failing)
    signal.append(receiver)
    signal.freeze()
    with pytest.raises(KeyError, match="mine"):
        await signal.send()
    assert told == ["failing"]


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_nobody_to_tell_costs_nothing() -> None:
    """A config that is not frozen has nobody to tell yet: aiohttp's would raise."""
    trace = tracing.Trace(None, aiohttp.TraceConfig(), SimpleNamespace())
    await trace.send_request_start("GET", URL("http://h/"), CIMultiDict())
