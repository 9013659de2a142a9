"""`TaskGroup` against asyncio's of 3.13, on every Python, and what it adds: a limit."""

import asyncio
import contextvars
import gc
import sys
import weakref

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aioxide
from aioxide import TaskGroup
from aioxide._core import echo, noop, pending, pending_count

VALUE = contextvars.ContextVar("VALUE", default="unset")


async def ticks(count, value=None):
    for _ in range(count):
        await asyncio.sleep(0)
    if isinstance(value, BaseException):
        raise value
    return value


async def never():
    await asyncio.get_running_loop().create_future()


async def test_it_waits_for_its_tasks_and_keeps_their_results():
    async with TaskGroup() as group:
        tasks = [group.create_task(ticks(n, n)) for n in range(5)]
        tasks.append(group.create_task(echo(5)))
        assert not any(task.done() for task in tasks)
    assert [task.result() for task in tasks] == list(range(6))
    assert all(isinstance(task, asyncio.Task) for task in tasks)


async def test_name_and_context():
    context = contextvars.copy_context()
    context.run(VALUE.set, "mine")

    async def body():
        return VALUE.get(), asyncio.current_task().get_name()

    for limit in (None, 1):
        async with TaskGroup(limit) as group:
            task = group.create_task(body(), name="name", context=context)
            plain = group.create_task(body())
        assert task.result() == ("mine", "name")
        assert plain.result()[0] == "unset"


async def test_failures_come_as_one_group():
    first, second = LookupError("first"), ValueError("second")

    async def stubborn():
        try:
            await never()
        except asyncio.CancelledError:
            raise second from None

    with pytest.raises(ExceptionGroup) as raised:  # noqa: PT012
        async with TaskGroup() as group:
            group.create_task(ticks(2, first))
            group.create_task(stubborn())
            cancelled = group.create_task(never())
            await never()
    assert raised.value.exceptions == (first, second)
    assert raised.value.message == "unhandled errors in a TaskGroup"
    assert cancelled.cancelled()
    assert asyncio.current_task().cancelling() == 0


async def test_an_exception_of_the_body_cancels_the_tasks():
    with pytest.raises(ExceptionGroup) as raised:  # noqa: PT012
        async with TaskGroup() as group:
            task = group.create_task(never())
            await asyncio.sleep(0)
            raise LookupError("mine")
    assert [error.args for error in raised.value.exceptions] == [("mine",)]
    assert task.cancelled()


async def test_a_failure_stops_native_work(until):
    async def fails():
        await until(lambda: pending_count() == 3)
        raise LookupError

    with pytest.raises(ExceptionGroup):  # noqa: PT012
        async with TaskGroup() as group:
            for _ in range(3):
                group.create_task(pending())
            group.create_task(fails())
    await until(lambda: pending_count() == 0)


async def test_cancelling_from_outside():
    tasks = []

    async def body():
        async with TaskGroup() as group:
            tasks.append(group.create_task(never()))

    task = asyncio.ensure_future(body())
    await ticks(2)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert tasks[0].cancelled()


@pytest.mark.parametrize("limit", [None, 2])
async def test_a_refused_coroutine_is_closed(limit):
    """As of 3.13 (gh-115957): nobody is warned that it was never awaited."""
    group = TaskGroup(limit)
    for coroutine in (ticks(0), noop()):
        with pytest.raises(RuntimeError, match="has not been entered"):
            group.create_task(coroutine)
    async with group:
        pass
    for coroutine in (ticks(0), noop()):
        with pytest.raises(RuntimeError, match="is finished"):
            group.create_task(coroutine)

    async def late(group):
        try:
            await never()
        except asyncio.CancelledError:
            with pytest.raises(RuntimeError, match="is shutting down"):
                group.create_task(ticks(0))
            raise

    with pytest.raises(ExceptionGroup):  # noqa: PT012
        async with TaskGroup(limit) as group:
            group.create_task(late(group))
            group.create_task(ticks(1, LookupError()))


async def test_a_parent_that_is_being_cancelled_hears_of_it_after_the_failures():
    """As of 3.13 (gh-116720): the count stays, and the next wait raises CancelledError."""
    seen = []

    async def body():
        try:
            async with TaskGroup() as group:
                group.create_task(fails())
                await never()
        except* LookupError:
            seen.append(asyncio.current_task().cancelling())
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def fails():
        try:
            await never()
        except asyncio.CancelledError:
            raise LookupError from None

    task = asyncio.ensure_future(body())
    await ticks(3)
    task.cancel()
    await asyncio.wait([task])
    assert seen == [1, "cancelled"]
    assert task.cancelled()


async def test_nested_groups_that_fail_leave_no_cancellation_behind():
    """As of 3.13 (gh-116720): before, the outer group's own request stayed with the parent."""
    try:
        async with TaskGroup() as outer:
            outer.create_task(ticks(1, LookupError("outer")))
            async with TaskGroup() as inner:
                inner.create_task(ticks(1, ValueError("inner")))
    except* (LookupError, ValueError):
        pass
    assert asyncio.current_task().cancelling() == 0
    await asyncio.sleep(0)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="no eager tasks")
# uvloop gives the factory arguments that it does not take.
@pytest.mark.asyncio(loop_factories=["asyncio", "no-add-reader"])
async def test_eager_tasks():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    try:
        async with TaskGroup() as group:
            assert group.create_task(ticks(0, 1)).result() == 1
            later = group.create_task(ticks(1, 2))
        assert later.result() == 2
        with pytest.raises(ExceptionGroup):
            async with TaskGroup() as group:
                group.create_task(ticks(0, LookupError()))
        # The cancellation that the failure asked for is taken back, though it was never raised.
        await asyncio.sleep(0)
        assert asyncio.current_task().cancelling() == 0
    finally:
        loop.set_task_factory(None)


async def test_an_exception_keeps_no_group_alive():
    group = None

    async def body():
        nonlocal group
        async with TaskGroup() as entered:
            group = weakref.ref(entered)
            entered.create_task(ticks(0, LookupError()))

    task = asyncio.ensure_future(body())
    await asyncio.wait([task])
    error = task.exception()
    assert isinstance(error, ExceptionGroup)
    del task, error
    gc.collect()
    assert group() is None


async def test_it_says_what_it_is():
    group = TaskGroup()
    assert repr(group) == "<TaskGroup>"
    async with group:
        assert repr(group) == "<TaskGroup entered>"
        group.create_task(ticks(0))
        assert repr(group) == "<TaskGroup tasks=1 entered>"
    with pytest.raises(RuntimeError, match="has already been entered"):
        await group.__aenter__()


def test_outside_of_a_task(new_loop):
    loop = new_loop()
    seen = []

    def step():
        try:
            TaskGroup().__aenter__().send(None)
        except RuntimeError as error:
            seen.append(str(error))
        loop.stop()

    loop.call_soon(step)
    loop.run_forever()
    loop.close()
    assert seen == ["TaskGroup <TaskGroup> cannot determine the parent task"]


# ---- the limit ----


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
async def test_no_more_than_the_limit_run_and_in_order(limit):
    now = most = 0
    started = []

    async def body(value):
        nonlocal now, most
        started.append(value)
        now += 1
        most = max(most, now)
        await ticks(1 + value % 3)
        now -= 1
        return value

    async with TaskGroup(limit) as group:
        tasks = [group.create_task(body(n)) for n in range(30)]
    assert [task.result() for task in tasks] == list(range(30))
    assert started == list(range(30))
    assert most == min(limit, 30)


async def test_a_limit_is_for_native_operations_too(until):
    async with TaskGroup(3) as group:
        tasks = [group.create_task(pending()) for _ in range(10)]
        await until(lambda: pending_count() == 3)
        for _ in range(50):
            await noop()
        assert pending_count() == 3
        for task in tasks:
            task.cancel()
    assert all(task.cancelled() for task in tasks)
    async with TaskGroup(limit=3) as group:
        tasks = [group.create_task(echo(n)) for n in range(10)]
    assert [task.result() for task in tasks] == list(range(10))


async def test_one_that_is_cancelled_while_it_waits_passes_its_turn_on():
    started = []

    async def body(value):
        started.append(value)
        await ticks(2)

    async with TaskGroup(1) as group:
        tasks = [group.create_task(body(n)) for n in range(6)]
        # Before its first step, and while it waits.
        tasks[3].cancel()
        await ticks(1)
        tasks[1].cancel()
        await asyncio.wait([tasks[0]])
        # It has been given its turn, and not used it yet.
        tasks[2].cancel()
    assert started in ([0, 4, 5], [0, 2, 4, 5])
    assert [task.cancelled() for task in tasks] == [False, True, True, True, False, False]


async def test_with_a_limit_what_never_began_is_closed():
    with pytest.raises(ExceptionGroup):  # noqa: PT012
        async with TaskGroup(1) as group:
            group.create_task(ticks(0, LookupError()))
            for _ in range(5):
                group.create_task(ticks(0))
                group.create_task(noop())
    gc.collect()


async def test_a_task_keeps_the_name_of_its_coroutine():
    async with TaskGroup(1) as group:
        task = group.create_task(ticks(1))
        assert "ticks" in repr(task)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_a_value_error(limit):
    with pytest.raises(ValueError, match="limit must be at least 1"):
        TaskGroup(limit)


@pytest.mark.parametrize("limit", ["1", 1.5, [1]], ids=repr)
def test_a_limit_that_is_no_whole_number_is_a_type_error(limit):
    with pytest.raises(TypeError):
        TaskGroup(limit)


@pytest.mark.parametrize("limit", [None, 1])
async def test_what_is_no_coroutine_is_a_type_error(limit):
    async with TaskGroup(limit) as group:
        with pytest.raises(TypeError, match="coroutine was expected"):
            group.create_task(asyncio.get_running_loop().create_future())


# ---- against asyncio's ----


def told(error):
    if isinstance(error, BaseExceptionGroup):
        return type(error).__name__, error.message, sorted(map(repr, map(told, error.exceptions)))
    return type(error).__name__, error.args


async def run(group_class, children, body_ends, body_fails, cancel_at, options):
    """What a group of children comes to, and its parent's count."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    notes = []

    async def child(number, delay, kind):
        try:
            await asyncio.sleep(delay)
            if kind == "fails":
                raise LookupError(number)
        except asyncio.CancelledError:
            notes.append((number, "cancelled", loop.time() - begin))
            if kind == "fails when cancelled":
                raise ValueError(number) from None
            if kind == "ends when cancelled":
                return
            raise
        notes.append((number, "ended", loop.time() - begin))

    async def parent():
        try:
            async with group_class(**options) as group:
                for number, (delay, kind) in enumerate(children):
                    group.create_task(child(number, delay, kind))
                await asyncio.sleep(body_ends)
                if body_fails:
                    raise KeyError("body")
        except BaseException as error:
            notes.append(("parent", told(error)))
        notes.append(("parent", asyncio.current_task().cancelling(), loop.time() - begin))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            notes.append("cancelled again")

    task = asyncio.ensure_future(parent())
    if cancel_at is not None:
        loop.call_later(cancel_at, task.cancel)
    await asyncio.wait([task])
    notes.append(told(task.exception()) if not task.cancelled() and task.exception() else task.cancelled())
    return notes


programs = st.tuples(
    st.lists(
        st.tuples(
            st.integers(1, 9).map(lambda n: 3 * n),
            st.sampled_from(["ends", "fails", "fails when cancelled", "ends when cancelled"]),
        ),
        max_size=6,
    ),
    st.integers(0, 9).map(lambda n: 3 * n + 1),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 9).map(lambda n: 3 * n + 2)),
)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="asyncio's has the semantics of 3.13 from then on")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(programs, st.booleans())
def test_as_asyncio(on_fake_clock, program, has_limit):
    theirs = on_fake_clock(run(asyncio.TaskGroup, *program, {}))
    ours = on_fake_clock(run(aioxide.TaskGroup, *program, {"limit": 10} if has_limit else {}))
    # In what order those are cancelled that run, and those end that end at the same time, is open.
    assert sorted(map(repr, ours)) == sorted(map(repr, theirs))
