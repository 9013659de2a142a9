"""`Semaphore` and `BoundedSemaphore` against models of them: see `machine.py`."""

import asyncio
import collections

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.sync.machine import ByHand, Machine, Waiter, check, nothing, over


class SemaphoreMachine(Machine):
    """Permits, which are never made nor lost, and a line."""

    most = 3

    def setup(self):
        self.value = 2
        self.capacity = 2
        self.line = collections.deque()
        self.real = self.module.Semaphore(2)

    def operation(self, waiter):
        # asyncio's takes one at a time.
        return self.real.acquire() if waiter.wants == 1 else self.real.acquire(waiter.wants)

    def arrive(self, waiter):
        if not self.line and self.value >= waiter.wants and self.quiet():
            self.value -= waiter.wants
            waiter.state = "done"
        else:
            waiter.state = "waiting"
            self.line.append(waiter)

    def told(self, waiter):
        self.serve()

    def serve(self):
        while self.line and self.value >= self.line[0].wants:
            waiter = self.line.popleft()
            self.value -= waiter.wants
            waiter.state = "granted"

    def leave(self, waiter, was):
        if was == "granted":
            self.value += waiter.wants
        else:
            self.line.remove(waiter)
        self.serve()

    def give(self, count):
        self.value += count
        self.serve()

    @rule(data=st.data())
    def acquire(self, data):
        self.begin(data.draw(st.integers(1, self.most), label="permits"))

    @precondition(lambda self: any(self.holders()))
    @rule(data=st.data(), inside=st.booleans())
    def release(self, data, inside):
        self.be_sure()
        holder = data.draw(st.sampled_from(self.holders()), label="holder")
        holder.returned = True
        count = holder.wants
        release = self.real.release if count == 1 else lambda: self.real.release(count)
        self.act(inside, release, lambda: self.give(count))

    def holders(self):
        return [waiter for waiter in self.waiters if waiter.state == "done" and not waiter.returned]

    def compare(self):
        super().compare()
        assert self.real._value == self.value
        # Who was granted something and not told yet is waited for by those who come.
        assert self.real.locked() == (self.value <= 0 or bool(self.line) or bool(self.granted()))

    def end(self):
        for waiter in self.alive():
            self.cancel_waiter(waiter)
        self.rest()
        held = sum(waiter.wants for waiter in self.holders())
        assert self.real._value + held == self.capacity, "a permit was made or lost"


class TheirSemaphoreMachine(SemaphoreMachine):
    module = asyncio
    most = 1


class OurSemaphoreMachine(SemaphoreMachine, ByHand):
    """And what only ours has: many permits at once, another size, operations stepped by hand."""

    @rule(count=st.integers(1, 3))
    def acquire_by_hand(self, count):
        self.begin_by_hand(count)

    @rule(count=st.integers(1, 3))
    def try_acquire(self, count):
        self.be_sure()
        self.try_acquire_many(count)

    def try_acquire_many(self, count):
        took = self.real.try_acquire(count)
        assert took == (not self.line and self.value >= count and self.quiet())
        if took:
            self.value -= count
            waiter = Waiter(len(self.waiters), count, self.loop.create_task(nothing()), "done")
            self.waiters.append(waiter)

    @rule(capacity=st.integers(0, 5))
    def resize(self, capacity):
        self.be_sure()
        self.real.resize(capacity)
        self.value += capacity - self.capacity
        self.capacity = capacity
        self.serve()

    @invariant()
    def counts_are_right(self):
        if not self.scheduled and not self.unsure:
            assert self.real.statistics() == {
                "value": self.value,
                "capacity": self.capacity,
                "waiting": len(self.line),
            }


class BoundedMachine:
    """What is bounded has at most what it began with, and says so."""

    def setup(self):
        super().setup()
        self.real = self.module.BoundedSemaphore(2)

    @rule()
    def release_too_often(self):
        # asyncio's waiter that was cancelled after the grant gives back a turn later.
        self.rest()
        if self.value + 1 > self.capacity:
            with pytest.raises(ValueError, match="released too many times"):
                self.real.release()


class TheirBoundedSemaphoreMachine(BoundedMachine, TheirSemaphoreMachine):
    pass


class OurBoundedSemaphoreMachine(BoundedMachine, OurSemaphoreMachine):
    """Nobody waits for more than there can be; who asked before it shrank waits until it grows."""

    most = 5

    def begin(self, wants):
        if wants > self.capacity:
            with pytest.raises(ValueError, match="permits in all"):
                self.real.acquire(wants)
        else:
            super().begin(wants)

    def begin_by_hand(self, wants):
        if wants <= self.capacity:
            super().begin_by_hand(wants)

    def try_acquire_many(self, count):
        if count <= self.capacity:
            super().try_acquire_many(count)

    @rule(count=st.integers(2, 5))
    def release_too_many(self, count):
        self.be_sure()
        if self.value + count > self.capacity:
            with pytest.raises(ValueError, match="released too many times"):
                self.real.release(count)


@over(
    OurSemaphoreMachine,
    TheirSemaphoreMachine,
    OurBoundedSemaphoreMachine,
    TheirBoundedSemaphoreMachine,
)
def test_it_behaves_as_its_model(machine):
    check(machine)
