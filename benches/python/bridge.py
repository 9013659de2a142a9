"""The bridge itself: what a crossing to tokio and back costs (P1, P2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from measure import Pair, Workload

from aioxide._core import noop

TASKS, AWAITS = 1_000, 20


def tasks_that_await(operation: Callable[[], Awaitable[object]]) -> Workload:
    """A thousand tasks, each of which awaits twenty operations one after another."""

    async def task() -> None:
        for _ in range(AWAITS):
            await operation()

    async def work() -> None:
        await asyncio.gather(*[task() for _ in range(TASKS)])

    return work


def pairs(usual_bridge: Callable[[], Awaitable[object]] | None) -> list[Pair]:
    """Both pairs; the one against the usual bridge only where its twin was built."""
    shape, operations, crossing = "1,000 tasks x 20 awaits of a no-op", TASKS * AWAITS, tasks_that_await(noop)
    turn = tasks_that_await(lambda: asyncio.sleep(0))
    found = [Pair("P1", shape, "asyncio.sleep(0)", operations, crossing, turn, 1.0)]
    if usual_bridge is not None:
        usual = tasks_that_await(usual_bridge)
        found.append(Pair("P2", shape, "future_into_py", operations, crossing, usual, 25.0))
    return found
