"""What holds for every operation that waits, whichever primitive it waits for: see `cases.py`."""

import asyncio
import inspect

import pytest

import aioxide
from tests.sync.cases import ALL, ALONE, CLASSES, over
from tests.sync.waiting import (
    at_once,
    cancelled,
    results,
    suspended,
    turns,
    waiting,
)


@over(ALL)
async def test_it_is_an_operation_that_bears_its_name(case):
    operation = case.wait(case.make())
    assert isinstance(operation, aioxide.Operation)
    assert asyncio.iscoroutine(operation)
    assert operation.__qualname__.partition(".")[2] == case.name.partition(".")[2]
    operation.close()


@over(ALL)
async def test_it_does_nothing_before_its_first_step(case):
    primitive = case.make()
    operation = case.wait(primitive)
    await turns(2)
    assert not case.waiters(primitive)
    case.grant(primitive)
    operation.close()
    assert at_once(case.wait(primitive)) == case.value, "what was granted is there"


@over(ALL)
def test_never_awaited_it_warns_and_takes_nothing(case):
    primitive = case.make()
    with pytest.warns(RuntimeWarning, match=r"^operation '.*' was never awaited$"):
        case.wait(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_uncontended_it_never_suspends(case):
    primitive = case.make()
    case.grant(primitive)
    turned = []
    asyncio.get_running_loop().call_soon(turned.append, True)
    assert await case.wait(primitive) == case.value
    assert turned == []
    await turns()


@over(ALL)
def test_uncontended_it_needs_no_loop(case):
    primitive = case.make()
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL, by_hand=True)
def test_it_cannot_wait_where_no_loop_runs(case):
    primitive = case.make()
    with pytest.raises(RuntimeError, match="no running event loop"):
        case.wait(primitive).send(None)
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_the_waiter_goes_on_in_the_very_next_turn(case):
    primitive = case.make()
    (task,) = await waiting(case.wait(primitive))
    assert case.waiters(primitive) in (1, None)
    case.grant(primitive)
    assert not task.done(), "never inside the call that grants"
    await turns()
    assert task.done()
    assert task.result() == case.value
    assert not case.waiters(primitive)


@over(ALL)
async def test_the_waiter_is_woken_in_its_own_context_and_task(case):
    primitive = case.make()
    seen = []

    async def wait():
        task = asyncio.current_task()
        seen.append(await case.wait(primitive))
        assert asyncio.current_task() is task

    (task,) = await waiting(wait())
    case.grant(primitive)
    await results(task)
    assert seen == [case.value]


@over(ALONE)
async def test_waiters_go_first_come_first_served(case):
    primitive = case.make()
    ended = []

    async def wait(number):
        value = await case.wait(primitive)
        ended.append(number)
        return value

    if case.name == "RLock.acquire":
        pytest.skip("released by its owner only: see its own file")
    tasks = await waiting(*(wait(number) for number in range(5)))
    assert case.waiters(primitive) == 5
    for number in range(5):
        case.grant(primitive)
        await turns(2)
        assert ended == list(range(number + 1))
    assert await results(*tasks) == [case.value] * 5


@over(ALL, alone=False)
async def test_a_grant_for_all_wakes_them_in_the_order_in_which_they_came(case):
    primitive = case.make()
    ended = []

    async def wait(number):
        await case.wait(primitive)
        ended.append(number)

    tasks = await waiting(*(wait(number) for number in range(5)))
    case.grant(primitive)
    await turns()
    assert ended == list(range(5))
    await results(*tasks)


@over(ALONE, by_hand=True)
async def test_nobody_barges_in_before_a_waiter_that_was_granted(case):
    primitive = case.make()
    (task,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    late = suspended(case.wait(primitive))
    assert case.waiters(primitive) == 1
    await turns()
    assert task.result() == case.value
    late.close()


@over(ALL)
async def test_cancelled_before_its_first_step_it_leaves_no_trace(case):
    primitive = case.make()
    task = asyncio.ensure_future(case.wait(primitive))
    await cancelled(task)
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_cancelled_before_its_first_step_it_takes_nothing_that_is_free(case):
    primitive = case.make()
    case.grant(primitive)
    await cancelled(asyncio.ensure_future(case.wait(primitive)))
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_cancelled_while_it_waits_it_is_out_of_the_line_at_once(case):
    primitive = case.make()
    first, second, third = await waiting(*(case.wait(primitive) for _ in range(3)))
    assert second.cancel("enough")
    assert case.waiters(primitive) in (2, None)
    with pytest.raises(asyncio.CancelledError) as error:
        await second
    assert error.value.args == ("enough",)
    await cancelled(third)
    case.grant(primitive)
    assert await results(first) == [case.value]
    assert not case.waiters(primitive)


@over(ALL)
async def test_the_first_in_line_cancelled_the_next_is_served(case):
    primitive = case.make()
    first, second = await waiting(case.wait(primitive), case.wait(primitive))
    first.cancel()
    case.grant(primitive)
    assert await results(second) == [case.value]
    assert first.cancelled()


@over(ALL)
async def test_granted_and_cancelled_before_it_goes_on_it_passes_the_grant_on(case):
    primitive = case.make()
    first, second = await waiting(case.wait(primitive), case.wait(primitive))
    case.grant(primitive)
    assert first.cancel()
    assert await results(second) == [case.value]
    assert first.cancelled()
    assert not case.waiters(primitive)


@over(ALL)
async def test_granted_and_cancelled_with_nobody_behind_it_the_grant_stays(case):
    primitive = case.make()
    (task,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    await cancelled(task)
    assert at_once(case.wait(primitive)) == case.value


@over(ALONE)
async def test_a_grant_is_passed_on_past_any_number_that_were_cancelled(case):
    primitive = case.make()
    *others, last = await waiting(*(case.wait(primitive) for _ in range(20)))
    case.grant(primitive)
    for task in others:
        task.cancel()
    await turns(2)
    assert all(task.cancelled() for task in others)
    assert await results(last) == [case.value]


def close(operation):
    operation.close()


def throw(operation):
    with pytest.raises(LookupError):
        operation.throw(LookupError())


def drop(operation):
    """Its caller forgets it."""


ENDS = pytest.mark.parametrize("end", [close, throw, drop])


@over(ALL, by_hand=True)
@ENDS
async def test_ended_by_hand_while_it_waits_it_is_out_of_the_line(case, end):
    primitive = case.make()
    operation = suspended(case.wait(primitive))
    assert case.waiters(primitive) in (1, None)
    end(operation)
    del operation
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL, by_hand=True)
@ENDS
async def test_ended_by_hand_after_the_grant_it_passes_it_on(case, end):
    primitive = case.make()
    operation = suspended(case.wait(primitive))
    (task,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    end(operation)
    del operation
    assert await results(task) == [case.value]


@over(ALL, by_hand=True)
async def test_stepped_by_hand_it_ends_once_it_is_granted(case):
    primitive = case.make()
    operation = suspended(case.wait(primitive))
    case.grant(primitive)
    assert at_once(operation) == case.value


@over(ALL, by_hand=True)
async def test_stepped_by_hand_too_early_it_goes_on_waiting(case):
    primitive = case.make()
    operation = suspended(case.wait(primitive))
    for _ in range(3):
        suspended(operation)
        assert case.waiters(primitive) in (1, None)
    (task,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    assert at_once(operation) == case.value, "it keeps its place"
    if not case.alone:
        assert await results(task) == [case.value]
    else:
        await cancelled(task)


@over(ALL)
async def test_a_timeout_takes_it_out_of_the_line(case):
    primitive = case.make()
    with pytest.raises(TimeoutError):
        async with aioxide.timeout(0.001):
            await asyncio.create_task(case.wait(primitive))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.ensure_future(case.wait(primitive)), 0.001)
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_a_shielded_one_goes_on_waiting(case):
    primitive = case.make()
    inner = asyncio.ensure_future(case.wait(primitive))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await asyncio.shield(inner)
    assert not inner.done()
    case.grant(primitive)
    assert await results(inner) == [case.value]


@over(ALONE, by_hand=True)
async def test_gather_takes_them_and_gives_back_what_it_is_cancelled_with(case):
    primitive = case.make()
    gathered = aioxide.gather(case.wait(primitive), case.wait(primitive))
    await turns(2)
    assert case.waiters(primitive) == 2
    gathered.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathered
    assert not case.waiters(primitive)
    gathered = aioxide.gather(case.wait(primitive), case.wait(primitive))
    await turns(2)
    case.grant(primitive)
    await turns(2)
    case.grant(primitive)
    async with asyncio.timeout(10):
        assert await gathered == [case.value] * 2


@over(ALL)
async def test_a_waiting_task_shows_what_it_waits_for(case):
    (task,) = await waiting(case.wait(case.make()))
    assert case.name.partition(".")[2] in repr(task)
    await cancelled(task)


def test_no_operation_is_left_out():
    """Every public method that gives an operation is in a case here, or has its own tests."""
    elsewhere = {
        "Condition.acquire",
        "Condition.wait",
        "Condition.wait_for",
        "Barrier.wait",
        "LifoQueue.put",
        "LifoQueue.join",
        "LifoQueue.get_many",
        "LifoQueue.put_many",
        "PriorityQueue.put",
        "PriorityQueue.join",
        "PriorityQueue.get_many",
        "PriorityQueue.put_many",
    }
    operations = {
        f"{name}.{method}"
        for name in CLASSES
        for method, function in inspect.getmembers(getattr(aioxide, name), callable)
        if method
        in {"acquire", "acquire_read", "acquire_write", "wait", "wait_for", "get", "put", "join"}
        | {"get_many", "put_many"}
    }
    assert operations == {case.name for case in ALL} | elsewhere
