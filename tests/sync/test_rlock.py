"""`RLock`: a lock that its task, or its thread, may take again; asyncio has none."""

import asyncio
import re
import threading

import pytest

import aioxide
from tests.sync.waiting import Turns, cancelled, eventually, results, run_on, thread, turns, waiting


async def hold(lock, *, until=None, trace=None, name=None):
    async with lock:
        if trace is not None:
            trace.append(name)
        if until is not None:
            await until.wait()


async def test_its_task_takes_it_as_often_as_it_likes():
    lock = aioxide.RLock()
    for count in range(1, 4):
        assert await lock.acquire() is True
        assert lock.statistics()["count"] == count
    assert lock.try_acquire() is True
    async with lock:
        assert lock.statistics()["count"] == 5
    for count in range(3, -1, -1):
        assert lock.locked()
        lock.release()
        assert lock.statistics()["count"] == count
    assert not lock.locked()


async def test_taking_it_again_turns_no_loop_even_when_others_wait():
    lock = aioxide.RLock()
    await lock.acquire()
    (other,) = await waiting(hold(lock))
    with Turns() as counted:
        for _ in range(10):
            await lock.acquire()
            async with lock:
                pass
        assert counted.count == 0
    for _ in range(11):
        lock.release()
    await results(other)
    assert not lock.locked()


async def test_it_is_free_for_others_only_when_released_as_often_as_taken():
    lock = aioxide.RLock()
    await lock.acquire()
    await lock.acquire()
    (other,) = await waiting(hold(lock))
    lock.release()
    await turns(3)
    assert not other.done()
    lock.release()
    await turns()
    assert other.done()


async def test_it_goes_first_come_first_served():
    lock = aioxide.RLock()
    trace = []
    await lock.acquire()
    tasks = await waiting(*(hold(lock, trace=trace, name=number) for number in range(10)))
    lock.release()
    await results(*tasks)
    assert trace == list(range(10))


async def test_its_owner_is_a_task():
    lock = aioxide.RLock()
    assert lock.statistics() == {"locked": False, "waiting": 0, "owner": None, "count": 0}
    await lock.acquire()
    (other,) = await waiting(hold(lock))
    me = asyncio.current_task()
    assert lock.statistics() == {"locked": True, "waiting": 1, "owner": me, "count": 1}
    lock.release()
    await results(other)
    assert lock.statistics() == {"locked": False, "waiting": 0, "owner": None, "count": 0}


def test_its_owner_is_a_thread_without_a_loop():
    lock = aioxide.RLock()
    assert lock.acquire_blocking() is True
    assert lock.acquire_blocking(timeout=1) is True
    assert lock.statistics() == {"locked": True, "waiting": 0, "owner": threading.get_ident(), "count": 2}
    lock.release()
    lock.release()
    assert not lock.locked()


async def test_released_by_another_task_it_is_an_error():
    lock = aioxide.RLock()
    await lock.acquire()

    async def release():
        lock.release()

    with pytest.raises(RuntimeError, match=r"^cannot release un-acquired lock$"):
        await asyncio.create_task(release())
    assert lock.statistics()["owner"] is asyncio.current_task()
    lock.release()
    with pytest.raises(RuntimeError, match=r"^cannot release un-acquired lock$"):
        lock.release()


def test_released_by_another_thread_it_is_an_error():
    lock = aioxide.RLock()
    assert lock.acquire_blocking()
    with pytest.raises(RuntimeError, match=r"^cannot release un-acquired lock$"):
        thread(lock.release).result(30)
    assert thread(lock.try_acquire).result(30) is False
    lock.release()
    assert thread(lock.try_acquire).result(30) is True


def test_it_is_another_owner_in_another_task_of_the_same_thread(new_loop):
    lock = aioxide.RLock()
    assert lock.try_acquire()

    async def main():
        assert lock.try_acquire() is False
        with pytest.raises(RuntimeError):
            lock.release()

    run_on(new_loop, main())
    lock.release()
    run_on(new_loop, hold(lock))


async def test_a_cancelled_waiter_passes_it_on():
    lock = aioxide.RLock()
    trace = []
    await lock.acquire()
    first, second = await waiting(hold(lock, trace=trace, name=1), hold(lock, trace=trace, name=2))
    lock.release()
    first.cancel()
    await results(second)
    assert first.cancelled()
    assert trace == [2]
    assert not lock.locked()


async def test_create_task_of_acquire_makes_that_task_the_owner():
    lock = aioxide.RLock()
    task = asyncio.create_task(lock.acquire())
    assert await task is True
    assert lock.statistics()["owner"] is task
    assert lock.try_acquire() is False
    with pytest.raises(RuntimeError):
        lock.release()


async def test_an_owner_that_ended_is_nobody_elses_identity():
    """A task or thread at the address of one that ended with the lock does not own it."""
    lock = aioxide.RLock()

    async def take():
        await lock.acquire()

    await asyncio.create_task(take())
    for _ in range(50):

        async def attempt():
            return lock.try_acquire()

        assert await asyncio.create_task(attempt()) is False


async def test_a_block_left_by_an_exception_releases_it_once():
    lock = aioxide.RLock()
    async with lock:
        with pytest.raises(LookupError):
            async with lock:
                raise LookupError
        assert lock.statistics()["count"] == 1
    assert not lock.locked()


def test_a_thread_and_a_task_exclude_each_other(new_loop):
    lock = aioxide.RLock()
    assert lock.acquire_blocking()
    waiter = thread(run_on, new_loop, hold(lock))
    eventually(lambda: lock.statistics()["waiting"] == 1)
    blocked = thread(lock.acquire_blocking, timeout=30)
    eventually(lambda: lock.statistics()["waiting"] == 2)
    lock.release()
    assert waiter.result(30) is None
    assert blocked.result(30) is True


async def test_its_repr():
    lock = aioxide.RLock()
    assert re.fullmatch(r"<aioxide\.RLock object at 0x[0-9a-f]+ \[unlocked\]>", repr(lock))
    await lock.acquire()
    (other,) = await waiting(hold(lock))
    assert re.fullmatch(r"<aioxide\.RLock object at 0x[0-9a-f]+ \[locked, .*waiters:1.*\]>", repr(lock))
    await cancelled(other)


async def test_a_condition_over_it_gives_it_up_wholly_and_takes_it_back_as_often():
    lock = aioxide.RLock()
    condition = aioxide.Condition(lock)

    async def wait():
        async with condition, condition:
            await condition.wait()
            return lock.statistics()["count"]

    (task,) = await waiting(wait())
    async with condition:
        condition.notify()
    assert await results(task) == [2]
    assert not lock.locked()
