"""`Semaphore` and `BoundedSemaphore`: asyncio's contract over both libraries, then what ours add."""

import asyncio
import math
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

KINDS = pytest.mark.parametrize("kind", ["Semaphore", "BoundedSemaphore"])


def state(semaphore):
    seen = semaphore.statistics()
    assert seen["value"] == semaphore.value == semaphore._value
    assert seen["capacity"] == semaphore.capacity
    return seen["value"], seen["waiting"]


# ---- asyncio's contract ----


@KINDS
async def test_it_gives_so_many_permits(library, kind):
    semaphore = getattr(library, kind)(3)
    for left in (2, 1, 0):
        assert semaphore.locked() is False
        assert await semaphore.acquire() is True
        assert semaphore._value == left
    assert semaphore.locked() is True
    assert semaphore.release() is None
    assert semaphore.locked() is False
    assert semaphore._value == 1


@KINDS
async def test_by_default_it_has_one_permit(library, kind):
    semaphore = getattr(library, kind)()
    async with semaphore as entered:
        assert entered is None
        assert semaphore.locked()
    assert not semaphore.locked()


@KINDS
async def test_it_may_begin_with_none(library, kind):
    semaphore = getattr(library, kind)(0)
    assert semaphore.locked()


@KINDS
def test_a_negative_value_is_refused(library, kind):
    with pytest.raises(ValueError, match=r"^Semaphore initial value must be >= 0$"):
        getattr(library, kind)(-1)


@KINDS
@pytest.mark.parametrize("value", ["3", None, []])
def test_a_value_that_is_no_number_is_refused(library, kind, value):
    with pytest.raises(TypeError):
        getattr(library, kind)(value)


async def test_releases_add_to_what_it_began_with(library):
    semaphore = library.Semaphore(0)
    for _ in range(5):
        semaphore.release()
    assert semaphore._value == 5


async def test_a_bounded_one_is_released_as_often_as_it_was_acquired(library):
    semaphore = library.BoundedSemaphore(2)
    with pytest.raises(ValueError, match=r"^BoundedSemaphore released too many times$"):
        semaphore.release()
    async with semaphore, semaphore:
        pass
    with pytest.raises(ValueError, match="released too many times"):
        semaphore.release()
    assert semaphore._value == 2


@KINDS
async def test_waiters_get_in_in_order(library, kind):
    semaphore = getattr(library, kind)(3)
    inside, order = set(), []

    async def work(number):
        async with semaphore:
            order.append(number)
            inside.add(number)
            assert len(inside) <= 3
            await turns(number % 4)
            inside.remove(number)

    await asyncio.gather(*(work(number) for number in range(60)))
    assert order == list(range(60))
    assert semaphore._value == 3


@KINDS
async def test_released_several_times_in_one_turn_it_wakes_as_many(library, kind):
    semaphore = getattr(library, kind)(4)
    for _ in range(4):
        await semaphore.acquire()
    tasks = await waiting(*(semaphore.acquire() for _ in range(6)))
    for _ in range(4):
        semaphore.release()
    await turns()
    assert done(tasks) == [0, 1, 2, 3]
    semaphore.release()
    semaphore.release()
    await results(*tasks)


async def test_a_newcomer_does_not_overtake_those_that_were_woken(library):
    semaphore = library.Semaphore(1)
    await semaphore.acquire()
    order = []

    async def work(name):
        await semaphore.acquire()
        order.append(name)

    tasks = await waiting(work("first"), work("second"))
    semaphore.release()
    assert semaphore.locked()
    late = asyncio.create_task(work("late"))
    await turns()
    assert order == ["first"]
    semaphore.release()
    await turns()
    assert order == ["first", "second"]
    semaphore.release()
    await results(*tasks, late)
    assert order == ["first", "second", "late"]


async def test_released_and_cancelled_in_one_turn_the_permit_goes_on(library):
    semaphore = library.Semaphore(1)
    await semaphore.acquire()
    first, second, third = await waiting(*(semaphore.acquire() for _ in range(3)))
    semaphore.release()
    first.cancel()
    await results(second)
    assert first.cancelled()
    assert not third.done()
    semaphore.release()
    await results(third)
    assert semaphore._value == 0


@pytest.mark.parametrize("victims", [[0], [0, 1], [1, 0], [0, 1, 2], [2, 0], [1]])
async def test_whoever_is_cancelled_no_permit_is_lost(library, victims):
    semaphore = library.Semaphore(0)
    tasks = await waiting(*(semaphore.acquire() for _ in range(4)))
    semaphore.release()
    semaphore.release()
    for victim in victims:
        tasks[victim].cancel()
    await turns(5)
    served = [number for number in range(4) if number not in victims][:2]
    assert [number for number in done(tasks) if number not in victims] == served
    assert semaphore._value == 2 - len(served)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_a_task_that_waits_in_a_block_and_is_cancelled(library):
    semaphore = library.Semaphore(1)

    async def work():
        async with semaphore:
            await asyncio.get_running_loop().create_future()

    inside, outside = asyncio.create_task(work()), asyncio.create_task(work())
    await turns()
    outside.cancel()
    inside.cancel()
    await asyncio.wait([inside, outside])
    assert semaphore._value == 1
    assert not semaphore.locked()


@KINDS
async def test_its_repr(library, kind):
    semaphore = getattr(library, kind)(2)
    name = rf"^<(asyncio\.locks|aioxide)\.{kind} object at 0x[0-9a-f]+ "
    assert re.search(name + r"\[unlocked, value:2\]>$", repr(semaphore))
    async with semaphore:
        assert re.search(name + r"\[unlocked, value:1\]>$", repr(semaphore))
        async with semaphore:
            assert re.search(name + r"\[locked\]>$", repr(semaphore))
            tasks = await waiting(semaphore.acquire(), semaphore.acquire())
            assert re.search(name + r"\[locked, waiters:2\]>$", repr(semaphore))
            await cancelled(*tasks)


# ---- what ours add ----


@KINDS
async def test_uncontended_blocks_turn_no_loop(kind):
    semaphore = getattr(aioxide, kind)(3)
    with Turns() as counted:
        for _ in range(100):
            async with semaphore, semaphore:
                await semaphore.acquire()
                semaphore.release()
            assert await semaphore.acquire(3) is True
            semaphore.release(3)
        assert counted.count == 0
    await turns()


@KINDS
async def test_try_acquire_takes_what_is_free(kind):
    semaphore = getattr(aioxide, kind)(5)
    assert semaphore.try_acquire(3) is True
    assert semaphore.try_acquire(3) is False
    assert semaphore.try_acquire(n=2) is True
    assert semaphore.try_acquire() is False
    semaphore.release(5)
    assert state(semaphore) == (5, 0)


async def test_try_acquire_does_not_barge_in_though_there_is_enough():
    semaphore = aioxide.Semaphore(2)
    (task,) = await waiting(semaphore.acquire(3))
    assert semaphore.try_acquire() is False
    assert state(semaphore) == (2, 1)
    assert semaphore.locked() is True, "the next would have to wait"
    await cancelled(task)
    assert semaphore.try_acquire(2) is True


async def test_many_permits_are_taken_together_or_not_at_all():
    semaphore = aioxide.Semaphore(0)
    (task,) = await waiting(semaphore.acquire(3))
    for value in (1, 2):
        semaphore.release()
        await turns(2)
        assert not task.done()
        assert state(semaphore) == (value, 1)
    semaphore.release()
    await results(task)
    assert state(semaphore) == (0, 0)


async def test_one_that_wants_many_is_not_overtaken_by_those_that_want_few():
    semaphore = aioxide.Semaphore(0)
    tasks = await waiting(semaphore.acquire(3), semaphore.acquire(1), semaphore.acquire(2))
    semaphore.release(2)
    await turns(3)
    assert done(tasks) == []
    semaphore.release(2)
    await turns(2)
    assert done(tasks) == [0, 1]
    semaphore.release(n=2)
    await results(*tasks)
    assert state(semaphore) == (0, 0)


async def test_one_release_serves_as_many_as_it_can():
    semaphore = aioxide.Semaphore(0)
    tasks = await waiting(*(semaphore.acquire(n) for n in (1, 2, 1, 3)))
    semaphore.release(6)
    await turns()
    assert done(tasks) == [0, 1, 2]
    assert state(semaphore) == (2, 1)
    await cancelled(tasks[3])
    assert state(semaphore) == (2, 0)


async def test_one_that_wanted_many_and_is_cancelled_lets_those_behind_it_in():
    semaphore = aioxide.Semaphore(2)
    big, *small = await waiting(semaphore.acquire(3), semaphore.acquire(), semaphore.acquire())
    assert state(semaphore) == (2, 3)
    big.cancel()
    assert state(semaphore) == (0, 0), "at once, not when the task hears of it"
    await results(*small)


async def test_many_granted_and_cancelled_are_all_given_back():
    semaphore = aioxide.Semaphore(0)
    big, *small = await waiting(semaphore.acquire(3), *(semaphore.acquire() for _ in range(4)))
    semaphore.release(3)
    big.cancel()
    await turns(2)
    assert done(small) == [0, 1, 2]
    await cancelled(small[3])
    assert state(semaphore) == (0, 0)


@KINDS
@pytest.mark.parametrize("n", [0, -1, -(2**40)])
async def test_less_than_one_permit_is_refused(kind, n):
    semaphore = getattr(aioxide, kind)(2)
    with pytest.raises(ValueError):  # noqa: PT011
        await semaphore.acquire(n)
    with pytest.raises(ValueError):  # noqa: PT011
        semaphore.try_acquire(n)
    with pytest.raises(ValueError):  # noqa: PT011
        semaphore.release(n)
    with pytest.raises(ValueError):  # noqa: PT011
        await asyncio.to_thread(semaphore.acquire_blocking, n)
    assert state(semaphore) == (2, 0)


@KINDS
@pytest.mark.parametrize("n", ["1", None, 1.5, math.nan, [], object()], ids=repr)
async def test_a_number_of_permits_that_is_none_is_refused(kind, n):
    semaphore = getattr(aioxide, kind)(2)
    with pytest.raises(TypeError):
        await semaphore.acquire(n)
    with pytest.raises(TypeError):
        semaphore.try_acquire(n)
    with pytest.raises(TypeError):
        semaphore.release(n)
    assert state(semaphore) == (2, 0)


@KINDS
async def test_what_no_machine_counts_to_is_refused(kind):
    semaphore = getattr(aioxide, kind)(2)
    for n in (2**64, 2**100):
        with pytest.raises((OverflowError, ValueError)):
            semaphore.release(n)
        with pytest.raises((OverflowError, ValueError)):
            await semaphore.acquire(n)
        with pytest.raises((OverflowError, ValueError)):
            getattr(aioxide, kind)(n)
    assert state(semaphore) == (2, 0)


async def test_releases_that_add_up_to_too_many_are_refused():
    semaphore = aioxide.Semaphore(1)
    refused = 0
    for _ in range(3):
        try:
            semaphore.release(2**62)
        except (OverflowError, ValueError):
            refused += 1
    assert refused > 0
    assert semaphore.value >= 1
    assert semaphore.try_acquire()


async def test_a_bounded_one_refuses_more_than_it_has():
    semaphore = aioxide.BoundedSemaphore(3)
    for refused in (4, 2**40):
        with pytest.raises(ValueError):  # noqa: PT011
            await semaphore.acquire(refused)
        with pytest.raises(ValueError):  # noqa: PT011
            await asyncio.to_thread(semaphore.acquire_blocking, refused)
    assert await semaphore.acquire(3)
    with pytest.raises(ValueError, match="released too many times"):
        semaphore.release(4)
    assert state(semaphore) == (0, 0), "refused as a whole"
    semaphore.release(3)


async def test_a_bounded_one_with_waiters_is_not_released_too_often():
    semaphore = aioxide.BoundedSemaphore(2)
    assert semaphore.try_acquire()
    (task,) = await waiting(semaphore.acquire(2))
    with pytest.raises(ValueError, match="released too many times"):
        semaphore.release(2)
    assert not task.done()
    semaphore.release()
    await results(task)
    with pytest.raises(ValueError, match="released too many times"):
        semaphore.release(3)
    semaphore.release(2)
    assert state(semaphore) == (2, 0)


@KINDS
async def test_the_numbers_are_read_only(kind):
    semaphore = getattr(aioxide, kind)(2)
    for name in ("value", "_value", "capacity"):
        with pytest.raises(AttributeError):
            setattr(semaphore, name, 5)
    assert state(semaphore) == (2, 0)


# ---- resizing ----


@KINDS
async def test_grown_it_serves_those_that_wait(kind):
    semaphore = getattr(aioxide, kind)(1)
    await semaphore.acquire()
    tasks = await waiting(*(semaphore.acquire() for _ in range(3)))
    assert semaphore.resize(3) is None
    await turns()
    assert done(tasks) == [0, 1]
    assert semaphore.capacity == 3
    assert state(semaphore) == (0, 1)
    semaphore.release(3)
    await results(*tasks)
    assert state(semaphore) == (2, 0)


@KINDS
async def test_shrunk_it_owes_permits_until_they_are_released(kind):
    semaphore = getattr(aioxide, kind)(4)
    for _ in range(3):
        await semaphore.acquire()
    semaphore.resize(1)
    assert semaphore.capacity == 1
    assert state(semaphore) == (-2, 0)
    assert semaphore.locked()
    assert semaphore.try_acquire() is False
    (task,) = await waiting(semaphore.acquire())
    for value in (-1, 0):
        semaphore.release()
        await turns(2)
        assert not task.done()
        assert state(semaphore) == (value, 1)
    semaphore.release()
    await results(task)
    semaphore.release()
    assert state(semaphore) == (1, 0)


async def test_a_bounded_one_is_bounded_by_its_new_size():
    semaphore = aioxide.BoundedSemaphore(1)
    semaphore.resize(3)
    assert state(semaphore) == (3, 0)
    assert await semaphore.acquire(3)
    semaphore.release(3)
    with pytest.raises(ValueError, match="released too many times"):
        semaphore.release()
    semaphore.resize(2)
    assert state(semaphore) == (2, 0)
    with pytest.raises(ValueError):  # noqa: PT011
        await semaphore.acquire(3)


@KINDS
async def test_resized_to_nothing_and_back(kind):
    semaphore = getattr(aioxide, kind)(2)
    semaphore.resize(0)
    assert state(semaphore) == (0, 0)
    (task,) = await waiting(semaphore.acquire()) if kind == "Semaphore" else (None,)
    semaphore.resize(2)
    if task:
        await results(task)
        semaphore.release()
    assert state(semaphore) == (2, 0)


@KINDS
@pytest.mark.parametrize("capacity", [-1, "3", None, 2.5, 2**100])
async def test_a_size_that_is_none_is_refused(kind, capacity):
    semaphore = getattr(aioxide, kind)(2)
    with pytest.raises((ValueError, TypeError, OverflowError)):
        semaphore.resize(capacity)
    assert state(semaphore) == (2, 0)


# ---- threads and loops ----


def test_a_thread_takes_many_at_once():
    semaphore = aioxide.Semaphore(2)
    blocked = thread(semaphore.acquire_blocking, 3, timeout=30)
    eventually(lambda: semaphore.statistics()["waiting"] == 1)
    assert semaphore.acquire_blocking(n=1, timeout=0) is False, "it does not barge in"
    semaphore.release()
    assert blocked.result(30) is True
    assert state(semaphore) == (0, 0)


def test_a_thread_that_gives_up_lets_those_behind_it_in(new_loop):
    semaphore = aioxide.Semaphore(1)
    big = thread(semaphore.acquire_blocking, 2, timeout=0.2)
    eventually(lambda: semaphore.statistics()["waiting"] == 1 or big.done())

    async def work():
        return await semaphore.acquire()

    small = thread(run_on, new_loop, work())
    assert big.result(30) is False
    assert small.result(30) is True
    assert state(semaphore) == (0, 0)


def test_loops_and_threads_share_the_permits(new_loop):
    semaphore = aioxide.Semaphore(3)
    inside, most = [], []

    def use(number):
        inside.append(number)
        most.append(len(inside))
        inside.remove(number)

    async def work(number):
        for _ in range(100):
            async with semaphore:
                use(number)
                await turns()

    async def tasks(number):
        await asyncio.gather(*(work((number, one)) for one in range(5)))

    def block(number):
        for _ in range(100):
            assert semaphore.acquire_blocking(timeout=30)
            use(number)
            semaphore.release()

    running = [thread(run_on, new_loop, tasks(number)) for number in range(3)]
    running += [thread(block, number) for number in range(3)]
    for one in running:
        one.result(60)
    assert max(most) <= 3
    assert len(most) == 3 * 5 * 100 + 3 * 100
    assert state(semaphore) == (3, 0)


async def test_thousands_of_waiters_are_served_in_order():
    semaphore = aioxide.Semaphore(10)
    order = []

    async def work(number):
        async with semaphore:
            order.append(number)
            await turns()

    await asyncio.gather(*(work(number) for number in range(5_000)))
    assert order == list(range(5_000))
    assert state(semaphore) == (10, 0)


async def test_gather_runs_its_operations_without_tasks():
    semaphore = aioxide.Semaphore(0)
    before = len(asyncio.all_tasks())
    gathered = aioxide.gather(*(semaphore.acquire() for _ in range(100)))
    await turns(2)
    assert len(asyncio.all_tasks()) == before
    assert state(semaphore) == (0, 100)
    semaphore.release(100)
    assert await gathered == [True] * 100


async def test_stepped_by_hand_it_holds_its_permits_from_the_grant_on():
    semaphore = aioxide.Semaphore(0)
    operation = suspended(semaphore.acquire(2))
    semaphore.release(2)
    assert state(semaphore) == (0, 0)
    operation.close()
    assert state(semaphore) == (2, 0)
    assert at_once(semaphore.acquire(2)) is True


@KINDS
async def test_its_statistics(kind):
    semaphore = getattr(aioxide, kind)(2)
    assert semaphore.statistics() == {"value": 2, "capacity": 2, "waiting": 0}
    await semaphore.acquire(2)
    tasks = await waiting(semaphore.acquire(), semaphore.acquire())
    assert semaphore.statistics() == {"value": 0, "capacity": 2, "waiting": 2}
    await cancelled(*tasks)


def test_a_bounded_one_is_a_semaphore():
    assert issubclass(aioxide.BoundedSemaphore, aioxide.Semaphore)
