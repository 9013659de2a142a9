"""Objects that have a primitive are copied, and pickled: so are primitives, while nobody waits for them."""

import asyncio
import copy
import pickle

import pytest

import aioxide
from aioxide import asyncio as ours

WAYS = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda one: pickle.loads(pickle.dumps(one))}


@pytest.fixture(params=WAYS)
def copied(request):
    return WAYS[request.param]


def test_a_copy_has_the_state_and_is_another(library, copied):
    lock, event, semaphore = library.Lock(), library.Event(), library.Semaphore(3)
    asyncio.run(lock.acquire())
    asyncio.run(semaphore.acquire())
    event.set()
    assert copied(lock).locked()
    assert copied(event).is_set()
    assert copied(semaphore)._value == 2
    assert not copied(library.Lock()).locked()
    assert not copied(library.Event()).is_set()
    assert copied(library.Barrier(3)).parties == 3
    assert not copied(library.Condition()).locked()
    for primitive in (lock, event, semaphore):
        mine = copied(primitive)
        assert mine is not primitive
        assert type(mine) is type(primitive)


def test_a_bounded_semaphore_keeps_its_bound(library, copied):
    semaphore = library.BoundedSemaphore(2)
    asyncio.run(semaphore.acquire())
    mine = copied(semaphore)
    assert mine._value == 1
    mine.release()
    with pytest.raises(ValueError, match="released too many times"):
        mine.release()


@pytest.mark.parametrize(
    ("name", "left"), [("Queue", [1, 3]), ("LifoQueue", [1, 2]), ("PriorityQueue", [2, 3])]
)
def test_a_queue_keeps_its_items_and_its_work(library, copied, name, left):
    queue = getattr(library, name)(3)
    for item in (2, 1, 3):
        queue.put_nowait(item)
    queue.get_nowait()
    mine = copied(queue)
    assert (mine.maxsize, mine.qsize(), mine._unfinished_tasks) == (3, 2, 3)
    assert [mine.get_nowait() for _ in range(2)] == left


def test_what_was_set_on_it_is_copied(library, copied):
    lock = library.Lock()
    lock.label = ["mine"]
    assert copied(lock).label == ["mine"]


def test_an_object_that_has_some_is_copied_with_them(library):
    class Account:
        def __init__(self):
            self.lock = library.Lock()
            self.again = self.lock
            self.condition = library.Condition(self.lock)

    mine = copy.deepcopy(Account())
    assert mine.lock is mine.again
    assert mine.condition._lock is mine.lock
    asyncio.run(mine.condition.acquire())
    assert mine.lock.locked()


def test_a_queue_that_was_shut_down_stays_so(copied):
    queue = ours.Queue()
    queue.shutdown()
    with pytest.raises(ours.QueueShutDown):
        copied(queue).put_nowait(1)


async def test_one_that_somebody_waits_for_cannot_be_copied(library):
    lock = library.Lock()
    async with lock:
        waiter = asyncio.create_task(lock.acquire())
        await asyncio.sleep(0)
        with pytest.raises(TypeError, match="cannot pickle"):
            copy.deepcopy(lock)
    await waiter


def test_a_native_one_cannot_be_copied():
    with pytest.raises(TypeError, match="cannot pickle"):
        copy.copy(aioxide.Lock())
