"""Limits that are not reached (P7)."""

from __future__ import annotations

import asyncio
from types import ModuleType

from measure import Pair, Workload

import aioxide

# Seconds, and far off.
LIMIT = 60.0
TURNS, LIMITS = 100, 500


def breathing(limits: Workload) -> Workload:
    """Let the loop turn now and then: that is when loops throw away the timers that were cancelled."""

    async def work() -> None:
        for _ in range(TURNS):
            await limits()
            await asyncio.sleep(0)

    return work


def scopes(module: ModuleType) -> Workload:
    async def limits() -> None:
        timeout = module.timeout
        for _ in range(LIMITS):
            async with timeout(LIMIT):
                pass

    return breathing(limits)


def waits(module: ModuleType) -> Workload:
    async def limits() -> None:
        wait_for = module.wait_for
        for _ in range(LIMITS):
            await wait_for(ready(), LIMIT)

    return breathing(limits)


async def ready() -> None:
    pass


def pairs() -> list[Pair]:
    count = TURNS * LIMITS
    found = [
        Pair("P7", "timeout(), not reached", "asyncio.timeout", count, scopes(aioxide), scopes(asyncio), 4.0)
    ]
    if hasattr(aioxide, "wait_for"):
        what = "wait_for, a coroutine that is ready"
        found.append(Pair("P7", what, "asyncio.wait_for", count, waits(aioxide), waits(asyncio), 2.5))
    return found
