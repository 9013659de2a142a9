"""What the queues of all three kinds have beyond asyncio's: time limits, `async for`, many at once."""

import asyncio
import contextlib
import gc
import math
import weakref

import pytest

import aioxide
from tests.sync.waiting import (
    at_once,
    cancelled,
    eventually,
    results,
    run_on,
    suspended,
    thread,
    turns,
    waiting,
)

KINDS = pytest.mark.parametrize("kind", ["Queue", "LifoQueue", "PriorityQueue"])


def drained(queue):
    """What lies in a queue."""
    items = []
    while not queue.empty():
        items.append(queue.get_nowait())
    return items


# ---- get with a time limit ----


@KINDS
async def test_get_gives_up_when_its_time_is_over(kind):
    queue = getattr(aioxide, kind)()
    for limit in (0, 0.001):
        with pytest.raises(TimeoutError):
            await queue.get(timeout=limit)
    assert queue.statistics()["getting"] == 0
    queue.put_nowait("item")
    assert await queue.get(timeout=0) == "item", "what is there needs no time"


def test_get_in_time(on_fake_clock):
    async def main():
        queue = aioxide.Queue()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        loop.call_later(3, queue.put_nowait, "item")
        assert await queue.get(timeout=5) == "item"
        assert loop.time() - begin == 3
        with pytest.raises(TimeoutError):
            await queue.get(timeout=5)
        assert loop.time() - begin == 8
        assert await asyncio.gather(queue.get(timeout=2), queue.get(timeout=1), return_exceptions=True)
        assert loop.time() - begin == 10
        assert queue.statistics()["getting"] == 0
        queue.put_nowait("kept")
        return await queue.get()

    assert on_fake_clock(main()) == "kept"


async def test_get_with_none_for_a_limit_waits():
    queue = aioxide.Queue()
    (task,) = await waiting(queue.get(timeout=None))
    queue.put_nowait(1)
    assert await results(task) == [1]
    (task,) = await waiting(queue.get(math.inf))
    queue.put_nowait(2)
    assert await results(task) == [2]


@pytest.mark.parametrize("limit", [math.nan, -1.0, "soon", [], object()], ids=lambda limit: repr(limit)[:7])
async def test_a_limit_that_is_no_time_is_refused(limit):
    queue = aioxide.Queue()
    with pytest.raises(ValueError if isinstance(limit, float) else TypeError):
        await queue.get(timeout=limit)
    with pytest.raises(ValueError if isinstance(limit, float) else TypeError):
        await queue.get_many(3, within=limit)
    assert queue.statistics()["getting"] == 0


async def test_an_item_that_comes_as_the_time_ends_is_not_lost():
    """Timeouts and puts race, over and over: each item is got once."""
    queue = aioxide.Queue()
    got = []

    async def get():
        for _ in range(150):
            with contextlib.suppress(TimeoutError):
                got.append(await queue.get(timeout=1e-5))

    async def put():
        for number in range(300):
            queue.put_nowait(number)
            await turns(number % 3)
            if number % 50 == 0:
                await asyncio.sleep(1e-5)

    await asyncio.gather(get(), get(), put())
    assert sorted(got + drained(queue)) == list(range(300))


async def test_a_get_with_a_limit_cancelled_after_the_grant_loses_nothing():
    queue = aioxide.Queue()
    (task,) = await waiting(queue.get(timeout=3600))
    queue.put_nowait("item")
    await cancelled(task)
    assert drained(queue) == ["item"]


# ---- async for ----


@KINDS
async def test_async_for_ends_when_it_is_shut_down_and_empty(kind):
    queue = getattr(aioxide, kind)()
    got = []

    async def consume():
        async for item in queue:
            got.append(item)

    (task,) = await waiting(consume())
    for number in range(3):
        queue.put_nowait(number)
        await turns(2)
    queue.put_nowait(3)
    queue.shutdown()
    await results(task)
    assert got == [0, 1, 2, 3]


@KINDS
async def test_async_for_over_one_that_is_shut_down_already(kind):
    queue = getattr(aioxide, kind)()
    for number in range(3):
        queue.put_nowait(number)
    queue.shutdown()
    assert sorted([item async for item in queue]) == [0, 1, 2]
    assert [item async for item in queue] == []


async def test_several_share_an_async_for():
    queue = aioxide.Queue(2)

    async def consume():
        got = []
        async for item in queue:
            got.append(item)
            await turns()
        return got

    tasks = [asyncio.create_task(consume()) for _ in range(3)]
    await queue.put_many(range(30))
    queue.shutdown()
    shares = await results(*tasks)
    assert sorted(item for share in shares for item in share) == list(range(30))
    assert all(share == sorted(share) for share in shares)


async def test_async_for_left_early_or_cancelled_loses_nothing():
    queue = aioxide.Queue()
    for number in range(3):
        queue.put_nowait(number)
    async for item in queue:
        assert item == 0
        break
    assert queue.get_nowait() == 1
    assert queue.get_nowait() == 2

    async def consume():
        async for _ in queue:
            pytest.fail("not reached")

    (task,) = await waiting(consume())
    queue.put_nowait("kept")
    await cancelled(task)
    assert drained(queue) == ["kept"]


async def test_async_for_with_join():
    queue = aioxide.Queue()

    async def consume():
        async for _ in queue:
            queue.task_done()

    (task,) = await waiting(consume())
    await queue.put_many(range(10))
    await queue.join()
    assert queue.statistics()["unfinished"] == 0
    queue.shutdown()
    await results(task)


# ---- many at once ----


async def test_get_many_takes_what_is_there_up_to_its_most():
    queue = aioxide.Queue()
    for number in range(5):
        queue.put_nowait(number)
    assert await queue.get_many(3) == [0, 1, 2]
    assert await queue.get_many(10) == [3, 4]
    (task,) = await waiting(queue.get_many(10))
    for number in range(3):
        queue.put_nowait(number)
    got = await results(task)
    assert got[0][0] == 0
    assert got[0] + drained(queue) == [0, 1, 2]


async def test_get_many_makes_room_for_all_that_wait():
    queue = aioxide.Queue(2)
    (task,) = await waiting(queue.put_many(range(6)))
    got = []
    while len(got) < 6:
        items = await queue.get_many(10)
        assert 1 <= len(items) <= 6
        got += items
        await turns(2)
    assert got == list(range(6))
    await results(task)


def test_get_many_collects_for_a_time(on_fake_clock):
    async def main():
        queue = aioxide.Queue()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for delay in (10, 11, 12, 19):
            loop.call_later(delay, queue.put_nowait, delay)
        assert await queue.get_many(100, within=5) == [10, 11, 12]
        assert loop.time() - begin in (15, 10 + 5), "the time begins with the first"
        assert await queue.get_many(1, within=5) == [19]
        assert loop.time() - begin == 19, "enough is enough"
        for number in range(3):
            queue.put_nowait(number)
        assert await queue.get_many(3, within=5) == [0, 1, 2]
        assert loop.time() - begin == 19

    on_fake_clock(main())


async def test_get_many_cancelled_while_it_collects_loses_nothing():
    queue = aioxide.Queue()
    (task,) = await waiting(queue.get_many(10, within=3600))
    for number in range(3):
        queue.put_nowait(number)
        await turns(2)
    assert not task.done()
    await cancelled(task)
    assert drained(queue) == [0, 1, 2]


async def test_get_many_gives_what_it_has_when_the_queue_is_shut_down():
    queue = aioxide.Queue()
    (task,) = await waiting(queue.get_many(10, within=3600))
    queue.put_nowait(1)
    await turns(2)
    queue.shutdown()
    assert await results(task) == [[1]]
    with pytest.raises(aioxide.exceptions.QueueShutDown):
        await queue.get_many(10)


@pytest.mark.parametrize("most", [0, -1])
async def test_get_many_of_less_than_one_is_refused(most):
    with pytest.raises(ValueError):  # noqa: PT011
        await aioxide.Queue().get_many(most)


@pytest.mark.parametrize("most", [None, "3", 1.5])
async def test_get_many_of_what_is_no_number_is_refused(most):
    with pytest.raises(TypeError):
        await aioxide.Queue().get_many(most)


async def test_put_many_puts_all_in_order():
    queue = aioxide.Queue()
    assert await queue.put_many(number for number in range(5)) is None
    assert await queue.put_many([]) is None
    assert await queue.put_many("ab") is None
    assert drained(queue) == [0, 1, 2, 3, 4, "a", "b"]
    assert queue.statistics()["unfinished"] == 7


async def test_put_many_waits_for_room_as_needed():
    queue = aioxide.Queue(2)
    (task,) = await waiting(queue.put_many(range(5)))
    assert queue.qsize() == 2
    got = []
    for _ in range(5):
        got.append(await queue.get())
        await turns(2)
    assert got == list(range(5))
    await results(task)


async def test_put_many_cancelled_half_way_has_put_a_beginning():
    queue = aioxide.Queue(2)
    (task,) = await waiting(queue.put_many(range(5)))
    await cancelled(task)
    got = drained(queue)
    assert got == list(range(len(got)))
    assert len(got) <= 2


async def test_put_many_of_what_fails_half_way_raises_that():
    def numbers():
        yield 1
        raise LookupError

    queue = aioxide.Queue()
    with pytest.raises(LookupError):
        await queue.put_many(numbers())
    assert drained(queue) in ([], [1])
    with pytest.raises(TypeError):
        await queue.put_many(5)
    with pytest.raises(TypeError):
        await queue.put_many()


async def test_put_many_into_one_that_is_shut_down():
    queue = aioxide.Queue(1)
    (task,) = await waiting(queue.put_many([1, 2]))
    queue.shutdown()
    with pytest.raises(aioxide.exceptions.QueueShutDown):
        await task
    assert drained(queue) == [1]


async def test_an_iterable_that_uses_the_queue():
    queue = aioxide.Queue()

    def numbers():
        for number in range(3):
            queue.qsize()
            yield number

    await queue.put_many(numbers())
    assert drained(queue) == [0, 1, 2]


# ---- threads and loops ----


def test_blocking_calls_hear_of_a_shutdown():
    empty, full = aioxide.Queue(), aioxide.Queue(1)
    full.put_nowait(1)
    blocked = [thread(empty.get_blocking), thread(full.put_blocking, 2)]
    eventually(lambda: empty.statistics()["getting"] and full.statistics()["putting"])
    empty.shutdown()
    full.shutdown()
    for one in blocked:
        with pytest.raises(aioxide.exceptions.QueueShutDown):
            one.result(30)
    with pytest.raises(aioxide.exceptions.QueueShutDown):
        empty.get_blocking()


def test_joined_and_done_from_a_thread(new_loop):
    queue = aioxide.Queue()
    queue.put_nowait(1)

    async def join():
        await queue.join()
        return queue.statistics()["unfinished"]

    joined = thread(run_on, new_loop, join())
    assert queue.get_blocking() == 1
    queue.task_done()
    assert joined.result(30) == 0


@KINDS
def test_threads_and_loops_share_a_queue(new_loop, kind):
    queue = getattr(aioxide, kind)(5)
    count = 200

    async def produce(base):
        for number in range(count):
            await queue.put(base + number)

    async def consume():
        return [item async for item in queue]

    def produce_blocking(base):
        for number in range(count):
            queue.put_blocking(base + number, timeout=30)

    def consume_blocking():
        got = []
        while True:
            try:
                got.append(queue.get_blocking(timeout=30))
            except aioxide.exceptions.QueueShutDown:
                return got

    consumers = [thread(run_on, new_loop, consume()) for _ in range(2)]
    consumers += [thread(consume_blocking) for _ in range(2)]
    producers = [thread(run_on, new_loop, produce(base * count)) for base in range(2)]
    producers += [thread(produce_blocking, base * count) for base in range(2, 4)]
    for one in producers:
        one.result(60)
    queue.shutdown()
    got = [item for one in consumers for item in one.result(60)]
    assert sorted(got) == list(range(4 * count))


# ---- memory ----


class Item:
    """One that can be referenced weakly."""

    def __lt__(self, other):
        return id(self) < id(other)


@KINDS
async def test_it_keeps_nothing_that_was_taken(kind):
    queue = getattr(aioxide, kind)(2)
    items = [Item() for _ in range(4)]
    references = [weakref.ref(item) for item in items]
    (task,) = await waiting(queue.put_many(items))
    await cancelled(task)
    drained(queue)
    del items, task
    gc.collect()
    assert [reference() for reference in references] == [None] * 4


@KINDS
def test_a_cycle_through_its_items_is_collected(kind):
    queue = getattr(aioxide, kind)()
    item = Item()
    item.queue = queue
    queue.put_nowait(item)
    references = weakref.ref(queue), weakref.ref(item)
    del queue, item
    gc.collect()
    assert [reference() for reference in references] == [None, None]


def test_dropped_it_drops_its_items():
    queue = aioxide.Queue()
    item = Item()
    reference = weakref.ref(item)
    queue.put_nowait(item)
    del item
    assert reference() is not None
    del queue
    assert reference() is None


async def test_an_item_whose_end_uses_the_queue():
    """Nothing of Python's runs while the queue is locked."""
    queue = aioxide.Queue()
    seen = []

    class Noisy:
        def __del__(self):
            seen.append(queue.qsize())

    for _ in range(3):
        queue.put_nowait(Noisy())
    queue.get_nowait()
    queue.shutdown(immediate=True)
    assert len(seen) == 3


async def test_ended_by_hand_a_put_keeps_no_item():
    queue = aioxide.Queue(1)
    queue.put_nowait(0)
    item = Item()
    reference = weakref.ref(item)
    operation = suspended(queue.put(item))
    del item
    operation.close()
    assert reference() is None
    assert at_once(queue.get()) == 0
