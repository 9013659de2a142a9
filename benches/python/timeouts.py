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
    return [
        Pair(
            bar="P7",
            what=what,
            peer=peer,
            operations=TURNS * LIMITS,
            ours=of(aioxide),
            theirs=of(asyncio),
            at_least=at_least,
        )
        for what, peer, of, at_least in (
            ("timeout() not reached", "asyncio.timeout", scopes, 4.0),
            ("wait_for of a coroutine that is ready", "asyncio.wait_for", waits, 2.5),
        )
    ]
