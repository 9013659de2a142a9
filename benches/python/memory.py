"""Memory of a hundred thousand waiters, each kind in a process of its own.

python benches/python/memory.py aioxide Semaphore

prints the bytes of one waiter, its task included; with `task` instead of both words, those of a task alone.
On asyncio's loop, since the tasks and futures that wait are no other on uvloop.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAITERS, BATCH = 100_000, 1_000
KINDS = {"Semaphore": "Semaphore(0): acquire", "Event": "Event: wait", "Queue": "Queue: get"}


@dataclass(frozen=True)
class Waiter:
    """Bytes of one waiter, ours and asyncio's, and of a task that waits for nothing of its own."""

    what: str
    peer: str
    ours: float
    theirs: float
    task: float

    @property
    def ratio(self) -> float:
        """Ours over asyncio's, tasks included."""
        return self.ours / self.theirs

    @property
    def net_ratio(self) -> float:
        """The same of what comes on top of the task."""
        return (self.ours - self.task) / (self.theirs - self.task)


def waiters(rounds: int) -> list[Waiter]:
    """Medians of so many processes of each: an allocator keeps now more, now less of what was freed."""
    sides = [("task",), *((side, kind) for kind in KINDS for side in ("aioxide", "asyncio"))]
    figures: dict[tuple[str, ...], list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            figures[side].append(in_process(*side))
    bytes_of = {side: statistics.median(found) for side, found in figures.items()}
    task = bytes_of["task",]
    return [
        Waiter(what, f"asyncio.{kind}", bytes_of["aioxide", kind], bytes_of["asyncio", kind], task)
        for kind, what in KINDS.items()
    ]


def in_process(*arguments: str) -> float:
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE)
    return float(done.stdout)


class Unwoken:
    """What a task can wait for at no cost: one for all of them, and it forgets who is to be woken.

    A future that all share would keep a callback for each.
    """

    def __init__(self) -> None:
        self._asyncio_future_blocking = False
        self._loop = asyncio.get_running_loop()

    def __await__(self) -> Unwoken:
        return self

    def __iter__(self) -> Unwoken:
        return self

    def __next__(self) -> Unwoken:
        self._asyncio_future_blocking = True
        return self

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def add_done_callback(self, wake: object, *, context: object = None) -> None:
        pass


def waiting(side: str, kind: str | None) -> Callable[[], Any]:
    """What each of the tasks awaits, all on one object."""
    if kind is None:
        unwoken = Unwoken()
        return lambda: unwoken
    primitive: Any = getattr(importlib.import_module(side), kind)
    made = primitive(0) if kind == "Semaphore" else primitive()
    operation: Callable[[], Any] = getattr(made, KINDS[kind].split()[-1])
    return operation


async def measure(side: str, kind: str | None = None) -> None:
    """Print the bytes of one waiter, and end the process."""
    operation = waiting(side, kind)

    async def task() -> None:
        await operation()

    tasks: list[asyncio.Task[None]] = []

    async def start(count: int) -> None:
        tasks.extend(asyncio.create_task(task()) for _ in range(count))
        # Twice: what starts in one turn may put off its wait to the next.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    # What is there but once, such as tokio's threads, is there before the count begins.
    await start(1)
    before = resident()
    # In batches: the handles of so many first steps would leave room, in which waiters would cost nothing.
    for _ in range(WAITERS // BATCH):
        await start(BATCH)
    after = resident()
    if any(task.done() for task in tasks):
        raise RuntimeError("a task that should wait has ended")
    print((after - before) / WAITERS, flush=True)
    # To cancel a hundred thousand waiters takes longer than to measure them.
    os._exit(0)


def resident() -> int:
    """Bytes of memory that the process has in use, after a collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as main:
        main.run(measure(*sys.argv[1:]))
