"""`sleep` follows the loop's clock, and leaves nothing behind when it is given up."""

import asyncio
import math
import sys

import pytest

from aioxide import gather, sleep
from aioxide._core import bridge_statistics, noop


def handles(loop):
    """The timers that the loop itself holds and has not cancelled."""
    return [handle for handle in loop._scheduled if not handle.cancelled()]


async def test_it_gives_its_result():
    result = object()
    assert await sleep(0.001, result) is result
    assert await sleep(0.001, result=result) is result
    assert await sleep(0) is None
    assert await sleep(0, (1, 2)) == (1, 2)
    assert await sleep(-5, "past") == "past"


async def test_the_clock_of_the_loop_decides(new_loop):
    loop = asyncio.get_running_loop()
    for delay in (0.001, 0.003, 0.01):
        begin = loop.time()
        await sleep(delay)
        # uvloop counts in whole milliseconds.
        assert loop.time() - begin > delay - 0.0015


def test_it_takes_exactly_its_time_on_a_fake_clock(on_fake_clock):
    async def main(sleep):
        loop = asyncio.get_running_loop()
        trace = []

        async def one(delay):
            result = await sleep(delay, delay)
            trace.append((result, loop.time()))

        await asyncio.gather(*(one(delay) for delay in (3, 1, 2, 0.5, 86_400, 1, 0, -1, 1e-3)))
        return trace

    assert on_fake_clock(main(sleep)) == on_fake_clock(main(asyncio.sleep))


def test_equal_times_wake_in_the_order_they_were_asked_for(on_fake_clock):
    async def main(sleep):
        order = []

        async def one(number):
            await sleep(1)
            order.append(number)

        await asyncio.gather(*(one(number) for number in range(2_000)))
        return order

    assert on_fake_clock(main(sleep)) == list(range(2_000))


async def test_zero_and_less_take_one_turn_of_the_loop():
    async def turns(sleep, delay):
        count = 0
        done = False

        def turn():
            nonlocal count
            count += 1
            if not done:
                loop.call_soon(turn)

        loop = asyncio.get_running_loop()
        loop.call_soon(turn)
        for _ in range(5):
            await sleep(delay)
        done = True
        return count

    for delay in (0, -1, -math.inf):
        assert await turns(sleep, delay) == await turns(asyncio.sleep, delay) == 5


async def test_what_is_no_time_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        sleep(math.nan)
    for bad in (None, "1", [], object()):
        with pytest.raises(TypeError):
            sleep(bad)
    with pytest.raises(TypeError):
        sleep()


async def test_a_float_like_is_a_time():
    class Delay:
        def __float__(self):
            return 0.0

    assert await sleep(False, "bool") == "bool"
    assert await sleep(Delay(), "float") == "float"


@pytest.mark.parametrize("delay", [math.inf, 1e300, 10**9])
async def test_for_ever_can_be_cancelled(delay):
    task = asyncio.create_task(sleep(delay))
    await noop()
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.asyncio(loop_factories=["asyncio", "no-add-reader"])
async def test_a_cancelled_sleep_leaves_no_armed_handle():
    loop = asyncio.get_running_loop()
    before = len(handles(loop))
    tasks = [asyncio.create_task(sleep(3600 - number)) for number in range(100)]
    await asyncio.sleep(0)
    assert len(handles(loop)) == before + 1, "one handle for all"
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert len(handles(loop)) == before
    assert bridge_statistics()["sleeping"] == 0


@pytest.mark.asyncio(loop_factories=["asyncio", "no-add-reader"])
async def test_a_finished_sleep_leaves_no_armed_handle():
    loop = asyncio.get_running_loop()
    before = len(handles(loop))
    await gather(*(sleep(0.001) for _ in range(100)))
    assert len(handles(loop)) == before
    assert bridge_statistics() | {"rings": 0} == {"rings": 0, "sleeping": 0, "timers": 0}


async def test_cancelled_sleeps_do_not_pile_up():
    keeper = asyncio.create_task(sleep(3600))
    await asyncio.sleep(0)
    for _ in range(100):
        tasks = [asyncio.create_task(sleep(1800)) for _ in range(100)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert bridge_statistics()["timers"] < 400
    keeper.cancel()
    await asyncio.wait([keeper])


async def test_an_earlier_one_moves_the_loops_timer():
    order = []

    async def one(delay):
        await sleep(delay)
        order.append(delay)

    later = asyncio.create_task(one(0.03))
    await asyncio.sleep(0)
    await asyncio.gather(one(0.01), one(0.02), later)
    assert order == [0.01, 0.02, 0.03]


async def test_a_task_woken_by_the_clock_can_cancel_the_next(new_loop):
    second = None

    async def first():
        await sleep(0.001)
        second.cancel()

    one = asyncio.create_task(first())
    second = asyncio.create_task(sleep(0.001))
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    while loop.time() < begin + 0.01:
        pass
    await asyncio.wait([one, second])
    assert second.cancelled()


async def test_stepped_by_hand_before_its_time_it_goes_on_waiting():
    operation = sleep(0.1, "done")
    assert operation.send(None) is operation
    assert operation.send(None) is operation
    loop = asyncio.get_running_loop()
    begin = loop.time()
    while loop.time() < begin + 0.11:
        pass
    with pytest.raises(StopIteration) as stop:
        operation.send(None)
    assert stop.value.value == "done"


async def test_it_is_lazy():
    operation = sleep(0.001)
    assert bridge_statistics()["timers"] == 0
    operation.close()


def test_reference_counts_of_the_result_come_back():
    result = object()
    before = sys.getrefcount(result)

    async def main():
        for _ in range(100):
            await sleep(0, result)
            await sleep(1e-9, result)
            sleep(1, result).close()

    asyncio.run(main())
    assert sys.getrefcount(result) == before
