"""`as_completed` keeps asyncio's contract of 3.13, and adds a limit, and operations without Tasks."""

import asyncio
import gc
import sys
import weakref
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aioxide
from aioxide import Operation, as_completed, sleep
from aioxide._core import bridge_statistics, echo, noop, pending, pending_count


async def ticks(count, value=None):
    for _ in range(count):
        await asyncio.sleep(0)
    if isinstance(value, BaseException):
        raise value
    return value


class Awaitable:
    """An object that is awaitable and nothing else."""

    def __init__(self, value):
        self.value = value

    def __await__(self):
        yield
        return self.value


async def plainly(*args, **kwargs):
    return [await one for one in as_completed(*args, **kwargs)]


async def asynchronously(*args, **kwargs):
    return [await one async for one in as_completed(*args, **kwargs)]


both = pytest.mark.parametrize("collect", [plainly, asynchronously])


@both
async def test_everything_comes_once(collect):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, "future")
    results = await collect(
        [
            echo("echo"),
            ticks(3, "coroutine"),
            future,
            Awaitable("awaitable"),
            noop(),
            sleep(0.001, "sleep"),
            asyncio.create_task(ticks(1, "task")),
            sleep(0, "yield"),
        ]
    )
    assert sorted(map(str, results)) == sorted(
        ["echo", "coroutine", "future", "awaitable", "None", "sleep", "task", "yield"]
    )


@both
async def test_the_first_to_end_comes_first(collect):
    assert await collect(ticks(9 - n, n) for n in range(10)) == list(range(9, -1, -1))


@both
async def test_nothing(collect):
    assert await collect([]) == []
    assert await collect([], timeout=0, limit=1) == []


@both
async def test_duplicates_come_once(collect):
    coroutine, operation, future = ticks(1, 1), echo(2), asyncio.ensure_future(ticks(1, 3))
    results = await collect([coroutine, operation, coroutine, future, operation, future])
    assert sorted(results) == [1, 2, 3]


@both
async def test_thousands_of_native_operations_without_a_task(collect):
    before = len(asyncio.all_tasks())
    results = []
    for step in [as_completed([echo(n) for n in range(3_000)], limit=limit) for limit in (None, 50)]:
        assert len(asyncio.all_tasks()) == before
        results.append([await one for one in step])
    results.append(await collect([echo(n) for n in range(3_000)]))
    assert [sorted(result) for result in results] == [list(range(3_000))] * 3


async def test_native_operations_come_while_others_run(until):
    iterator = as_completed([pending(), noop(), echo(1)])
    assert {await next(iterator), await next(iterator)} == {None, 1}
    await until(lambda: pending_count() == 1)
    del iterator
    await until(lambda: pending_count() == 0)


async def test_what_async_for_gives():
    future = asyncio.get_running_loop().create_future()
    future.set_result("future")
    task = asyncio.ensure_future(ticks(2, "task"))
    coroutine, operation = ticks(1, "coroutine"), echo("operation")
    seen = {}
    async for done in as_completed([future, task, coroutine, operation]):
        assert isinstance(done, asyncio.Future)
        assert done.done()
        seen[done.result()] = done
    assert seen["future"] is future
    assert seen["task"] is task
    assert isinstance(seen["coroutine"], asyncio.Task)
    assert seen["coroutine"].get_coro() is coroutine
    assert seen.keys() == {"future", "task", "coroutine", "operation"}


async def test_what_plain_iteration_gives():
    for one in as_completed([ticks(1, 1), echo(1)]):
        assert isinstance(one, Operation)
        assert asyncio.iscoroutine(one)
        assert await one == 1


@both
async def test_exceptions_come_in_their_turn(collect):
    error = LookupError("mine")
    with pytest.raises(LookupError) as raised:
        await collect([ticks(1, error), sleep(60)])
    assert raised.value is error


async def test_after_an_exception_the_rest_still_comes():
    seen = []
    for one in as_completed([ticks(1, LookupError("mine")), ticks(0, 1), echo(2), ticks(5, 3)]):
        try:
            seen.append(await one)
        except LookupError as error:
            seen.append(error.args)
    assert sorted(map(str, seen)) == ["('mine',)", "1", "2", "3"]


async def test_an_operation_awaited_before_fails_alone():
    operation = echo(1)
    await operation
    results = []
    for one in as_completed([operation, echo(2)]):
        try:
            results.append(await one)
        except RuntimeError as error:
            results.append(str(error))
    assert sorted(map(str, results)) == ["2", "cannot reuse already awaited operation 'echo'"]


async def test_all_at_once():
    awaitables = list(as_completed([ticks(n, n) for n in range(20)] + [echo(20)]))
    assert sorted(await asyncio.gather(*awaitables)) == list(range(21))


async def test_a_cancelled_wait_passes_its_end_on():
    future = asyncio.get_running_loop().create_future()
    first, second = map(asyncio.ensure_future, as_completed([future, ticks(50, "late")]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    future.set_result("early")
    # Past the callback that wakes the first, before it has run.
    asyncio.get_running_loop().call_soon(first.cancel)
    assert await second == "early"
    await asyncio.wait([first])
    assert first.cancelled()


async def test_a_cancelled_anext_loses_nothing():
    iterator = as_completed([sleep(0.05, 1), ticks(0, 0)])
    assert await (await anext(iterator)) == 0
    with pytest.raises(TimeoutError):
        await aioxide.wait_for(anext(iterator), 0.001)
    assert await (await anext(iterator)) == 1
    with pytest.raises(StopAsyncIteration):
        await anext(iterator)


# ---- the limit ----


@both
@pytest.mark.parametrize("limit", [1, 2, 7, 100])
async def test_no_more_than_the_limit_run(collect, limit):
    now = most = 0

    async def body(value):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await ticks(1 + value % 3)
        now -= 1
        return value

    assert sorted(await collect([body(n) for n in range(30)], limit=limit)) == list(range(30))
    assert most == min(limit, 30)


@both
async def test_a_limit_is_for_native_operations_and_coroutines_together(collect, until):
    mixed = [echo(n) if n % 2 else ticks(2, n) for n in range(40)]
    assert sorted(await collect(mixed, limit=3)) == list(range(40))
    iterator = as_completed([pending() for _ in range(10)], limit=4)
    await until(lambda: pending_count() == 4)
    for _ in range(50):
        await noop()
    assert pending_count() == 4
    del iterator
    await until(lambda: pending_count() == 0)


async def test_with_a_limit_they_start_in_order():
    started = []

    async def body(value):
        started.append(value)
        await asyncio.sleep(0)

    for one in as_completed([body(n) for n in range(10)], limit=2):
        await one
    assert started == list(range(10))


async def test_what_waits_for_its_start_is_dropped_with_the_iterator():
    started = []

    async def body(value):
        started.append(value)
        await asyncio.sleep(0)

    for one in as_completed([body(n) for n in range(10)], limit=2):
        await one
        break
    del one
    for _ in range(10):
        await asyncio.sleep(0)
    # Those that ran go on; nobody is warned of the others.
    assert len(started) < 6
    gc.collect()


# ---- the timeout ----


@both
async def test_a_timeout_ends_the_wait_and_stops_native_work(collect, until):
    task = asyncio.ensure_future(sleep(3_600))
    with pytest.raises(TimeoutError):
        await collect([pending(), task, echo(1)], timeout=0.01)
    await until(lambda: pending_count() == 0)
    # As with asyncio.
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


def test_what_ended_before_the_timeout_comes_and_the_rest_raises(on_fake_clock):
    async def main(as_completed):
        seen = []
        for one in as_completed([asyncio.sleep(n, n) for n in (1, 9, 2, 8)], timeout=5):
            try:
                seen.append(await one)
            except TimeoutError:
                seen.append("timeout")
        await asyncio.sleep(10)
        return seen

    assert on_fake_clock(main(as_completed)) == on_fake_clock(main(asyncio.as_completed))


def test_a_timeout_that_is_not_reached_leaves_no_timer(on_fake_clock):
    async def main():
        loop = asyncio.get_running_loop()
        for one in as_completed([asyncio.sleep(1), sleep(2)], timeout=1_000):
            await one
        return [handle for handle in loop._scheduled if not handle.cancelled()]

    assert on_fake_clock(main()) == []


async def test_dropping_it_withdraws_its_timer():
    iterator = as_completed([pending()], timeout=3_600)
    await noop()
    del iterator
    await noop()
    assert bridge_statistics()["sleeping"] == 0


# ---- bad input ----


async def test_one_awaitable_is_no_iterable_of_them():
    coroutine, operation = ticks(0), noop()
    future = asyncio.get_running_loop().create_future()
    for aw in (coroutine, operation, future):
        with pytest.raises(TypeError, match="expects an iterable of awaitables"):
            as_completed(aw)
    coroutine.close()
    operation.close()


@pytest.mark.parametrize("aws", [None, 1, [1], [None, "text"]], ids=repr)
async def test_what_is_not_awaitable_is_a_type_error_at_the_call(aws):
    with pytest.raises(TypeError):
        as_completed(aws)


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_below_one_is_a_value_error_at_the_call(limit):
    with pytest.raises(ValueError, match="limit must be at least 1"):
        as_completed([], limit=limit)


async def test_a_timeout_that_is_nan_is_a_value_error_at_the_call():
    with pytest.raises(ValueError, match="NaN"):
        as_completed([], timeout=float("nan"))
    with pytest.raises(TypeError):
        as_completed([], timeout="1")


async def test_a_future_of_another_loop_is_a_value_error_at_the_call():
    other = asyncio.new_event_loop()
    try:
        with pytest.raises(ValueError, match="different loop"):
            as_completed([other.create_future()])
    finally:
        other.close()


def test_without_a_loop_it_is_a_runtime_error_at_the_call(script):
    printed = script.works(
        """
        import asyncio, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        import aioxide
        asyncio.set_event_loop(None)
        coroutine = asyncio.sleep(0)
        try:
            aioxide.as_completed([coroutine])
        except RuntimeError as error:
            print("no current event loop" in str(error))
        coroutine.close()
        """
    )
    assert printed == "True\n"


async def test_an_exception_of_the_iterable_comes_through():
    def broken():
        yield echo(1)
        raise LookupError("mine")

    with pytest.raises(LookupError), pytest.warns(RuntimeWarning, match="never awaited"):
        as_completed(broken())


# ---- loops, memory ----


def test_before_the_loop_runs(new_loop):
    loop = new_loop()
    asyncio.set_event_loop(loop)
    try:
        # asyncio itself makes tasks of another loop's coroutines here.
        iterator = as_completed([ticks(1, 1), echo(2)])
        assert {loop.run_until_complete(next(iterator)), loop.run_until_complete(next(iterator))} == {1, 2}
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_a_loop_closed_meanwhile(new_loop):
    loop = new_loop()

    async def main():
        iterator = as_completed([pending(), noop()])
        await next(iterator)
        return iterator

    iterator = loop.run_until_complete(main())
    loop.close()
    del iterator

    async def stopped():
        for _ in range(5_000):
            if not pending_count():
                return
            await noop()
        pytest.fail("still running")

    asyncio.run(stopped())


async def test_nothing_is_kept():
    class Thing:
        pass

    things = [Thing() for _ in range(3)]
    gone = [weakref.ref(thing) for thing in things]
    iterator = as_completed([echo(things[0]), ticks(1, things[1]), ticks(0, things[2])])
    del things
    async for done in iterator:
        del done
    gone.append(weakref.ref(iterator))
    del iterator
    gc.collect()
    await asyncio.sleep(0)
    assert [ref() for ref in gone] == [None] * 4


async def test_it_says_what_it_is():
    iterator = as_completed([echo(1), ticks(1)])
    assert repr(iterator) == "<aioxide.as_completed, 2 to come>"
    assert iter(iterator) is iterator
    assert aiter(iterator) is iterator
    for one in iterator:
        await one
    assert repr(iterator) == "<aioxide.as_completed, 0 to come>"


# ---- against asyncio's ----


@dataclass(frozen=True)
class Child:
    kind: str
    # When it ends: no two of a program end at the same time.
    delay: int
    fails: bool


async def body(number, child):
    await asyncio.sleep(child.delay)
    if child.fails:
        raise LookupError(number)
    return number


def make(number, child):
    match child.kind:
        case "coroutine":
            return body(number, child)
        case "task":
            return asyncio.ensure_future(body(number, child))
        case "sleep":
            return sleep(child.delay, number)
    raise AssertionError(child)


async def run(as_completed, children, *, is_async, **options):
    loop = asyncio.get_running_loop()
    begin = loop.time()
    aws = [make(number, child) for number, child in enumerate(children)]
    seen = []
    if is_async:
        try:
            async for one in as_completed(aws, **options):
                error = one.exception()
                seen.append((loop.time() - begin, one.result() if error is None else error.args))
        except TimeoutError:
            seen.append((loop.time() - begin, "timeout"))
    else:
        for one in as_completed(aws, **options):
            try:
                seen.append((loop.time() - begin, await one))
            except LookupError as error:
                seen.append((loop.time() - begin, error.args))
            except TimeoutError:
                seen.append((loop.time() - begin, "timeout"))
    # What is left runs on, and is not to be complained of.
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    if rest:
        await asyncio.wait(rest)
        for task in rest:
            task.exception()
    return seen


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(st.sampled_from(["coroutine", "task", "sleep"]), st.booleans()), max_size=8).flatmap(
        lambda drawn: st.permutations(range(1, len(drawn) + 1)).map(
            lambda delays: [
                Child(kind, 2 * delay, fails and kind != "sleep")
                for (kind, fails), delay in zip(drawn, delays, strict=True)
            ]
        )
    ),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 9).map(lambda n: 2 * n + 1)),
)
def test_as_asyncio(on_fake_clock, children, is_async, timeout):
    is_async = is_async and sys.version_info >= (3, 13)
    theirs = on_fake_clock(run(asyncio.as_completed, children, is_async=is_async, timeout=timeout))
    ours = on_fake_clock(run(as_completed, children, is_async=is_async, timeout=timeout))
    assert ours == theirs
