"""`Pool`: who gets which connection, what becomes of those that end, and that none is ever lost.

The connections are of a `Plant`, which keeps the books: how many are alive, who has which, what was closed.
"""

import asyncio
import contextlib
import copy
import gc
import math
import pickle
import random
import re
import weakref

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aioxide
from tests.sync.waiting import Turns, cancelled, done, results, turns, waiting

CLOSED = "^the pool is closed$"


class Connection:
    """One of a plant's; whatever is not allowed to happen to it fails the test."""

    def __init__(self, number):
        self.number = number
        self.open = True
        self.works = True
        self.user = None

    def __repr__(self):
        return f"<{self.number}>"

    @contextlib.contextmanager
    def used(self, user):
        assert self.open
        assert self.user is None, f"{self} is used by {self.user} and {user}"
        self.user = user
        yield
        self.user = None


class Gate:
    """Where tasks are held; open unless it is said otherwise."""

    def __init__(self):
        self.held = None
        self.inside = 0

    def hold(self):
        self.held = asyncio.get_running_loop().create_future()

    def let_go(self):
        self.held, held = None, self.held
        # Whoever was cancelled has cancelled nothing but its own shield.
        held.set_result(None)

    async def passed(self):
        self.inside += 1
        try:
            if self.held is not None:
                await asyncio.shield(self.held)
        finally:
            self.inside -= 1


class Plant:
    """Makes, checks and closes connections; each of the three can be held at a gate, or fail."""

    def __init__(self, most=math.inf):
        self.most = most
        self.made = []
        self.making = 0
        self.making_gate, self.checking_gate, self.closing_gate = Gate(), Gate(), Gate()
        self.errors = []

    @property
    def alive(self):
        return [connection for connection in self.made if connection.open]

    def ended(self):
        return [connection.number for connection in self.made if not connection.open]

    def count(self):
        assert len(self.alive) + self.making <= self.most

    async def make(self):
        self.making += 1
        self.count()
        try:
            await self.making_gate.passed()
            if self.errors:
                raise self.errors.pop(0)
            self.made.append(Connection(len(self.made)))
        finally:
            self.making -= 1
        self.count()
        return self.made[-1]

    async def check(self, connection):
        assert connection.open
        await self.checking_gate.passed()
        if isinstance(connection.works, Exception):
            raise connection.works
        return connection.works

    async def close(self, connection):
        assert connection.open
        try:
            await self.closing_gate.passed()
        finally:
            connection.open = False

    def pool(self, max_size, **options):
        self.most = max_size
        return aioxide.Pool(self.make, max_size=max_size, close=self.close, **options)


@pytest.fixture
def plant():
    return Plant()


def state(pool):
    """Size, idle, in use, waiting."""
    seen = pool.statistics()
    assert (seen["size"], seen["idle"], seen["in_use"]) == (pool.size, pool.idle, pool.in_use)
    return pool.size, pool.idle, pool.in_use, seen["waiting"]


def so_far(pool):
    """Made, closed, failed."""
    seen = pool.statistics()
    return seen["made"], seen["closed"], seen["failed"]


async def borrow(pool, count):
    return [await pool.acquire() for _ in range(count)]


async def give_back(pool, *connections):
    for connection in connections:
        await pool.release(connection)


def drop(held):
    """Lets go of the only references, and of the cycles behind them."""
    held.clear()
    gc.collect()


async def throw_away(pool, connection):
    await pool.release(connection, discard=True)


# ---- taking and giving back ----


async def test_a_block_borrows_and_gives_back(plant):
    async with plant.pool(2) as pool:
        async with pool.acquire() as first:
            assert (first.number, state(pool)) == (0, (1, 0, 1, 0))
            async with pool.acquire() as second:
                assert (second.number, state(pool)) == (1, (2, 0, 2, 0))
            assert state(pool) == (2, 1, 1, 0)
        assert state(pool) == (2, 2, 0, 0)
        assert plant.ended() == []
    assert plant.ended() == [0, 1]
    assert so_far(pool) == (2, 2, 0)


async def test_it_is_awaited_and_released(plant):
    async with plant.pool(1) as pool:
        connection = await pool.acquire()
        assert state(pool) == (1, 0, 1, 0)
        assert await pool.release(connection) is None
        assert state(pool) == (1, 1, 0, 0)
        assert await pool.acquire() is connection
        await pool.release(connection)


async def test_nothing_happens_before_it_is_awaited(plant):
    async with plant.pool(1) as pool:
        first, second = pool.acquire(), pool.acquire(timeout=5)
        await turns(3)
        assert (state(pool), plant.made) == ((0, 0, 0, 0), [])
        connection = await second
        await pool.release(connection)
        first.close()
        assert state(pool) == (1, 1, 0, 0)


async def test_forgotten_it_warns_and_takes_nothing(plant):
    async with plant.pool(1) as pool:
        held = [pool.acquire()]
        with pytest.warns(RuntimeWarning, match="was never awaited"):
            drop(held)
        assert state(pool) == (0, 0, 0, 0)


async def test_it_is_a_coroutine_that_is_awaited_once(plant):
    async with plant.pool(1) as pool:
        acquire = pool.acquire()
        assert asyncio.iscoroutine(acquire)
        task = asyncio.create_task(acquire)
        await results(task)
        await pool.release(task.result())
        with pytest.raises(RuntimeError, match="already awaited"):
            await acquire
        with pytest.raises(RuntimeError, match="already awaited"):
            async with acquire:
                pass
        async with asyncio.TaskGroup() as group:
            task = group.create_task(pool.acquire())
        await pool.release(await asyncio.wait_for(asyncio.ensure_future(task), 5))
        assert state(pool) == (1, 1, 0, 0)


async def test_it_can_be_thrown_into_and_closed_by_hand(plant):
    async with plant.pool(1) as pool:
        thrown, closed = pool.acquire(), pool.acquire()
        with pytest.raises(KeyError):
            thrown.throw(KeyError("mine"))
        connection = await pool.acquire()

        async def by_hand():
            closed.send(None)
            assert state(pool) == (1, 0, 1, 1)
            closed.close()

        await by_hand()
        assert state(pool) == (1, 0, 1, 0)
        await pool.release(connection)


@pytest.mark.parametrize("kind", ["plain", "coroutine", "future", "operation"])
async def test_the_three_functions_may_be_sync_or_async(kind):
    calls = []

    def answering(name, value):
        def call(*args):
            calls.append((name, *args))
            if kind == "plain":
                return value
            if kind == "future":
                future = asyncio.get_running_loop().create_future()
                future.set_result(value)
                return future
            return asyncio.sleep(0, value) if kind == "coroutine" else aioxide.sleep(0, value)

        return call

    functions = {"check": answering("check", True), "close": answering("close", None)}
    async with aioxide.Pool(answering("make", "it"), max_size=1, **functions) as pool:
        for _ in range(2):
            async with pool.acquire() as connection:
                assert connection == "it"
    assert calls == [("make",), ("check", "it"), ("close", "it")]


async def test_connections_need_neither_be_hashable_nor_equal_to_themselves():
    class Odd(list):
        def __eq__(self, other):
            raise AssertionError

        __hash__ = None

    async with aioxide.Pool(Odd, max_size=2) as pool:
        first, second = await borrow(pool, 2)
        await give_back(pool, first, second)
        async with pool.acquire() as connection:
            assert connection is second


async def test_what_was_used_last_is_lent_first(plant):
    async with plant.pool(3) as pool:
        first, second, third = await borrow(pool, 3)
        await give_back(pool, second, third, first)
        assert await borrow(pool, 3) == [first, third, second]
        await give_back(pool, first, second, third)


async def test_those_who_wait_are_served_in_order(plant):
    order = []
    async with plant.pool(3) as pool:

        async def work(number):
            async with pool.acquire() as connection:
                order.append(number)
                with connection.used(number):
                    await turns(number % 4)

        await asyncio.gather(*(work(number) for number in range(60)))
        assert order == list(range(60))
        assert state(pool) == (3, 3, 0, 0)


async def test_a_newcomer_does_not_overtake_who_was_given_the_place(plant):
    async with plant.pool(1) as pool:
        connection = await pool.acquire()
        first, second = await waiting(pool.acquire(), pool.acquire())
        await pool.release(connection)
        late = asyncio.create_task(pool.acquire())
        await results(first)
        assert done([second, late]) == []
        await pool.release(connection)
        await results(second)
        await pool.release(connection)
        await results(late)
        await pool.release(connection)


async def test_an_uncontended_acquire_turns_no_loop(plant):
    options = [{}, {"idle_timeout": 60, "max_lifetime": 60}, {"check": lambda _: True}, {"min_size": 1}]
    for number, more in enumerate(options):
        async with plant.pool(2, **more) as pool:
            async with pool.acquire():
                pass
            with Turns() as counted:
                for _ in range(50):
                    async with pool.acquire(), pool.acquire(timeout=5) if pool.idle else pool.acquire():
                        break
                for _ in range(50):
                    async with pool.acquire(timeout=5):
                        pass
                    await pool.release(await pool.acquire())
                first = counted.count
                for _ in range(50):
                    async with pool.acquire():
                        pass
                assert counted.count == first, number
            await turns()


async def test_a_sync_close_turns_no_loop():
    ended = []
    pool = aioxide.Pool(object, max_size=2, close=ended.append)
    first, second = await borrow(pool, 2)
    with Turns() as counted:
        pool.discard(first)
        assert ended == [first]
        await pool.release(second, discard=True)
        assert ended == [first, second]
        await pool.aclose()
        assert counted.count == 0
    await turns()


async def test_an_exception_in_the_block_gives_the_connection_back(plant):
    async with plant.pool(1) as pool:
        for error in (KeyError, asyncio.CancelledError, KeyboardInterrupt):
            with pytest.raises(error):
                async with pool.acquire():
                    raise error
            assert state(pool) == (1, 1, 0, 0)
        assert plant.ended() == []


# ---- giving back what is not out ----


async def test_what_is_not_lent_is_refused_at_the_call(plant):
    async with plant.pool(2) as pool, Plant().pool(1) as other:
        connection = await pool.acquire()
        stranger = await other.acquire()
        for release in (pool.release, pool.discard):
            with pytest.raises(ValueError, match=r"not lent by this pool: <0>$"):
                release(stranger)
            with pytest.raises(ValueError, match="not lent by this pool"):
                release(object())
        await pool.release(connection)
        for release in (pool.release, pool.discard):
            with pytest.raises(ValueError, match="not lent by this pool"):
                release(connection)
        assert state(pool) == (1, 1, 0, 0)
        await other.release(stranger, discard=True)
        with pytest.raises(ValueError, match="not lent by this pool"):
            other.release(stranger)


async def test_it_is_given_back_at_the_call(plant):
    async with plant.pool(1) as pool:
        connection = await pool.acquire()
        releasing = pool.release(connection)
        assert state(pool) == (1, 1, 0, 0)
        await releasing


async def test_released_in_its_block_it_is_not_given_back_again(plant):
    async with plant.pool(1) as pool:
        async with pool.acquire() as connection:
            await pool.release(connection)
            other = await pool.acquire()
            assert other is connection
        assert state(pool) == (1, 0, 1, 0), "the other still has it"
        await pool.release(other)


async def test_discarded_in_its_block_it_is_closed(plant):
    async with plant.pool(1) as pool:
        async with pool.acquire() as connection:
            pool.discard(connection)
            assert pool.in_use == 0
        async with pool.acquire() as other:
            assert other is not connection
        assert plant.ended() == [0]


async def test_discarding_frees_the_place_when_it_is_closed(plant):
    async with plant.pool(1) as pool:
        connection = await pool.acquire()
        (next_one,) = await waiting(pool.acquire())
        plant.closing_gate.hold()
        (releasing,) = await waiting(pool.release(connection, discard=True))
        await turns(3)
        assert state(pool) == (1, 0, 0, 1)
        assert so_far(pool) == (1, 1, 0)
        plant.closing_gate.let_go()
        await results(releasing, next_one)
        assert plant.ended() == [0]
        await pool.release(next_one.result())


async def test_a_close_that_fails_is_reported_and_frees_the_place(plant, reported):
    def fails(connection):
        raise OSError("at once")

    async def fails_later(connection):
        await turns()
        raise OSError("later")

    for close, word in ((fails, "at once"), (fails_later, "later")):
        async with aioxide.Pool(plant.make, max_size=1, close=close) as pool:
            await pool.release(await pool.acquire(), discard=True)
            assert state(pool) == (0, 0, 0, 0)
            (context,) = reported
            assert str(context["exception"]) == word
            assert "closing a connection failed: <aioxide.Pool" in context["message"]
            reported.clear()


# ---- the factory ----


async def test_what_the_factory_raises_reaches_who_asked(plant):
    async with plant.pool(1) as pool:
        plant.errors = [OSError("refused"), asyncio.CancelledError()]
        with pytest.raises(OSError, match="refused"):
            await pool.acquire()
        with pytest.raises(asyncio.CancelledError):
            await pool.acquire()
        assert state(pool) == (0, 0, 0, 0)
        assert so_far(pool) == (0, 0, 1)
        async with pool.acquire():
            pass


async def test_after_a_failure_the_next_in_line_tries_again(plant):
    async with plant.pool(1) as pool:
        plant.errors = [OSError(0), OSError(1)]
        plant.making_gate.hold()
        tasks = await waiting(*(pool.acquire() for _ in range(4)))
        assert state(pool) == (1, 0, 0, 3)
        plant.making_gate.let_go()
        outcomes = await asyncio.gather(*tasks[:3], return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["0", "1", "<0>"]
        assert not tasks[3].done()
        await pool.release(outcomes[2])
        await pool.release(await tasks[3])


async def test_a_factory_that_always_fails_leaves_nobody_waiting(plant):
    async with plant.pool(3) as pool:
        plant.errors = [OSError(number) for number in range(50)]
        outcomes = await asyncio.gather(*(pool.acquire() for _ in range(50)), return_exceptions=True)
        assert all(isinstance(outcome, OSError) for outcome in outcomes)
        assert (state(pool), so_far(pool)) == ((0, 0, 0, 0), (0, 0, 50))


async def test_a_factory_that_gives_what_is_there_already_has_failed():
    only = object()
    async with aioxide.Pool(lambda: only, max_size=2) as pool, pool.acquire():
        with pytest.raises(RuntimeError, match="gave a connection that the pool has"):
            await pool.acquire()
        assert (state(pool), so_far(pool)) == ((1, 0, 1, 0), (1, 0, 1))


# ---- the check ----


@pytest.mark.parametrize("answer", [False, 0, None, OSError("gone")], ids=repr)
async def test_one_that_does_not_work_is_closed_and_replaced(plant, answer):
    async with plant.pool(2, check=plant.check) as pool:
        first, second = await borrow(pool, 2)
        await give_back(pool, first, second)
        second.works = answer
        async with pool.acquire() as connection:
            assert connection is first
            assert plant.ended() == [1]
            first.works = answer
        async with pool.acquire() as connection:
            assert connection.number == 2
        assert plant.ended() == [0, 1]
        assert state(pool) == (1, 1, 0, 0)


async def test_a_sync_check_may_refuse_too(plant):
    async with plant.pool(1, check=lambda connection: connection.works) as pool:
        async with pool.acquire() as connection:
            connection.works = False
        async with pool.acquire() as other:
            assert other is not connection


async def test_one_that_is_being_checked_is_nobody_elses(plant):
    async with plant.pool(1, check=plant.check) as pool:
        await pool.release(await pool.acquire())
        plant.checking_gate.hold()
        first, second = await waiting(pool.acquire(), pool.acquire())
        assert state(pool) == (1, 0, 0, 1)
        plant.checking_gate.let_go()
        await results(first)
        assert not second.done()
        await pool.release(first.result())
        await pool.release(await second)


# ---- cancelling and time limits ----


async def test_cancelled_while_it_waits(plant):
    async with plant.pool(1) as pool:
        connection = await pool.acquire()
        first, second = await waiting(pool.acquire(), pool.acquire())
        await cancelled(first)
        await pool.release(connection)
        assert await results(second) == [connection]
        (third,) = await waiting(pool.acquire())
        # Given the place, and cancelled in the same turn.
        await pool.release(connection)
        third.cancel()
        await asyncio.wait([third])
        assert state(pool) == (1, 1, 0, 0)


async def test_cancelled_while_it_is_made_the_connection_goes_to_the_pool(plant):
    async with plant.pool(1) as pool:
        plant.making_gate.hold()
        first, second = await waiting(pool.acquire(), pool.acquire())
        await cancelled(first)
        assert state(pool) == (1, 0, 0, 1)
        plant.making_gate.let_go()
        (connection,) = await results(second)
        assert connection.number == 0
        await pool.release(connection)


async def test_cancelled_in_the_turn_in_which_it_was_made(plant):
    async with plant.pool(1) as pool:
        plant.making_gate.hold()
        (task,) = await waiting(pool.acquire())
        plant.making_gate.let_go()
        while not plant.made:
            await turns()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or await pool.release(task.result()) is None
        await turns(2)
        assert state(pool) == (1, 1, 0, 0)


async def test_cancelled_while_it_is_made_and_that_fails(plant):
    async with plant.pool(1) as pool:
        plant.making_gate.hold()
        plant.errors = [OSError()]
        first, second = await waiting(pool.acquire(), pool.acquire())
        await cancelled(first)
        plant.making_gate.let_go()
        (connection,) = await results(second)
        assert so_far(pool) == (1, 0, 1)
        await pool.release(connection)


async def test_cancelled_while_it_is_checked_it_is_closed(plant):
    async with plant.pool(1, check=plant.check) as pool:
        await pool.release(await pool.acquire())
        plant.checking_gate.hold()
        plant.closing_gate.hold()
        first, second = await waiting(pool.acquire(), pool.acquire())
        await cancelled(first)
        assert state(pool) == (1, 0, 0, 1)
        plant.checking_gate.let_go()
        plant.closing_gate.let_go()
        (connection,) = await results(second)
        assert (connection.number, plant.ended()) == (1, [0])
        await pool.release(connection)


async def test_cancelled_while_a_bad_one_is_closed(plant):
    async with plant.pool(1, check=plant.check) as pool:
        async with pool.acquire() as connection:
            connection.works = False
        plant.closing_gate.hold()
        (task,) = await waiting(pool.acquire())
        await turns(2)
        assert plant.closing_gate.inside == 1
        await cancelled(task)
        assert state(pool) == (1, 0, 0, 0)
        (task,) = await waiting(pool.acquire())
        plant.closing_gate.let_go()
        (connection,) = await results(task)
        await pool.release(connection)
        assert plant.ended() == [0]


async def test_cancelled_while_it_waits_for_the_end_of_a_discarded_one(plant):
    async with plant.pool(1) as pool:
        connection = await pool.acquire()
        plant.closing_gate.hold()
        (task,) = await waiting(pool.release(connection, discard=True))
        await cancelled(task)
        assert state(pool) == (1, 0, 0, 0)
        plant.closing_gate.let_go()
        await pool.release(await pool.acquire())
        assert plant.ended() == [0]


async def test_a_time_limit_loses_nothing(plant):
    async with plant.pool(1) as pool:
        connection = await pool.acquire()
        for timeout in (0, 0.001):
            with pytest.raises(TimeoutError):
                await pool.acquire(timeout)
            with pytest.raises(TimeoutError):
                async with pool.acquire(timeout=timeout):
                    pytest.fail("nothing is there")
        assert state(pool) == (1, 0, 1, 0)
        await pool.release(connection)
        for timeout in (0, 5, math.inf, None):
            async with pool.acquire(timeout) as borrowed:
                assert borrowed is connection


async def test_a_time_limit_counts_making_and_checking(plant):
    async with plant.pool(1, check=plant.check) as pool:
        plant.making_gate.hold()
        with pytest.raises(TimeoutError):
            await pool.acquire(0.001)
        assert state(pool) == (1, 0, 0, 0), "it is still being made"
        plant.making_gate.let_go()
        async with pool.acquire() as connection:
            assert connection.number == 0
        plant.checking_gate.hold()
        with pytest.raises(TimeoutError):
            await pool.acquire(0.001)
        plant.checking_gate.let_go()
        async with pool.acquire() as connection:
            assert (connection.number, plant.ended()) == (1, [0])


def test_a_time_limit_is_in_the_loops_time(on_fake_clock, plant):
    async def work():
        loop = asyncio.get_running_loop()
        async with plant.pool(1) as pool, pool.acquire():
            before = loop.time()
            with pytest.raises(TimeoutError):
                await pool.acquire(50)
            assert loop.time() - before == pytest.approx(50)

    on_fake_clock(work())


# ---- age ----


def test_what_was_idle_for_too_long_is_closed(on_fake_clock, plant):
    async def work():
        async with plant.pool(3, idle_timeout=10) as pool:
            connections = await borrow(pool, 3)
            await give_back(pool, connections[0])
            await asyncio.sleep(4)
            await give_back(pool, *connections[1:])
            await asyncio.sleep(5.9)
            assert plant.ended() == []
            await asyncio.sleep(0.2)
            assert (plant.ended(), pool.idle) == ([0], 2)
            await asyncio.sleep(3.8)
            assert plant.ended() == [0]
            async with pool.acquire() as connection:
                assert connection.number == 2
                await asyncio.sleep(50)
                assert (plant.ended(), state(pool)) == ([0, 1], (1, 0, 1, 0))
            await asyncio.sleep(9.9)
            assert pool.idle == 1
            await asyncio.sleep(0.2)
            assert (plant.ended(), pool.size) == ([0, 1, 2], 0)

    on_fake_clock(work())


def test_what_has_lived_for_too_long_is_closed_when_it_is_idle(on_fake_clock, plant):
    async def work():
        async with plant.pool(2, max_lifetime=10) as pool:
            first, second = await borrow(pool, 2)
            await pool.release(first)
            for _ in range(3):
                await asyncio.sleep(3)
                async with pool.acquire() as connection:
                    assert connection is first
            await asyncio.sleep(2)
            assert (plant.ended(), state(pool)) == ([0], (1, 0, 1, 0))
            await pool.release(second)
            assert (plant.ended(), pool.size) == ([0, 1], 0)

    on_fake_clock(work())


def test_what_is_too_old_is_not_lent_though_the_loop_had_no_time_for_it(on_fake_clock, plant):
    async def work():
        loop = asyncio.get_running_loop()
        for limit in ("idle_timeout", "max_lifetime"):
            async with plant.pool(2, **{limit: 10}) as pool:
                connections = await borrow(pool, 2)
                await give_back(pool, *connections)
                # Nothing has run meanwhile.
                loop.now += 11
                async with pool.acquire() as connection:
                    assert connection not in connections
                    assert all(not old.open for old in connections)

    on_fake_clock(work())


def test_idle_ones_are_kept_down_to_min_size(on_fake_clock, plant):
    async def work():
        async with plant.pool(4, min_size=2, idle_timeout=10) as pool:
            await give_back(pool, *await borrow(pool, 4))
            plant.closing_gate.hold()
            await asyncio.sleep(11)
            assert (pool.size, pool.idle) == (4, 2), "two are being closed"
            plant.closing_gate.let_go()
            await asyncio.sleep(100)
            assert (len(plant.ended()), state(pool)) == (2, (2, 2, 0, 0))
            async with pool.acquire() as connection:
                assert connection.number in (2, 3), "old as it is"
            assert len(plant.made) == 4

    on_fake_clock(work())


def test_a_timer_that_was_set_late_does_not_hide_an_earlier_end(on_fake_clock, plant):
    async def work():
        async with plant.pool(2, idle_timeout=100, max_lifetime=110) as pool:
            first = await pool.acquire()
            await asyncio.sleep(50)
            await pool.release(await pool.acquire())
            second = plant.made[-1]
            assert second is not first
            # Due at 150, and this one at 110.
            await pool.release(first)
            await asyncio.sleep(59)
            assert plant.ended() == []
            await asyncio.sleep(2)
            assert plant.ended() == [0]

    on_fake_clock(work())


async def test_time_passes_on_every_loop(plant, until):
    async with plant.pool(2, idle_timeout=0.01) as pool:
        await give_back(pool, *await borrow(pool, 2))
        await until(lambda: not pool.size)
        assert plant.ended() == [0, 1]


async def test_the_timer_does_not_keep_the_pool_alive(plant):
    pool = aioxide.Pool(plant.make, max_size=1, idle_timeout=3600)
    await pool.release(await pool.acquire())
    seen = weakref.ref(pool)
    with pytest.warns(ResourceWarning, match="unclosed pool"):
        del pool
    assert seen() is None


def test_a_closed_pool_leaves_no_timer(on_fake_clock, plant):
    async def work():
        loop = asyncio.get_running_loop()
        async with plant.pool(2, idle_timeout=100, max_lifetime=1000) as pool:
            await give_back(pool, *await borrow(pool, 2))
            assert [handle.when() - loop.now for handle in loop._scheduled if not handle.cancelled()] == [100]
        assert [handle for handle in loop._scheduled if not handle.cancelled()] == []

    on_fake_clock(work())


# ---- the least ----


async def test_opening_makes_the_least(plant):
    pool = plant.pool(5, min_size=3)
    assert plant.made == []
    await pool.open()
    assert state(pool) == (3, 3, 0, 0)
    await pool.open()
    assert state(pool) == (3, 3, 0, 0)
    await pool.aclose()
    assert plant.ended() == [0, 1, 2]


async def test_the_least_are_made_at_the_same_time(plant):
    plant.making_gate.hold()
    pool = plant.pool(3, min_size=3)
    (first, second) = await waiting(pool.open(), pool.open())
    await turns(2)
    assert plant.making == 3
    plant.making_gate.let_go()
    await results(first, second)
    assert state(pool) == (3, 3, 0, 0)
    await pool.aclose()


async def test_those_that_end_are_replaced(plant):
    async with plant.pool(3, min_size=2, check=plant.check) as pool:
        connections = await borrow(pool, 2)
        for connection in connections:
            await pool.release(connection, discard=True)
        while pool.idle < 2:
            await turns()
        assert (len(plant.made), state(pool)) == (4, (2, 2, 0, 0))
        plant.made[2].works = plant.made[3].works = False
        async with pool.acquire():
            pass
        while pool.idle < 2:
            await turns()
        assert plant.ended() == [0, 1, 2, 3]


async def test_a_replacement_waits_for_a_place(plant):
    async with plant.pool(2, min_size=2) as pool:
        connection = await pool.acquire()
        plant.closing_gate.hold()
        pool.discard(connection)
        await turns()
        await pool.open()
        assert (state(pool), plant.making) == ((2, 1, 0, 0), 0)
        plant.closing_gate.let_go()
        while pool.idle < 2:
            await turns()
        assert len(plant.made) == 3


async def test_without_open_nothing_is_kept_up(plant):
    pool = plant.pool(3, min_size=2)
    await pool.release(await pool.acquire(), discard=True)
    await turns(5)
    assert state(pool) == (0, 0, 0, 0)
    await pool.aclose()


def test_what_has_lived_for_too_long_is_replaced(on_fake_clock, plant):
    async def work():
        async with plant.pool(2, min_size=2, max_lifetime=10) as pool:
            for generation in range(1, 5):
                assert state(pool) == (2, 2, 0, 0)
                assert len(plant.made) == 2 * generation
                await asyncio.sleep(10.5)

    on_fake_clock(work())


def test_a_replacement_that_cannot_be_made_is_tried_again(on_fake_clock, plant):
    async def work():
        async with plant.pool(2, min_size=1) as pool:
            connection = await pool.acquire()
            plant.errors = [OSError(number) for number in range(3)]
            await pool.release(connection, discard=True)
            await asyncio.sleep(0.5)
            assert (state(pool), so_far(pool)) == ((0, 0, 0, 0), (1, 1, 1))
            await asyncio.sleep(1)
            assert so_far(pool) == (1, 1, 2)
            await asyncio.sleep(2)
            assert (state(pool), so_far(pool)) == ((1, 1, 0, 0), (2, 1, 3))

    on_fake_clock(work())


async def test_opening_that_fails_keeps_what_was_made(plant):
    pool = plant.pool(3, min_size=3)
    plant.errors = [OSError("refused")]
    with pytest.raises(OSError, match="refused"):
        await pool.open()
    assert state(pool) == (2, 2, 0, 0)
    await pool.open()
    assert state(pool) == (3, 3, 0, 0)
    await pool.aclose()


async def test_entering_that_fails_closes_what_was_made(plant):
    plant.errors = [OSError("refused")]
    with pytest.raises(OSError, match="refused"):
        async with plant.pool(3, min_size=3) as pool:
            pytest.fail(f"it is open: {pool}")
    assert plant.ended() == [0, 1]


async def test_entering_that_is_cancelled_leaves_nothing(plant):
    plant.making_gate.hold()
    pool = plant.pool(3, min_size=2)
    (task,) = await waiting(pool.__aenter__())
    await turns()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert (pool.closed, pool.size, plant.making) == (True, 0, 0)


# ---- closing ----


async def test_a_closed_pool_lends_nothing(plant):
    pool = plant.pool(1)
    before = pool.acquire()
    await pool.aclose()
    assert pool.closed
    for use in (before, pool.acquire(), pool.acquire(5), pool.open()):
        with pytest.raises(RuntimeError, match=CLOSED):
            await use
    with pytest.raises(RuntimeError, match=CLOSED):
        async with pool:
            pass
    with pytest.raises(RuntimeError, match=CLOSED):
        async with pool.acquire():
            pass
    assert plant.made == []


async def test_those_who_wait_are_told_and_those_who_have_one_are_waited_for(plant):
    pool = plant.pool(2)
    first, second = await borrow(pool, 2)
    tasks = await waiting(*(pool.acquire(timeout) for timeout in (None, 60, None)))
    closing, again = await waiting(pool.aclose(), pool.aclose(60))
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, RuntimeError)
        assert re.search(CLOSED, str(outcome))
    assert state(pool) == (2, 0, 2, 0)
    await pool.release(first)
    assert plant.ended() == [0]
    assert not closing.done()
    pool.discard(second)
    await results(closing, again)
    assert (plant.ended(), so_far(pool)) == ([0, 1], (2, 2, 0))
    await pool.aclose()


async def test_one_that_was_just_given_a_place_finds_the_pool_closed(plant):
    pool = plant.pool(1)
    connection = await pool.acquire()
    first, second = await waiting(pool.acquire(), pool.acquire())
    await pool.release(connection)
    await pool.aclose()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["the pool is closed"] * 2
    assert plant.ended() == [0]


async def test_idle_ones_are_closed_at_the_same_time(plant):
    pool = plant.pool(3)
    await give_back(pool, *await borrow(pool, 3))
    plant.closing_gate.hold()
    (closing,) = await waiting(pool.aclose())
    await turns()
    assert plant.closing_gate.inside == 3
    plant.closing_gate.let_go()
    await results(closing)


@pytest.mark.parametrize("timeout", [0, 0.001])
async def test_closing_gives_up_waiting(plant, timeout):
    pool = plant.pool(2)
    first, second = await borrow(pool, 2)
    await pool.release(second)
    await pool.aclose(timeout)
    assert state(pool)[1:] == (0, 1, 0)
    await pool.release(first)
    assert plant.ended() == [0, 1]
    await pool.aclose()


async def test_closing_that_is_cancelled_has_closed(plant):
    pool = plant.pool(2)
    connection = await pool.acquire()
    (closing,) = await waiting(pool.aclose())
    await cancelled(closing)
    assert pool.closed
    await pool.release(connection)
    assert plant.ended() == [0]


async def test_closed_before_the_factory_is_called(plant):
    pool = plant.pool(2)
    (acquiring,) = await waiting(pool.acquire())
    assert (pool.size, plant.making) == (1, 0)
    async with asyncio.timeout(30):
        await pool.aclose()
    with pytest.raises(RuntimeError, match=CLOSED):
        await acquiring
    assert (pool.size, plant.made) == (0, [])


async def test_closed_while_one_is_made(plant):
    plant.making_gate.hold()
    pool = plant.pool(2)
    acquiring, left = await waiting(pool.acquire(), pool.acquire())
    await cancelled(left)
    await pool.aclose()
    with pytest.raises(RuntimeError, match=CLOSED):
        await acquiring
    assert (pool.size, plant.making, plant.made) == (0, 0, [])


async def test_closed_while_one_is_made_by_a_factory_that_cannot_be_stopped(plant):
    async def stubborn():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.get_running_loop().create_future()
        return await plant.make()

    pool = aioxide.Pool(stubborn, max_size=2, close=plant.close)
    acquiring, left = await waiting(pool.acquire(), pool.acquire())
    await turns()
    await cancelled(left)
    await pool.aclose()
    with pytest.raises(RuntimeError, match=CLOSED):
        await acquiring
    assert plant.ended() == [0, 1]


async def test_closed_while_one_is_checked(plant):
    pool = plant.pool(1, check=plant.check)
    await pool.release(await pool.acquire())
    plant.checking_gate.hold()
    (acquiring,) = await waiting(pool.acquire())
    (closing,) = await waiting(pool.aclose())
    plant.checking_gate.let_go()
    with pytest.raises(RuntimeError, match=CLOSED):
        await acquiring
    await results(closing)
    assert plant.ended() == [0]


async def test_closed_while_it_opens(plant):
    plant.making_gate.hold()
    pool = plant.pool(2, min_size=2)
    (opening,) = await waiting(pool.open())
    await turns()
    await pool.aclose()
    with pytest.raises(RuntimeError, match=CLOSED):
        await opening
    assert (pool.size, plant.making) == (0, 0)


@pytest.mark.parametrize("lent", [False, True])
async def test_a_pool_that_is_dropped_with_connections_warns(plant, lent):
    held = [plant.pool(1)]
    connection = await held[0].acquire()
    if not lent:
        await held[0].release(connection)
    with pytest.warns(ResourceWarning, match=r"^unclosed pool <aioxide\.Pool object at .*open, size:1/1"):
        drop(held)


async def test_a_pool_that_is_dropped_with_none_does_not_warn(plant):
    held = [plant.pool(1)]
    await held[0].release(await held[0].acquire(), discard=True)
    drop(held)
    with pytest.raises(TypeError):
        aioxide.Pool(None, max_size=1)
    gc.collect()


# ---- loops ----


def test_it_belongs_to_one_loop_while_it_has_connections(new_loop, plant):
    one, other = new_loop(), new_loop()
    pool = plant.pool(2)
    connection = one.run_until_complete(borrow(pool, 1))[0]

    async def elsewhere():
        for use in (pool.acquire, pool.open, pool.aclose):
            with pytest.raises(RuntimeError, match="has connections on another event loop: <"):
                await use()
        for use in (pool.release, pool.discard):
            with pytest.raises(RuntimeError, match="has connections on another event loop"):
                use(connection)

    other.run_until_complete(elsewhere())
    one.run_until_complete(throw_away(pool, connection))
    other.run_until_complete(give_back(pool, *other.run_until_complete(borrow(pool, 2))))
    other.run_until_complete(pool.aclose())
    one.run_until_complete(pool.aclose())
    assert plant.alive == []
    one.close()
    other.close()


def test_outside_of_a_loop(plant):
    pool = plant.pool(1)
    acquire = pool.acquire()
    with pytest.raises(RuntimeError, match="no running event loop"):
        acquire.send(None)
    with pytest.raises(RuntimeError, match="no running event loop"):
        pool.release(object())


def test_a_loop_that_ends_takes_nothing_with_it_that_is_counted(plant):
    pool = plant.pool(2)

    async def leave():
        plant.making_gate.hold()
        (task,) = await waiting(pool.acquire())
        await turns()
        return task

    asyncio.run(leave())
    assert state(pool) == (0, 0, 0, 0)
    plant.making_gate = Gate()
    asyncio.run(pool.aclose())


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="since Python 3.12")
def test_tasks_may_be_eager(on_fake_clock, plant):
    async def work():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        async with plant.pool(2, min_size=1, check=plant.check) as pool:
            first, second = await borrow(pool, 2)
            await pool.release(first, discard=True)
            plant.errors = [OSError("refused")]
            with pytest.raises(OSError, match="refused"):
                await pool.acquire()
            await pool.release(second, discard=True)
            await asyncio.sleep(2)
            assert state(pool) == (1, 1, 0, 0)
        assert (plant.alive, pool.size) == ([], 0)

    on_fake_clock(work())


# ---- as an object ----


async def test_its_repr_and_its_numbers(plant):
    begin = r"^<aioxide\.Pool object at 0x[0-9a-f]+ \["
    async with plant.pool(10, min_size=1) as pool:
        assert (pool.max_size, pool.min_size, pool.closed) == (10, 1, False)
        assert re.search(begin + r"open, size:1/10, idle:1, waiting:0\]>$", repr(pool))
        connections = await borrow(pool, 10)
        tasks = await waiting(pool.acquire())
        assert re.search(begin + r"open, size:10/10, idle:0, waiting:1\]>$", repr(pool))
        assert pool.statistics() == {
            "size": 10, "idle": 0, "in_use": 10, "waiting": 1, "made": 10, "closed": 0, "failed": 0
        }  # fmt: skip
        await cancelled(*tasks)
        await give_back(pool, *connections)
        for name in ("size", "idle", "in_use", "max_size", "min_size", "closed"):
            with pytest.raises(AttributeError):
                setattr(pool, name, 1)
    assert re.search(begin + r"closed, size:0/10, idle:0, waiting:0\]>$", repr(pool))


def test_it_can_neither_be_pickled_nor_copied():
    pool = aioxide.Pool(object, max_size=1)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"^cannot pickle 'aioxide\.Pool' object$"):
            attempt(pool)


def test_it_is_generic_and_can_be_subclassed():
    class Named(aioxide.Pool[int]):
        def __init__(self, name):
            super().__init__(int, max_size=2)
            self.name = name

    assert Named("mine").name == "mine"
    assert "Named object at 0x" in repr(Named("mine"))
    assert isinstance(aioxide.Pool[int](int, max_size=1), aioxide.Pool)
    assert aioxide.Pool.__module__ == "aioxide"


@pytest.mark.parametrize(
    "options",
    [{"max_size": 0}, {"max_size": -1}, {"max_size": 2, "min_size": -1}, {"max_size": 2, "min_size": 3}]
    + [
        {"max_size": 1, name: value}
        for name in ("idle_timeout", "max_lifetime")
        for value in (0, -1, math.nan, -math.inf)
    ],
    ids=repr,
)
def test_what_is_out_of_range_is_refused(options):
    with pytest.raises(ValueError, match=f"^{list(options)[-1]} must be .*, not "):
        aioxide.Pool(object, **options)


@pytest.mark.parametrize(
    "options", [{"factory": None}, {"factory": 3}, {"check": 3}, {"close": "c"}, {"max_size": "3"}], ids=repr
)
def test_what_is_of_the_wrong_type_is_refused(options):
    with pytest.raises(TypeError):
        aioxide.Pool(**{"factory": object, "max_size": 1} | options)
    with pytest.raises(TypeError):
        aioxide.Pool(object)
    with pytest.raises(TypeError):
        aioxide.Pool(object, 3)


@pytest.mark.parametrize("timeout", [-1, -0.001, math.nan, -math.inf])
async def test_a_time_limit_that_is_none_is_refused(timeout):
    async with aioxide.Pool(object, max_size=1) as pool:
        with pytest.raises(ValueError, match="must not be negative or NaN"):
            pool.acquire(timeout)
        with pytest.raises(ValueError, match="must not be negative or NaN"):
            await pool.aclose(timeout)


# ---- everything at once ----


async def storm(seed, tasks=200):
    """Tasks that borrow, use, discard, fail and are cancelled, over a plant where everything may go wrong.

    The plant and the connections fail the test when there are too many, or one has two users; at the end
    nobody may be left waiting, and every connection must be closed once.
    """
    chance = random.Random(seed)
    most = chance.randint(1, 6)
    plant = Plant(most)
    checks, min_size = chance.random() < 0.5, chance.randint(0, most)
    bad = []

    async def some_turns(most=3):
        await turns(chance.randint(0, most))

    async def make():
        plant.making += 1
        plant.count()
        try:
            await some_turns()
            if chance.random() < 0.2:
                raise OSError
            connection = Connection(len(plant.made))
            plant.made.append(connection)
        finally:
            plant.making -= 1
        plant.count()
        return connection

    async def check(connection):
        with connection.used("check"):
            try:
                await some_turns()
            except BaseException:
                connection.user = None
                raise
        return chance.random() < 0.8

    async def close(connection):
        if not connection.open or connection.user is not None:
            bad.append((connection, connection.user))
        await some_turns()
        connection.open = False

    pool = aioxide.Pool(
        make,
        max_size=most,
        min_size=min_size,
        check=check if checks else None,
        close=close,
        max_lifetime=0.02,
    )

    async def work(number):
        await some_turns(40)
        timeout = chance.choice([None, None, 0, 0.001, 60])
        try:
            if chance.random() < 0.5:
                async with pool.acquire(timeout) as connection:
                    try:
                        with connection.used(number):
                            await some_turns()
                    finally:
                        connection.user = None
                        if chance.random() < 0.2:
                            pool.discard(connection)
            else:
                connection = await pool.acquire(timeout)
                try:
                    with connection.used(number):
                        await some_turns()
                finally:
                    connection.user = None
                    await pool.release(connection, discard=chance.random() < 0.2)
        except (OSError, TimeoutError):
            return

    with contextlib.suppress(OSError):
        await pool.open()
    workers = [asyncio.create_task(work(number)) for number in range(tasks)]
    victims = chance.sample(workers, tasks // 3)
    while victims:
        await some_turns()
        victims.pop().cancel()
        assert pool.size <= most
        assert len(plant.alive) + plant.making <= most
    early = chance.random() < 0.3
    if early:
        await pool.aclose(0)
    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(*workers, return_exceptions=True)
        wrong = [
            outcome
            for outcome in outcomes
            if isinstance(outcome, Exception) and not (early and re.search(CLOSED, str(outcome)))
        ]
        assert wrong == []
        if not early:
            # All places have come back.
            connections = []
            while len(connections) < most:
                with contextlib.suppress(OSError):
                    connections.append(await pool.acquire())
            assert len(set(connections)) == most
            assert state(pool) == (most, 0, most, 0)
            await give_back(pool, *connections)
        await pool.aclose()
    assert state(pool) == (0, 0, 0, 0)
    assert (plant.alive, plant.making, bad) == ([], 0, [])
    assert so_far(pool)[:2] == (len(plant.made), len(plant.made))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_whatever_happens_every_connection_is_accounted_for(new_loop, seed):
    loop = new_loop()
    try:
        loop.run_until_complete(storm(seed))
        assert asyncio.all_tasks(loop) == set()
    finally:
        loop.close()
