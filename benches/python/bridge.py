"""The bridge itself: what a crossing costs, and what starting and ending a child of gather costs (P1 to P4)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from measure import Pair, Workload

import aioxide
from aioxide._core import noop

TASKS, AWAITS, CHILDREN = 1_000, 20, 20_000

# Tasks that start eagerly came with 3.12.
NEW = sys.version_info >= (3, 12)


def tasks_that_await(operation: Callable[[], Awaitable[object]]) -> Workload:
    """A thousand tasks, each of which awaits twenty operations one after another."""

    async def task() -> None:
        for _ in range(AWAITS):
            await operation()

    async def work() -> None:
        await asyncio.gather(*[task() for _ in range(TASKS)])

    return work


def gather_of(gather: Callable[..., Awaitable[object]], child: Callable[[], object]) -> Workload:
    """One gather of twenty thousand children."""

    async def work() -> None:
        await gather(*[child() for _ in range(CHILDREN)])

    return work


async def sleeps() -> None:
    await asyncio.sleep(0)


async def returns() -> None:
    pass


def pairs(usual_bridge: Callable[[], Awaitable[object]] | None) -> list[Pair]:
    """All pairs; those against the usual bridge only where its twin was built."""
    sleep_zero = lambda: asyncio.sleep(0)  # noqa: E731
    shape = "1,000 tasks x 20 awaits of a no-op"
    crossing = tasks_that_await(noop)
    found = [
        Pair("P1", shape, "asyncio.sleep(0)", TASKS * AWAITS, crossing, tasks_that_await(sleep_zero), 1.0),
        Pair(
            "P3",
            "gather of 20,000 no-ops",
            "asyncio.gather of sleep(0)",
            CHILDREN,
            gather_of(aioxide.gather, noop),
            gather_of(asyncio.gather, sleep_zero),
            15.0,
        ),
    ]
    if usual_bridge is not None:
        usual = tasks_that_await(usual_bridge)
        found.insert(1, Pair("P2", shape, "future_into_py", TASKS * AWAITS, crossing, usual, 25.0))
    for what, child, at_least in (
        ("gather of 20,000 coroutines: sleep(0)", sleeps, 1.5),
        ("gather of 20,000 coroutines: return", returns, 4.0),
    ):
        ours, theirs = gather_of(aioxide.gather, child), gather_of(asyncio.gather, child)
        found.append(Pair("P4", what, "asyncio.gather", CHILDREN, ours, theirs, at_least if NEW else 1.0))
    return found
