"""Children of gather: no-ops (P3), coroutines (P4) and sleepers (P7)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from measure import Pair, Workload

import aioxide
from aioxide._core import noop

CHILDREN = 20_000
# One gather of no-ops takes five milliseconds: a single preemption would be most of what is measured.
TIMES = 5
ASLEEP = 0.1

# Tasks that start eagerly came with 3.12.
NEW = sys.version_info >= (3, 12)


def gather_of(
    gather: Callable[..., Awaitable[object]], child: Callable[[], object], times: int = 1
) -> Workload:
    """A gather of twenty thousand children, and the same again."""

    async def work() -> None:
        for _ in range(times):
            await gather(*[child() for _ in range(CHILDREN)])

    return work


async def sleeps() -> None:
    await asyncio.sleep(0)


async def returns() -> None:
    pass


def pairs() -> list[Pair]:
    found = [
        Pair(
            "P3",
            "gather of 20,000 no-ops",
            "asyncio.gather of sleep(0)",
            TIMES * CHILDREN,
            gather_of(aioxide.gather, noop, TIMES),
            gather_of(asyncio.gather, lambda: asyncio.sleep(0), TIMES),
            15.0,
        ),
        Pair(
            "P7",
            "gather of 20,000 sleep(0.1)",
            "asyncio.gather of its own",
            CHILDREN,
            gather_of(aioxide.gather, lambda: aioxide.sleep(ASLEEP)),
            gather_of(asyncio.gather, lambda: asyncio.sleep(ASLEEP)),
            8.0,
            ASLEEP,
        ),
    ]
    for what, child, at_least in (
        ("gather of 20,000 coroutines: sleep(0)", sleeps, 1.5),
        ("gather of 20,000 coroutines: return", returns, 4.0),
    ):
        ours, theirs = gather_of(aioxide.gather, child), gather_of(asyncio.gather, child)
        found.append(Pair("P4", what, "asyncio.gather", CHILDREN, ours, theirs, at_least if NEW else 1.0))
    return found
