"""The blocking side of every primitive, for plain threads: see `cases.py`."""

import asyncio
import math
import threading

import pytest

from tests.sync.cases import BLOCKING, over
from tests.sync.waiting import (
    at_once,
    done,
    eventually,
    results,
    thread,
    waiting,
)


@over(BLOCKING)
def test_blocking_it_returns_at_once_when_it_need_not_wait(case):
    primitive = case.make()
    case.grant(primitive)
    assert case.block(primitive) == case.value


@over(BLOCKING, by_hand=True)
@pytest.mark.parametrize("limit", [0, 0.0, 1e-9, 0.01])
def test_blocking_it_gives_up_when_its_time_is_over(case, limit):
    primitive = case.make()
    if case.late is False:
        assert case.block(primitive, timeout=limit) is False
    else:
        with pytest.raises(case.late):
            case.block(primitive, timeout=limit)
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert case.block(primitive, timeout=limit) == case.value, "what is there needs no time"


@over(BLOCKING)
@pytest.mark.parametrize("limit", [None, 30, 1e9, math.inf, 1e300])
def test_a_blocked_thread_is_woken(case, limit):
    primitive = case.make()
    blocked = thread(case.block, primitive, timeout=limit)
    eventually(lambda: case.waiters(primitive) == 1)
    case.grant(primitive)
    assert blocked.result(30) == case.value
    assert not case.waiters(primitive)


@over(BLOCKING)
@pytest.mark.parametrize("limit", [math.nan, -1, -math.inf])
def test_a_timeout_that_is_no_time_is_refused(case, limit):
    primitive = case.make()
    with pytest.raises(ValueError, match="timeout"):
        case.block(primitive, timeout=limit)
    assert not case.waiters(primitive)


@over(BLOCKING)
@pytest.mark.parametrize("limit", ["soon", [], object()], ids=lambda limit: type(limit).__name__)
def test_a_timeout_that_is_no_number_is_refused(case, limit):
    primitive = case.make()
    with pytest.raises(TypeError):
        case.block(primitive, timeout=limit)
    assert not case.waiters(primitive)


@over(BLOCKING)
async def test_blocking_is_refused_where_a_loop_runs(case):
    primitive = case.make()
    for limit in (None, 0, 1):
        with pytest.raises(RuntimeError):
            case.block(primitive, timeout=limit)
    case.grant(primitive)
    with pytest.raises(RuntimeError):
        case.block(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(BLOCKING)
async def test_a_thread_waits_in_the_same_line_as_tasks(case):
    if not case.alone or not case.by_hand:
        pytest.skip("a grant is for all, or for its owner to give")
    primitive = case.make()
    (first,) = await waiting(case.wait(primitive))
    blocked = thread(case.block, primitive, timeout=30)
    await asyncio.to_thread(eventually, lambda: case.waiters(primitive) == 2)
    (last,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    await results(first)
    assert not blocked.done()
    case.grant(primitive)
    assert await asyncio.wrap_future(blocked) == case.value
    assert not last.done()
    case.grant(primitive)
    await results(last)


@over(BLOCKING)
def test_a_blocked_thread_lets_others_run(case):
    primitive = case.make()
    blocked = [thread(case.block, primitive, timeout=30) for _ in range(4)]
    eventually(lambda: case.waiters(primitive) == 4)
    assert sum(range(100_000)) == 4_999_950_000
    if case.name == "RLock.acquire":
        # Released by its owner only.
        primitive.release()
        eventually(lambda: done(blocked))
        return
    for number in range(4 if case.alone else 1):
        case.grant(primitive)
        eventually(lambda number=number: len(done(blocked)) > number)
    assert [one.result(30) for one in blocked] == [case.value] * 4


@over(BLOCKING)
def test_an_interrupt_ends_a_blocked_main_thread(case, script):
    if case.name not in {"Semaphore.acquire", "Queue.get"}:
        pytest.skip("one of a kind is enough: all wait in one place")
    call = "Semaphore(0).acquire_blocking()" if "Semaphore" in case.name else "Queue().get_blocking()"
    finished = script(
        f"""
        import os, signal, threading, time, aioxide

        primitive = aioxide.{call.partition(".")[0]}
        waits = lambda: primitive.statistics()["{case.waits}"]

        def interrupt():
            while not waits():
                time.sleep(0)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        try:
            primitive.{call.partition(".")[2]}
        except KeyboardInterrupt:
            print("interrupted", waits())
        """
    )
    assert finished.stdout == "interrupted 0\n", finished


@over(BLOCKING)
def test_many_threads_and_one_primitive(case):
    if not case.alone or not case.by_hand or case.name == "Queue.put":
        pytest.skip("a grant is for all, or for its owner to give, or only when the last one is through")
    primitive = case.make()
    together = threading.Barrier(8)

    def work():
        together.wait(30)
        return [case.block(primitive, timeout=30) for _ in range(50)]

    def feed():
        for _ in range(8 * 50):
            eventually(lambda: case.waiters(primitive) > 0)
            case.grant(primitive)

    workers = [thread(work) for _ in range(8)]
    feeder = thread(feed)
    for worker in workers:
        assert worker.result(60) == [case.value] * 50
    feeder.result(60)
    assert case.waiters(primitive) == 0
