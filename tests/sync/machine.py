"""Each primitive against a model of it in plain Python, over random histories: what the machines share.

Hypothesis chooses what happens next: an operation begins, a task is cancelled, something is released,
from inside the loop or from outside, or the loop turns once. The loop is one that stands still
otherwise, so the model knows in which order things happen. Where a task stands is compared whenever
the loop has come to rest; the counts that are public, at every step.
"""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

import aioxide
from tests.conftest import LOOPS

# Turns after which nothing is left that could happen: so many, and as many more for each that is waited for,
# since one may let the next go.
REST = 10
REST_EACH = 4


@dataclass(eq=False)
class Waiter:
    """An operation that runs as a task, and where the model says it stands."""

    number: int
    # What it asks for: a number of permits, a side of the lock, an item to put.
    wants: object
    task: asyncio.Task | None = None
    # new: before its first step; then waiting, granted (not told yet), done or cancelled.
    state: str = "new"
    value: object = None
    # Done, and what it got was given back.
    returned: bool = field(default=False)
    # The operation, where it is stepped and closed by hand instead of awaited.
    hand: object | None = None


class Machine(RuleBasedStateMachine):
    """The loop, the tasks, and their comparison with the model."""

    module = aioxide
    make_loop = staticmethod(LOOPS["asyncio"])

    def __init__(self):
        super().__init__()
        self.loop = self.make_loop()
        self.waiters = []
        # What is in the loop's queue: callables that do to the model what the loop will do.
        self.scheduled = []
        self.unsure = False
        self.setup()

    def setup(self):
        """Makes the primitive and its model."""

    # ---- what a primitive says of itself ----

    def operation(self, waiter):
        raise NotImplementedError

    def arrive(self, waiter):
        """The model: its first step."""
        raise NotImplementedError

    def leave(self, waiter):
        """The model: it was cancelled while it waited, or after the grant."""
        raise NotImplementedError

    def told(self, waiter):
        """The model: it goes on with what it was granted."""

    # ---- the loop ----

    def run(self, function, *args):
        """Calls it on the loop's thread while the loop runs, in a turn of its own for the model."""
        self.loop.call_soon(function, *args)

    def begin(self, wants):
        waiter = Waiter(len(self.waiters), wants)
        waiter.task = self.loop.create_task(self.operation(waiter))
        self.waiters.append(waiter)
        self.scheduled.append(lambda: self.first_step(waiter))

    def begin_by_hand(self, wants):
        """An operation that is stepped in the loop's next turn, by nobody's task."""
        waiter = Waiter(len(self.waiters), wants)
        waiter.hand = self.operation(waiter)
        self.waiters.append(waiter)
        self.loop.call_soon(self.step_by_hand, waiter)
        self.scheduled.append(lambda: self.first_step(waiter))

    def step_by_hand(self, waiter):
        if waiter.state == "cancelled" or waiter.value is not None:
            return
        try:
            waiter.hand.send(None)
        except StopIteration as end:
            waiter.value = end.value

    def step_again(self, waiter):
        """Tells one that was granted."""
        self.loop.call_soon(self.step_by_hand, waiter)
        self.scheduled.append(lambda: self.tell(waiter))

    def tell(self, waiter):
        if waiter.state == "granted":
            waiter.state = "done"
            self.told(waiter)

    def first_step(self, waiter):
        if waiter.state == "new":
            self.arrive(waiter)

    def act(self, inside, real, model):
        """Something that is done to the primitive: now, from outside the loop, or in the loop's next turn."""
        if inside:
            self.loop.call_soon(real)
            self.scheduled.append(model)
        else:
            real()
            model()

    def cancel_waiter(self, waiter):
        if waiter.hand:
            waiter.hand.close()
        else:
            waiter.task.cancel()
        if waiter.state in ("waiting", "granted"):
            was, waiter.state = waiter.state, "cancelled"
            self.leave(waiter, was)
        elif waiter.state == "new":
            waiter.state = "cancelled"

    def one_turn(self):
        # Those that were granted before it are told in it.
        told = [waiter for waiter in self.waiters if waiter.state == "granted" and not waiter.hand]
        scheduled, self.scheduled = self.scheduled, []
        for happen in scheduled:
            happen()
        for waiter in told:
            self.tell(waiter)
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()
        # Some hear of it in the turn of the grant: where the loop had a call of ours to make anyway, and
        # where nobody was in the way of one who came.
        for waiter in self.granted():
            if self.was_told(waiter):
                self.tell(waiter)

    def was_told(self, waiter):
        return waiter.value is not None if waiter.hand else waiter.task.done()

    def rest(self):
        for _ in range(REST + REST_EACH * len(self.alive())):
            # One who is not told of his grant holds up who came after it, where nobody came by a loop.
            for waiter in self.granted() if self.unsure else ():
                if waiter.hand:
                    self.step_again(waiter)
            self.one_turn()
        self.unsure = False
        self.compare()

    def compare(self):
        for waiter in self.waiters:
            if waiter.hand:
                assert (waiter.value is True) == (waiter.state == "done"), waiter
                continue
            task = waiter.task
            match waiter.state:
                case "waiting":
                    assert not task.done(), f"{waiter} is through, and should wait"
                case "done":
                    assert task.done(), f"{waiter} should be through: a wake-up was lost"
                    assert not task.cancelled()
                    self.check_value(waiter)
                case "cancelled":
                    assert task.cancelled(), waiter

    def check_value(self, waiter):
        assert waiter.task.result() is True

    def alive(self):
        return [waiter for waiter in self.waiters if waiter.state in ("new", "waiting", "granted")]

    def quiet(self):
        """Whether nobody was granted something and is still to be told.

        A newcomer waits as long, though there is enough for it. Whether it came before the other was told or
        after, in one turn, depends on where the grant came from; the model leaves that open until all rests.
        """
        if self.granted():
            self.unsure = True
            return False
        return True

    def granted(self):
        return [waiter for waiter in self.waiters if waiter.state == "granted"]

    def be_sure(self):
        if self.unsure:
            self.rest()

    # ---- what may happen to any of them ----

    @rule()
    def turn(self):
        self.one_turn()

    @rule()
    def come_to_rest(self):
        self.rest()

    @precondition(lambda self: self.alive())
    @rule(data=st.data())
    def cancel(self, data):
        self.be_sure()
        if not self.alive():
            return
        self.cancel_waiter(data.draw(st.sampled_from(self.alive()), label="victim"))

    def end(self):
        """After the last step: what the primitive must be left with."""

    def teardown(self):
        try:
            self.rest()
            self.end()
        finally:
            tasks = [waiter.task for waiter in self.waiters if waiter.task]
            for task in tasks:
                task.cancel()
            for _ in range(REST):
                self.loop.call_soon(self.loop.stop)
                self.loop.run_forever()
            for task in tasks:
                if task.done() and not task.cancelled():
                    task.exception()
            self.loop.close()


class ByHand:
    """For the machines of what can be waited for by hand: an operation that is closed, not cancelled."""

    @precondition(lambda self: self.by_hand())
    @rule(data=st.data())
    def close(self, data):
        self.be_sure()
        if not self.by_hand():
            return
        self.cancel_waiter(data.draw(st.sampled_from(self.by_hand()), label="closed"))

    @precondition(lambda self: any(waiter.hand for waiter in self.granted()))
    @rule(data=st.data())
    def find_out(self, data):
        self.be_sure()
        granted = [waiter for waiter in self.granted() if waiter.hand]
        if not granted:
            return
        self.step_again(data.draw(st.sampled_from(granted), label="told"))

    def by_hand(self):
        return [waiter for waiter in self.alive() if waiter.hand]


async def nothing():
    return True


async def call(method, *args):
    return await method(*args)


def over(*machines):
    """Runs a test once for each of these machines."""
    return pytest.mark.parametrize(
        "machine", machines, ids=lambda machine: machine.__name__.removesuffix("Machine")
    )


def check(machine):
    """Runs so many histories, and fails with the shortest that goes wrong."""
    machine.TestCase.settings = settings(
        max_examples=120,
        stateful_step_count=40,
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase("runTest").runTest()
