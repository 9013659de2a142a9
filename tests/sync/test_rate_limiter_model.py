"""`RateLimiter` against a model of it: see `machine.py`.

The clock stands still but where the machine moves it, by eighths of a second, so that the model's times
are exact.
"""

import collections
from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

import aioxide
from tests.conftest import FAKE_CLOCK
from tests.sync.machine import Machine, call, check, over


@dataclass(eq=False)
class Lane:
    """What goes at one pace: up to when its permits are spent, who waits, and when who went."""

    spent_to: float = 0.0
    line: collections.deque = field(default_factory=collections.deque)
    went: list = field(default_factory=list)
    # In a strict window: when how many went that count.
    noted: list = field(default_factory=list)
    # Something was given back.
    refunded: bool = False


class RateLimiterMachine(Machine):
    """Who waits goes in order, as soon as its time has come and not before, for each key apart.

    In which turn somebody is told is left open; at rest all have gone whose time has come.
    """

    make_loop = staticmethod(FAKE_CLOCK)
    burst = 1

    @initialize(rate=st.sampled_from([1, 2, 4]), per=st.sampled_from([0.5, 1, 8]))
    def set_up(self, rate, per):
        self.interval = per / rate
        self.real = aioxide.RateLimiter(rate, per, self.burst)
        self.lanes = collections.defaultdict(Lane)

    def operation(self, waiter):
        return self.go(*waiter.wants)

    async def go(self, n, key):
        assert await self.real.acquire(n, key) is None
        self.lanes[key].went.append((self.loop.now, n))
        return True

    # ---- the model ----

    def arrive(self, waiter):
        waiter.state = "waiting"
        self.lanes[waiter.wants[1]].line.append(waiter)

    def leave(self, waiter, was):
        self.lanes[waiter.wants[1]].line.remove(waiter)

    def due(self, lane, n):
        return max(lane.spent_to, self.loop.now) + (n - self.burst) * self.interval

    def may_go(self, lane, n):
        return self.due(lane, n) <= self.loop.now

    def take(self, lane, n):
        lane.spent_to = max(lane.spent_to, self.loop.now) + n * self.interval

    def serve(self):
        for lane in self.lanes.values():
            while lane.line and self.may_go(lane, lane.line[0].wants[0]):
                waiter = lane.line.popleft()
                self.take(lane, waiter.wants[0])
                waiter.state = "done"

    def alive(self):
        # Who went in the last turns has not been served by the model yet.
        return [waiter for waiter in super().alive() if not waiter.task.done()]

    # ---- what may happen ----

    @rule(data=st.data(), key=st.sampled_from([None, None, "a", ("b", 1)]))
    def acquire(self, data, key):
        self.begin((data.draw(st.integers(1, self.burst), label="n"), key))

    @rule(data=st.data(), key=st.sampled_from([None, "a"]))
    def try_acquire(self, data, key):
        self.rest()
        n = data.draw(st.integers(1, self.burst), label="n")
        lane = self.lanes[key]
        took = self.loop.run_until_complete(call(self.attempt, n, key))
        assert took == (not lane.line and self.may_go(lane, n))
        if took:
            self.take(lane, n)
            lane.went.append((self.loop.now, n))

    async def attempt(self, n, key):
        return self.real.try_acquire(n, key)

    @rule(eighths=st.sampled_from([1, 1, 2, 3, 8, 100]))
    def time_passes(self, eighths):
        # What was granted was granted at that time.
        self.rest()
        self.loop.now += eighths / 8

    @precondition(lambda self: any(lane.line for lane in self.lanes.values()))
    @rule()
    def it_is_time(self):
        """Just so late that the first in line may go."""
        self.rest()
        lines = [lane for lane in self.lanes.values() if lane.line]
        if lines:
            n = {lane: lane.line[0].wants[0] for lane in lines}
            self.loop.now = max(self.loop.now, min(self.due(lane, n[lane]) for lane in lines))

    @precondition(lambda self: any(len(lane.line) > 1 for lane in self.lanes.values()))
    @rule(data=st.data(), turns=st.integers(1, 2))
    def one_gives_up_as_they_go(self, data, turns):
        """Among them one who was let through behind another, and has not been told."""
        self.time_passes(100)
        for _ in range(turns):
            self.one_turn()
        if self.alive():
            self.cancel_waiter(data.draw(st.sampled_from(self.alive()), label="victim"))

    @rule(n=st.sampled_from([0, -1, 100]))
    def ask_for_what_never_comes(self, n):
        with pytest.raises(ValueError, match=r"from 1 to the (burst|rate)"):
            self.real.acquire(n)

    @rule(n=st.integers(1, 5), key=st.sampled_from([None, "a", "unheard-of"]))
    def refund(self, n, key):
        self.rest()
        self.loop.run_until_complete(call(self.give_back, n, key))
        if key in self.lanes:
            self.lanes[key].refunded = True
            self.refunded(self.lanes[key], n)
        self.rest()

    async def give_back(self, n, key):
        self.real.refund(n, key)

    def refunded(self, lane, n):
        lane.spent_to -= n * self.interval

    # ---- the comparison ----

    def compare(self):
        self.serve()
        super().compare()
        waiting = sum(len(lane.line) for lane in self.lanes.values())
        # So few keys are all remembered.
        keys = len(self.lanes.keys() - {None})
        assert self.real.statistics() == {"keys": keys, "waiting": waiting}

    def end(self):
        for waiter in self.alive():
            self.cancel_waiter(waiter)
        self.rest()
        assert self.real.statistics()["waiting"] == 0
        for lane in self.lanes.values():
            # Which of them did nothing is not known.
            if not lane.refunded:
                self.check_pace(lane.went)

    def check_pace(self, went):
        """No window has more than its rate and the burst."""
        for first, (start, _) in enumerate(went):
            count = 0
            for time, n in went[first:]:
                count += n
                assert count <= self.burst + (time - start) / self.interval


class StrictMachine(RateLimiterMachine):
    """Any number at once that the seconds before have room for."""

    @initialize(rate=st.sampled_from([1, 2, 4]), per=st.sampled_from([0.5, 1, 8]))
    def set_up(self, rate, per):
        self.burst, self.per = rate, per
        self.real = aioxide.RateLimiter(rate, per, strict=True)
        self.lanes = collections.defaultdict(Lane)

    def due(self, lane, n):
        """When the last went that must be out of the window for there to be room."""
        due = self.loop.now
        room = self.burst
        for time, went in reversed(lane.noted):
            room -= went
            if room < n:
                due = max(due, time + self.per)
                break
        return due

    def take(self, lane, n):
        lane.noted.append((self.loop.now, n))

    def refunded(self, lane, n):
        live = [(time, went) for time, went in lane.noted if time + self.per > self.loop.now]
        left = []
        for time, went in live:
            taken = min(went, n)
            n -= taken
            left.append((time, went - taken))
        lane.noted[:] = left

    def check_pace(self, went):
        for first, (start, _) in enumerate(went):
            count = sum(n for time, n in went[first:] if time < start + self.per)
            assert count <= self.burst


class BurstMachine(RateLimiterMachine):
    """Several at once, and who asks for more is not overtaken."""

    burst = 4


@over(RateLimiterMachine, BurstMachine, StrictMachine)
def test_it_behaves_as_its_model(machine):
    check(machine)
