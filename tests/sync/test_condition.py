"""`Condition`: asyncio's contract over both libraries, then what ours adds."""

import asyncio
import re
import sys

import pytest

import aioxide
from tests.sync.waiting import Turns, cancelled, done, eventually, results, run_on, thread, turns, waiting

# Before 3.13 asyncio lost a notification whose task was cancelled while it took the lock again.
PASSES_ON = sys.version_info >= (3, 13)


async def wait(condition, trace=None, name=None):
    async with condition:
        value = await condition.wait()
        assert condition.locked()
        if trace is not None:
            trace.append(name)
        return value


async def notified(condition, count=1):
    async with condition:
        condition.notify(count)


# ---- asyncio's contract ----


async def test_it_has_the_methods_of_its_lock(library):
    lock = library.Lock()
    condition = library.Condition(lock)
    assert await condition.acquire() is True
    assert lock.locked()
    assert condition.locked()
    condition.release()
    assert not lock.locked()
    async with condition as entered:
        assert entered is None
        assert lock.locked()
    async with lock:
        assert condition.locked()


async def test_it_makes_a_lock_of_its_own(library):
    one, other = library.Condition(), library.Condition()
    async with one:
        assert one.locked()
        assert not other.locked()


async def test_a_wait_gives_the_lock_up_and_takes_it_back(library):
    condition = library.Condition()
    (task,) = await waiting(wait(condition))
    assert not condition.locked()
    async with condition:
        condition.notify()
        await turns(5)
        assert not task.done(), "whoever notifies holds the lock still"
    assert await results(task) == [True]
    assert not condition.locked()


async def test_notify_wakes_as_many_as_it_says_in_order(library):
    condition = library.Condition()
    trace = []
    tasks = await waiting(*(wait(condition, trace, number) for number in range(6)))
    await notified(condition)
    await turns(5)
    assert trace == [0]
    await notified(condition, 2)
    await turns(8)
    assert trace == [0, 1, 2]
    await notified(condition, 0)
    await turns(5)
    assert trace == [0, 1, 2]
    await notified(condition, 100)
    await results(*tasks)
    assert trace == list(range(6))


async def test_notify_all_wakes_all(library):
    condition = library.Condition()
    trace = []
    tasks = await waiting(*(wait(condition, trace, number) for number in range(5)))
    async with condition:
        condition.notify_all()
    await results(*tasks)
    assert trace == list(range(5))


async def test_a_notification_is_not_kept_for_later(library):
    condition = library.Condition()
    await notified(condition, 5)
    (task,) = await waiting(wait(condition))
    await turns(3)
    assert not task.done()
    await cancelled(task)


async def test_without_the_lock_it_is_an_error(library):
    condition = library.Condition()
    with pytest.raises(RuntimeError, match="un-acquired lock"):
        await condition.wait()
    with pytest.raises(RuntimeError, match="un-acquired lock"):
        await condition.wait_for(lambda: False)
    with pytest.raises(RuntimeError, match="un-acquired lock"):
        condition.notify()
    with pytest.raises(RuntimeError, match="un-acquired lock"):
        condition.notify_all()
    with pytest.raises(RuntimeError):
        condition.release()


async def test_wait_for_gives_what_the_predicate_gave(library):
    condition = library.Condition()
    values = [0, None, [], "found"]

    async def wait_for():
        async with condition:
            return await condition.wait_for(lambda: values.pop(0))

    (task,) = await waiting(wait_for())
    for _ in range(3):
        assert not task.done()
        await notified(condition)
        await turns(5)
    assert await results(task) == ["found"]
    async with condition:
        assert await condition.wait_for(lambda: "at once") == "at once"


async def test_wait_for_raises_what_the_predicate_raises_and_holds_the_lock(library):
    condition = library.Condition()

    def fail():
        raise LookupError

    async with condition:
        with pytest.raises(LookupError):
            await condition.wait_for(fail)
        assert condition.locked()
    assert not condition.locked()


async def test_cancelled_it_takes_the_lock_back_before_it_says_so(library):
    condition = library.Condition()
    locked = []

    async def body():
        async with condition:
            try:
                await condition.wait()
            finally:
                locked.append(condition.locked())

    (task,) = await waiting(body())
    await condition.acquire()
    task.cancel()
    await turns(5)
    assert not task.done()
    condition.release()
    await asyncio.wait([task])
    assert task.cancelled()
    assert locked == [True]
    assert not condition.locked()


async def test_cancelled_again_while_it_takes_the_lock_back(library):
    condition = library.Condition()
    (task,) = await waiting(wait(condition))
    await condition.acquire()
    for _ in range(3):
        task.cancel()
        await turns(3)
        assert not task.done()
    condition.release()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not condition.locked()


async def test_cancelled_before_it_was_notified_it_takes_no_notification(library):
    condition = library.Condition()
    first, second = await waiting(wait(condition), wait(condition))
    await condition.acquire()
    first.cancel()
    condition.notify()
    condition.release()
    assert await results(second) == [True]
    await asyncio.wait([first])
    assert first.cancelled()


async def test_notified_and_cancelled_it_passes_the_notification_on(library):
    if library is asyncio and not PASSES_ON:
        pytest.skip("asyncio's lost it then")
    condition = library.Condition()
    first, second = await waiting(wait(condition), wait(condition))
    await condition.acquire()
    condition.notify()
    await turns(2)
    first.cancel()
    condition.release()
    assert await results(second) == [True]
    assert first.cancelled()
    assert not condition.locked()


async def test_a_timeout_around_a_wait(library):
    condition = library.Condition()
    async with condition:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await condition.wait()
        assert condition.locked()
    assert not condition.locked()


async def test_no_item_waits_while_a_consumer_sleeps(library):
    if library is asyncio and not PASSES_ON:
        pytest.skip("asyncio's lost a wake-up then")
    condition = library.Condition()
    items = []
    got = []

    async def consume():
        async with condition:
            await condition.wait_for(lambda: items)
            got.append(items.pop(0))

    tasks = await waiting(*(consume() for _ in range(30)))
    for number in range(10):
        async with condition:
            items.append(number)
            condition.notify()
            tasks[number * 3].cancel()
        if number % 2:
            await turns(number)
    await turns(100)
    assert items == []
    assert sorted(got) == list(range(10))
    await cancelled(*(task for task in tasks if not task.done()))


async def test_its_repr(library):
    condition = library.Condition()
    name = r"^<(asyncio\.locks|aioxide)\.Condition object at 0x[0-9a-f]+ "
    assert re.search(name + r"\[unlocked\]>$", repr(condition))
    async with condition:
        assert re.search(name + r"\[locked\]>$", repr(condition))
    tasks = await waiting(wait(condition), wait(condition))
    assert re.search(name + r"\[unlocked, waiters:2\]>$", repr(condition))
    async with condition:
        assert re.search(name + r"\[locked, waiters:2\]>$", repr(condition))
    await cancelled(*tasks)


# ---- what ours adds ----


async def test_notified_and_cancelled_before_it_goes_on_it_passes_the_notification_on_at_once():
    condition = aioxide.Condition()
    first, second = await waiting(wait(condition), wait(condition))
    async with condition:
        condition.notify()
        first.cancel()
    assert await results(second) == [True]
    assert first.cancelled()
    assert condition.statistics() == {"waiting": 0, "lock": {"locked": False, "waiting": 0}}


async def test_uncontended_blocks_turn_no_loop():
    condition = aioxide.Condition()
    with Turns() as counted:
        for _ in range(50):
            async with condition:
                condition.notify_all()
                assert await condition.wait_for(lambda: True) is True
        assert counted.count == 0
    await turns()


async def test_its_statistics_and_try_acquire():
    condition = aioxide.Condition()
    tasks = await waiting(wait(condition), wait(condition))
    assert condition.statistics() == {"waiting": 2, "lock": {"locked": False, "waiting": 0}}
    assert condition.try_acquire() is True
    assert condition.try_acquire() is False
    (other,) = await waiting(condition.acquire())
    assert condition.statistics() == {"waiting": 2, "lock": {"locked": True, "waiting": 1}}
    condition.notify_all()
    condition.release()
    await results(other)
    condition.release()
    await results(*tasks)
    assert condition.statistics() == {"waiting": 0, "lock": {"locked": False, "waiting": 0}}


async def test_two_conditions_may_share_a_lock():
    lock = aioxide.Lock()
    full, empty = aioxide.Condition(lock), aioxide.Condition(lock)
    items, got = [], []

    async def produce():
        for number in range(20):
            async with empty:
                await empty.wait_for(lambda: len(items) < 3)
                items.append(number)
                full.notify()

    async def consume():
        for _ in range(20):
            async with full:
                await full.wait_for(lambda: items)
                got.append(items.pop(0))
                empty.notify()

    async with asyncio.timeout(30):
        await asyncio.gather(produce(), consume())
    assert got == list(range(20))


@pytest.mark.parametrize("lock", [1, "lock", object(), asyncio.Lock(), aioxide.Operation], ids=repr)
def test_a_lock_that_is_none_of_ours_is_refused(lock):
    with pytest.raises(TypeError):
        aioxide.Condition(lock)


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
async def test_it_takes_a_lock_by_name_and_by_place(kind):
    lock = getattr(aioxide, kind)()
    for condition in (aioxide.Condition(lock), aioxide.Condition(lock=lock), aioxide.Condition(None)):
        async with condition:
            assert condition.locked()


@pytest.mark.parametrize("count", ["1", None, 1.5, [], 2**80])
async def test_a_count_that_is_none_is_refused(count):
    condition = aioxide.Condition()
    async with condition:
        if count == 2**80:
            with pytest.raises(OverflowError):
                condition.notify(count)
            return
        with pytest.raises(TypeError):
            condition.notify(count)


async def test_a_negative_count_wakes_nobody():
    condition = aioxide.Condition()
    (task,) = await waiting(wait(condition))
    await notified(condition, -1)
    await turns(3)
    assert not task.done()
    await cancelled(task)


@pytest.mark.parametrize("predicate", [None, 1, "x"])
async def test_a_predicate_that_cannot_be_called_is_refused(predicate):
    condition = aioxide.Condition()
    async with condition:
        with pytest.raises(TypeError):
            await condition.wait_for(predicate)
        assert condition.locked()


async def test_a_predicate_that_yields_no_truth_value_raises_and_holds_the_lock():
    class Undecided:
        def __bool__(self):
            raise LookupError

    condition = aioxide.Condition()
    async with condition:
        with pytest.raises(LookupError):
            await condition.wait_for(Undecided)
        assert condition.locked()


async def test_a_predicate_may_use_the_condition():
    condition = aioxide.Condition()
    asked = []

    def predicate():
        asked.append(condition.locked())
        condition.notify_all()
        return len(asked) > 2

    async def wait_for():
        async with condition:
            return await condition.wait_for(predicate)

    (task,) = await waiting(wait_for())
    for _ in range(2):
        await notified(condition)
        await turns(3)
    assert await results(task) == [True]
    assert asked == [True] * 3


async def test_closed_while_it_waits_it_is_forgotten():
    condition = aioxide.Condition()
    await condition.acquire()
    operation = condition.wait()
    operation.send(None)
    assert condition.statistics()["waiting"] == 1
    assert not condition.locked()
    operation.close()
    assert condition.statistics()["waiting"] == 0


def test_notified_from_another_loop_it_goes_on(new_loop):
    condition = aioxide.Condition()
    waiters = [thread(run_on, new_loop, wait(condition)) for _ in range(3)]
    eventually(lambda: condition.statistics()["waiting"] == 3)
    run_on(new_loop, notified(condition))
    eventually(lambda: len(done(waiters)) == 1)
    assert condition.statistics()["waiting"] == 2
    run_on(new_loop, notified(condition, 2))
    assert [one.result(30) for one in waiters] == [True] * 3
    assert not condition.locked()
