"""Clocks: limits that are not reached, and twenty thousand sleepers (P7)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType

from bridge import CHILDREN, gather_of, returns
from measure import Pair, Workload

import aioxide

# Far off, so that no limit is reached.
LIMIT = 60.0
TURNS, LIMITS = 50, 1_000
ASLEEP = 0.1


def breathing(thousand: Callable[[], Workload]) -> Workload:
    """Let the loop turn after every thousand limits: it is then that loops throw away cancelled timers."""

    async def work() -> None:
        limits = thousand()
        for _ in range(TURNS):
            await limits()
            await asyncio.sleep(0)

    return work


def entered(module: ModuleType) -> Workload:
    async def limits() -> None:
        timeout = module.timeout
        for _ in range(LIMITS):
            async with timeout(LIMIT):
                pass

    return breathing(lambda: limits)


def waited(module: ModuleType) -> Workload:
    async def limits() -> None:
        wait_for = module.wait_for
        for _ in range(LIMITS):
            await wait_for(returns(), LIMIT)

    return breathing(lambda: limits)


def slept(module: ModuleType) -> Workload:
    return gather_of(module.gather, lambda: module.sleep(ASLEEP))


def pairs() -> list[Pair]:
    count = TURNS * LIMITS
    found = [
        Pair("P7", "timeout() not reached", "asyncio.timeout", count, entered(aioxide), entered(asyncio), 4.0),
    ]
    return found
