"""The way back from tokio: one ring for a burst, no wake-up lost, none to the wrong one, and fairness."""

import asyncio

import pytest

from aioxide._core import bridge_statistics, echo, gather, noop, pending, sleep

DRAIN_CAP = 512


def rings():
    return bridge_statistics()["rings"]


def keep_python_busy(seconds=0.02):
    """Holds the loop for a while, so that tokio and the clock get ahead of it."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    while loop.time() < begin + seconds:
        pass


async def test_many_completions_make_few_rings():
    before = rings()
    tasks = [asyncio.create_task(noop()) for _ in range(10_000)]
    await asyncio.wait(tasks)
    assert all(task.result() is None for task in tasks)
    assert rings() - before < 1_000
    assert bridge_statistics()["sleeping"] == 0


async def test_one_ring_for_all_that_ends_while_python_is_busy():
    await noop()
    before = rings()
    tasks = [asyncio.create_task(noop()) for _ in range(DRAIN_CAP // 2)]
    await asyncio.sleep(0)
    keep_python_busy()
    # However many have ended by now: nobody rings twice before the drain.
    assert rings() - before <= 1
    await asyncio.wait(tasks)


async def test_those_woken_in_a_drain_make_work_for_the_next():
    async def chain():
        for number in range(50):
            assert await echo(number) == number
        return True

    tasks = [asyncio.create_task(chain()) for _ in range(200)]
    assert all(await asyncio.gather(*tasks))


async def test_a_reused_slot_is_not_woken_by_its_former_holder():
    for _ in range(200):
        first = asyncio.create_task(noop())
        await asyncio.sleep(0)
        first.cancel()
        second = asyncio.create_task(pending())
        await asyncio.sleep(0)
        await noop()
        assert not second.done()
        second.cancel()
        await asyncio.wait([first, second])
    assert bridge_statistics()["sleeping"] == 0


class Beat:
    """Counts the loop's turns, by a callback that is ready in each of them."""

    def __init__(self):
        self.turns = 0
        self.handle = asyncio.get_running_loop().call_soon(self)

    def __call__(self):
        self.turns += 1
        self.handle = asyncio.get_running_loop().call_soon(self)


def most_in_a_turn(turns):
    return max(turns.count(turn) for turn in set(turns))


@pytest.mark.parametrize("make", [noop, lambda: sleep(1e-9)], ids=["mailbox", "timers"])
async def test_a_drain_stops_at_its_cap_for_other_callbacks(make):
    beat = Beat()
    turns = []

    async def one():
        await make()
        turns.append(beat.turns)

    tasks = [asyncio.create_task(one()) for _ in range(4 * DRAIN_CAP)]
    await asyncio.sleep(0)
    # Enough that more than one capful waits when the loop turns.
    keep_python_busy(0.05)
    turns.clear()
    # What ended before this is not counted: a noop may be finished at its first step.
    started = sum(not task.done() for task in tasks)
    await asyncio.wait(tasks)
    beat.handle.cancel()
    assert len(turns) >= started - DRAIN_CAP
    # Two drains fit into one turn of the counter where a timer and the bell come together.
    assert most_in_a_turn(turns) <= 2 * DRAIN_CAP


async def test_the_order_of_timers_is_kept_across_the_cap():
    order = []

    async def one(number):
        await sleep(0.001 + number * 1e-9)
        order.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(3 * DRAIN_CAP)]
    await asyncio.sleep(0)
    keep_python_busy()
    await asyncio.wait(tasks)
    assert order == sorted(order)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("make", [noop, lambda: sleep(1e-9)], ids=["mailbox", "timers"])
def test_an_interrupt_in_the_first_of_a_batch_keeps_the_rest(new_loop, kind, make):
    loop = new_loop()
    ended = []

    async def interrupt():
        turned = []
        loop.call_soon(turned.append, True)
        # A noop may be finished at its first step; this one has to come out of a drain.
        while not turned:
            await make()
        raise kind

    async def other(number):
        await make()
        ended.append(number)

    tasks = []

    async def start():
        tasks.append(asyncio.ensure_future(interrupt()))
        tasks.extend(asyncio.ensure_future(other(number)) for number in range(100))
        await asyncio.sleep(0)
        keep_python_busy()
        await asyncio.wait(tasks)

    with pytest.raises(kind):
        loop.run_until_complete(start())
    assert isinstance(tasks[0].exception(), kind)
    for task in asyncio.all_tasks(loop) - set(tasks):
        # The one that the interrupt left behind.
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks[1:]))
    assert sorted(ended) == list(range(100))
    assert loop.run_until_complete(counts()) == 0
    loop.close()


async def counts():
    return bridge_statistics()["sleeping"]


async def test_an_exception_in_a_callback_does_not_stop_the_drain(reported):
    """A callback of an operation that is not a task's, as anyio or a test may give it."""

    def fail(operation):
        raise LookupError("from a callback")

    operation = sleep(1e-9)
    operation.send(None)
    operation.add_done_callback(fail)
    tasks = [asyncio.create_task(sleep(1e-9, number)) for number in range(10)]
    await asyncio.sleep(0)
    keep_python_busy()
    assert await asyncio.gather(*tasks) == list(range(10))
    operation.close()
    failures = [context["exception"] for context in reported]
    assert len(failures) == 1
    assert isinstance(failures[0], LookupError)
    reported.clear()


async def test_a_gather_of_many_makes_few_rings():
    before = rings()
    assert await gather(*(noop() for _ in range(10_000))) == [None] * 10_000
    assert rings() - before < 100


async def test_statistics_count_who_sleeps():
    tasks = [asyncio.create_task(pending()) for _ in range(3)]
    tasks.append(asyncio.create_task(sleep(3600)))
    await asyncio.sleep(0)
    statistics = bridge_statistics()
    assert (statistics["sleeping"], statistics["timers"]) == (4, 1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert bridge_statistics()["sleeping"] == 0
