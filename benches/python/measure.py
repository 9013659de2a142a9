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
    """Nanoseconds an operation: wall time awake, and CPU time of all threads of the process."""

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
    # Seconds for which the work itself says to sleep. They are no cost of either side: off the wall time.
    asleep: float = 0.0

    def run(self, rounds: int, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> Outcome:
        """Alternate the two for so many rounds, after one that is not counted."""
        counted: list[tuple[Figure, Figure]] = []
        with asyncio.Runner(loop_factory=new_loop) as runner:
            for _ in range(1 + rounds):
                counted.append((runner.run(self.timed(self.ours)), runner.run(self.timed(self.theirs))))
        return Outcome(self, counted[1:])

    async def timed(self, work: Workload) -> Figure:
        with no_collection():
            cpu, wall = time.process_time_ns(), time.perf_counter_ns()
            await work()
            awake = time.perf_counter_ns() - wall - self.asleep * 1e9
            return Figure(awake / self.operations, (time.process_time_ns() - cpu) / self.operations)


@dataclass(frozen=True)
class Outcome:
    """The counted rounds, ours and the peer's, and their medians.

    The ratios are medians of each round's: a machine that drifts drifts for both sides of a round, but not
    for the medians of the two sides, which may come from rounds far apart.
    """

    pair: Pair
    rounds: list[tuple[Figure, Figure]]

    @property
    def ours(self) -> Figure:
        return median([ours for ours, _ in self.rounds])

    @property
    def theirs(self) -> Figure:
        return median([theirs for _, theirs in self.rounds])

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return statistics.median(theirs.wall / ours.wall for ours, theirs in self.rounds)

    @property
    def cpu_ratio(self) -> float:
        return statistics.median(ours.cpu / theirs.cpu for ours, theirs in self.rounds)


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
