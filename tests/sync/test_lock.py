"""`Lock`: asyncio's contract over both libraries, then what ours adds."""

import asyncio
import re

import pytest

import aioxide
from tests.sync.waiting import (
    Turns,
    at_once,
    cancelled,
    eventually,
    results,
    run_on,
    suspended,
    thread,
    turns,
    waiting,
)

# ---- asyncio's contract ----


async def test_it_is_taken_and_released(library):
    lock = library.Lock()
    assert lock.locked() is False
    assert await lock.acquire() is True
    assert lock.locked() is True
    assert lock.release() is None
    assert lock.locked() is False


async def test_the_block_holds_it(library):
    lock = library.Lock()
    async with lock as entered:
        assert entered is None
        assert lock.locked()
    assert not lock.locked()


@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError, KeyboardInterrupt])
async def test_a_block_left_by_an_exception_releases_it(library, error):
    lock = library.Lock()
    with pytest.raises(error):
        async with lock:
            raise error
    assert not lock.locked()


async def test_releasing_what_is_not_taken_is_an_error(library):
    lock = library.Lock()
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"^Lock is not acquired\.$"):
            lock.release()
    assert await lock.acquire()
    lock.release()
    with pytest.raises(RuntimeError):
        lock.release()


async def test_a_block_whose_lock_was_released_inside_is_an_error(library):
    lock = library.Lock()
    with pytest.raises(RuntimeError, match="not acquired"):
        async with lock:
            lock.release()


async def test_one_is_inside_at_a_time_and_all_get_in_in_order(library):
    lock = library.Lock()
    inside = []
    order = []

    async def work(number):
        async with lock:
            inside.append(number)
            await turns(number % 3)
            assert inside == [number]
            inside.remove(number)
            order.append(number)

    await asyncio.gather(*(work(number) for number in range(50)))
    assert order == list(range(50))


async def test_a_task_that_takes_it_again_at_once_goes_behind_those_that_wait(library):
    lock = library.Lock()
    order = []

    async def work(name):
        for _ in range(3):
            async with lock:
                order.append(name)
                await turns()

    await asyncio.gather(work("a"), work("b"), work("c"))
    assert order == ["a", "b", "c"] * 3


async def test_a_cancelled_waiter_does_not_get_it(library):
    lock = library.Lock()
    await lock.acquire()
    first, second, third = await waiting(lock.acquire(), lock.acquire(), lock.acquire())
    first.cancel()
    lock.release()
    await results(second)
    assert first.cancelled()
    assert not third.done()
    lock.release()
    await results(third)


async def test_released_and_cancelled_in_one_turn_it_goes_to_the_next(library):
    lock = library.Lock()
    await lock.acquire()
    first, second = await waiting(lock.acquire(), lock.acquire())
    lock.release()
    first.cancel()
    await results(second)
    assert first.cancelled()
    assert lock.locked()


async def test_cancelled_and_released_in_one_turn_with_nobody_else_it_is_free(library):
    lock = library.Lock()
    await lock.acquire()
    (task,) = await waiting(lock.acquire())
    lock.release()
    await cancelled(task)
    assert not lock.locked()
    async with lock:
        pass


async def test_the_next_goes_on_in_the_turn_after_the_release(library):
    lock = library.Lock()
    await lock.acquire()
    ended = []

    async def work(number):
        async with lock:
            ended.append(number)

    tasks = await waiting(*(work(number) for number in range(3)))
    lock.release()
    for number in range(3):
        assert ended == list(range(number))
        await turns()
    assert ended == [0, 1, 2]
    await results(*tasks)


async def test_a_timeout_while_it_waits(library):
    lock = library.Lock()
    async with lock:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await lock.acquire()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lock.acquire(), 0.001)
    assert not lock.locked()


async def test_its_repr(library):
    lock = library.Lock()
    name = r"^<(asyncio\.locks|aioxide)\.Lock object at 0x[0-9a-f]+ "
    assert re.search(name + r"\[unlocked\]>$", repr(lock))
    await lock.acquire()
    assert re.search(name + r"\[locked\]>$", repr(lock))
    tasks = await waiting(lock.acquire(), lock.acquire())
    assert re.search(name + r"\[locked, waiters:2\]>$", repr(lock))
    await cancelled(*tasks)
    assert re.search(name + r"\[locked\]>$", repr(lock))


# ---- what ours adds ----


async def test_uncontended_blocks_turn_no_loop():
    lock = aioxide.Lock()
    with Turns() as counted:
        for _ in range(100):
            async with lock:
                pass
            await lock.acquire()
            lock.release()
        assert counted.count == 0
    await turns()


async def test_try_acquire_takes_it_or_not():
    lock = aioxide.Lock()
    assert lock.try_acquire() is True
    assert lock.try_acquire() is False
    lock.release()
    assert lock.try_acquire() is True


async def test_try_acquire_does_not_barge_in():
    lock = aioxide.Lock()
    await lock.acquire()
    (task,) = await waiting(lock.acquire())
    lock.release()
    assert lock.try_acquire() is False
    await results(task)
    lock.release()
    assert lock.try_acquire() is True


async def test_its_statistics():
    lock = aioxide.Lock()
    assert lock.statistics() == {"locked": False, "waiting": 0}
    await lock.acquire()
    tasks = await waiting(lock.acquire(), lock.acquire())
    assert lock.statistics() == {"locked": True, "waiting": 2}
    await cancelled(*tasks)
    assert lock.statistics() == {"locked": True, "waiting": 0}


def test_it_may_be_released_by_another_thread_than_took_it(new_loop):
    lock = aioxide.Lock()
    assert lock.acquire_blocking() is True
    waiter = thread(run_on, new_loop, hold(lock))
    eventually(lambda: lock.statistics()["waiting"] == 1)
    lock.release()
    assert waiter.result(30) == "held"
    assert lock.statistics() == {"locked": False, "waiting": 0}


async def hold(lock):
    async with lock:
        return "held"


def test_tasks_and_threads_exclude_each_other(new_loop):
    lock = aioxide.Lock()
    inside = []
    total = []

    def use(number):
        inside.append(number)
        assert inside == [number]
        total.append(number)
        inside.remove(number)

    async def work(number):
        for _ in range(200):
            async with lock:
                use(number)

    async def tasks(number):
        await asyncio.gather(*(work((number, one)) for one in range(3)))

    def block(number):
        for _ in range(200):
            assert lock.acquire_blocking(timeout=30)
            use(number)
            lock.release()

    threads = [thread(run_on, new_loop, tasks(number)) for number in range(3)]
    threads += [thread(block, number) for number in range(3)]
    for one in threads:
        one.result(60)
    assert len(total) == 3 * 3 * 200 + 3 * 200
    assert not lock.locked()


async def test_two_operations_of_one_task():
    """It is not re-entrant: a task can lock itself out, and be let in by a release."""
    lock = aioxide.Lock()
    await lock.acquire()
    operation = suspended(lock.acquire())
    lock.release()
    assert at_once(operation) is True
    assert lock.locked()


def test_a_release_without_a_loop():
    lock = aioxide.Lock()
    with pytest.raises(RuntimeError, match=r"^Lock is not acquired\.$"):
        lock.release()
    assert at_once(lock.acquire()) is True
    lock.release()
    assert not lock.locked()


@pytest.mark.parametrize("args", [(1,), (None,), ("x", "y")])
def test_it_takes_no_arguments(args):
    with pytest.raises(TypeError):
        aioxide.Lock(*args)
    with pytest.raises(TypeError):
        aioxide.Lock().acquire(*args)
