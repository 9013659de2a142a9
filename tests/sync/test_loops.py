"""Waiters on several loops, which come and go, for one primitive of each kind: see `cases.py`."""

import asyncio
import gc

import pytest

from tests.sync.cases import ALL, over
from tests.sync.waiting import (
    abandon,
    cancelled,
    eventually,
    results,
    run_on,
    thread,
    turns,
    waiting,
)


@over(ALL)
def test_a_grant_reaches_a_waiter_on_another_loop(case, new_loop):
    primitive = case.make()
    waiter = thread(run_on, new_loop, waits_for(case, primitive))
    eventually(lambda: case.waiters(primitive) in (1, None))
    case.grant(primitive)
    assert waiter.result(30) == case.value
    assert not case.waiters(primitive)


async def waits_for(case, primitive):
    return await case.wait(primitive)


@over(ALL)
def test_a_waiter_on_a_loop_that_does_not_run_just_now_is_woken_when_it_does(case, new_loop):
    primitive = case.make()
    loop = new_loop()
    task = loop.create_task(waits_for(case, primitive))
    loop.run_until_complete(turns())
    case.grant(primitive)
    assert not task.done()
    assert loop.run_until_complete(task) == case.value
    loop.close()


@over(ALL)
def test_one_primitive_serves_one_loop_after_another(case, new_loop):
    for _ in range(3):
        primitive = case.make()
        for _ in range(2):
            loop = new_loop()
            (task,) = loop.run_until_complete(waiting(case.wait(primitive)))
            loop.run_until_complete(cancelled(task))
            loop.close()
        case.grant(primitive)
        assert run_on(new_loop, waits_for(case, primitive)) == case.value


@over(ALL)
def test_a_loop_closed_with_waiters_is_out_of_the_line(case, new_loop):
    primitive = case.make()
    lost = new_loop()
    tasks = [lost.create_task(waits_for(case, primitive)) for _ in range(3)]
    lost.run_until_complete(turns())
    assert case.waiters(primitive) in (3, None)
    abandon(*tasks)
    loop = new_loop()
    (task,) = loop.run_until_complete(waiting(waits_for(case, primitive)))
    lost.close()
    # One that watches no fds is noticed when its loop is asked after: at the grant at the latest.
    case.grant(primitive)
    assert loop.run_until_complete(results(task)) == [case.value]
    loop.close()
    assert not any(one.done() for one in tasks)


@over(ALL)
def test_a_loop_closed_after_the_grant_gives_it_back(case, new_loop):
    primitive = case.make()
    lost = new_loop()
    task = lost.create_task(waits_for(case, primitive))
    lost.run_until_complete(turns())
    abandon(task)
    case.grant(primitive)
    lost.close()
    del task
    gc.collect()
    assert run_on(new_loop, results_of(case, primitive)) == case.value


async def results_of(case, primitive):
    (value,) = await results(asyncio.ensure_future(case.wait(primitive)))
    return value


@over(ALL)
def test_cancelled_on_one_loop_after_the_grant_another_loop_gets_it(case, new_loop):
    if not case.alone:
        pytest.skip("a grant is for all")
    primitive = case.make()
    first, second = new_loop(), new_loop()
    (one,) = first.run_until_complete(waiting(waits_for(case, primitive)))
    (other,) = second.run_until_complete(waiting(waits_for(case, primitive)))
    case.grant(primitive)
    first.run_until_complete(cancelled(one))
    assert second.run_until_complete(results(other)) == [case.value]
    for loop in (first, second):
        loop.close()
