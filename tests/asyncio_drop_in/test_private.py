"""Private attributes that programs use, on objects that asyncio's own class did not make."""

import asyncio
import itertools
import random

import pytest

from aioxide import asyncio as ours

QUEUES = ["Queue", "LifoQueue", "PriorityQueue"]


def filled(library, name="Queue", count=5):
    queue = getattr(library, name)()
    for item in range(count):
        queue.put_nowait(item)
    return queue


# ---- who waits ----


@pytest.mark.parametrize("name", ["Lock", "Semaphore", "BoundedSemaphore"])
async def test_who_waits_can_be_counted(library, name):
    guard = getattr(library, name)()
    assert not guard._waiters
    async with guard:
        waiters = [library.create_task(guard.acquire()) for _ in range(3)]
        await library.sleep(0)
        assert len(guard._waiters) == 3
        assert not any(waiter.done() or waiter.cancelled() for waiter in guard._waiters)
        waiters.pop().cancel()
        await library.sleep(0)
        assert len(guard._waiters) == 2
    for waiter in waiters:
        await waiter
        guard.release()


async def test_the_load_of_a_semaphore_is_its_value_and_who_waits(library):
    semaphore = library.Semaphore(2)
    await semaphore.acquire()
    await semaphore.acquire()
    waiter = library.create_task(semaphore.acquire())
    await library.sleep(0)
    assert 2 - semaphore._value + (len(semaphore._waiters) if semaphore._waiters is not None else 0) == 3
    semaphore.release()
    await waiter


async def test_who_waits_at_a_queue_an_event_a_condition_can_be_counted(library):
    queue, event, condition = library.Queue(1), library.Event(), library.Condition()
    getter, waiter = library.create_task(queue.get()), library.create_task(event.wait())
    await library.sleep(0)
    assert (len(queue._getters), len(queue._putters), len(event._waiters)) == (1, 0, 1)
    assert (event._value, condition._lock.locked(), len(condition._waiters)) == (False, False, 0)
    event.set()
    queue.put_nowait(1)
    await library.gather(getter, waiter)
    queue.put_nowait(2)
    putter = library.create_task(queue.put(3))
    await library.sleep(0)
    assert (len(queue._getters), len(queue._putters)) == (0, 1)
    queue.get_nowait()
    await putter


# ---- the work of a queue ----


async def test_unfinished_tasks(library):
    queue = filled(library, count=2)
    assert (queue._unfinished_tasks, queue._finished.is_set(), queue._maxsize) == (2, False, 0)
    queue.task_done()
    assert queue._unfinished_tasks == 1
    joined = library.create_task(queue.join())
    await library.sleep(0)
    queue._finished.set()
    await joined
    await queue._finished.wait()
    assert queue._finished.is_set()


# ---- the items of a queue ----


@pytest.mark.parametrize("name", QUEUES)
def test_items_can_be_looked_at(library, name):
    queue = filled(library, name)
    assert list(itertools.islice(queue._queue, 0, 3)) == [0, 1, 2]
    assert (len(queue._queue), queue._queue[0], queue._queue[-1]) == (5, 0, 4)
    assert 3 in queue._queue
    assert 7 not in queue._queue
    assert (queue._queue.index(2), queue._queue.count(2)) == (2, 1)
    assert list(reversed(queue._queue)) == [4, 3, 2, 1, 0]
    assert queue._queue.copy() == queue._queue
    assert bool(queue._queue)
    assert [item for item in queue._queue if item > 2] == [3, 4]
    assert queue._queue != [1]
    assert "[0, 1, 2, 3, 4]" in repr(queue._queue)


def drained(queue):
    return [queue.get_nowait() for _ in range(queue.qsize())]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda items: items.clear(), []),
        (lambda items: items.remove(3), [0, 1, 2, 4]),
        (lambda items: items.append(9), [0, 1, 2, 3, 4, 9]),
        (lambda items: items.appendleft(9), [9, 0, 1, 2, 3, 4]),
        (lambda items: items.insert(1, 9), [0, 9, 1, 2, 3, 4]),
        (lambda items: items.pop(), [0, 1, 2, 3]),
        (lambda items: items.popleft(), [1, 2, 3, 4]),
        (lambda items: items.extend([8, 9]), [0, 1, 2, 3, 4, 8, 9]),
        (lambda items: items.extendleft([8, 9]), [9, 8, 0, 1, 2, 3, 4]),
        (lambda items: items.rotate(), [4, 0, 1, 2, 3]),
        (lambda items: items.rotate(-2), [2, 3, 4, 0, 1]),
        (lambda items: items.reverse(), [4, 3, 2, 1, 0]),
        (lambda items: items.__setitem__(1, 9), [0, 9, 2, 3, 4]),
        (lambda items: items.__delitem__(0), [1, 2, 3, 4]),
        (lambda items: items.__iadd__([9]), [0, 1, 2, 3, 4, 9]),
    ],
)
def test_items_can_be_changed(library, change, left):
    queue = filled(library)
    change(queue._queue)
    assert queue.qsize() == len(left)
    assert drained(queue) == left
    assert queue.empty()
    queue._queue.rotate()
    assert queue._unfinished_tasks == 5


def test_items_can_be_shuffled_sorted_and_replaced(library):
    queue = filled(library, count=50)
    random.shuffle(queue._queue)
    assert sorted(queue._queue) == list(range(50))
    assert list(queue._queue) != list(range(50))
    queue._queue = type(queue._queue)([3, 1, 2]) if library is asyncio else [3, 1, 2]
    assert drained(queue) == [3, 1, 2]
    if library is ours:
        queue = filled(library)
        queue._queue.sort(reverse=True)
        assert drained(queue) == [4, 3, 2, 1, 0]


def test_the_order_of_a_queue_holds_for_what_was_changed():
    stack, heap = filled(ours, "LifoQueue", 3), filled(ours, "PriorityQueue", 3)
    for queue in (stack, heap):
        queue._queue.append(-1)
    assert drained(stack) == [-1, 2, 1, 0]
    assert drained(heap) == [-1, 0, 1, 2]


def test_a_change_that_cannot_be_compared_changes_nothing():
    heap = filled(ours, "PriorityQueue", 3)
    with pytest.raises(TypeError, match="not supported between"):
        heap._queue.append("text")
    assert drained(heap) == [0, 1, 2]


@pytest.mark.parametrize("name", QUEUES)
async def test_whoever_waits_gets_what_is_put_past_the_line(name):
    queue = getattr(ours, name)()
    getters = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue._queue.extend([1, 2, 3])
    assert sorted(await asyncio.gather(*getters)) in ([1, 2], [2, 3])
    assert queue.qsize() == 1


@pytest.mark.parametrize("name", QUEUES)
async def test_who_was_let_through_to_an_item_that_is_thrown_away_waits_on(name):
    queue = getattr(ours, name)()
    getters = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.put_nowait(1)
    queue._queue.clear()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not any(getter.done() for getter in getters)
    assert queue.empty()
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()
    queue.put_nowait(2)
    queue.put_nowait(3)
    assert sorted(await asyncio.gather(*getters)) == [2, 3]
    assert queue.statistics()["getting"] == 0
    queue.put_nowait(4)
    assert queue.get_nowait() == 4


@pytest.mark.parametrize("name", QUEUES)
async def test_who_waits_for_room_gets_that_of_what_is_thrown_away(name):
    queue = getattr(ours, name)(maxsize=2)
    queue.put_nowait(1)
    queue.put_nowait(2)
    putters = [asyncio.create_task(queue.put(item)) for item in (3, 4)]
    await asyncio.sleep(0)
    queue._queue.clear()
    await asyncio.gather(*putters)
    assert sorted(drained(queue)) == [3, 4]


async def test_a_blocked_thread_gets_what_is_put_past_the_line(until):
    queue = ours.Queue()
    thread = asyncio.create_task(asyncio.to_thread(queue.get_blocking, 10))
    await until(lambda: queue.statistics()["getting"])
    queue._queue.append("item")
    assert await thread == "item"


async def test_several_at_once_after_items_were_thrown_away():
    queue = ours.Queue()
    getter = asyncio.create_task(queue.get_many(3))
    await asyncio.sleep(0)
    queue.put_nowait(1)
    queue._queue.clear()
    await asyncio.sleep(0)
    queue.put_nowait(2)
    assert await getter == [2]
