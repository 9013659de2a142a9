"""`PriorityQueue`: the smallest comes out first, equals in order; the rest is in `test_queue.py`."""

import random

import pytest

import aioxide
from tests.sync.waiting import cancelled, results, suspended, turns, waiting


def drained(queue):
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_the_smallest_comes_out_first(library):
    queue = library.PriorityQueue()
    numbers = random.Random(1).sample(range(1_000), 200)
    for number in numbers:
        await queue.put(number)
    assert drained(queue) == sorted(numbers)


async def test_tuples_are_compared_as_python_does(library):
    queue = library.PriorityQueue()
    for item in [(2, "a"), (1, "b"), (1, "a"), (0,), (2,)]:
        queue.put_nowait(item)
    assert drained(queue) == [(0,), (1, "a"), (1, "b"), (2,), (2, "a")]


async def test_puts_and_gets_mixed(library):
    queue = library.PriorityQueue()
    chance = random.Random(2)
    model = []
    for _ in range(500):
        if model and chance.random() < 0.45:
            smallest = min(model)
            model.remove(smallest)
            assert queue.get_nowait() == smallest
        else:
            number = chance.randrange(50)
            model.append(number)
            queue.put_nowait(number)
    assert drained(queue) == sorted(model)


async def test_a_limit_holds(library):
    queue = library.PriorityQueue(2)
    queue.put_nowait(2)
    queue.put_nowait(3)
    (task,) = await waiting(queue.put(1))
    assert await queue.get() == 2
    await results(task)
    assert drained(queue) == [1, 3]


def test_it_is_a_queue(library):
    assert issubclass(library.PriorityQueue, library.Queue)


class Ranked:
    """Compared by its rank alone, and by `<` alone, as heapq asks."""

    def __init__(self, rank, name):
        self.rank, self.name = rank, name

    def __lt__(self, other):
        return self.rank < other.rank

    def __repr__(self):
        return f"{self.rank}{self.name}"


async def test_equals_come_out_in_the_order_in_which_they_went_in():
    queue = aioxide.PriorityQueue()
    for name in "abcdefgh":
        for rank in (2, 1):
            queue.put_nowait(Ranked(rank, name))
    assert "".join(item.name for item in drained(queue)) == "abcdefgh" * 2


async def test_a_key_computes_the_priority():
    queue = aioxide.PriorityQueue(key=lambda item: -len(item))
    for item in ("a", "ccc", "bb", "ddd", ""):
        queue.put_nowait(item)
    assert drained(queue) == ["ccc", "ddd", "bb", "a", ""]


async def test_with_a_key_items_need_not_compare():
    queue = aioxide.PriorityQueue(key=lambda item: item["rank"])
    items = [{"rank": rank} for rank in (3, 1, 2, 1)]
    await queue.put_many(items)
    got = drained(queue)
    assert [item["rank"] for item in got] == [1, 1, 2, 3]
    assert got[0] is items[1]


async def test_the_key_is_called_once_an_item():
    calls = []

    def key(item):
        calls.append(item)
        return item

    queue = aioxide.PriorityQueue(key=key)
    for number in (3, 1, 2):
        queue.put_nowait(number)
    assert drained(queue) == [1, 2, 3]
    assert sorted(calls) == [1, 2, 3]


async def test_a_key_that_fails_puts_nothing():
    queue = aioxide.PriorityQueue(key=lambda item: item.rank)
    with pytest.raises(AttributeError):
        queue.put_nowait(5)
    with pytest.raises(AttributeError):
        await queue.put(5)
    assert queue.statistics()["size"] == queue.statistics()["unfinished"] == 0
    queue.put_nowait(Ranked(1, "a"))
    assert queue.qsize() == 1


async def test_items_that_do_not_compare_put_nothing_and_leave_the_rest():
    queue = aioxide.PriorityQueue()
    queue.put_nowait(2)
    queue.put_nowait(1)
    for item in ("text", None, object()):
        with pytest.raises(TypeError):
            queue.put_nowait(item)
        with pytest.raises(TypeError):
            await queue.put(item)
    assert queue.statistics()["size"] == queue.statistics()["unfinished"] == 2
    assert drained(queue) == [1, 2]


async def test_a_comparison_that_fails_half_way_loses_nothing():
    class Touchy:
        broken = False

        def __init__(self, rank):
            self.rank = rank

        def __lt__(self, other):
            if Touchy.broken:
                raise LookupError
            return self.rank < other.rank

    queue = aioxide.PriorityQueue()
    for rank in (5, 3, 4, 1, 2):
        queue.put_nowait(Touchy(rank))
    Touchy.broken = True
    with pytest.raises(LookupError):
        queue.put_nowait(Touchy(0))
    failed = 0
    got = []
    for _ in range(2):
        try:
            got.append(queue.get_nowait().rank)
        except LookupError:
            failed += 1
    Touchy.broken = False
    got += [item.rank for item in drained(queue)]
    assert sorted(got) == [1, 2, 3, 4, 5]


async def test_a_comparison_that_uses_the_queue():
    """Nothing of Python's runs while the queue is locked."""
    queue = aioxide.PriorityQueue()
    sizes = []

    class Curious:
        def __init__(self, rank):
            self.rank = rank

        def __lt__(self, other):
            sizes.append(queue.qsize())
            return self.rank < other.rank

    for rank in (3, 1, 2):
        queue.put_nowait(Curious(rank))
    assert [item.rank for item in drained(queue)] == [1, 2, 3]
    assert sizes


@pytest.mark.parametrize("key", [5, "rank"])
def test_a_key_that_cannot_be_called_is_refused(key):
    with pytest.raises(TypeError):
        aioxide.PriorityQueue(key=key).put_nowait(1)


def test_the_key_is_given_by_name():
    with pytest.raises(TypeError):
        aioxide.PriorityQueue(0, len)
    assert aioxide.PriorityQueue(3, key=None).maxsize == 3
    with pytest.raises(TypeError):
        aioxide.Queue(key=len)


async def test_an_item_given_back_has_its_place():
    queue = aioxide.PriorityQueue()
    (task,) = await waiting(queue.get())
    queue.put_nowait(Ranked(1, "a"))
    queue.put_nowait(Ranked(1, "b"))
    queue.put_nowait(Ranked(0, "c"))
    await cancelled(task)
    assert "".join(item.name for item in drained(queue)) == "cab"


async def test_get_many_and_async_for_are_in_order_too():
    queue = aioxide.PriorityQueue()
    await queue.put_many([5, 3, 1, 4, 2])
    assert await queue.get_many(2) == [1, 2]
    queue.shutdown()
    assert [item async for item in queue] == [3, 4, 5]


async def test_a_waiting_putter_is_let_in_by_its_turn_not_by_its_priority():
    queue = aioxide.PriorityQueue(1)
    queue.put_nowait(5)
    first, second = await waiting(queue.put(9), queue.put(1))
    assert queue.get_nowait() == 5
    await turns(2)
    assert first.done()
    assert not second.done()
    assert queue.get_nowait() == 9
    await results(second)
    suspended(queue.put(2)).close()
    assert drained(queue) == [1]
