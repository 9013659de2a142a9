"""`Event`, `Barrier` and `Condition` against models of them: see `machine.py`."""

import asyncio
import contextlib

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

import aioxide
from tests.sync.machine import ByHand, Machine, Waiter, call, check, over


class EventMachine(Machine):
    """All that wait when it is set go on, whatever comes after."""

    def setup(self):
        self.is_set = False
        self.line = []
        self.real = self.module.Event()

    def operation(self, waiter):
        return self.real.wait()

    def arrive(self, waiter):
        if self.is_set:
            waiter.state = "done"
        else:
            waiter.state = "waiting"
            self.line.append(waiter)

    def leave(self, waiter, was):
        if was == "waiting":
            self.line.remove(waiter)

    @rule()
    def wait(self):
        self.begin(None)

    @rule(inside=st.booleans())
    def set(self, inside):
        def model():
            self.is_set = True
            for waiter in self.line:
                waiter.state = "granted"
            self.line.clear()

        self.act(inside, self.real.set, model)

    @rule(inside=st.booleans())
    def clear(self, inside):
        def model():
            self.is_set = False

        self.act(inside, self.real.clear, model)

    def compare(self):
        super().compare()
        assert self.real.is_set() == self.is_set
        if self.module is aioxide:
            assert self.real.statistics() == {"set": self.is_set, "waiting": len(self.line)}


class TheirEventMachine(EventMachine):
    module = asyncio


class OurEventMachine(EventMachine, ByHand):
    @rule()
    def wait_by_hand(self):
        self.begin_by_hand(None)


class BarrierMachine(Machine):
    """Groups of so many, in the order in which they came. Every step ends at rest: how many turns a
    barrier takes is nobody's business."""

    parties = 3

    def setup(self):
        self.line = []
        self.broken = False
        self.groups = []
        self.real = self.module.Barrier(self.parties)

    def operation(self, waiter):
        return self.outcome()

    async def outcome(self):
        try:
            return await self.real.wait()
        except asyncio.BrokenBarrierError:
            return "broken"

    def arrive(self, waiter):
        if self.broken:
            waiter.state, waiter.value = "done", "broken"
            return
        waiter.state = "waiting"
        self.line.append(waiter)
        if len(self.line) == self.parties:
            for one in self.line:
                one.state = "done"
            self.groups.append(self.line)
            self.line = []

    def leave(self, waiter, was):
        self.line.remove(waiter)

    def send_away(self):
        for waiter in self.line:
            waiter.state, waiter.value = "done", "broken"
        self.line = []

    @rule(count=st.integers(1, 7))
    def wait(self, count):
        for _ in range(count):
            self.begin(None)
        self.rest()

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def cancel(self, data):
        self.rest()
        super().cancel_waiter(data.draw(st.sampled_from(self.line), label="victim"))
        self.rest()

    @rule()
    def reset(self):
        self.loop.run_until_complete(call(self.real.reset))
        self.send_away()
        self.broken = False
        self.rest()

    @rule()
    def abort(self):
        self.loop.run_until_complete(call(self.real.abort))
        self.send_away()
        self.broken = True
        self.rest()

    def check_value(self, waiter):
        if waiter.value == "broken":
            assert waiter.task.result() == "broken"
        else:
            assert waiter.task.result() in range(self.parties)

    def compare(self):
        super().compare()
        assert (self.real.n_waiting, self.real.broken) == (len(self.line), self.broken)
        if self.module is aioxide:
            # asyncio's gives one twice when somebody in between was cancelled.
            for group in self.groups:
                indices = sorted(waiter.task.result() for waiter in group)
                assert indices == list(range(self.parties))


class TheirBarrierMachine(BarrierMachine):
    module = asyncio


class ConditionMachine(Machine):
    """Items behind a condition: how the lock goes round is left open, but no consumer may sleep on
    while there is an item for it, and no two may be inside."""

    module = aioxide

    def setup(self):
        self.items = []
        self.got = []
        self.put = 0
        self.inside = 0
        self.real = self.module.Condition()

    def operation(self, waiter):
        return self.consume() if waiter.wants == "item" else self.produce(waiter.wants)

    async def consume(self):
        async with self.real, self.alone():
            while not self.items:
                self.inside -= 1
                try:
                    await self.real.wait()
                finally:
                    # However it ends, it has the lock again.
                    self.enter()
            self.got.append(self.items.pop(0))

    @contextlib.asynccontextmanager
    async def alone(self):
        self.enter()
        try:
            yield
        finally:
            self.inside -= 1

    def enter(self):
        assert self.real.locked()
        self.inside += 1
        assert self.inside == 1, "two are inside"

    async def produce(self, count):
        async with self.real, self.alone():
            for _ in range(count):
                self.items.append(self.put)
                self.put += 1
            if count > 1:
                self.real.notify(count)
            else:
                self.real.notify()

    def arrive(self, waiter):
        waiter.state = "open"

    def alive(self):
        return [waiter for waiter in self.waiters if not waiter.task.done()]

    def cancel_waiter(self, waiter):
        waiter.task.cancel()
        waiter.state = "open"

    @rule()
    def get(self):
        self.begin("item")

    @rule(count=st.integers(1, 3))
    def give(self, count):
        self.begin(count)

    @rule()
    def notify_all(self):
        async def notify():
            async with self.real:
                self.real.notify_all()

        waiter = Waiter(len(self.waiters), None, self.loop.create_task(notify()), "open")
        self.waiters.append(waiter)

    def compare(self):
        sleeping = [one for one in self.alive() if one.wants == "item"]
        assert not (self.items and sleeping), "a wake-up was lost"
        assert not self.real.locked()
        assert sorted(self.got + self.items) == list(range(self.put))
        for waiter in self.waiters:
            if waiter.task.done() and not waiter.task.cancelled():
                assert waiter.task.exception() is None

    def end(self):
        if self.module is aioxide:
            waiting = len(self.alive())
            assert self.real.statistics() == {
                "waiting": waiting,
                "lock": {"locked": False, "waiting": 0},
            }


@over(
    OurEventMachine,
    TheirEventMachine,
    BarrierMachine,
    TheirBarrierMachine,
    ConditionMachine,
)
def test_it_behaves_as_its_model(machine):
    check(machine)
