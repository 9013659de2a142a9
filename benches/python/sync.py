"""Primitives: nobody in the way (P5), and a hundred tasks in each other's way (P6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from measure import Pair, Workload

import aioxide

# An uncontended operation takes 50 ns to a microsecond, a contended one some turns of the loop.
ALONE = 200_000
TASKS, PERMITS, ENTRIES = 100, 5, 200
HANDS, ROOM, ITEMS = 10, 100, 10_000


def semaphore(module: ModuleType, permits: int = 1) -> Any:
    return module.Semaphore(permits)


def lock(module: ModuleType) -> Any:
    return module.Lock()


def queue(module: ModuleType, room: int = 0) -> Any:
    return module.Queue(room)


def set_event(module: ModuleType) -> Any:
    event = module.Event()
    event.set()
    return event


def entered(new: Callable[[], Any]) -> Workload:
    async def work() -> None:
        held = new()
        for _ in range(ALONE):
            async with held:
                pass

    return work


def acquired(new: Callable[[], Any]) -> Workload:
    async def work() -> None:
        held = new()
        for _ in range(ALONE):
            await held.acquire()
            held.release()

    return work


def waited(new: Callable[[], Any]) -> Workload:
    async def work() -> None:
        event = new()
        for _ in range(ALONE):
            await event.wait()

    return work


def passed(new: Callable[[], Any]) -> Workload:
    async def work() -> None:
        items = new()
        for item in range(ALONE):
            await items.put(item)
            await items.get()

    return work


def passed_at_once(new: Callable[[], Any]) -> Workload:
    async def work() -> None:
        items = new()
        for item in range(ALONE):
            items.put_nowait(item)
            items.get_nowait()

    return work


def contended(new: Callable[[], Any]) -> Workload:
    """A hundred tasks that let the loop turn while they hold it; the turn is asyncio's on both sides."""

    async def task(held: Any) -> None:
        for _ in range(ENTRIES):
            async with held:
                await asyncio.sleep(0)

    async def work() -> None:
        held = new()
        await asyncio.gather(*[task(held) for _ in range(TASKS)])

    return work


def carried(new: Callable[[], Any]) -> Workload:
    """Ten producers and ten consumers."""

    async def produce(items: Any) -> None:
        for item in range(ITEMS):
            await items.put(item)

    async def consume(items: Any) -> None:
        for _ in range(ITEMS):
            await items.get()

    async def work() -> None:
        items = new()
        hands = [step(items) for step in (produce, consume) for _ in range(HANDS)]
        await asyncio.gather(*hands)

    return work


def pairs() -> list[Pair]:
    permits, room = partial(semaphore, permits=PERMITS), partial(queue, room=ROOM)
    return [
        pair("P5", "Semaphore: async with", ALONE, entered, semaphore, 3.0),
        pair("P5", "Semaphore: acquire, release", ALONE, acquired, semaphore, 5.0),
        pair("P5", "Lock: async with", ALONE, entered, lock, 2.0),
        pair("P5", "Lock: acquire, release", ALONE, acquired, lock, 5.0),
        # No bar but not to be slower: asyncio's is a coroutine that returns at once, with next to nothing in it.
        pair("P5", "Event: wait, set already", ALONE, waited, set_event, 1.0),
        pair("P5", "Queue: put, get", ALONE, passed, queue, 3.0),
        pair("P5", "Queue: put_nowait, get_nowait", ALONE, passed_at_once, queue, 3.0),
        pair("P6", "Semaphore: 100 tasks, 5 permits", TASKS * ENTRIES, contended, permits, 1.5),
        pair("P6", "Lock: 100 tasks", TASKS * ENTRIES, contended, lock, 1.5),
        pair("P6", "Queue of 100: 10 producers, 10 consumers", HANDS * ITEMS, carried, room, 1.5),
    ]


def pair(
    bar: str,
    what: str,
    operations: int,
    shape: Callable[[Callable[[], Any]], Workload],
    new: Callable[[ModuleType], Any],
    at_least: float,
) -> Pair:
    """One shape around our primitive and around asyncio's; each run has a new one."""
    ours, theirs = shape(partial(new, aioxide)), shape(partial(new, asyncio))
    return Pair(bar, what, f"asyncio.{what.split()[0].rstrip(':')}", operations, ours, theirs, at_least)
