"""`Queue`, and what the queues of all three kinds share: asyncio's contract, then what ours add."""

import asyncio
import math
import re
import types

import pytest

import aioxide
from tests.sync.waiting import (
    Turns,
    cancelled,
    done,
    results,
    suspended,
    turns,
    waiting,
)

KINDS = pytest.mark.parametrize("kind", ["Queue", "LifoQueue", "PriorityQueue"])


def error_of(library, name):
    """An exception that asyncio's users catch; `QueueShutDown` came with 3.13."""
    module = aioxide.exceptions if library is aioxide or not hasattr(asyncio, name) else asyncio
    return getattr(module, name)


def can_shut_down(library):
    if not hasattr(library.Queue, "shutdown"):
        pytest.skip("came with 3.13")


def drained(queue):
    """What lies in a queue."""
    items = []
    while not queue.empty():
        items.append(queue.get_nowait())
    return items


# ---- asyncio's contract ----


async def test_items_come_out_in_the_order_in_which_they_went_in(library):
    queue = library.Queue()
    for number in range(10):
        assert await queue.put(number) is None
    assert [await queue.get() for _ in range(10)] == list(range(10))


@KINDS
async def test_its_size(library, kind):
    queue = getattr(library, kind)(2)
    assert (queue.maxsize, queue.qsize(), queue.empty(), queue.full()) == (2, 0, True, False)
    queue.put_nowait(1)
    assert (queue.qsize(), queue.empty(), queue.full()) == (1, False, False)
    queue.put_nowait(2)
    assert (queue.qsize(), queue.empty(), queue.full()) == (2, False, True)
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(3)
    drained(queue)
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()


@KINDS
@pytest.mark.parametrize("maxsize", [0, -1, -5])
async def test_without_a_limit_it_is_never_full(library, kind, maxsize):
    queue = getattr(library, kind)(maxsize)
    assert queue.maxsize == maxsize
    for number in range(1_000):
        queue.put_nowait(number)
    assert not queue.full()
    assert queue.qsize() == 1_000


@KINDS
async def test_a_limit_that_is_no_whole_number(library, kind):
    queue = getattr(library, kind)(maxsize=1.3)
    queue.put_nowait(1)
    assert not queue.full()
    queue.put_nowait(2)
    assert queue.full()
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(3)
    assert queue.maxsize == 1.3


@KINDS
async def test_a_getter_waits_for_an_item(library, kind):
    queue = getattr(library, kind)()
    (task,) = await waiting(queue.get())
    queue.put_nowait("item")
    await turns()
    assert task.result() == "item"
    assert queue.empty()


@KINDS
async def test_a_putter_waits_for_room(library, kind):
    queue = getattr(library, kind)(1)
    queue.put_nowait(1)
    (task,) = await waiting(queue.put(2))
    assert queue.qsize() == 1
    assert queue.get_nowait() == 1
    await turns()
    assert task.done()
    assert drained(queue) == [2]


@KINDS
async def test_getters_are_served_in_order(library, kind):
    queue = getattr(library, kind)()
    order = []

    async def get(number):
        order.append((number, await queue.get()))

    tasks = await waiting(*(get(number) for number in range(5)))
    for number in range(5):
        queue.put_nowait(number)
        await turns(2)
    await results(*tasks)
    assert order == [(number, number) for number in range(5)]


async def test_putters_get_in_in_order(library):
    queue = library.Queue(1)
    queue.put_nowait("first")
    tasks = await waiting(*(queue.put(number) for number in range(5)))
    got = []
    for _ in range(6):
        got.append(await queue.get())
        await turns(2)
    assert got == ["first", 0, 1, 2, 3, 4]
    await results(*tasks)


@KINDS
async def test_a_cancelled_getter_takes_nothing(library, kind):
    queue = getattr(library, kind)()
    first, second = await waiting(queue.get(), queue.get())
    first.cancel()
    queue.put_nowait("item")
    assert await results(second) == ["item"]
    assert first.cancelled()


@KINDS
async def test_a_getter_woken_and_cancelled_in_one_turn_loses_no_item(library, kind):
    queue = getattr(library, kind)()
    first, second = await waiting(queue.get(), queue.get())
    queue.put_nowait("item")
    first.cancel()
    assert await results(second) == ["item"]
    assert first.cancelled()
    (task,) = await waiting(queue.get())
    queue.put_nowait("other")
    await cancelled(task)
    assert drained(queue) == ["other"]


@KINDS
async def test_a_cancelled_putter_puts_nothing(library, kind):
    queue = getattr(library, kind)(1)
    queue.put_nowait(0)
    first, second = await waiting(queue.put(1), queue.put(2))
    await cancelled(first)
    assert queue.get_nowait() == 0
    await results(second)
    assert drained(queue) == [2]


@KINDS
async def test_a_putter_woken_and_cancelled_in_one_turn_puts_nothing_and_leaves_the_room(library, kind):
    queue = getattr(library, kind)(1)
    queue.put_nowait(0)
    first, second = await waiting(queue.put(1), queue.put(2))
    assert queue.get_nowait() == 0
    first.cancel()
    await results(second)
    assert first.cancelled()
    assert drained(queue) == [2], "what was not put, as its caller was told, is not there"


@KINDS
async def test_join_waits_until_all_is_done(library, kind):
    queue = getattr(library, kind)()
    await queue.join()
    for number in range(3):
        queue.put_nowait(number)
    (task,) = await waiting(queue.join())
    drained(queue)
    for _ in range(3):
        await turns(3)
        assert not task.done()
        assert queue.task_done() is None
    await turns()
    assert task.done()
    await queue.join()


@KINDS
async def test_task_done_too_often_is_an_error(library, kind):
    queue = getattr(library, kind)()
    with pytest.raises(ValueError, match=r"^task_done\(\) called too many times$"):
        queue.task_done()
    queue.put_nowait(1)
    queue.task_done()
    with pytest.raises(ValueError, match="called too many times"):
        queue.task_done()


@KINDS
async def test_producers_and_consumers(library, kind):
    queue = getattr(library, kind)(3)
    got = []

    async def produce(base):
        for number in range(40):
            await queue.put(base + number)

    async def consume():
        while True:
            got.append(await queue.get())
            await turns(len(got) % 2)
            queue.task_done()

    consumers = [asyncio.create_task(consume()) for _ in range(4)]
    await asyncio.gather(*(produce(base) for base in range(0, 400, 40)))
    await queue.join()
    await cancelled(*consumers)
    assert sorted(got) == list(range(400))
    assert queue.empty()


@KINDS
async def test_any_object_is_an_item(library, kind):
    queue = getattr(library, kind)()
    error = LookupError("an item")
    for item in (None, (), (1, 2), error, StopIteration(3), [None]):
        queue.put_nowait(item)
        assert queue.get_nowait() is item
        await queue.put(item)
        assert await queue.get() is item
        (task,) = await waiting(queue.get())
        queue.put_nowait(item)
        assert (await results(task))[0] is item


@KINDS
async def test_shut_down_nothing_goes_in_and_what_is_there_comes_out(library, kind):
    can_shut_down(library)
    queue = getattr(library, kind)()
    queue.put_nowait(1)
    queue.put_nowait(2)
    assert queue.shutdown() is None
    down = error_of(library, "QueueShutDown")
    with pytest.raises(down):
        queue.put_nowait(3)
    with pytest.raises(down):
        await queue.put(3)
    assert sorted([await queue.get(), queue.get_nowait()]) == [1, 2]
    with pytest.raises(down):
        await queue.get()
    with pytest.raises(down):
        queue.get_nowait()
    queue.shutdown()


@KINDS
@pytest.mark.parametrize("immediate", [False, True])
async def test_shut_down_all_that_wait_hear_of_it(library, kind, immediate):
    can_shut_down(library)
    down = error_of(library, "QueueShutDown")
    empty, full = getattr(library, kind)(), getattr(library, kind)(1)
    full.put_nowait(1)
    tasks = await waiting(empty.get(), empty.get(), full.put(2), full.put(3))
    for queue in (empty, full):
        queue.shutdown(immediate)
    await turns(2)
    assert done(tasks) == [0, 1, 2, 3]
    assert {type(task.exception()) for task in tasks} == {down}
    assert drained(full) == ([] if immediate else [1])


@KINDS
async def test_shut_down_at_once_it_is_empty_and_joined(library, kind):
    can_shut_down(library)
    queue = getattr(library, kind)()
    for number in range(3):
        queue.put_nowait(number)
    got = queue.get_nowait()
    (task,) = await waiting(queue.join())
    queue.shutdown(immediate=True)
    assert queue.qsize() == 0
    await turns(2)
    assert not task.done(), "one was taken, and is not done"
    queue.task_done()
    await results(task)
    with pytest.raises(ValueError, match="too many times"):
        queue.task_done()
    assert got in range(3)


@KINDS
async def test_its_repr(library, kind):
    queue = getattr(library, kind)(1)
    assert re.fullmatch(rf"<{kind} at 0x[0-9a-f]+ maxsize=1>", repr(queue))
    assert str(queue) == f"<{kind} maxsize=1>"
    (getter,) = await waiting(queue.get())
    assert str(queue) == f"<{kind} maxsize=1 _getters[1]>"
    await cancelled(getter)
    queue.put_nowait(5)
    if kind != "PriorityQueue":
        assert str(queue) == f"<{kind} maxsize=1 _queue=[5] tasks=1>"
    putters = await waiting(queue.put(6), queue.put(7))
    assert "_putters[2] tasks=1>" in repr(queue)
    await cancelled(*putters)
    if hasattr(queue, "shutdown"):
        queue.shutdown()
        assert str(queue).endswith(" tasks=1 shutdown>")


@KINDS
def test_it_is_generic(library, kind):
    alias = getattr(library, kind)[int]
    assert isinstance(alias, types.GenericAlias)
    assert alias.__origin__ is getattr(library, kind)
    assert alias.__args__ == (int,)


# ---- what ours add: errors, bad input ----


def test_the_errors_are_asyncios():
    for name in ("QueueEmpty", "QueueFull", "QueueShutDown"):
        error = getattr(aioxide.exceptions, name)
        assert issubclass(error, getattr(asyncio, name, Exception))
        assert getattr(aioxide, name) is error


@KINDS
@pytest.mark.parametrize("maxsize", ["2", None, [], object()], ids=repr)
def test_a_limit_that_is_no_number_is_refused(kind, maxsize):
    with pytest.raises(TypeError):
        getattr(aioxide, kind)(maxsize)


@KINDS
def test_a_limit_that_is_not_a_number_is_refused(kind):
    with pytest.raises(ValueError):  # noqa: PT011
        getattr(aioxide, kind)(math.nan)


@KINDS
def test_a_limit_beyond_all_bounds_is_none(kind):
    for maxsize in (2**62, math.inf):
        queue = getattr(aioxide, kind)(maxsize)
        queue.put_nowait(1)
        assert not queue.full()


@KINDS
async def test_its_statistics(kind):
    queue = getattr(aioxide, kind)(1)
    nothing = {"size": 0, "maxsize": 1, "getting": 0, "putting": 0, "unfinished": 0, "shutdown": False}
    assert queue.statistics() == nothing
    getters = await waiting(queue.get(), queue.get())
    assert queue.statistics() == nothing | {"getting": 2}
    await cancelled(*getters)
    queue.put_nowait(1)
    putters = await waiting(queue.put(2))
    assert queue.statistics() == nothing | {"size": 1, "putting": 1, "unfinished": 1}
    await cancelled(*putters)
    queue.shutdown()
    assert queue.statistics() == nothing | {"size": 1, "unfinished": 1, "shutdown": True}


# ---- no trip, no barging ----


@KINDS
async def test_with_items_and_room_it_turns_no_loop(kind):
    queue = getattr(aioxide, kind)(2)
    with Turns() as counted:
        for number in range(100):
            await queue.put(number)
            await queue.put_many([number])
            assert await queue.get() == number
            assert await queue.get_many(5) == [number]
            for _ in range(2):
                queue.task_done()
            await queue.join()
        assert counted.count == 0
    await turns()


@KINDS
async def test_what_a_getter_was_given_nobody_takes_from_it(kind):
    queue = getattr(aioxide, kind)()
    (task,) = await waiting(queue.get())
    queue.put_nowait("item")
    with pytest.raises(asyncio.QueueEmpty):
        queue.get_nowait()
    suspended(queue.get()).close()
    assert await results(task) == ["item"]


async def test_a_getter_that_came_first_gets_what_came_first():
    queue = aioxide.Queue()
    (task,) = await waiting(queue.get())
    queue.put_nowait("first")
    queue.put_nowait("second")
    assert queue.get_nowait() == "second"
    assert await results(task) == ["first"]


@KINDS
async def test_the_room_a_putter_was_given_nobody_takes_from_it(kind):
    queue = getattr(aioxide, kind)(1)
    queue.put_nowait(0)
    (task,) = await waiting(queue.put(1))
    assert queue.get_nowait() == 0
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(2)
    suspended(queue.put(3)).close()
    await results(task)
    assert drained(queue) == [1]


async def test_a_getter_that_is_cancelled_after_the_grant_puts_its_item_back_in_front():
    queue = aioxide.Queue()
    (task,) = await waiting(queue.get())
    queue.put_nowait("first")
    queue.put_nowait("second")
    await cancelled(task)
    assert drained(queue) == ["first", "second"]


async def test_an_item_given_back_when_others_have_filled_the_queue_is_not_lost():
    queue = aioxide.Queue(1)
    (getter,) = await waiting(queue.get())
    queue.put_nowait("first")
    putters = [asyncio.ensure_future(queue.put(item)) for item in ("second", "third")]
    # Begun behind the putters, it runs before the getter hears of its item, or after: all is well.
    for putter in putters:
        putter.add_done_callback(lambda _: getter.cancel())
    getter.cancel()
    got = []
    for _ in range(3):
        got += await results(asyncio.ensure_future(queue.get()))
    assert got == ["first", "second", "third"]
    await results(*putters)
