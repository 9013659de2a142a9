"""A forked child forgets the parent's runtime and starts its own; the parent goes on as if nothing was."""

import sys

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no fork"),
]

PRELUDE = """
import asyncio, os, sys, warnings
import aioxide
from aioxide import gather, sleep, timeout
from aioxide._core import bridge_statistics, echo, noop, pending, pending_count

LOOP = sys.argv[1]
if LOOP == "uvloop":
    from uvloop import new_event_loop
else:
    from asyncio import SelectorEventLoop as new_event_loop
# CPython 3.12 warns of any fork in a process with threads.
warnings.simplefilter("ignore", DeprecationWarning)

def run(coroutine):
    loop = new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()

async def use():
    assert await echo(1) == 1
    await sleep(0.001)
    assert await gather(noop(), echo(2), sleep(0, 3)) == [None, 2, 3]
    tasks = [asyncio.ensure_future(noop()) for _ in range(100)]
    await asyncio.wait(tasks)
    try:
        async with timeout(0.001):
            await pending()
    except TimeoutError:
        pass
    return "works"
"""


@pytest.fixture(params=["asyncio", "uvloop"])
def forked(request, script, fork_source):
    if request.param == "uvloop":
        pytest.importorskip("uvloop")

    def works(source):
        return script.works(PRELUDE + fork_source + source, request.param)

    return works


def test_before_the_first_use(forked):
    forked("fork(lambda: run(use()))\nrun(use())")


def test_after_the_first_use(forked):
    forked("run(use())\nfork(lambda: run(use()))\nrun(use())")


def test_children_of_children(forked):
    forked(
        """
run(use())
def child():
    run(use())
    fork(lambda: run(use()))
    run(use())
fork(child)
fork(child)
run(use())
"""
    )


def test_with_work_in_flight(forked):
    """The fork comes out of a coroutine: the child leaves the parent's loop alone and runs its own."""
    forked(
        """
async def main():
    tasks = [asyncio.ensure_future(pending()) for _ in range(5)]
    waits = gather(pending(), pending())
    slow = asyncio.ensure_future(sleep(0.05, "slept"))
    while pending_count() < 7:
        await noop()

    def child():
        asyncio._set_running_loop(None)
        run(use())

    fork(child)
    assert await use() == "works"
    while pending_count() != 7:  # What `use` has stopped ends on tokio, a little later.
        await noop()
    assert await slow == "slept"
    for task in tasks:
        task.cancel()
    waits.cancel()
    await asyncio.wait([*tasks, waits])
    assert waits.cancelled() or isinstance(waits.exception(), asyncio.CancelledError)
    while pending_count():
        await noop()

run(main())
run(use())
"""
    )


def test_a_gather_whose_children_are_ending_can_be_cancelled_in_the_child(forked):
    forked(
        """
async def main():
    for _ in range(60):
        waits = gather(*(noop() for _ in range(4_000)), limit=2)
        await noop()

        def child():
            asyncio._set_running_loop(None)
            waits.cancel()
            run(use())

        fork(child)
        assert len(await waits) == 4_000

run(main())
"""
    )


def test_what_the_parent_started_can_be_dropped_and_cancelled_in_the_child(forked):
    forked(
        """
async def main():
    tasks = [asyncio.ensure_future(pending()) for _ in range(5)]
    waits = gather(*(pending() for _ in range(50)))
    by_hand = pending()
    by_hand.send(None)
    while pending_count() < 56:
        await noop()

    def child():
        asyncio._set_running_loop(None)
        by_hand.close()
        for task in tasks:
            task._log_destroy_pending = False
            task.cancel()
        waits.cancel()
        tasks.clear()
        run(use())
        import gc
        gc.collect()

    fork(child)
    by_hand.close()
    for task in tasks:
        task.cancel()
    waits.cancel()
    outcomes = await asyncio.gather(*tasks, waits, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes), outcomes

run(main())
"""
    )


def test_a_parents_operation_awaited_in_the_child_says_why_it_cannot(forked):
    forked(
        """
async def main():
    operation = pending()
    operation.send(None)
    while pending_count() < 1:
        await noop()

    def child():
        asyncio._set_running_loop(None)
        async def go_on():
            try:
                await operation
            except RuntimeError as error:
                return str(error)
        async def again():
            try:
                operation.send(None)
            except RuntimeError as error:
                return str(error)
        run(go_on())
        text = run(again())
        assert text is not None, text

    fork(child)
    operation.close()

run(main())
"""
    )


def test_the_child_exits_in_the_ordinary_way(script):
    """Through finalization, with the parent's work still in memory."""
    script.works(
        PRELUDE
        + """
async def main():
    task = asyncio.ensure_future(pending())
    while not pending_count():
        await noop()
    pid = os.fork()
    if not pid:
        asyncio._set_running_loop(None)
        task._log_destroy_pending = False
        run(use())
        sys.exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    task.cancel()
    await asyncio.wait([task])

try:
    run(main())
except SystemExit as stop:
    # In the child: out of the parent's loop, without touching it.
    os._exit(stop.code)
""",
        "asyncio",
    )


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing(method, tmp_path, script):
    program = tmp_path / "program.py"
    program.write_text(
        """
import asyncio, multiprocessing, sys, warnings
import aioxide
from aioxide._core import echo, noop

warnings.simplefilter("ignore", DeprecationWarning)

async def use(number):
    await asyncio.gather(*(noop() for _ in range(50)))
    return (await aioxide.gather(echo(number), noop()))[0]

def work(number):
    return asyncio.run(use(number))

if __name__ == "__main__":
    assert work(0) == 0
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        assert pool.map(work, range(8)) == list(range(8))
    assert work(1) == 1
    print("done")
"""
    )
    # In a file, which spawned children can import.
    assert script.works(program, method) == "done\n"
