"""The queues against models of them: see `machine.py`."""

import asyncio

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

import aioxide
from tests.sync.machine import Machine, check, over


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


@over(QueueMachine, LifoQueueMachine, PriorityQueueMachine, UnlimitedQueueMachine)
def test_it_behaves_as_its_model(machine):
    check(machine)
