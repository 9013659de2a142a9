"""What the machines of `test_models.py` share: the loop, the tasks, the comparison with a model."""

import asyncio
from dataclasses import dataclass, field

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


class Machine(RuleBasedStateMachine):
    """The loop, the tasks, and their comparison with the model."""

    library = aioxide

    def __init__(self):
        super().__init__()
        self.loop = LOOPS["asyncio"]()
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
        waiter.task.cancel()
        if waiter.state in ("waiting", "granted"):
            was, waiter.state = waiter.state, "cancelled"
            self.leave(waiter, was)
        elif waiter.state == "new":
            waiter.state = "cancelled"

    def one_turn(self):
        # Those that were granted before it are told in it.
        told = [waiter for waiter in self.waiters if waiter.state == "granted"]
        scheduled, self.scheduled = self.scheduled, []
        for happen in scheduled:
            happen()
        for waiter in told:
            if waiter.state == "granted":
                waiter.state = "done"
                self.told(waiter)
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def rest(self):
        for _ in range(REST + REST_EACH * len(self.alive())):
            self.one_turn()
        self.unsure = False
        self.compare()

    def compare(self):
        for waiter in self.waiters:
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
        if any(waiter.state == "granted" for waiter in self.waiters):
            self.unsure = True
            return False
        return True

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
            for waiter in self.waiters:
                waiter.task.cancel()
            for _ in range(REST):
                self.loop.call_soon(self.loop.stop)
                self.loop.run_forever()
            for waiter in self.waiters:
                if waiter.task.done() and not waiter.task.cancelled():
                    waiter.task.exception()
            self.loop.close()
