"""`amap`: results in order, in little memory, and nothing runs on when it is left."""

import asyncio
import contextlib
import functools
import gc
import sys
import tracemalloc
import weakref

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aioxide import amap, sleep, to_thread
from aioxide._core import bridge_statistics, echo, noop, pending, pending_count


async def ticks(count, value=None):
    for _ in range(count):
        await asyncio.sleep(0)
    return value


async def feed(items):
    for item in items:
        await asyncio.sleep(0)
        yield item


class Awaitable:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        yield
        return self.value


def of_future(value):
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, value)
    return future


async def collect(*args, **kwargs):
    return [result async for result in amap(*args, **kwargs)]


sources = pytest.mark.parametrize("source", [list, iter, feed], ids=["iterable", "iterator", "async"])
kinds = pytest.mark.parametrize(
    "func",
    [
        echo,
        functools.partial(ticks, 0),
        functools.partial(ticks, 2),
        functools.partial(sleep, 0),
        functools.partial(sleep, 0.001),
        functools.partial(to_thread, int),
        of_future,
        Awaitable,
        lambda value: asyncio.ensure_future(ticks(1, value)),
    ],
    ids=["native", "at once", "coroutine", "yield", "sleep", "thread", "future", "awaitable", "task"],
)


@sources
@kinds
@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_every_kind_of_awaitable_from_every_source(source, func, limit):
    items = range(20)
    assert await collect(func, source(items), limit=limit) == list(items)
    assert sorted(await collect(func, source(items), limit=limit, ordered=False)) == list(items)


@sources
async def test_nothing(source):
    assert await collect(echo, source([]), limit=3) == []


@pytest.mark.parametrize("value", [None, (), (1, 2), LookupError("a value"), StopIteration(1)], ids=repr)
async def test_any_value_is_a_result(value):
    assert await collect(lambda _: echo(value), [1], limit=1) == [value]


async def test_unordered_results_come_as_they_end():
    delays = [9, 1, 5, 3]
    assert await collect(lambda n: ticks(n, n), delays, limit=4, ordered=False) == sorted(delays)
    assert await collect(lambda n: ticks(n, n), delays, limit=4) == delays


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 7])
@sources
async def test_the_limit_holds_and_items_are_pulled_as_needed(source, ordered, limit):
    now = most = pulled = given = 0

    def items():
        nonlocal pulled
        for item in range(40):
            pulled += 1
            yield item

    async def body(item):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await ticks(1 + item % 3)
        now -= 1

    async for _ in amap(body, items() if source is not feed else feed(items()), limit=limit, ordered=ordered):
        given += 1
        assert pulled <= given + limit
    assert given == pulled == 40
    # One item a turn of the loop is too slow for more.
    assert most == limit if source is not feed else most <= limit


async def test_a_slow_consumer_holds_the_source_back():
    pulled = []

    def items():
        for item in range(1_000):
            pulled.append(item)
            yield item

    async for _ in amap(echo, items(), limit=5):
        for _ in range(20):
            await asyncio.sleep(0)
        if len(pulled) > 50:
            break
        assert len(pulled) <= 50


async def test_what_has_room_runs_while_the_body_works(until):
    started = []

    async def body(item):
        started.append(item)
        await noop()

    async for _ in amap(body, range(10), limit=4):
        await until(lambda: len(started) >= 5)
        break


@pytest.mark.parametrize("ordered", [True, False])
async def test_many_items_take_the_memory_of_the_limit(ordered):
    async def run(count):
        tracemalloc.start()
        total = 0
        async for value in amap(functools.partial(ticks, 1), range(count), limit=10, ordered=ordered):
            total += value
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert total == count * (count - 1) // 2
        return peak

    await run(100)
    small, large = await run(200), await run(5_000)
    assert large < small + 50_000


async def test_a_map_over_what_ends_at_once_lets_the_loop_turn():
    turned = 0

    async def turn():
        nonlocal turned
        while True:
            await asyncio.sleep(0)
            turned += 1

    turner = asyncio.ensure_future(turn())
    async for _ in amap(functools.partial(ticks, 0), range(5_000), limit=10):
        pass
    assert turned > 10
    turner.cancel()
    await asyncio.wait([turner])


# ---- failures ----


async def until_it_fails(iterator):
    seen = []
    try:
        async for result in iterator:
            seen.append(result)
    except LookupError as error:
        return seen, error
    pytest.fail("it has not failed")


class Counted:
    """Bodies that never end, and how many of them were cancelled."""

    def __init__(self):
        self.begun = self.cancelled = 0

    async def forever(self):
        self.begun += 1
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            # It has ended only after this.
            await asyncio.sleep(0)
            self.cancelled += 1
            raise


@pytest.mark.parametrize("ordered", [True, False])
async def test_the_first_exception_cancels_what_runs_and_is_raised(ordered):
    error = LookupError("first")
    counted = Counted()

    async def body(item):
        if item < 3:
            return item
        if item == 5:
            await ticks(3)
            raise error
        return await counted.forever()

    iterator = amap(body, range(100), limit=6, ordered=ordered)
    assert await until_it_fails(iterator) == ([0, 1, 2], error)
    assert counted.begun == counted.cancelled == 5
    with pytest.raises(StopAsyncIteration):
        await anext(iterator)


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_failure_stops_native_work(ordered, until):
    async def fail():
        await until(lambda: pending_count() == 3)
        raise LookupError

    with pytest.raises(LookupError):
        await collect(lambda item: fail() if item == 3 else pending(), range(100), limit=4, ordered=ordered)
    await until(lambda: pending_count() == 0)


@pytest.mark.parametrize("ordered", [True, False])
@sources
async def test_an_exception_of_the_function_itself(ordered, source):
    counted = Counted()

    def func(item):
        if item == 2:
            raise LookupError("mine")
        return counted.forever()

    with pytest.raises(LookupError, match="mine"):
        await collect(func, source(range(5)), limit=4, ordered=ordered)
    assert counted.begun == counted.cancelled


@pytest.mark.parametrize("ordered", [True, False])
async def test_an_exception_of_the_iterable(ordered):
    counted = Counted()

    def broken():
        yield 1
        yield 2
        raise LookupError("mine")

    async def broken_later():
        for item in broken():
            await asyncio.sleep(0)
            yield item

    for source in (broken(), broken_later()):
        with pytest.raises(LookupError, match="mine"):
            await collect(lambda _: counted.forever(), source, limit=4, ordered=ordered)
    assert counted.begun == counted.cancelled


@pytest.mark.parametrize("ordered", [True, False])
async def test_results_before_a_failure_are_given(ordered):
    def broken():
        yield from range(7)
        raise LookupError("mine")

    seen, error = await until_it_fails(amap(functools.partial(ticks, 0), broken(), limit=3, ordered=ordered))
    # Before 3.12 a coroutine begins in the loop's next turn, and the last two may not have begun yet.
    assert seen == list(range(len(seen)))
    assert len(seen) == 7 if sys.version_info >= (3, 12) else len(seen) >= 5
    assert error.args == ("mine",)


@pytest.mark.parametrize("given", [None, 3, "text"])
async def test_a_function_that_gives_nothing_to_await(given):
    with pytest.raises(TypeError, match="awaitable is required"):
        await collect(lambda _: given, range(3), limit=2)


async def test_an_operation_awaited_before():
    operation = echo(1)
    await operation
    with pytest.raises(RuntimeError, match="cannot reuse"):
        await collect(lambda _: operation, range(3), limit=2)


async def test_one_that_suppresses_its_cancellation_is_waited_for():
    ended = []

    async def body(item):
        if item:
            raise LookupError
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await ticks(5)
            ended.append(item)

    with pytest.raises(LookupError):
        await collect(body, range(2), limit=2)
    assert ended == [0]


async def test_a_child_cancelled_by_somebody_else():
    async def body(item):
        if item == 1:
            asyncio.current_task().cancel("mine")
        await asyncio.sleep(0)
        return item

    with pytest.raises(asyncio.CancelledError, match="mine"):
        await collect(body, range(5), limit=1)
    assert asyncio.current_task().cancelling() == 0


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_the_loop(new_loop, error):
    async def body(item):
        await asyncio.sleep(0)
        if item == 1:
            raise error
        await asyncio.sleep(3_600)

    loop = new_loop()
    task = loop.create_task(collect(body, range(5), limit=3))
    try:
        with pytest.raises(error):
            loop.run_until_complete(task)
        # uvloop goes on with the turn, and then the task has had it already.
        if task.cancel():
            with contextlib.suppress(error, asyncio.CancelledError):
                loop.run_until_complete(task)
    finally:
        loop.close()


# ---- leaving early ----


@sources
async def test_closing_cancels_what_runs_and_waits_for_its_end(source):
    counted = Counted()

    def func(item):
        return echo(item) if item == 0 else counted.forever()

    iterator = amap(func, source(range(100)), limit=5)
    assert await anext(iterator) == 0
    for _ in range(20):
        await asyncio.sleep(0)
    await iterator.aclose()
    assert counted.cancelled == counted.begun == 5
    with pytest.raises(StopAsyncIteration):
        await anext(iterator)


async def test_closing_stops_native_work(until):
    async with contextlib.aclosing(amap(lambda n: pending() if n else echo(n), range(9), limit=4)) as results:
        async for _ in results:
            break
        await until(lambda: pending_count() == 4)
    await until(lambda: pending_count() == 0)


async def test_leaving_the_loop_stops_what_runs(until):
    counted = Counted()
    async for _ in amap(lambda n: counted.forever() if n else echo(n), range(9), limit=4):
        break
    await until(lambda: counted.cancelled == counted.begun == 4)


@sources
async def test_cancelling_whoever_waits_stops_what_runs_first(source):
    counted = Counted()
    task = asyncio.ensure_future(collect(lambda _: counted.forever(), source(range(9)), limit=4))
    for _ in range(20):
        await asyncio.sleep(0)
    assert counted.begun == 4
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert counted.cancelled == 4


async def test_an_async_source_that_waits_is_left():
    left = []

    async def source():
        try:
            yield 1
            await asyncio.get_running_loop().create_future()
        finally:
            left.append(True)

    iterator = amap(echo, source(), limit=3)
    assert await anext(iterator) == 1
    await asyncio.sleep(0)
    await iterator.aclose()
    assert left == [True]


async def test_one_never_begun_does_nothing():
    def items():
        raise AssertionError("pulled")
        yield

    iterator = amap(echo, items(), limit=3)
    await iterator.aclose()
    amap(echo, items(), limit=3)
    amap(echo, feed(items()), limit=3)


async def test_nothing_is_kept():
    class Thing:
        pass

    gone = []

    def make():
        for _ in range(10):
            thing = Thing()
            gone.append(weakref.ref(thing))
            yield thing
            del thing

    async for thing in amap(lambda thing: ticks(1, thing), make(), limit=3):
        del thing
        if len(gone) == 8:
            break
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert [ref() for ref in gone] == [None] * 8


# ---- bad input ----


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_a_value_error_at_the_call(limit):
    with pytest.raises(ValueError, match="limit must be at least 1"):
        amap(echo, [], limit=limit)


@pytest.mark.parametrize("limit", [None, "1", 1.5, [1]], ids=repr)
def test_a_limit_that_is_no_whole_number_is_a_type_error_at_the_call(limit):
    with pytest.raises(TypeError):
        amap(echo, [], limit=limit)


def test_a_limit_is_needed():
    with pytest.raises(TypeError):
        amap(echo, [])


@pytest.mark.parametrize("iterable", [None, 1, echo], ids=["None", "1", "function"])
def test_what_cannot_be_iterated_is_a_type_error_at_the_call(iterable):
    with pytest.raises(TypeError):
        amap(echo, iterable, limit=1)


def test_what_cannot_be_called_is_a_type_error_at_the_call():
    with pytest.raises(TypeError, match="func must be callable"):
        amap(3, [], limit=1)


# ---- properties ----


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=20),
    st.integers(1, 6),
    st.booleans(),
    st.booleans(),
)
def test_results_and_moments_are_those_of_a_window(on_fake_clock, items, limit, is_async, native):
    """Each item begins as soon as fewer than `limit` are running or not taken; a model says when."""

    async def main():
        loop = asyncio.get_running_loop()
        begin = loop.time()
        seen, started = [], []

        async def body(item):
            number, (delay, _) = item
            started.append((number, loop.time() - begin))
            return await (sleep if native else asyncio.sleep)(delay, number)

        numbered = enumerate(items)
        async for number in amap(body, feed(numbered) if is_async else numbered, limit=limit):
            seen.append((number, loop.time() - begin))
            await asyncio.sleep(items[number][1])
        return started, seen

    started, seen, ends = [], [], []
    now = 0
    for number, (delay, _) in enumerate(items[:limit]):
        started.append((number, 0))
        ends.append(delay)
    for number, (_, busy) in enumerate(items):
        now = max(now, ends[number])
        seen.append((number, now))
        if number + limit < len(items):
            started.append((number + limit, now))
            ends.append(now + items[number + limit][0])
        now += busy
    assert on_fake_clock(main()) == (started, seen)


async def test_nothing_of_it_sleeps_on():
    assert await collect(echo, range(100), limit=7) == list(range(100))
    assert bridge_statistics()["sleeping"] == 0
