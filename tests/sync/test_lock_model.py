"""`Lock`, `RLock` and `RWLock` against models of them: see `machine.py`."""

import asyncio
import collections
import threading

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

import aioxide
from tests.sync.machine import ByHand, Machine, Waiter, check, nothing, over


class LockMachine(Machine):
    """One at a time, in order; a lock is a semaphore of one permit."""

    def setup(self):
        self.locked = False
        self.line = collections.deque()
        self.real = self.module.Lock()

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
        if self.module is asyncio:
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
    module = asyncio


class OurLockMachine(LockMachine, ByHand):
    @rule()
    def acquire_by_hand(self):
        self.begin_by_hand(1)

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


class RWLockMachine(Machine, ByHand):
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

    @rule(side=st.sampled_from(["read", "read", "write"]))
    def acquire_by_hand(self, side):
        self.begin_by_hand(side)

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


THREAD = "the thread"


class RLockMachine(Machine):
    """One owner at a time, who may take it again and has to release it as often; the others in a line.

    Tasks own it, each of which does what it is told to, and the thread where no task runs.
    """

    def setup(self):
        self.owner = None
        self.count = 0
        self.line = collections.deque()
        self.real = aioxide.RLock()
        # What each of the tasks is told to do.
        self.orders = collections.defaultdict(asyncio.Queue)
        # Who was told to do something that it does in the next turn.
        self.busy = set()

    def operation(self, waiter):
        return self.visit(waiter)

    async def visit(self, waiter):
        """Inside until it has released as often as it acquired, or is cancelled."""
        assert await self.real.acquire() is True
        held = 1
        try:
            while held:
                match await self.orders[waiter.number].get():
                    case "acquire":
                        assert await self.real.acquire() is True
                        held += 1
                    case "try":
                        assert self.real.try_acquire() is True
                        held += 1
                    case "release":
                        self.real.release()
                        held -= 1
        finally:
            for _ in range(held):
                self.real.release()
            self.forbidden()
        return True

    def forbidden(self):
        with pytest.raises(RuntimeError, match="un-acquired"):
            self.real.release()

    # ---- the model ----

    def arrive(self, waiter):
        if self.owner or self.line:
            waiter.state = "waiting"
            self.line.append(waiter)
        else:
            self.owner, self.count = waiter, 1
            waiter.state = "inside"

    def told(self, waiter):
        waiter.state = "inside"

    def release_once(self):
        self.count -= 1
        if not self.count:
            if isinstance(self.owner, Waiter) and self.owner.state == "inside":
                self.owner.state = "done"
            self.hand_over()

    def hand_over(self):
        self.owner, self.count = None, 0
        if self.line:
            self.owner, self.count = self.line.popleft(), 1
            self.owner.state = "granted"

    def leave(self, waiter, was):
        if was == "granted":
            self.hand_over()
        else:
            self.line.remove(waiter)

    def one_turn(self):
        self.busy.clear()
        super().one_turn()

    def was_told(self, waiter):
        return self.real.statistics()["owner"] is waiter.task

    def inside(self):
        owner = self.owner
        return owner if isinstance(owner, Waiter) and owner.state == "inside" else None

    # ---- what may happen ----

    @rule()
    def acquire(self):
        self.begin(None)

    @precondition(lambda self: self.inside() and self.inside() not in self.busy)
    @rule(order=st.sampled_from(["acquire", "try", "release", "release"]))
    def tell_owner(self, order):
        owner = self.inside()
        self.busy.add(owner)
        self.orders[owner.number].put_nowait(order)
        self.scheduled.append(self.release_once if order == "release" else self.take_again)

    def take_again(self):
        self.count += 1

    @precondition(lambda self: self.inside() and self.inside() not in self.busy)
    @rule()
    def cancel_owner(self):
        owner = self.inside()
        self.busy.add(owner)
        owner.task.cancel()

        def model():
            owner.state = "cancelled"
            self.hand_over()

        self.scheduled.append(model)

    @rule()
    def thread_takes(self):
        took = self.real.try_acquire()
        assert took == (self.owner in (None, THREAD))
        if took:
            self.owner = THREAD
            self.count += 1

    @rule()
    def thread_takes_blocking(self):
        # It waits for nobody; but what it could have, it has at once.
        if self.owner in (None, THREAD):
            assert self.real.acquire_blocking(timeout=0) is True
            self.owner = THREAD
            self.count += 1
        else:
            assert self.real.acquire_blocking(timeout=0) is False

    @rule()
    def thread_releases(self):
        if self.owner is THREAD:
            self.real.release()
            self.release_once()
        else:
            self.forbidden()

    # ---- the comparison ----

    @invariant()
    def counts_are_right(self):
        statistics = self.real.statistics()
        assert statistics["locked"] == self.real.locked() == bool(self.owner)
        if self.scheduled:
            return
        assert statistics["waiting"] == len(self.line)
        match self.owner:
            case None:
                assert (statistics["owner"], statistics["count"]) == (None, 0)
            case Waiter(state="granted"):
                # Nobody's yet, though it is locked.
                assert (statistics["owner"], statistics["count"]) == (None, 0)
            case Waiter(task=task):
                assert (statistics["owner"], statistics["count"]) == (task, self.count)
            case _:
                assert (statistics["owner"], statistics["count"]) == (threading.get_ident(), self.count)

    def compare(self):
        super().compare()
        if owner := self.inside():
            assert not owner.task.done(), owner

    def end(self):
        for waiter in self.alive():
            self.cancel_waiter(waiter)
        if self.inside():
            self.cancel_owner()
        self.rest()
        while self.owner is THREAD:
            self.thread_releases()
        assert not self.real.locked()
        assert self.real.statistics()["waiting"] == 0


@over(OurLockMachine, TheirLockMachine, RWLockMachine, RLockMachine)
def test_it_behaves_as_its_model(machine):
    check(machine)
