"""`gather` keeps asyncio's contract, and what it adds: a limit, and native children without Tasks."""

import asyncio
import contextvars
import gc
import sys
import threading

import pytest

from aioxide import gather, sleep, timeout
from aioxide._core import bridge_statistics, echo, noop, pending, pending_count

NAMES = contextvars.ContextVar("NAMES", default="unset")


class Awaitable:
    """An object that is awaitable and nothing else."""

    def __init__(self, value):
        self.value = value

    def __await__(self):
        yield
        return self.value


class Count:
    """How many are inside now, and how many were at most."""

    def __init__(self):
        self.now = self.most = self.entered = 0

    def __enter__(self):
        self.now += 1
        self.entered += 1
        self.most = max(self.most, self.now)

    def __exit__(self, *exc):
        self.now -= 1


async def ticks(count, value=None):
    for _ in range(count):
        await asyncio.sleep(0)
    if isinstance(value, BaseException):
        raise value
    return value


async def test_results_are_in_the_order_of_the_arguments():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, "future")
    results = await gather(
        echo("echo"),
        ticks(3, "coroutine"),
        future,
        Awaitable("awaitable"),
        noop(),
        sleep(0.001, "sleep"),
        asyncio.create_task(ticks(1, "task")),
        sleep(0, "yield"),
    )
    assert results == ["echo", "coroutine", "future", "awaitable", None, "sleep", "task", "yield"]
    assert type(results) is list


async def test_it_is_a_future_of_the_loop_that_starts_at_once(until):
    future = gather(pending(), sleep(3600))
    assert isinstance(future, asyncio.Future)
    assert future.get_loop() is asyncio.get_running_loop()
    await until(lambda: pending_count() == 1)
    called = []
    future.add_done_callback(called.append)
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future
    assert called == [future]


async def test_nothing_gives_an_empty_list():
    assert await gather() == []
    assert await gather(limit=3, return_exceptions=True) == []


async def test_duplicates_run_once_and_count_twice():
    ran = []

    async def one():
        ran.append(1)
        return "coroutine"

    coroutine, operation, future = one(), echo("operation"), asyncio.ensure_future(ticks(1, "task"))
    results = await gather(coroutine, operation, coroutine, future, operation, future, operation)
    assert results == ["coroutine", "operation", "coroutine", "task", "operation", "task", "operation"]
    assert ran == [1]
    operation = echo("native")
    assert await gather(operation, operation) == ["native"] * 2


async def test_results_that_are_tuples_or_exceptions_are_results():
    error = LookupError("a value")
    assert await gather(echo((1, 2)), echo(error), ticks(0, (3,)), echo(())) == [(1, 2), error, (3,), ()]


@pytest.mark.parametrize("fail_in", [0, 1, 5])
async def test_the_first_exception_is_raised_and_the_others_go_on(fail_in):
    error = LookupError("first")
    ended = []

    async def other():
        await ticks(fail_in + 4)
        ended.append("other")

    future = gather(other(), ticks(fail_in, error), ticks(fail_in + 8, LookupError("second")), noop())
    with pytest.raises(LookupError) as raised:
        await future
    assert raised.value is error
    assert ended == []
    await ticks(16)
    assert ended == ["other"]


async def test_return_exceptions_puts_them_where_they_belong():
    error = LookupError()
    cancelled = asyncio.create_task(ticks(100))
    cancelled.cancel("reason")
    results = await gather(ticks(1, error), noop(), cancelled, echo(1), return_exceptions=True)
    assert results[0] is error
    assert results[1] is None
    assert isinstance(results[2], asyncio.CancelledError)
    assert results[2].args == ("reason",)
    assert results[3] == 1


async def test_an_operation_awaited_before_is_an_error_of_that_child():
    used = echo(1)
    await used
    results = await gather(used, echo(2), used, return_exceptions=True)
    assert isinstance(results[0], RuntimeError)
    assert "cannot reuse already awaited" in str(results[0])
    assert results[0] is results[2]
    assert results[1] == 2
    with pytest.raises(RuntimeError, match="cannot reuse already awaited"):
        await gather(used)


async def test_an_operation_given_to_it_is_spent():
    operation = echo(1)
    future = gather(operation)
    with pytest.raises(RuntimeError, match="cannot reuse already awaited"):
        await operation
    assert await future == [1]


@pytest.mark.parametrize("bad", [1, None, "text", object(), [], print])
async def test_what_cannot_be_awaited_is_refused(bad):
    with pytest.raises(TypeError, match=r"An asyncio\.Future, a coroutine or an awaitable is required"):
        gather(bad)


@pytest.mark.parametrize("limit", [0, -1, -(2**40)])
async def test_a_limit_below_one_is_refused(limit):
    with pytest.raises(ValueError, match="limit must be at least 1"):
        gather(limit=limit)


@pytest.mark.parametrize("limit", [1.5, "2", (1,)])
async def test_a_limit_that_is_no_number_is_refused(limit):
    with pytest.raises(TypeError, match="limit"):
        gather(limit=limit)


async def test_a_limit_of_true_is_the_number_it_is_in_python():
    assert await gather(echo(1), echo(2), limit=True) == [1, 2]


async def test_options_are_for_keywords():
    with pytest.raises(TypeError, match="unexpected keyword"):
        gather(loop=None)


def test_futures_of_two_loops_are_refused(new_loop):
    first, second = new_loop(), new_loop()
    with pytest.raises(ValueError, match="belongs to a different loop"):
        gather(first.create_future(), second.create_future())
    first.close()
    second.close()


async def test_futures_of_another_loop_are_refused(new_loop):
    other = new_loop()
    with pytest.raises((ValueError, RuntimeError), match="different loop"):
        await gather(other.create_future(), asyncio.get_running_loop().create_future())
    other.close()


@pytest.mark.filterwarnings("ignore:There is no current event loop:DeprecationWarning")
def test_without_a_loop_it_is_asyncios_error():
    """In a thread that never had one."""
    outcome = []

    def run():
        operation = noop()
        coroutine = ticks(0)
        for aw in ((operation,), (coroutine,), ()):
            try:
                gather(*aw)
            except RuntimeError as error:
                outcome.append(str(error))
        operation.close()
        coroutine.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(outcome) == 3
    assert all("no current event loop" in text for text in outcome), outcome


def test_a_loop_that_does_not_run_yet_is_found_by_its_futures(new_loop):
    loop = new_loop()
    one, two = loop.create_future(), loop.create_future()
    future = gather(one, two)
    assert future.get_loop() is loop
    loop.call_soon(one.set_result, 1)
    loop.call_soon(two.set_result, 2)
    assert loop.run_until_complete(future) == [1, 2]
    loop.close()


async def test_custom_task_factories_make_the_tasks():
    loop = asyncio.get_running_loop()
    made = []

    def factory(loop, coroutine, **options):
        made.append(coroutine)
        options.pop("eager_start", None)
        return asyncio.Task(coroutine, loop=loop, **options)

    loop.set_task_factory(factory)
    try:
        assert await gather(ticks(1, "a"), noop(), ticks(0, "b"), Awaitable("c")) == ["a", None, "b", "c"]
    finally:
        loop.set_task_factory(None)
    assert len(made) == 3


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
@pytest.mark.asyncio(loop_factories=["asyncio", "no-add-reader"])
async def test_the_eager_task_factory():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    steps = []

    async def one():
        steps.append("started")
        await noop()
        return "one"

    try:
        future = gather(one(), ticks(0, "two"), echo("three"))
        assert steps == ["started"]
        assert await future == ["one", "two", "three"]
    finally:
        loop.set_task_factory(None)


async def test_coroutines_take_their_first_steps_in_the_next_turn_and_in_order():
    order = []

    async def one(name):
        order.append(name)

    future = gather(one("a"), one("b"), one("c"))
    assert order == []
    await asyncio.sleep(0)
    assert order == ["a", "b", "c"]
    await future


async def test_each_child_has_its_own_copy_of_the_context():
    async def one(name):
        seen = [NAMES.get()]
        NAMES.set(name)
        await noop()
        await asyncio.sleep(0)
        return [*seen, NAMES.get()]

    NAMES.set("outer")
    assert await gather(one("a"), one("b"), one("c")) == [["outer", name] for name in "abc"]
    assert NAMES.get() == "outer"


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_a_child_that_waited_for_the_limit_has_the_callers_context(limit):
    """Not that of the child whose end let it start, nor what the caller changed since."""

    async def one(name):
        seen = NAMES.get()
        NAMES.set(name)
        await asyncio.sleep(0)
        return seen

    async def other(name):
        seen = NAMES.get()
        NAMES.set(name)
        return seen

    NAMES.set("outer")
    future = gather(
        one(1), other(2), one(3), noop(), other(4), Awaitable("outer"), one(5), one(6), limit=limit
    )
    await asyncio.sleep(0)
    NAMES.set("later")
    results = await future
    assert [result for result in results if result is not None] == ["outer"] * 7


async def test_a_limit_holds_at_any_moment():
    for limit in (1, 2, 7, 50):
        count = Count()

        async def one(number, count=count):
            with count:
                await noop()
                await asyncio.sleep(0)
                await sleep(1e-9)
            return number

        assert await gather(*(one(number) for number in range(50)), limit=limit) == list(range(50))
        assert count.most == min(limit, 50)


async def test_futures_that_end_do_not_loosen_the_limit():
    """They run by themselves, and so do not count."""
    count = Count()

    async def one():
        with count:
            await ticks(5)

    futures = [asyncio.create_task(ticks(number % 4)) for number in range(20)]
    await gather(*futures, *(one() for _ in range(10)), limit=2)
    assert count.most == 2


async def test_a_limit_of_native_children_holds(until):
    future = gather(*(pending() for _ in range(10)), limit=3)
    await until(lambda: pending_count() == 3)
    for _ in range(20):
        await noop()
    assert pending_count() == 3
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future


async def test_a_limit_counts_native_and_python_children_together(until):
    count = Count()

    async def one():
        with count:
            for _ in range(5):
                await noop()
                assert pending_count() + count.now <= 3

    future = gather(pending(), one(), pending(), one(), pending(), one(), limit=3)
    # The two that end let the third pending in, and the last one has to wait for ever.
    await until(lambda: pending_count() == 3)
    for _ in range(20):
        await noop()
    assert (count.entered, count.now) == (2, 0)
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future


async def test_under_a_limit_they_start_in_order():
    order = []

    async def one(number):
        order.append(number)
        await ticks(number % 3)

    await gather(*(one(number) for number in range(30)), limit=4)
    assert order == list(range(30))


async def test_a_limit_and_a_failure_the_rest_still_runs():
    count = Count()

    async def one():
        with count:
            await ticks(2)

    future = gather(ticks(0, LookupError()), *(one() for _ in range(10)), limit=2)
    with pytest.raises(LookupError):
        await future
    await ticks(100)
    assert (count.entered, count.now) == (10, 0)
    assert count.most <= 2


async def test_a_thousand_that_end_at_once_under_a_limit_do_not_nest():
    assert await gather(*(ticks(0, number) for number in range(5_000)), limit=1) == list(range(5_000))
    assert await gather(*(sleep(0, number) for number in range(5_000)), limit=2) == list(range(5_000))


async def test_native_children_make_few_rings_and_no_tasks():
    before = bridge_statistics()["rings"]
    tasks = asyncio.all_tasks()
    future = gather(*(noop() for _ in range(10_000)))
    assert asyncio.all_tasks() == tasks
    assert bridge_statistics()["sleeping"] <= 1
    assert await future == [None] * 10_000
    assert bridge_statistics()["rings"] - before <= 2


async def test_cancelling_stops_native_children(until):
    future = gather(*(pending() for _ in range(50)), sleep(3600), sleep(3600, 1))
    await until(lambda: pending_count() == 50)
    assert future.cancel("no more")
    assert not future.done()
    with pytest.raises(asyncio.CancelledError) as error:
        await future
    assert error.value.args == ("no more",)
    await until(lambda: pending_count() == 0)
    assert bridge_statistics()["sleeping"] == 0
    assert future.cancel() is False


async def test_cancelling_reaches_every_kind_of_child(until):
    cancelled = []

    async def one(name):
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError as error:
            cancelled.append((name, error.args))
            raise

    task = asyncio.create_task(one("task"))
    plain = asyncio.get_running_loop().create_future()
    future = gather(one("coroutine"), task, plain, pending(), sleep(3600), echo(1))
    await until(lambda: pending_count() == 1)
    await ticks(3)
    future.cancel("why")
    with pytest.raises(asyncio.CancelledError):
        await future
    assert sorted(cancelled) == [("coroutine", ("why",)), ("task", ("why",))]
    assert plain.cancelled()


async def test_cancelling_before_anything_started_closes_the_coroutines():
    ran = []

    async def one():
        ran.append(1)

    future = gather(one(), one(), noop(), Awaitable(1), limit=1)
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await future
    assert ran == []


async def test_cancelling_the_awaiting_task_cancels_the_children(until):
    async def outer():
        await gather(pending(), sleep(3600), ticks(10_000_000))

    task = asyncio.create_task(outer())
    await until(lambda: pending_count() == 1)
    task.cancel("from outside")
    with pytest.raises(asyncio.CancelledError) as error:
        await task
    assert error.value.args == ("from outside",)
    await until(lambda: pending_count() == 0)


async def test_a_timeout_around_it_stops_the_children(until):
    with pytest.raises(TimeoutError):
        async with timeout(0.001):
            await gather(pending(), pending(), sleep(3600))
    await until(lambda: pending_count() == 0)
    assert bridge_statistics()["sleeping"] == 0


async def test_a_child_that_ignores_the_cancel_is_waited_for():
    async def stubborn():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await ticks(3)
        return "done"

    async def trace(gather):
        future = gather(stubborn(), asyncio.sleep(3600))
        await ticks(2)
        results = [future.cancel("first")]
        await ticks(3)
        results.append(future.done())
        with pytest.raises(asyncio.CancelledError) as error:
            await future
        return [*results, error.value.args, future.cancelled()]

    assert await trace(gather) == await trace(asyncio.gather)


async def test_a_child_cancelled_alone():
    async def trace(gather, **options):
        child = asyncio.create_task(asyncio.sleep(3600))
        future = gather(child, ticks(5, "other"), **options)
        await asyncio.sleep(0)
        child.cancel("alone")
        try:
            return await future
        except asyncio.CancelledError as error:
            return (error.args, future.cancelled(), asyncio.current_task().cancelling())

    assert await trace(gather) == await trace(asyncio.gather)
    ours, theirs = [await trace(one, return_exceptions=True) for one in (gather, asyncio.gather)]
    assert ours[1] == theirs[1] == "other"
    assert type(ours[0]) is type(theirs[0])
    await ticks(10)


async def test_a_coroutine_that_raises_cancelled_error_itself():
    async def trace(gather):
        future = gather(ticks(1, asyncio.CancelledError("mine")), ticks(3))
        try:
            await future
        except asyncio.CancelledError as error:
            return error.args, future.cancelled()

    assert await trace(gather) == await trace(asyncio.gather)
    await ticks(5)


async def test_a_nested_gather():
    inner = gather(echo(1), gather(echo(2), ticks(1, 3)))
    assert await gather(inner, gather(), noop()) == [[1, [2, 3]], [], None]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("at", [0, 1])
def test_an_interrupt_in_a_child_leaves_the_loop_and_keeps_the_rest(new_loop, kind, at):
    loop = new_loop()
    ended = []

    async def interrupt():
        await ticks(at)
        raise kind

    async def other(number):
        await ticks(at)
        ended.append(number)

    made = []

    async def main():
        made.append(gather(other(0), interrupt(), other(1), other(2), return_exceptions=True))
        await made[0]

    task = loop.create_task(main())
    with pytest.raises(kind):
        loop.run_until_complete(task)
    loop.run_until_complete(task)
    assert sorted(ended) == [0, 1, 2]
    assert isinstance(made[0].result()[1], kind)
    loop.close()


async def test_an_exception_nobody_retrieves_is_reported_as_asyncios(reported):
    future = gather(ticks(0, LookupError("lost")), ticks(0, LookupError("also")))
    await ticks(5)
    del future
    gc.collect()
    assert len(reported) == 1, "the gather's own, and none for its children"
    assert "never retrieved" in reported[0]["message"]
    assert str(reported[0]["exception"]) == "lost"
    reported.clear()


async def test_a_child_knows_its_task():
    async def one():
        task = asyncio.current_task()
        await asyncio.sleep(0)
        assert asyncio.current_task() is task
        assert task in asyncio.all_tasks()
        return task.get_name()

    names = await gather(one(), one())
    assert len(set(names)) == 2


async def test_timeouts_work_inside_children():
    async def one():
        try:
            async with timeout(0.001):
                await pending()
        except TimeoutError:
            return "timed out"

    async def theirs():
        try:
            async with asyncio.timeout(0.001):
                await asyncio.sleep(3600)
        except TimeoutError:
            return "timed out"

    assert await gather(one(), theirs(), one()) == ["timed out"] * 3
