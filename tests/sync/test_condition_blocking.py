"""`Condition` on plain threads."""

import asyncio
import contextlib
import math
import threading

import pytest

import aioxide
from tests.sync.waiting import done, eventually, results, run_on, thread, waiting

LOCKS = {"Lock": aioxide.Lock, "RLock": aioxide.RLock}


@pytest.fixture(params=LOCKS.values(), ids=LOCKS)
def condition(request):
    return aioxide.Condition(request.param())


@contextlib.contextmanager
def inside(condition):
    assert condition.acquire_blocking(timeout=30) is True
    try:
        yield
    finally:
        condition.release()


def wait(condition, timeout=None):
    with inside(condition):
        outcome = condition.wait_blocking(timeout)
        assert condition.locked()
        return outcome


def notify(condition, count=1):
    with inside(condition):
        condition.notify(count)


def sleepers(condition):
    return condition.statistics()["waiting"]


def waiters(condition, count, timeout=30):
    """Threads that wait, in this order."""
    blocked = []
    for number in range(count):
        blocked.append(thread(wait, condition, timeout))
        eventually(lambda number=number: sleepers(condition) == number + 1 and not condition.locked())
    return blocked


def test_its_lock_can_be_taken(condition):
    assert condition.acquire_blocking() is True
    assert thread(condition.acquire_blocking, timeout=0).result(30) is False
    assert thread(condition.acquire_blocking, 0.01).result(30) is False
    blocked = thread(condition.acquire_blocking, None)
    eventually(lambda: condition.statistics()["lock"]["waiting"] == 1)
    condition.release()
    assert blocked.result(30) is True


@pytest.mark.parametrize("limit", [None, 30, math.inf])
def test_a_thread_is_notified(condition, limit):
    (blocked,) = waiters(condition, 1, limit)
    notify(condition)
    assert blocked.result(30) is True
    assert not condition.locked()


def test_as_many_are_notified_as_it_says_in_order(condition):
    blocked = waiters(condition, 5)
    notify(condition, 2)
    eventually(lambda: len(done(blocked)) == 2)
    assert done(blocked) == [0, 1]
    notify(condition)
    assert blocked[2].result(30) is True
    with inside(condition):
        condition.notify_all()
    assert [one.result(30) for one in blocked] == [True] * 5


@pytest.mark.parametrize("limit", [0, 0.0, 1e-9, 0.01])
def test_its_time_is_over(condition, limit):
    assert wait(condition, limit) is False
    assert sleepers(condition) == 0
    with inside(condition):
        condition.notify()
    assert wait(condition, limit) is False, "a notification is not kept for later"


def test_it_takes_the_lock_again_however_long_that_takes(condition):
    trace = []

    def body():
        with inside(condition):
            trace.append(condition.wait_blocking(0))

    with inside(condition):
        blocked = thread(body)
        eventually(lambda: condition.statistics()["lock"]["waiting"] == 1)
    # Its time is over once it waits, and it stands in line for the lock behind this thread.
    with inside(condition):
        pass
    blocked.result(30)
    assert trace == [False]

    (blocked,) = waiters(condition, 1, 30)
    with inside(condition):
        condition.notify()
        eventually(lambda: condition.statistics()["lock"]["waiting"] == 1)
        assert not blocked.done()
    assert blocked.result(30) is True


def test_of_an_rlock_all_is_given_up_and_taken_back():
    lock = aioxide.RLock()
    condition = aioxide.Condition(lock)
    notifier = thread(lambda: (eventually(lambda: sleepers(condition) == 1), notify(condition)))
    with inside(condition), inside(condition):
        assert condition.wait_blocking(30) is True
        assert lock.statistics() == {
            "locked": True,
            "waiting": 0,
            "owner": threading.get_ident(),
            "count": 2,
        }
    notifier.result(30)
    assert not lock.locked()


def test_without_the_lock_it_is_an_error(condition):
    for limit in (None, 0, 1):
        with pytest.raises(RuntimeError, match=r"^cannot wait on un-acquired lock$"):
            condition.wait_blocking(limit)
        with pytest.raises(RuntimeError, match=r"^cannot wait on un-acquired lock$"):
            condition.wait_for_blocking(lambda: False, limit)
    assert sleepers(condition) == 0
    assert not condition.locked()


def test_with_the_rlock_of_another_thread_it_is_an_error():
    condition = aioxide.Condition(aioxide.RLock())
    assert thread(condition.acquire_blocking).result(30)
    with pytest.raises(RuntimeError, match=r"^cannot wait on un-acquired lock$"):
        condition.wait_blocking()


@pytest.mark.parametrize("limit", [math.nan, -1, -math.inf])
def test_a_timeout_that_is_no_time_is_refused(condition, limit):
    with inside(condition):
        for call in (condition.wait_blocking, lambda limit: condition.wait_for_blocking(int, limit)):
            with pytest.raises(ValueError, match="timeout"):
                call(limit)
            assert condition.locked()
        assert sleepers(condition) == 0


async def test_it_does_not_block_a_loop(condition):
    async with condition:
        for call in (
            condition.acquire_blocking,
            condition.wait_blocking,
            lambda: condition.wait_blocking(0),
            lambda: condition.wait_for_blocking(lambda: True),
        ):
            with pytest.raises(RuntimeError, match="block the event loop"):
                call()
            assert condition.locked()
        assert sleepers(condition) == 0
    assert not condition.locked()


async def test_threads_and_tasks_wait_in_one_line():
    condition = aioxide.Condition()

    async def wait_in_task():
        async with condition:
            return await condition.wait()

    (first,) = await waiting(wait_in_task())
    blocked = thread(wait, condition, 30)
    await asyncio.to_thread(eventually, lambda: sleepers(condition) == 2 and not condition.locked())
    (last,) = await waiting(wait_in_task())
    async with condition:
        condition.notify()
    await results(first)
    assert not blocked.done()
    async with condition:
        condition.notify()
    assert await asyncio.wrap_future(blocked) is True
    assert not last.done()
    await asyncio.to_thread(notify, condition)
    await results(last)


def test_it_is_notified_by_a_task(new_loop):
    condition = aioxide.Condition()
    (blocked,) = waiters(condition, 1)

    async def main():
        async with condition:
            condition.notify()

    run_on(new_loop, main())
    assert blocked.result(30) is True


# ---- wait_for ----


def test_wait_for_gives_what_the_predicate_gave(condition):
    items = []
    looks = []

    def look():
        looks.append(condition.locked())
        return items and items[-1]

    def body():
        with inside(condition):
            return condition.wait_for_blocking(look, 30)

    blocked = thread(body)
    for item in (0, "", "enough"):
        eventually(lambda: sleepers(condition) == 1)
        with inside(condition):
            items.append(item)
            condition.notify()
    assert blocked.result(30) == "enough"
    assert looks == [True] * 4


def test_wait_for_what_is_true_waits_for_nothing(condition):
    assert condition.wait_for_blocking(lambda: "at once") == "at once"
    assert condition.wait_for_blocking(lambda: "at once", 0) == "at once"


@pytest.mark.parametrize("limit", [0, 0.01])
def test_wait_for_gives_what_it_had_when_the_time_is_over(condition, limit):
    with inside(condition):
        assert condition.wait_for_blocking(list, timeout=limit) == []
        assert condition.locked()
        values = iter([0, 7])
        assert condition.wait_for_blocking(lambda: next(values), limit) == 7, "it looks once more"


def test_wait_for_raises_what_the_predicate_raises_and_holds_the_lock(condition):
    (other,) = waiters(condition, 1)
    answers = [False]

    def body():
        with inside(condition):
            with pytest.raises(IndexError):
                condition.wait_for_blocking(lambda: answers.pop(), 30)
            assert condition.locked()
            return "held"

    blocked = thread(body)
    eventually(lambda: sleepers(condition) == 2 and not condition.locked())
    with inside(condition):
        condition.notify_all()
    assert blocked.result(30) == "held"
    assert other.result(30) is True


# ---- many, and what comes meanwhile ----


def test_no_item_waits_while_a_consumer_sleeps(condition):
    items, got = [], []

    def consume():
        for _ in range(200):
            with inside(condition):
                condition.wait_for_blocking(lambda: items, 60)
                got.append(items.pop(0))

    def produce(numbers):
        for number in numbers:
            with inside(condition):
                items.append(number)
                condition.notify()

    workers = [thread(consume) for _ in range(4)]
    workers += [thread(produce, range(start, 800, 4)) for start in range(4)]
    for worker in workers:
        worker.result(60)
    assert sorted(got) == list(range(800))
    assert sleepers(condition) == 0


def test_an_interrupt_is_raised_with_the_lock_held(script):
    finished = script(
        """
        import os, signal, threading, time, aioxide

        condition = aioxide.Condition()

        def interrupt():
            while not condition.statistics()["waiting"]:
                time.sleep(0)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        condition.acquire_blocking()
        try:
            condition.wait_blocking()
        except KeyboardInterrupt:
            print("interrupted", condition.locked(), condition.statistics()["waiting"])
            condition.release()
        """
    )
    assert finished.stdout == "interrupted True 0\n", finished


def test_an_interrupt_on_the_way_back_passes_the_notification_on(script):
    finished = script(
        """
        import os, signal, threading, time, aioxide

        condition = aioxide.Condition()
        heard = threading.Event()

        def hear(*_):
            heard.set()
            raise KeyboardInterrupt

        signal.signal(signal.SIGINT, hear)

        def until(is_so):
            while not is_so():
                time.sleep(0)

        def other():
            condition.acquire_blocking()
            print("the other:", condition.wait_blocking(20))
            condition.release()

        def interrupt():
            until(lambda: condition.statistics()["waiting"] == 1)
            second = threading.Thread(target=other)
            second.start()
            until(lambda: condition.statistics()["waiting"] == 2)
            condition.acquire_blocking()
            condition.notify()
            until(lambda: condition.statistics()["lock"]["waiting"] == 1)
            os.kill(os.getpid(), signal.SIGINT)
            heard.wait()
            print("heard")
            condition.release()
            second.join()

        first = threading.Thread(target=interrupt)
        first.start()
        condition.acquire_blocking()
        try:
            condition.wait_blocking()
        except KeyboardInterrupt:
            print("interrupted:", condition.locked())
            condition.release()
        first.join()
        """
    )
    assert finished.stdout == "heard\ninterrupted: True\nthe other: True\n", finished
