"""`Event`: asyncio's contract over both libraries, then what ours adds."""

import asyncio
import re

import pytest

import aioxide
from tests.sync.waiting import (
    Turns,
    at_once,
    cancelled,
    done,
    eventually,
    results,
    run_on,
    suspended,
    thread,
    turns,
    waiting,
)

# ---- asyncio's contract ----


async def test_it_is_set_and_cleared(library):
    event = library.Event()
    assert event.is_set() is False
    assert event.set() is None
    assert event.is_set() is True
    event.set()
    assert await event.wait() is True
    assert event.clear() is None
    event.clear()
    assert event.is_set() is False


async def test_all_that_wait_go_on_in_the_next_turn(library):
    event = library.Event()
    ended = []

    async def wait(number):
        ended.append((number, await event.wait()))

    tasks = await waiting(*(wait(number) for number in range(5)))
    event.set()
    assert ended == []
    await turns()
    assert ended == [(number, True) for number in range(5)]
    await results(*tasks)


async def test_cleared_at_once_those_that_waited_go_on_all_the_same(library):
    event = library.Event()
    tasks = await waiting(event.wait(), event.wait())
    event.set()
    event.clear()
    assert await results(*tasks) == [True, True]
    assert not event.is_set()
    (late,) = await waiting(event.wait())
    await turns(3)
    assert not late.done()
    await cancelled(late)


async def test_one_that_begins_to_wait_after_the_clear_waits(library):
    event = library.Event()
    (first,) = await waiting(event.wait())
    event.set()
    event.clear()
    second = asyncio.ensure_future(event.wait())
    await turns(2)
    assert done([first, second]) == [0]
    event.set()
    await results(second)


async def test_a_cancelled_waiter_is_forgotten(library):
    event = library.Event()
    first, second = await waiting(event.wait(), event.wait())
    await cancelled(first)
    event.set()
    assert await results(second) == [True]


async def test_set_and_cancelled_in_one_turn_it_is_cancelled(library):
    event = library.Event()
    (task,) = await waiting(event.wait())
    event.set()
    await cancelled(task)
    assert await event.wait() is True


async def test_its_repr(library):
    event = library.Event()
    name = r"^<(asyncio\.locks|aioxide)\.Event object at 0x[0-9a-f]+ "
    assert re.search(name + r"\[unset\]>$", repr(event))
    tasks = await waiting(event.wait(), event.wait())
    assert re.search(name + r"\[unset, waiters:2\]>$", repr(event))
    event.set()
    await results(*tasks)
    assert re.search(name + r"\[set\]>$", repr(event))


# ---- what ours adds ----


async def test_set_it_turns_no_loop():
    event = aioxide.Event()
    event.set()
    with Turns() as counted:
        for _ in range(100):
            assert await event.wait() is True
        assert counted.count == 0
    await turns()


async def test_its_statistics():
    event = aioxide.Event()
    assert event.statistics() == {"set": False, "waiting": 0}
    tasks = await waiting(event.wait(), event.wait())
    assert event.statistics() == {"set": False, "waiting": 2}
    event.set()
    assert event.statistics() == {"set": True, "waiting": 0}
    await results(*tasks)


async def test_stepped_by_hand_after_set_and_clear_it_has_happened():
    event = aioxide.Event()
    operation = suspended(event.wait())
    event.set()
    event.clear()
    assert at_once(operation) is True


def test_set_from_a_thread_it_wakes_tasks_and_threads(new_loop):
    event = aioxide.Event()

    async def wait():
        return await asyncio.gather(*(event.wait() for _ in range(5)))

    loops = [thread(run_on, new_loop, wait()) for _ in range(3)]
    blocked = [thread(event.wait_blocking) for _ in range(3)]
    eventually(lambda: event.statistics()["waiting"] == 18)
    event.set()
    for one in loops:
        assert one.result(30) == [True] * 5
    for one in blocked:
        assert one.result(30) is True
    assert event.statistics() == {"set": True, "waiting": 0}


def test_set_and_cleared_from_a_thread_it_wakes_all_that_waited(new_loop):
    event = aioxide.Event()

    async def wait():
        return await event.wait()

    for _ in range(20):
        loops = [thread(run_on, new_loop, wait()) for _ in range(2)]
        blocked = [thread(event.wait_blocking, timeout=30) for _ in range(2)]
        eventually(lambda: event.statistics()["waiting"] == 4)
        event.set()
        event.clear()
        assert [one.result(30) for one in loops + blocked] == [True] * 4


def test_wait_blocking_says_whether_it_happened():
    event = aioxide.Event()
    assert event.wait_blocking(timeout=0.001) is False
    event.set()
    assert event.wait_blocking(timeout=0) is True


async def test_ten_thousand_waiters():
    event = aioxide.Event()
    tasks = await waiting(*(event.wait() for _ in range(10_000)))
    assert event.statistics()["waiting"] == 10_000
    for task in tasks[::2]:
        task.cancel()
    assert event.statistics()["waiting"] == 5_000
    event.set()
    await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [True, False] * 5_000


@pytest.mark.parametrize("args", [(1,), (True,)])
def test_it_takes_no_arguments(args):
    with pytest.raises(TypeError):
        aioxide.Event(*args)
