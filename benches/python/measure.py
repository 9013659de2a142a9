"""Pairs of loop-bound workloads, measured in turn in one process."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Workload = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Figure:
    """Nanoseconds an operation: wall time, and CPU time of all threads of the process."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Pair:
    """One of ours against the same work done by a peer."""

    bar: str
    what: str
    peer: str
    operations: int
    ours: Workload
    theirs: Workload
    at_least: float

    def run(self, rounds: int, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> Outcome:
        """Alternate the two for so many rounds, after one that is not counted."""
        mine: list[Figure] = []
        peers: list[Figure] = []
        with asyncio.Runner(loop_factory=new_loop) as runner:
            for counted in (False, *[True] * rounds):
                for work, figures in ((self.ours, mine), (self.theirs, peers)):
                    figure = runner.run(timed(work, self.operations))
                    if counted:
                        figures.append(figure)
        return Outcome(self, median(mine), median(peers))


@dataclass(frozen=True)
class Outcome:
    """Medians, and how many times faster ours is."""

    pair: Pair
    ours: Figure
    theirs: Figure

    @property
    def ratio(self) -> float:
        return self.theirs.wall / self.ours.wall

    @property
    def cpu_ratio(self) -> float:
        return self.ours.cpu / self.theirs.cpu


async def timed(work: Workload, operations: int) -> Figure:
    with no_collection():
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        await work()
        return Figure(
            (time.perf_counter_ns() - wall) / operations, (time.process_time_ns() - cpu) / operations
        )


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect before, not within: a collection would land on whichever of the two crosses its threshold."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def median(figures: list[Figure]) -> Figure:
    return Figure(statistics.median(f.wall for f in figures), statistics.median(f.cpu for f in figures))
