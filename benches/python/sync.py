"""Primitives: nobody in the way (P5), and many tasks in each other's way (P6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from measure import Pair, Workload

import aioxide

# Makes the primitive of one run: Any, since it is ours or asyncio's.
New = Callable[[], Any]

# Operations of one task that is alone, which nothing suspends, and of one that does not even await.
ALONE, AT_ONCE = 200_000, 400_000
# Tasks behind one semaphore or lock, and how often each enters.
TASKS, ENTRIES = 100, 200
# Producers, and as many consumers, and the items of each.
HANDS, ITEMS = 10, 10_000


def entered(new: New) -> Workload:
    async def work() -> None:
        held = new()
        for _ in range(ALONE):
            async with held:
                pass

    return work


def acquired(new: New) -> Workload:
    async def work() -> None:
        held = new()
        for _ in range(ALONE):
            await held.acquire()
            held.release()

    return work


def waited(new: New) -> Workload:
    async def work() -> None:
        event = new()
        event.set()
        for _ in range(ALONE):
            await event.wait()

    return work


def passed(new: New) -> Workload:
    async def work() -> None:
        queue = new()
        for item in range(ALONE):
            await queue.put(item)
            await queue.get()

    return work


def passed_at_once(new: New) -> Workload:
    async def work() -> None:
        queue = new()
        for item in range(AT_ONCE):
            queue.put_nowait(item)
            queue.get_nowait()

    return work


def contended(new: New) -> Workload:
    """Each task lets the loop turn while it holds; the turn is asyncio's on both sides."""

    async def task(held: Any) -> None:
        for _ in range(ENTRIES):
            async with held:
                await asyncio.sleep(0)

    async def work() -> None:
        held = new()
        await asyncio.gather(*[task(held) for _ in range(TASKS)])

    return work


def carried(new: New) -> Workload:
    async def produce(queue: Any) -> None:
        for item in range(ITEMS):
            await queue.put(item)

    async def consume(queue: Any) -> None:
        for _ in range(ITEMS):
            await queue.get()

    async def work() -> None:
        queue = new()
        await asyncio.gather(*[hand(queue) for hand in (produce, consume) for _ in range(HANDS)])

    return work


# Each shape, and how many operations a run of it has.
OPERATIONS: dict[Callable[[New], Workload], int] = {
    entered: ALONE,
    acquired: ALONE,
    waited: ALONE,
    passed: ALONE,
    passed_at_once: AT_ONCE,
    contended: TASKS * ENTRIES,
    carried: HANDS * ITEMS,
}


def pairs() -> list[Pair]:
    return [
        pair("P5", "Semaphore", "async with", entered, 3.0, 1),
        pair("P5", "Semaphore", "acquire, release", acquired, 5.0, 1),
        pair("P5", "Lock", "async with", entered, 2.0),
        pair("P5", "Lock", "acquire, release", acquired, 5.0),
        # For the record, with no bar but not to lose: asyncio's returns at once, which leaves little to save.
        pair("P5", "Event", "wait, set already", waited, 1.0),
        pair("P5", "Queue", "put, get", passed, 3.0),
        pair("P5", "Queue", "put_nowait, get_nowait", passed_at_once, 3.0),
        pair("P6", "Semaphore", "100 tasks, 5 permits", contended, 1.5, 5),
        pair("P6", "Lock", "100 tasks", contended, 1.5),
        pair("P6", "Queue", "10 producers, 10 consumers, room for 100", carried, 1.5, 100),
    ]


def pair(
    bar: str, name: str, what: str, shape: Callable[[New], Workload], at_least: float, *arguments: int
) -> Pair:
    """One shape around the primitive of that name, ours and asyncio's; each run has a new one."""
    ours, theirs = (shape(partial(getattr(module, name), *arguments)) for module in (aioxide, asyncio))
    return Pair(bar, f"{name}: {what}", f"asyncio.{name}", OPERATIONS[shape], ours, theirs, at_least)
