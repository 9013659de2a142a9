"""`LifoQueue`: the last that went in comes out first; the rest is in `test_queue.py`."""

import aioxide
from tests.sync.waiting import cancelled, results, turns, waiting


async def test_the_last_in_is_the_first_out(library):
    queue = library.LifoQueue()
    for number in range(5):
        await queue.put(number)
    assert [await queue.get() for _ in range(5)] == [4, 3, 2, 1, 0]


async def test_with_waiting_putters(library):
    queue = library.LifoQueue(1)
    queue.put_nowait(0)
    tasks = await waiting(queue.put(1), queue.put(2))
    got = []
    for _ in range(3):
        got.append(await queue.get())
        await turns(2)
    assert got == [0, 1, 2], "putters get in in the order in which they came"
    await results(*tasks)


async def test_waiting_getters_are_served_in_the_order_in_which_they_came(library):
    queue = library.LifoQueue()
    tasks = await waiting(queue.get(), queue.get())
    queue.put_nowait("a")
    await turns(2)
    queue.put_nowait("b")
    assert await results(*tasks) == ["a", "b"]


async def test_get_many_and_async_for_go_backwards_too():
    queue = aioxide.LifoQueue()
    await queue.put_many(range(6))
    assert await queue.get_many(2) == [5, 4]
    queue.shutdown()
    assert [item async for item in queue] == [3, 2, 1, 0]


async def test_an_item_given_back_is_the_last_that_went_in():
    queue = aioxide.LifoQueue()
    (task,) = await waiting(queue.get())
    queue.put_nowait("granted")
    await cancelled(task)
    assert queue.get_nowait() == "granted"
    assert queue.empty()


def test_it_is_a_queue(library):
    assert issubclass(library.LifoQueue, library.Queue)
    assert isinstance(library.LifoQueue(), library.Queue)
