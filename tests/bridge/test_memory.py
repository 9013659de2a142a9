"""Nothing is kept longer than it is needed: cycles are collected, and reference counts come back."""

import asyncio
import contextvars
import gc
import sys
import warnings
import weakref

import pytest

from aioxide import gather, sleep, timeout
from aioxide._core import bridge_statistics, echo, noop, pending, pending_count


class Box:
    """Something that a cycle can go through and a weak reference can watch."""


async def collected(reference):
    # A drain holds the operation whose task it woke until that task suspends.
    await asyncio.sleep(0)
    gc.collect()
    return reference() is None


@pytest.mark.parametrize("make", [echo, lambda box: sleep(3600, box)], ids=["echo", "sleep"])
async def test_a_cycle_through_an_operation_not_started_is_collected(make):
    box = Box()
    box.operation = make(box)
    reference = weakref.ref(box)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        del box
        assert await collected(reference)


@pytest.mark.parametrize("make", [echo, lambda box: sleep(3600, box)], ids=["echo", "sleep"])
async def test_a_cycle_through_a_suspended_operation_is_collected(make):
    box = Box()
    while True:
        box.operation = make(box)
        if next(box.operation, None) is box.operation:
            break
    reference = weakref.ref(box)
    del box
    assert await collected(reference)
    assert bridge_statistics()["sleeping"] == 0


async def test_a_cycle_through_a_finished_task_is_collected():
    async def work(box):
        box.task = asyncio.current_task()
        box.operation = operation = echo(box)
        return await operation

    box = Box()
    reference = weakref.ref(box)
    assert await asyncio.create_task(work(box)) is box
    del box
    assert await collected(reference)


async def test_a_cycle_through_a_cancelled_operation_is_collected():
    async def work(box):
        box.operation = operation = pending()
        await operation

    box = Box()
    reference = weakref.ref(box)
    box.task = asyncio.create_task(work(box))
    await asyncio.sleep(0)
    box.task.cancel(box)
    await asyncio.wait([box.task])
    del box
    assert await collected(reference)


async def test_a_cycle_through_a_gather_is_collected():
    box = Box()

    async def work(box):
        return box

    box.future = gather(work(box), echo(box), sleep(0, box))
    reference = weakref.ref(box)
    assert await box.future == [box, box, box]
    del box
    assert await collected(reference)


async def test_a_cycle_through_a_failed_gather_is_collected():
    box = Box()

    async def fail(box):
        error = LookupError()
        error.box = box
        raise error

    box.future = gather(fail(box), echo(box), fail(box))
    reference = weakref.ref(box)
    with pytest.raises(LookupError):
        await box.future
    await noop()
    await noop()
    del box
    assert await collected(reference)


async def test_a_cycle_through_a_timeout_is_collected():
    async def work(box):
        box.scope = timeout(3600)
        box.task = asyncio.current_task()
        async with box.scope:
            await noop()

    box = Box()
    reference = weakref.ref(box)
    await asyncio.create_task(work(box))
    del box
    assert await collected(reference)


async def test_a_result_is_let_go():
    box = Box()
    reference = weakref.ref(box)
    tasks = [asyncio.create_task(echo(box)), asyncio.create_task(sleep(0, box))]
    await asyncio.wait(tasks)
    assert await gather(echo(box), sleep(1e-9, box)) == [box, box]
    del box, tasks
    assert await collected(reference)


async def spend(context):
    """Ways that an operation can go, each of which holds the loop, a context and a callback for a while."""
    for _ in range(50):
        await noop()
        await sleep(1e-9)
        await asyncio.create_task(noop(), context=context)
        task = asyncio.create_task(pending(), context=context)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        async with timeout(3600):
            await gather(noop(), sleep(0), asyncio.sleep(0))
        operation = pending()
        operation.send(None)
        operation.add_done_callback(spend, context=context)
        operation.close()
        future = gather(pending(), sleep(3600), asyncio.sleep(3600))
        await asyncio.sleep(0)
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await future


async def test_the_counts_of_loop_context_and_callback_stay_flat():
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()

    def counts():
        gc.collect()
        return sys.getrefcount(loop), sys.getrefcount(context), sys.getrefcount(spend), sys.getrefcount(None)

    await spend(context)
    await asyncio.sleep(0)
    before = counts()
    await spend(context)
    await asyncio.sleep(0)
    after = counts()
    # The loop may hold a timer handle more or less.
    assert [abs(new - old) < 10 for new, old in zip(after, before, strict=True)] == [True] * 4, (
        before,
        after,
    )


async def test_ten_thousand_awaits_leave_no_blocks():
    async def work():
        for number in range(2_000):
            await echo(number)
            await noop()
        await gather(*(echo(number) for number in range(2_000)))
        await gather(*(sleep(1e-9) for _ in range(2_000)))

    await work()
    gc.collect()
    before = sys.getallocatedblocks()
    await work()
    gc.collect()
    assert sys.getallocatedblocks() - before < 1_000


async def test_exceptions_do_not_keep_what_was_awaited(until):
    reference = None

    async def work():
        nonlocal reference
        operation = pending()
        reference = weakref.ref(operation)
        await operation

    task = asyncio.create_task(work())
    await until(lambda: pending_count() == 1)
    task.cancel()
    await asyncio.wait([task])
    with pytest.raises(asyncio.CancelledError) as error:
        task.result()
    del task, error
    assert await collected(reference)
