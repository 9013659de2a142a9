"""Cancel means stop: whenever and however, the work ends, the task hears of it once, and nothing stays."""

import asyncio

import pytest

from aioxide._core import bridge_statistics, echo, noop, pending, pending_count, sleep


def rings():
    return bridge_statistics()["rings"]


def wait_without_turning(condition):
    """Lets tokio work while the loop does not turn."""
    for _ in range(50_000_000):
        if condition():
            return
    pytest.fail("tokio did not get there while Python was busy")


async def cancelled(task):
    with pytest.raises(asyncio.CancelledError) as error:
        await task
    return error.value.args


async def test_before_its_first_step_nothing_starts():
    task = asyncio.create_task(pending())
    assert task.cancel()
    await cancelled(task)
    await noop()
    assert pending_count() == 0
    assert bridge_statistics()["sleeping"] == 0


async def test_suspended_the_work_stops_and_the_message_arrives(until):
    task = asyncio.create_task(pending())
    await until(lambda: pending_count() == 1)
    assert task.cancel("enough")
    assert await cancelled(task) == ("enough",)
    await until(lambda: pending_count() == 0)
    assert bridge_statistics()["sleeping"] == 0


async def test_the_work_stops_at_the_call_not_when_the_task_hears_of_it(until):
    task = asyncio.create_task(pending())
    await until(lambda: pending_count() == 1)
    task.cancel()
    wait_without_turning(lambda: pending_count() == 0)
    assert bridge_statistics()["sleeping"] == 0
    assert not task.done()
    await cancelled(task)


async def test_the_task_is_woken_in_the_next_turn():
    task = asyncio.create_task(pending())
    await asyncio.sleep(0)
    task.cancel()
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns <= 2, "a Future's waiter takes one turn, and the task's end another"
    assert task.cancelled()


async def test_finished_but_not_drained_it_is_cancelled_all_the_same(until):
    before = rings()
    task = asyncio.create_task(noop())
    other = asyncio.create_task(pending())
    await asyncio.sleep(0)
    if not task.done():
        wait_without_turning(lambda: rings() > before)
        assert task.cancel()
        await cancelled(task)
    # The late id wakes nobody, least of all the next holder of its slot.
    for _ in range(10):
        await noop()
    assert not other.done()
    other.cancel()
    await cancelled(other)


@pytest.mark.parametrize("make", [pending, lambda: sleep(3600)], ids=["remote", "timer"])
async def test_by_an_earlier_task_of_the_same_batch_it_is_not_woken_too(make):
    woken = []
    victims = []

    async def killer():
        await sleep(1e-9)
        for victim in victims:
            victim.cancel()

    async def victim():
        try:
            await sleep(2e-9)
        except asyncio.CancelledError:
            woken.append("cancelled")
            with pytest.raises(asyncio.CancelledError):
                await make()
            raise
        woken.append("woken")

    task = asyncio.create_task(killer())
    victims.extend(asyncio.create_task(victim()) for _ in range(5))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    # All six are due when the loop turns.
    wait_without_turning(lambda: loop.time() > begin + 0.02)
    await task
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert woken == ["cancelled"] * 5
    for one in victims:
        one.cancel()
    await asyncio.wait(victims)
    assert all(one.cancelled() for one in victims)


def body(make):
    """What happens to a task that is cancelled in several ways while it waits for what `make` makes."""

    async def wait(trace, times):
        for number in range(times):
            try:
                await make()
            except asyncio.CancelledError as error:
                trace.append((number, error.args, asyncio.current_task().cancelling()))
        return "end"

    return wait


async def as_future():
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(
    "cancels",
    [
        [["a"]],
        [["a", "b"]],
        [["a"], ["b"]],
        [["a", "b", "c"], ["d"]],
        [[], ["a"], [], [], ["b", "c"]],
    ],
    ids=repr,
)
async def test_cancelled_any_number_of_times_it_is_as_a_future(cancels):
    async def run(make):
        trace = []
        task = asyncio.create_task(body(make)(trace, 2))
        await asyncio.sleep(0)
        results = []
        for messages in cancels:
            results.extend(task.cancel(message) for message in messages)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            trace.append("turn")
        while not task.done():
            task.cancel("last")
            await asyncio.sleep(0)
        return trace, results, task.result()

    assert await run(pending) == await run(as_future)


async def test_a_task_that_swallows_it_goes_on(until):
    async def stubborn():
        try:
            await pending()
        except asyncio.CancelledError:
            asyncio.current_task().uncancel()
        return await echo("still here")

    task = asyncio.create_task(stubborn())
    await until(lambda: pending_count() == 1)
    task.cancel()
    assert await task == "still here"
    assert task.cancelling() == 0


class Odd(BaseException):
    pass


@pytest.mark.parametrize(
    ("thrown", "raised"),
    [
        ((GeneratorExit,), GeneratorExit),
        ((GeneratorExit(),), GeneratorExit),
        ((ValueError("x"),), ValueError),
        ((ValueError, "x"), ValueError),
        ((ValueError, ValueError("x"), None), ValueError),
        ((Odd,), Odd),
        ((asyncio.CancelledError("m"),), asyncio.CancelledError),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore:the .* signature of throw:DeprecationWarning")
async def test_what_is_thrown_in_stops_it_and_comes_out(thrown, raised, until):
    operation = pending()
    operation.send(None)
    await until(lambda: pending_count() == 1)
    with pytest.raises(raised) as error:
        operation.throw(*thrown)
    if len(thrown) == 1 and isinstance(thrown[0], BaseException):
        assert error.value is thrown[0]
    await until(lambda: pending_count() == 0)
    assert bridge_statistics()["sleeping"] == 0


async def test_thrown_in_before_the_first_step_it_never_starts():
    operation = pending()
    with pytest.raises(LookupError):
        operation.throw(LookupError())
    await noop()
    assert pending_count() == 0
    with pytest.raises(TypeError):
        noop().throw(42)


async def test_closed_while_suspended_it_stops(until):
    operation = pending()
    operation.send(None)
    await until(lambda: pending_count() == 1)
    operation.close()
    await until(lambda: pending_count() == 0)
    assert bridge_statistics()["sleeping"] == 0


async def test_dropped_while_suspended_it_stops(until):
    operation = pending()
    operation.send(None)
    await until(lambda: pending_count() == 1)
    del operation
    await until(lambda: pending_count() == 0)
    assert bridge_statistics()["sleeping"] == 0


async def test_a_closed_coroutine_stops_what_it_awaits(until):
    async def outer():
        await pending()

    coroutine = outer()
    coroutine.send(None)
    await until(lambda: pending_count() == 1)
    coroutine.close()
    await until(lambda: pending_count() == 0)


async def test_cancel_does_nothing_unless_it_waits_for_a_callback():
    operation = pending()
    assert operation.cancel() is False
    operation.send(None)
    assert operation.cancel("nobody to tell") is False
    operation.close()
    assert operation.cancel() is False
    assert not operation.cancelled()


async def test_cancelled_it_answers_as_a_cancelled_future():
    operation = pending()
    operation.send(None)
    called = []
    operation.add_done_callback(called.append)
    assert operation.cancel("why") is True
    assert operation.cancel("again") is False
    assert called == [], "a callback is never called inside cancel"
    assert (operation.done(), operation.cancelled()) == (True, True)
    with pytest.raises(asyncio.CancelledError) as error:
        operation.result()
    assert error.value.args == ("why",)
    await asyncio.sleep(0)
    assert called == [operation]
    with pytest.raises(asyncio.CancelledError) as error:
        operation.send(None)
    assert error.value.args == ("why",)
    with pytest.raises(RuntimeError, match="cannot reuse"):
        operation.send(None)


async def test_many_at_once_are_all_stopped(until):
    tasks = [asyncio.create_task(pending()) for _ in range(2_000)]
    await until(lambda: pending_count() == 2_000)
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    await until(lambda: pending_count() == 0)
