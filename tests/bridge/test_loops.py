"""One hub for each loop, gone when the loop is: no fd, thread, memory or work stays behind."""

import asyncio
import gc
import os
import threading
import warnings
from importlib.util import find_spec

import pytest

from aioxide import gather, sleep
from aioxide._core import bridge_statistics, echo, noop, pending, pending_count

on_linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts in /proc")


def fds():
    return len(os.listdir("/proc/self/fd"))


def threads():
    return len(os.listdir("/proc/self/task"))


def run_elsewhere(condition):
    """Lets tokio turn, on a loop of its own, until `condition` holds."""

    async def poll():
        for _ in range(5_000):
            if condition():
                return True
            await noop()
        return False

    assert asyncio.run(poll()), f"{pending_count()} pending"


async def use(number=1):
    assert await echo(number) == number
    await sleep(1e-9)
    assert await gather(noop(), echo(number)) == [None, number]


CYCLE = """
import asyncio, gc, os, sys
from aioxide import gather, sleep
from aioxide._core import echo, noop
from tests.conftest import LOOPS

def state():
    fds, threads = os.listdir("/proc/self/fd"), os.listdir("/proc/self/task")
    with open("/proc/self/statm") as statm:
        resident = int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    return len(fds), len(threads), sys.getallocatedblocks(), resident

async def use(number):
    assert await echo(number) == number
    await sleep(1e-9)
    assert await gather(noop(), echo(number)) == [None, number]

def cycle(times):
    addresses = set()
    for number in range(times):
        loop = LOOPS[sys.argv[1]]()
        loop.run_until_complete(use(number))
        addresses.add(id(loop))
        loop.close()
    gc.collect()
    return len(addresses)

cycle(200)
before = state()
addresses = cycle(1_000)
print(addresses, *(now - then for now, then in zip(state(), before)))
"""


@on_linux
def test_a_thousand_loops_leave_nothing(script, loop_kind):
    """In a process of its own: this one's memory has pages that thousands of tests left half empty."""
    addresses, fds, threads, blocks, resident = map(int, script.works(CYCLE, loop_kind).split())
    # The last loop's fd closes with the last job that knew it, a moment later; a leak would be a thousand.
    assert abs(fds) < 5, "file descriptors"
    assert threads == 0, "threads"
    # Free lists fill up still, about 500; a leak would be one block a loop at least, and a few hundred bytes.
    assert blocks < 900, "blocks of Python memory"
    assert resident < 2**20, "bytes of memory"
    assert addresses < 900, "no loop had the address of an earlier one: the test shows nothing"


def test_loops_in_threads_do_not_meet(new_loop):
    failures = []
    together = threading.Barrier(8)

    async def work(number):
        loop = asyncio.get_running_loop()
        for turn in range(50):
            values = [(number, turn, index) for index in range(20)]
            assert await asyncio.gather(*map(echo, values)) == values
            assert asyncio.get_running_loop() is loop
            await asyncio.gather(*(sleep(1e-9) for _ in range(20)))
        assert bridge_statistics()["sleeping"] == 0

    def run(number):
        loop = new_loop()
        try:
            together.wait(60)
            loop.run_until_complete(work(number))
        except BaseException as error:
            failures.append(error)
        finally:
            loop.close()

    running = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert failures == []


def start(loop, make, count):
    """A loop that has run until `count` pending operations were at work, and the tasks that await them."""

    async def main():
        tasks = [asyncio.ensure_future(make()) for _ in range(count)]
        while pending_count() < count:
            await noop()
        return tasks

    return loop.run_until_complete(main())


def notice(new_loop):
    """A closed loop that watches no fds is noticed when the next one of its kind comes."""
    loop = new_loop()
    loop.run_until_complete(use())
    loop.close()


def test_a_loop_closed_with_work_in_flight_stops_it(new_loop):
    loop = new_loop()
    tasks = start(loop, pending, 5)
    loop.close()
    notice(new_loop)
    run_elsewhere(lambda: pending_count() == 0)
    for task in tasks:
        # asyncio's own complaint about any task of a closed loop.
        task._log_destroy_pending = False
    assert not any(task.done() for task in tasks)


@pytest.mark.parametrize(
    "make", [lambda: gather(pending(), pending()), lambda: gather(pending(), sleep(3600))]
)
def test_a_loop_closed_under_a_gather_stops_it(new_loop, make):
    loop = new_loop()

    async def main():
        future = make()
        while pending_count() < 1:
            await noop()
        return [future]

    (future,) = loop.run_until_complete(main())
    loop.close()
    notice(new_loop)
    run_elsewhere(lambda: pending_count() == 0)
    assert not future.done()


def test_a_loop_closed_with_work_in_flight_says_nothing(script):
    script.works(
        """
        import asyncio
        from aioxide import gather, sleep, timeout
        from aioxide._core import noop, pending, pending_count

        async def main():
            loop = asyncio.get_running_loop()
            loop.kept = gather(pending(), pending(), sleep(3600))
            scope = timeout(3600)
            await scope.__aenter__()
            loop.scope = scope
            while pending_count() < 2:
                await noop()

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
        while pending_count():
            pass
        """,
        flags=("-X", "dev"),
    )


def test_a_loop_dropped_without_close_stops_its_work():
    """asyncio's only: uvloop's own references keep such a loop for ever."""
    loop = asyncio.SelectorEventLoop()
    for task in start(loop, pending, 3):
        task._log_destroy_pending = False
        del task
    with warnings.catch_warnings():
        # asyncio's complaint.
        warnings.simplefilter("ignore", ResourceWarning)
        del loop
        for _ in range(3):
            gc.collect()
    run_elsewhere(lambda: pending_count() == 0)


def test_loops_alternate_in_one_thread(new_loop):
    first, second = new_loop(), new_loop()

    async def begin():
        return asyncio.ensure_future(sleep(0.001, "first")), asyncio.ensure_future(pending())

    slow, never = first.run_until_complete(begin())
    for number in range(20):
        second.run_until_complete(use(number))
        first.run_until_complete(use(number))
    assert first.run_until_complete(slow) == "first"
    never.cancel()
    first.run_until_complete(asyncio.wait([never]))
    second.run_until_complete(use())
    for loop in (first, second):
        loop.close()
    run_elsewhere(lambda: pending_count() == 0)


async def test_an_operation_of_one_loop_is_refused_by_a_task_of_another(new_loop):
    """As a Future would be: the task says that it belongs to a different loop."""
    operation = pending()
    operation.send(None)
    outcome = []

    def run():
        async def foreign():
            class Yielding:
                def __await__(self):
                    operation._asyncio_future_blocking = True
                    yield operation

            await Yielding()

        loop = new_loop()
        try:
            loop.run_until_complete(foreign())
        except RuntimeError as error:
            outcome.append(str(error))
        finally:
            loop.close()

    await asyncio.to_thread(run)
    assert len(outcome) == 1
    assert "attached to a different loop" in outcome[0]
    operation.close()


@pytest.mark.skipif(find_spec("nest_asyncio") is None, reason="needs nest_asyncio")
def test_a_loop_run_again_inside_a_callback(script):
    """With nest_asyncio, which changes asyncio for good, a task runs its own loop to some other end."""
    printed = script.works(
        """
        import asyncio
        import nest_asyncio
        from aioxide.testing import echo, noop

        async def use(number):
            for _ in range(5):
                await noop()

        async def nested(depth):
            await noop()
            if depth:
                assert asyncio.get_event_loop().run_until_complete(nested(depth - 1)) == depth - 1
            assert await echo(depth) == depth
            return depth

        async def main():
            others = [asyncio.ensure_future(use(number)) for number in range(20)]
            await noop()
            assert await nested(3) == 3
            await asyncio.gather(*others)

        loop = asyncio.SelectorEventLoop()
        asyncio.set_event_loop(loop)
        nest_asyncio.apply(loop)
        for _ in range(20):
            loop.run_until_complete(main())
        loop.close()
        print("nested")
        """
    )
    assert printed.strip() == "nested"


@on_linux
def test_a_fd_reused_after_close_is_not_written_to(new_loop):
    """A completion that comes after its loop was closed must not reach what has the fd's number now."""
    for _ in range(50):
        loop = new_loop()

        async def main():
            return [asyncio.ensure_future(noop()) for _ in range(50)]

        tasks = loop.run_until_complete(main())
        loop.close()
        pipes = [os.pipe2(os.O_NONBLOCK) for _ in range(4)]
        for task in tasks:
            task._log_destroy_pending = False
        asyncio.run(use())
        for reader, writer in pipes:
            with pytest.raises(BlockingIOError):
                os.read(reader, 1)
            os.close(reader)
            os.close(writer)
