"""The primitives under anyio: its scopes cancel on every turn until a task is woken."""

import asyncio

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest

import aioxide
from tests.sync.waiting import at_once

# What waits for ever, in a fresh one, and what says that nobody waits any more.
WAITS = {
    "lock": (lambda: aioxide.Lock(), lambda one: one.acquire()),
    "semaphore": (lambda: aioxide.Semaphore(1), lambda one: one.acquire()),
    "event": (lambda: aioxide.Event(), lambda one: one.wait()),
    "queue": (lambda: aioxide.Queue(), lambda one: one.get()),
    "queue with a limit": (lambda: aioxide.Queue(), lambda one: one.get(timeout=3600)),
    "writer": (lambda: aioxide.RWLock(), lambda one: one.acquire_write()),
}


@pytest.fixture(params=WAITS)
def wait(request):
    """A primitive, and a function that waits for it for ever."""
    make, operation = WAITS[request.param]
    primitive = make()
    for take in ("try_acquire", "try_acquire_write"):
        if hasattr(primitive, take):
            assert getattr(primitive, take)()
    return primitive, lambda: operation(primitive)


def waiters(primitive):
    seen = primitive.statistics()
    return seen["getting"] if "getting" in seen else seen["waiting"]


async def test_move_on_after_takes_the_task_out_of_the_line(wait):
    primitive, operation = wait
    with anyio.move_on_after(0.001) as scope:
        await operation()
        pytest.fail("not reached")
    assert scope.cancelled_caught
    assert waiters(primitive) == 0
    assert asyncio.current_task().cancelling() == 0


async def test_fail_after_is_a_timeout_error(wait):
    primitive, operation = wait
    with pytest.raises(TimeoutError), anyio.fail_after(0.001):
        await operation()
    assert waiters(primitive) == 0


async def test_a_cancelled_scope_cancels_whatever_would_wait(wait):
    primitive, operation = wait
    cancels = 0
    with anyio.CancelScope() as scope:
        scope.cancel()
        for _ in range(3):
            try:
                await operation()
            except asyncio.CancelledError:
                cancels += 1
        await anyio.lowlevel.checkpoint()
    assert cancels == 3
    assert waiters(primitive) == 0


async def test_a_group_of_waiters_cancelled_leaves_nobody_in_line(wait):
    primitive, operation = wait

    async def one():
        await operation()

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        assert waiters(primitive) == 10
        group.cancel_scope.cancel()
    assert waiters(primitive) == 0


async def test_start_soon_takes_the_methods_themselves():
    semaphore, event, queue = aioxide.Semaphore(2), aioxide.Event(), aioxide.Queue()
    async with anyio.create_task_group() as group:
        group.start_soon(semaphore.acquire)
        group.start_soon(semaphore.acquire, 1)
        group.start_soon(queue.put, "item")
        group.start_soon(event.wait)
        await anyio.wait_all_tasks_blocked()
        event.set()
    assert semaphore.value == 0
    assert queue.get_nowait() == "item"


async def test_a_shielded_wait_goes_on_in_a_cancelled_scope():
    semaphore = aioxide.Semaphore(0)
    with anyio.CancelScope() as outer:
        outer.cancel()
        with anyio.CancelScope(shield=True):
            asyncio.get_running_loop().call_soon(semaphore.release)
            assert await semaphore.acquire()
        semaphore.release()
        await anyio.lowlevel.checkpoint()
        pytest.fail("not reached")
    assert outer.cancelled_caught
    assert semaphore.value == 1


async def test_a_permit_granted_as_the_scope_is_cancelled_is_not_lost():
    for order in ("cancel first", "grant first"):
        semaphore = aioxide.Semaphore(0)
        got = []

        async def one(scope, semaphore=semaphore, got=got):
            with scope:
                await semaphore.acquire()
                got.append(True)

        scope = anyio.CancelScope()
        async with anyio.create_task_group() as group:
            group.start_soon(one, scope)
            await anyio.wait_all_tasks_blocked()
            if order == "cancel first":
                scope.cancel()
                semaphore.release()
            else:
                semaphore.release()
                scope.cancel()
        assert semaphore.value + len(got) == 1


async def test_an_item_granted_as_the_scope_is_cancelled_is_not_lost():
    for number in range(50):
        queue = aioxide.Queue()
        got = []

        async def one(queue=queue, got=got):
            got.append(await queue.get())

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            await anyio.lowlevel.checkpoint()
            asyncio.get_running_loop().call_soon(queue.put_nowait, number)
            if number % 2:
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        while not queue.empty():
            got.append(queue.get_nowait())
        assert got == [number]


async def test_a_scope_inside_a_block_leaves_the_block_in_order():
    lock = aioxide.Lock()
    async with lock:
        with anyio.move_on_after(0.001):
            async with lock:
                pytest.fail("not reached")
        assert lock.locked()
    assert not lock.locked()


async def test_a_block_inside_a_scope_is_released():
    lock = aioxide.Lock()
    with anyio.move_on_after(0.001):
        async with lock:
            await anyio.sleep_forever()
    assert not lock.locked()


async def test_a_condition_cancelled_by_a_scope_takes_its_lock_back():
    """The scope cancels again on every turn while the lock is taken again."""
    condition = aioxide.Condition()
    locked = []

    async def one():
        async with condition:
            try:
                await condition.wait()
            finally:
                locked.append(condition.locked())

    async with anyio.create_task_group() as group:
        group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        await condition.acquire()
        group.cancel_scope.cancel()
        asyncio.get_running_loop().call_later(0.005, condition.release)
    assert locked == [True]
    assert not condition.locked()


async def test_producers_and_consumers_in_a_group():
    queue = aioxide.Queue(2)
    got = []

    async def produce(base):
        for number in range(10):
            await queue.put(base + number)

    async def consume():
        async for item in queue:
            got.append(item)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(consume)
        async with anyio.create_task_group() as producers:
            for base in (0, 10, 20):
                producers.start_soon(produce, base)
        queue.shutdown()
    assert sorted(got) == list(range(30))


async def test_from_a_worker_thread():
    semaphore = aioxide.Semaphore(2)

    def work():
        assert semaphore.acquire_blocking(timeout=10)
        return anyio.from_thread.run(semaphore.acquire)

    assert await anyio.to_thread.run_sync(work) is True
    assert semaphore.value == 0


def test_anyio_run():
    queue = aioxide.Queue(1)

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(queue.put_many, range(5))
            return [await queue.get() for _ in range(5)]

    assert anyio.run(main) == list(range(5))
    assert at_once(queue.put(5)) is None
