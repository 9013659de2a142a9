"""`timeout` against asyncio's: the same body over both, on a clock that stands still while anything runs."""

import asyncio
import math
import sys
import types

import pytest

import aioxide
from aioxide._core import bridge_statistics, noop, pending, pending_count

OURS = types.SimpleNamespace(timeout=aioxide.timeout, timeout_at=aioxide.timeout_at)
THEIRS = types.SimpleNamespace(timeout=asyncio.timeout, timeout_at=asyncio.timeout_at)


def chain(error):
    """An exception and what it came from, as types and texts."""
    links = []
    while error is not None and len(links) < 10:
        links.append((type(error), repr(error.args), error.__suppress_context__, type(error.__cause__)))
        error = error.__cause__ or error.__context__
    return links


async def never():
    await asyncio.get_running_loop().create_future()


class Trace(list):
    """What a scenario saw, each with the time and how often its task is being cancelled."""

    def note(self, *what):
        self.append((asyncio.get_running_loop().time(), asyncio.current_task().cancelling(), *what))


async def expires(kit, trace):
    scope = kit.timeout(5)
    trace.note(repr(scope).partition(" [")[2], scope.when(), scope.expired())
    try:
        async with scope as entered:
            assert entered is scope
            trace.note(repr(scope).partition("[")[2], scope.when(), scope.expired())
            try:
                await never()
            finally:
                trace.note(repr(scope).partition("[")[2], scope.expired())
    except TimeoutError as error:
        trace.note(chain(error), repr(scope).partition("[")[2], scope.expired())


async def is_left_in_time(kit, trace):
    async with kit.timeout(5) as scope:
        await asyncio.sleep(3)
    trace.note(repr(scope).partition("[")[2], scope.expired(), scope.when())
    await asyncio.sleep(10)
    trace.note("nothing more came")


async def is_left_by_another_exception(kit, trace):
    try:
        async with kit.timeout(5) as scope:
            raise LookupError("mine")
    except LookupError as error:
        trace.note(chain(error), scope.expired())


async def none_is_no_deadline(kit, trace):
    async with kit.timeout(None) as scope:
        trace.note(scope.when(), repr(scope).partition("[")[2])
        await asyncio.sleep(1_000)
    async with kit.timeout_at(None) as scope:
        trace.note(scope.when())
    trace.note(scope.expired())


async def zero_and_less(kit, trace):
    for delay in (0, -1, -math.inf):
        try:
            async with kit.timeout(delay) as scope:
                trace.note("inside")
                await asyncio.sleep(0)
                trace.note("one turn")
                await never()
        except TimeoutError as error:
            trace.note(chain(error), scope.expired())


async def zero_without_a_wait(kit, trace):
    async with kit.timeout(0) as scope:
        trace.note("nothing waits here")
    trace.note(scope.expired())
    await asyncio.sleep(0)
    trace.note("after")


async def at_a_time(kit, trace):
    when = asyncio.get_running_loop().time() + 2
    try:
        async with kit.timeout_at(when) as scope:
            await never()
    except TimeoutError:
        trace.note(scope.when() == when, scope.expired())
    try:
        async with kit.timeout_at(0):
            await never()
    except TimeoutError:
        trace.note("long past")


async def for_ever(kit, trace):
    async with kit.timeout(math.inf) as scope:
        await asyncio.sleep(10)
    trace.note(scope.expired())


async def nested_inner_first(kit, trace):
    try:
        async with kit.timeout(10) as outer:
            try:
                async with kit.timeout(5) as inner:
                    await never()
            except TimeoutError as error:
                trace.note(chain(error), inner.expired(), outer.expired())
            await asyncio.sleep(100)
    except TimeoutError as error:
        trace.note(chain(error), inner.expired(), outer.expired())


async def nested_outer_first(kit, trace):
    try:
        async with kit.timeout(5) as outer:
            try:
                async with kit.timeout(10) as inner:
                    await never()
            except TimeoutError:
                trace.note("wrong one")
    except TimeoutError as error:
        trace.note(chain(error), inner.expired(), outer.expired())


async def nested_at_the_same_time(kit, trace):
    for delays in ((5, 5), (0, 0), (0, 5), (5, 0), (0, 1, 0)):
        scopes = []

        async def enter(rest, scopes=scopes):
            if not rest:
                await never()
            async with kit.timeout(rest[0]) as scope:
                scopes.append(scope)
                await enter(rest[1:])

        try:
            await enter(delays)
        except TimeoutError as error:
            trace.note(delays, chain(error), [scope.expired() for scope in scopes])


async def swallowed_inside(kit, trace):
    try:
        async with kit.timeout(1) as scope:
            try:
                await never()
            except asyncio.CancelledError as error:
                trace.note("swallowed", error.args)
            await asyncio.sleep(5)
            trace.note("still inside")
    except TimeoutError:
        trace.note("timed out")
    trace.note(scope.expired())


async def another_exception_while_expiring(kit, trace):
    try:
        async with kit.timeout(1) as scope:
            try:
                await never()
            finally:
                raise LookupError("while expiring")
    except LookupError as error:
        trace.note(chain(error), scope.expired())


async def another_exception_with_a_cause(kit, trace):
    try:
        async with kit.timeout(1) as scope:
            try:
                await never()
            except asyncio.CancelledError as error:
                raise LookupError("from") from error
    except LookupError as error:
        trace.note(chain(error), scope.expired())


async def an_exception_group(kit, trace):
    async def fail():
        try:
            await never()
        finally:
            raise LookupError("in a group")

    try:
        async with kit.timeout(1) as scope, asyncio.TaskGroup() as group:
            group.create_task(fail())
            group.create_task(never())
    except* LookupError as errors:
        trace.note([chain(error) for error in errors.exceptions], chain(errors), scope.expired())


async def a_group_raised_inside(kit, trace):
    try:
        async with kit.timeout(1) as scope:
            try:
                await never()
            except asyncio.CancelledError:
                raise ExceptionGroup("several", [ValueError(1), LookupError(2)]) from None
    except ExceptionGroup as error:
        trace.note(chain(error), [chain(one) for one in error.exceptions], scope.expired())


async def rescheduled(kit, trace):
    loop = asyncio.get_running_loop()
    try:
        async with kit.timeout(10) as scope:
            scope.reschedule(loop.time() + 2)
            trace.note(scope.when())
            await asyncio.sleep(1)
            scope.reschedule(loop.time() + 5)
            await asyncio.sleep(4)
            scope.reschedule(None)
            trace.note(scope.when(), repr(scope).partition("[")[2])
            await asyncio.sleep(100)
            scope.reschedule(loop.time() + 3)
            await never()
    except TimeoutError:
        trace.note(scope.when(), scope.expired())


async def rescheduled_into_the_past(kit, trace):
    try:
        async with kit.timeout(None) as scope:
            scope.reschedule(asyncio.get_running_loop().time() - 1)
            trace.note("before the wait")
            await asyncio.sleep(0)
            trace.note("one turn")
            await never()
    except TimeoutError:
        trace.note(scope.expired())


async def misuse(kit, trace):
    scope = kit.timeout(5)
    calls = [
        lambda: scope.reschedule(1),
        lambda: scope.__aexit__(None, None, None),
        lambda: scope.__aenter__(),
        lambda: scope.__aenter__(),
    ]
    for call in calls[:1]:
        try:
            call()
        except RuntimeError as error:
            trace.note(error.args)
    async with scope:
        try:
            await scope.__aenter__()
        except RuntimeError as error:
            trace.note(error.args)
    for call in (lambda: scope.reschedule(1), lambda: scope.reschedule(None)):
        try:
            call()
        except RuntimeError as error:
            trace.note(error.args)
    try:
        async with scope:
            trace.note("entered again")
    except RuntimeError as error:
        trace.note(error.args)


async def reschedule_when_expiring(kit, trace):
    try:
        async with kit.timeout(1) as scope:
            try:
                await never()
            finally:
                try:
                    scope.reschedule(10)
                except RuntimeError as error:
                    trace.note(error.args)
    except TimeoutError:
        trace.note("timed out")
    try:
        scope.reschedule(10)
    except RuntimeError as error:
        trace.note(error.args)


async def cancelled_from_outside(kit, trace):
    async def inner():
        try:
            async with kit.timeout(5) as scope:
                await never()
        except asyncio.CancelledError as error:
            trace.note(error.args, scope.expired())
            raise

    task = asyncio.create_task(inner())
    await asyncio.sleep(1)
    task.cancel("outside")
    await asyncio.wait([task])
    trace.note(task.cancelled())


async def cancelled_from_outside_at_the_deadline(kit, trace):
    """Before it, in the same turn; and after it, before the task has heard of it."""
    for early in (True, False):

        async def inner():
            try:
                async with kit.timeout(1) as scope:
                    await never()
            except asyncio.CancelledError as error:
                trace.note("cancelled", error.args, scope.expired())
            except TimeoutError as error:
                trace.note("timed out", chain(error), scope.expired())

        loop = asyncio.get_running_loop()
        tasks = []
        if early:
            loop.call_later(1, lambda tasks=tasks: tasks[0].cancel("outside"))
        task = asyncio.create_task(inner())
        await asyncio.sleep(0)
        tasks.append(task)
        if not early:
            loop.call_later(1, task.cancel, "outside")
        await asyncio.wait([task])


async def cancelled_before_it_was_entered(kit, trace):
    async def inner():
        asyncio.current_task().cancel("self")
        try:
            async with kit.timeout(5) as scope:
                await never()
        except asyncio.CancelledError as error:
            trace.note(error.args, scope.expired())
        # The count of cancellations stays one: a timeout inside must still tell its own.
        try:
            async with kit.timeout(1) as scope:
                await never()
        except TimeoutError:
            trace.note("its own", scope.expired())

    await asyncio.create_task(inner())


async def the_counts_of_cancellations(kit, trace):
    task = asyncio.current_task()
    try:
        async with kit.timeout(1):
            try:
                await never()
            except asyncio.CancelledError:
                trace.note("inside", task.cancelling())
                raise
    except TimeoutError:
        trace.note("outside", task.cancelling())
    try:
        async with kit.timeout(1):
            try:
                await never()
            except asyncio.CancelledError:
                task.cancel("a second one")
                try:
                    await asyncio.sleep(0)
                except asyncio.CancelledError as error:
                    trace.note(error.args)
                    raise
    except (TimeoutError, asyncio.CancelledError) as error:
        trace.note(type(error), error.args)
        task.uncancel()


async def in_a_task_group(kit, trace):
    async def one(delay):
        try:
            async with kit.timeout(delay):
                await never()
        except TimeoutError:
            trace.note(delay)

    async with asyncio.TaskGroup() as group:
        for delay in (5, 1, 3, 1, 2):
            group.create_task(one(delay))


async def around_a_shield(kit, trace):
    inner = asyncio.ensure_future(asyncio.sleep(5, "kept"))
    try:
        async with kit.timeout(1):
            await asyncio.shield(inner)
    except TimeoutError:
        trace.note(inner.done())
    trace.note(await inner)


async def entered_in_one_task_and_left_in_another(kit, trace):
    scope = kit.timeout(5)

    async def enter():
        await scope.__aenter__()

    async def leave():
        await scope.__aexit__(None, None, None)

    await asyncio.create_task(enter())
    await asyncio.create_task(leave())
    await asyncio.sleep(10)
    trace.note(scope.expired())


async def a_generator_in_between(kit, trace):
    async def numbers():
        async with kit.timeout(3):
            for number in range(10):
                yield number
                await asyncio.sleep(1)

    try:
        async for number in numbers():
            trace.note(number)
    except TimeoutError:
        trace.note("timed out")


SCENARIOS = [
    value
    for value in list(globals().values())
    if isinstance(value, types.FunctionType) and value.__code__.co_varnames[:2] == ("kit", "trace")
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_it_is_as_asyncios(on_fake_clock, scenario):
    def run(kit):
        trace = Trace()
        on_fake_clock(scenario(kit, trace))
        return trace

    ours, theirs = run(OURS), run(THEIRS)
    assert len(ours) > 0
    if sys.version_info < (3, 13) and scenario in NEW_IN_3_13:
        pytest.xfail("3.13's behaviour on every Python, where this one's is older")
    assert ours == theirs


# gh-116720 and gh-113848: what a TimeoutError is chained to, and whose cancellation it was.
NEW_IN_3_13 = {
    another_exception_while_expiring,
    another_exception_with_a_cause,
    an_exception_group,
    a_group_raised_inside,
}


def test_equal_deadlines_expire_in_the_order_they_were_set(on_fake_clock):
    """asyncio's come in the order of its heap."""

    async def main():
        order = []

        async def one(number):
            try:
                async with aioxide.timeout(1):
                    await never()
            except TimeoutError:
                order.append(number)

        await asyncio.gather(*(one(number) for number in range(1_200)))
        return order

    assert on_fake_clock(main()) == list(range(1_200))


@pytest.mark.parametrize("make", [aioxide.timeout, aioxide.timeout_at])
async def test_what_is_no_time_is_refused(make):
    with pytest.raises(ValueError, match="NaN"):
        make(math.nan)
    for bad in ("1", [], object()):
        with pytest.raises(TypeError):
            make(bad)
    with pytest.raises(TypeError):
        make()
    async with make(None) as scope:
        with pytest.raises(ValueError, match="NaN"):
            scope.reschedule(math.nan)


def test_outside_a_loop_it_is_asyncios_error():
    with pytest.raises(RuntimeError, match="no running event loop"):
        aioxide.timeout(1)
    scope = aioxide.timeout_at(1)
    assert scope.when() == 1
    with pytest.raises(RuntimeError, match="no running event loop"):
        scope.__aenter__().send(None)


async def test_outside_a_task_it_is_refused():
    outcome = asyncio.get_running_loop().create_future()

    def enter():
        try:
            aioxide.timeout(1).__aenter__().send(None)
        except RuntimeError as error:
            outcome.set_result(str(error))
        except BaseException as error:
            outcome.set_exception(error)

    asyncio.get_running_loop().call_soon(enter)
    assert await outcome == "Timeout should be used inside a task"


async def test_on_every_loop_it_stops_native_work(until):
    with pytest.raises(TimeoutError) as error:
        async with aioxide.timeout(0.002):
            await pending()
    assert isinstance(error.value.__cause__, asyncio.CancelledError)
    assert asyncio.current_task().cancelling() == 0
    await until(lambda: pending_count() == 0)


async def test_entering_and_leaving_does_not_suspend():
    turned = []
    asyncio.get_running_loop().call_soon(turned.append, True)
    for _ in range(100):
        async with aioxide.timeout(3600) as scope:
            scope.reschedule(None)
    assert turned == []


async def test_ten_thousand_entered_and_left_do_not_grow_the_heap():
    async with aioxide.timeout(7200):
        for _ in range(10_000):
            async with aioxide.timeout(3600):
                pass
        statistics = bridge_statistics()
        assert statistics["timers"] < 400
        assert statistics["sleeping"] == 1


@pytest.mark.asyncio(loop_factories=["asyncio", "no-add-reader"])
async def test_the_loop_holds_one_handle_for_all():
    loop = asyncio.get_running_loop()
    before = len(loop._scheduled)
    async with aioxide.timeout(60):
        for _ in range(1_000):
            async with aioxide.timeout(3600):
                pass
        assert len(loop._scheduled) == before + 1


async def test_ten_thousand_at_once(until):
    expired = 0

    async def one():
        nonlocal expired
        try:
            async with aioxide.timeout(0.001):
                await pending()
        except TimeoutError:
            expired += 1

    await asyncio.gather(*(one() for _ in range(10_000)))
    assert expired == 10_000
    await until(lambda: pending_count() == 0)


async def test_work_that_ends_at_the_deadline_does_one_of_two_things():
    """It is over or it timed out, and no cancellation is left over either way."""
    outcomes = set()
    for _ in range(300):
        try:
            async with aioxide.timeout(0):
                await noop()
                await noop()
            outcomes.add("over")
        except TimeoutError:
            outcomes.add("timed out")
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)
    assert outcomes <= {"over", "timed out"}


def test_the_timer_of_a_closed_loop_says_nothing(new_loop, reported):
    loop = new_loop()
    scope = None

    async def enter():
        nonlocal scope
        scope = aioxide.timeout(0.02)
        await scope.__aenter__()

    loop.run_until_complete(enter())
    loop.close()
    asyncio.run(asyncio.sleep(0.03))
    assert not scope.expired()
    assert reported == []
