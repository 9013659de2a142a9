"""tokio does not wait for Python: it works while Python spins, and needs no further threads for a burst."""

import asyncio
import os
import sys
import threading

import pytest

from aioxide import gather, sleep
from aioxide._core import bridge_statistics, echo, noop, pending, pending_count


@pytest.fixture
def one_thread():
    """No other Python thread gets the interpreter while a test spins."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1_000)
    yield
    sys.setswitchinterval(interval)


def spin_until(condition):
    for _ in range(50_000_000):
        if condition():
            return
    pytest.fail("tokio did not get there while Python was busy")


@pytest.mark.usefixtures("one_thread")
async def test_tokio_works_while_python_spins():
    before = bridge_statistics()["rings"]
    future = gather(*(noop() for _ in range(1_000)))
    # The one ring of a gather comes when all thousand have ended; the loop has not turned since. Where
    # they have ended by the time `gather` returns, there is none.
    spin_until(lambda: future.done() or bridge_statistics()["rings"] > before)
    assert await future == [None] * 1_000


@pytest.mark.usefixtures("one_thread")
async def test_work_starts_and_stops_while_python_spins():
    future = gather(*(pending() for _ in range(100)))
    spin_until(lambda: pending_count() == 100)
    future.cancel()
    spin_until(lambda: pending_count() == 0)
    with pytest.raises(asyncio.CancelledError):
        await future


async def test_a_thread_that_spins_lets_the_loop_go_on():
    stop = threading.Event()

    def spin():
        while not stop.is_set():
            pass

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        for number in range(20):
            assert await echo(number) == number
        assert await gather(*(echo(number) for number in range(100))) == list(range(100))
    finally:
        stop.set()
        thread.join()


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts in /proc")
async def test_bursts_make_no_threads():
    await gather(noop(), sleep(1e-9))
    before = len(os.listdir("/proc/self/task"))
    for _ in range(5):
        tasks = [asyncio.create_task(noop()) for _ in range(2_000)]
        await gather(*(noop() for _ in range(2_000)))
        await asyncio.wait(tasks)
    # Those of earlier tests that had nothing to do may have left.
    assert len(os.listdir("/proc/self/task")) <= before
