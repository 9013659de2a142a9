"""Each primitive against a model of it in plain Python, over random histories.

Hypothesis chooses what happens next: an operation begins, a task is cancelled, something is released,
from inside the loop or from outside, or the loop turns once. The loop is one that stands still
otherwise, so the model knows in which order things happen. Where a task stands is compared whenever
the loop has come to rest; the counts that are public, at every step.
"""

import asyncio
import collections
import contextlib

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

import aioxide
from tests.sync.machine import Machine, Waiter


class SemaphoreMachine(Machine):
    """Permits, which are never made nor lost, and a line."""

    most = 3

    def setup(self):
        self.value = 2
        self.capacity = 2
        self.line = collections.deque()
        self.real = self.library.Semaphore(2)

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
        assert self.real.locked() == (self.value <= 0 or bool(self.line))

    def end(self):
        for waiter in self.alive():
            self.cancel_waiter(waiter)
        self.rest()
        held = sum(waiter.wants for waiter in self.holders())
        assert self.real._value + held == self.capacity, "a permit was made or lost"


class TheirSemaphoreMachine(SemaphoreMachine):
    library = asyncio
    most = 1


class OurSemaphoreMachine(SemaphoreMachine):
    """And what only ours has: many permits at once, another size, operations stepped by hand."""

    @rule(count=st.integers(1, 3))
    def try_acquire(self, count):
        self.be_sure()
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


async def nothing():
    return True


class LockMachine(Machine):
    """One at a time, in order; a lock is a semaphore of one permit."""

    def setup(self):
        self.locked = False
        self.line = collections.deque()
        self.real = self.library.Lock()

    def operation(self, waiter):
        return self.real.acquire()

    def arrive(self, waiter):
        if self.locked or self.line:
            waiter.state = "waiting"
            self.line.append(waiter)
        else:
            self.locked = True
            waiter.state = "done"

    def unlock(self):
        self.locked = False
        if self.line:
            self.locked = True
            self.line.popleft().state = "granted"

    def leave(self, waiter, was):
        if was == "granted":
            self.unlock()
        else:
            self.line.remove(waiter)

    @rule()
    def acquire(self):
        self.begin(1)

    @precondition(lambda self: self.holder())
    @rule(inside=st.booleans())
    def release(self, inside):
        if self.library is asyncio:
            # Behind one that was cancelled its next comes a turn later.
            self.rest()
        self.holder().returned = True
        self.act(inside, self.real.release, self.unlock)

    def holder(self):
        holders = [one for one in self.waiters if one.state == "done" and not one.returned]
        assert len(holders) <= 1
        return holders[0] if holders else None

    def compare(self):
        super().compare()
        assert self.real.locked() == self.locked

    def end(self):
        for waiter in self.alive():
            self.cancel_waiter(waiter)
        self.rest()
        assert self.real.locked() == (self.holder() is not None)


class TheirLockMachine(LockMachine):
    library = asyncio


class OurLockMachine(LockMachine):
    @rule()
    def try_acquire(self):
        took = self.real.try_acquire()
        assert took == (not self.locked)
        if took:
            self.locked = True
            self.waiters.append(Waiter(len(self.waiters), 1, self.loop.create_task(nothing()), "done"))

    @invariant()
    def counts_are_right(self):
        if not self.scheduled and not self.unsure:
            assert self.real.statistics() == {"locked": self.locked, "waiting": len(self.line)}


class RWLockMachine(Machine):
    """Readers together, writers alone, and one line for both."""

    def setup(self):
        self.readers = 0
        self.writing = False
        self.line = collections.deque()
        self.real = aioxide.RWLock()

    def operation(self, waiter):
        return self.real.acquire_read() if waiter.wants == "read" else self.real.acquire_write()

    def free_for(self, side):
        return not self.writing and (side == "read" or not self.readers)

    def take(self, side):
        if side == "read":
            self.readers += 1
        else:
            self.writing = True

    def give(self, side):
        if side == "read":
            self.readers -= 1
        else:
            self.writing = False
        self.serve()

    def told(self, waiter):
        self.serve()

    def serve(self):
        while self.line and self.free_for(self.line[0].wants):
            waiter = self.line.popleft()
            self.take(waiter.wants)
            waiter.state = "granted"

    def arrive(self, waiter):
        if not self.line and self.free_for(waiter.wants) and self.quiet():
            self.take(waiter.wants)
            waiter.state = "done"
        else:
            waiter.state = "waiting"
            self.line.append(waiter)

    def leave(self, waiter, was):
        if was == "granted":
            self.give(waiter.wants)
        else:
            self.line.remove(waiter)
            self.serve()

    @rule(side=st.sampled_from(["read", "read", "write"]))
    def acquire(self, side):
        self.begin(side)

    def holders(self):
        return [waiter for waiter in self.waiters if waiter.state == "done" and not waiter.returned]

    @precondition(lambda self: self.holders())
    @rule(data=st.data(), inside=st.booleans())
    def release(self, data, inside):
        self.be_sure()
        holder = data.draw(st.sampled_from(self.holders()), label="holder")
        holder.returned = True
        release = self.real.release_read if holder.wants == "read" else self.real.release_write
        self.act(inside, release, lambda: self.give(holder.wants))

    @rule(side=st.sampled_from(["read", "write"]))
    def try_acquire(self, side):
        self.be_sure()
        took = self.real.try_acquire_read() if side == "read" else self.real.try_acquire_write()
        assert took == (not self.line and self.free_for(side) and self.quiet())
        if took:
            self.take(side)
            self.waiters.append(Waiter(len(self.waiters), side, self.loop.create_task(nothing()), "done"))

    @invariant()
    def counts_are_right(self):
        if not self.scheduled and not self.unsure:
            assert self.real.statistics() == {
                "writing": self.writing,
                "readers": self.readers,
                "waiting": len(self.line),
            }

    def end(self):
        for waiter in self.alive():
            self.cancel_waiter(waiter)
        self.rest()
        held = collections.Counter(waiter.wants for waiter in self.holders())
        assert self.real.readers == held["read"]
        assert self.real.locked() == (held["write"] == 1)


class EventMachine(Machine):
    """All that wait when it is set go on, whatever comes after."""

    def setup(self):
        self.is_set = False
        self.line = []
        self.real = self.library.Event()

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
        if self.library is aioxide:
            assert self.real.statistics() == {"set": self.is_set, "waiting": len(self.line)}


class TheirEventMachine(EventMachine):
    library = asyncio


class BarrierMachine(Machine):
    """Groups of so many, in the order in which they came. Every step ends at rest: how many turns a
    barrier takes is nobody's business."""

    parties = 3

    def setup(self):
        self.line = []
        self.broken = False
        self.groups = []
        self.real = self.library.Barrier(self.parties)

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
        if self.library is aioxide:
            # asyncio's gives one twice when somebody in between was cancelled.
            for group in self.groups:
                indices = sorted(waiter.task.result() for waiter in group)
                assert indices == list(range(self.parties))


async def call(method):
    await method()


class TheirBarrierMachine(BarrierMachine):
    library = asyncio


class ConditionMachine(Machine):
    """Items behind a condition: how the lock goes round is left open, but no consumer may sleep on
    while there is an item for it, and no two may be inside."""

    library = aioxide

    def setup(self):
        self.items = []
        self.got = []
        self.put = 0
        self.inside = 0
        self.real = self.library.Condition()

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
        if self.library is aioxide:
            waiting = len(self.alive())
            assert self.real.statistics() == {
                "waiting": waiting,
                "lock": {"locked": False, "waiting": 0},
            }


class QueueMachine(Machine):
    """Items, each of which comes out once and in order; putters and getters in lines.

    What a cancelled getter gives back may be overtaken by what the getters behind it were given: from
    there on neither the order nor the limit is compared.
    """

    kind = "Queue"
    maxsize = 2

    def setup(self):
        self.real = getattr(aioxide, self.kind)(self.maxsize)
        self.number = 0
        self.unordered = False
        self.getters = []
        self.entered = []
        self.got = []
        self.down = False

    def operation(self, waiter):
        match waiter.wants:
            case "get":
                return self.note(waiter, self.real.get)
            case "get with a limit":
                return self.note(waiter, self.real.get, 3600)
            case "get many":
                return self.note(waiter, self.real.get_many, 2)
            case ("put", item):
                return self.note(waiter, self.real.put, item)
        raise AssertionError(waiter)

    async def note(self, waiter, method, *args):
        """What an operation came to, in the order in which its task heard of it."""
        try:
            value = await method(*args)
        except aioxide.exceptions.QueueShutDown:
            assert self.down
            return "down"
        if isinstance(waiter.wants, tuple):
            self.entered.append(waiter.wants[1])
        else:
            items = value if waiter.wants == "get many" else [value]
            assert items
            self.got += items
        return value

    def arrive(self, waiter):
        waiter.state = "open"

    def alive(self):
        return [waiter for waiter in self.waiters if not waiter.task.done()]

    def cancel_waiter(self, waiter):
        waiter.task.cancel()
        waiter.state = "open"
        self.unordered = True

    def new_item(self):
        self.number += 1
        # Not in the order of their numbers, so that a heap has something to do; and no two equal.
        return self.number * 7_919 % 10_007

    @rule(how=st.sampled_from(["get", "get", "get with a limit", "get many"]))
    def get(self, how):
        self.begin(how)

    @rule()
    def put(self):
        self.begin(("put", self.new_item()))

    @rule(inside=st.booleans())
    def put_nowait(self, inside):
        def real():
            item = self.new_item()
            try:
                self.real.put_nowait(item)
            except asyncio.QueueFull:
                assert self.real.full() or self.real.statistics()["putting"] or self.granted_room()
            except aioxide.exceptions.QueueShutDown:
                assert self.down
            else:
                self.entered.append(item)

        self.act(inside, real, lambda: None)

    def granted_room(self):
        """Room that somebody was given who has not come to know of it yet."""
        return any(isinstance(waiter.wants, tuple) for waiter in self.alive())

    @rule(inside=st.booleans())
    def get_nowait(self, inside):
        def real():
            try:
                self.got.append(self.real.get_nowait())
            except asyncio.QueueEmpty:
                waits = any(not isinstance(waiter.wants, tuple) for waiter in self.alive())
                assert self.real.empty() or waits
            except aioxide.exceptions.QueueShutDown:
                assert self.down

        self.act(inside, real, lambda: None)

    @precondition(lambda self: not self.down and self.number > 20)
    @rule()
    def shutdown(self):
        self.down = True
        self.real.shutdown()

    @invariant()
    def its_limit_holds(self):
        assert self.real.qsize() >= 0
        if not self.unordered:
            # What a cancelled getter gives back may find its room taken.
            assert self.real.qsize() <= self.maxsize

    def compare(self):
        alive = self.alive()
        putting = [waiter for waiter in alive if isinstance(waiter.wants, tuple)]
        getting = [waiter for waiter in alive if not isinstance(waiter.wants, tuple)]
        statistics = self.real.statistics()
        assert (statistics["putting"], statistics["getting"]) == (len(putting), len(getting))
        assert not (getting and self.real.qsize()), "a getter sleeps though there is an item"
        assert not (putting and not self.real.full()), "a putter sleeps though there is room"
        assert not (self.down and alive), "somebody did not hear of the shutdown"
        assert statistics["unfinished"] == len(self.entered)
        for waiter in self.waiters:
            if waiter.task.done() and not waiter.task.cancelled():
                assert waiter.task.exception() is None
        assert len(self.got) + self.real.qsize() == len(self.entered), "an item was lost, or came twice"
        if not self.unordered:
            self.check_order()

    def check_order(self):
        """Nothing, where putters wait: what they put enters between the turns."""

    def end(self):
        for waiter in self.alive():
            waiter.task.cancel()
        self.unordered = True
        self.rest()
        assert self.real.qsize() <= self.maxsize
        while not self.real.empty():
            self.got.append(self.real.get_nowait())
        assert sorted(self.got) == sorted(self.entered)


class LifoQueueMachine(QueueMachine):
    kind = "LifoQueue"


class PriorityQueueMachine(QueueMachine):
    kind = "PriorityQueue"

    def end(self):
        for waiter in self.alive():
            waiter.task.cancel()
        self.rest()
        left = []
        while not self.real.empty():
            left.append(self.real.get_nowait())
        assert left == sorted(left)
        assert sorted(self.got + left) == sorted(self.entered)


class UnlimitedQueueMachine(QueueMachine):
    maxsize = 0

    @invariant()
    def its_limit_holds(self):
        assert not self.real.full()

    def check_order(self):
        """What came first has gone first, whoever has got it."""
        assert set(self.got) == set(self.entered[: len(self.got)])

    def end(self):
        self.maxsize = float("inf")
        super().end()


MACHINES = [
    OurSemaphoreMachine,
    TheirSemaphoreMachine,
    OurLockMachine,
    TheirLockMachine,
    RWLockMachine,
    EventMachine,
    TheirEventMachine,
    BarrierMachine,
    TheirBarrierMachine,
    ConditionMachine,
    QueueMachine,
    LifoQueueMachine,
    PriorityQueueMachine,
    UnlimitedQueueMachine,
]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__.removesuffix("Machine"))
def test_it_behaves_as_its_model(machine):
    machine.TestCase.settings = settings(
        max_examples=120,
        stateful_step_count=40,
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase("runTest").runTest()
