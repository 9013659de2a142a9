"""The process ends when Python does: at once, quietly, with its own exit code, whatever still runs."""

import pytest

PRELUDE = """
import asyncio, atexit, os, sys, threading
import aioxide
from aioxide import gather, sleep, timeout
from aioxide._core import echo, noop, pending, pending_count

LOOP = sys.argv[1]
if LOOP == "uvloop":
    from uvloop import new_event_loop
elif LOOP == "no-add-reader":
    class new_event_loop(asyncio.SelectorEventLoop):
        def add_reader(self, *args):
            raise NotImplementedError
else:
    from asyncio import SelectorEventLoop as new_event_loop

async def use():
    assert await echo(1) == 1
    assert await gather(noop(), echo(2)) == [None, 2]

async def start(count):
    tasks = [asyncio.ensure_future(pending()) for _ in range(count)]
    while pending_count() < count:
        await noop()
    for task in tasks:
        # asyncio complains of any task of a loop that was never closed.
        task._log_destroy_pending = False
    return tasks

def run(coroutine):
    loop = new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
"""

LOOPS = ["asyncio", "uvloop", "no-add-reader"]


@pytest.fixture(params=LOOPS)
def exits(request, script):
    if request.param == "uvloop":
        pytest.importorskip("uvloop")

    def check(source, code=0, printed=""):
        done = script(PRELUDE + source, request.param, seconds=20)
        assert (done.returncode, done.stdout, done.stderr) == (code, printed, "")

    return check


def test_after_ordinary_use(exits):
    exits("run(use())")


def test_with_work_in_flight(exits):
    exits(
        "loop = new_event_loop()\ntasks = loop.run_until_complete(start(100))\nprint('end')", printed="end\n"
    )


def test_with_a_gather_in_flight(exits):
    exits(
        """
loop = new_event_loop()
async def main():
    future = gather(*(pending() for _ in range(100)), sleep(3600))
    while pending_count() < 100:
        await noop()
    return future
future = loop.run_until_complete(main())
"""
    )


def test_sys_exit_within_a_task(exits):
    exits(
        """
async def main():
    tasks = await start(10)
    await noop()
    sys.exit(3)
loop = new_event_loop()
try:
    loop.run_until_complete(main())
finally:
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
""",
        code=3,
    )


def test_sys_exit_within_a_callback_of_an_operation(exits):
    exits(
        """
async def leave():
    await noop()
    await noop()
    sys.exit(5)
async def main():
    leaving = asyncio.ensure_future(leave())
    leaving.add_done_callback(lambda task: task.exception())
    await asyncio.wait([leaving, *await start(10)])
with asyncio.Runner(loop_factory=new_event_loop) as runner:
    runner.run(main())
""",
        code=5,
    )


def test_an_unhandled_exception_is_all_that_is_said(script):
    done = script(
        PRELUDE + "async def main():\n    await start(5)\n    raise LookupError('mine')\nrun(main())",
        "asyncio",
    )
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("LookupError: mine")
    assert "Exception ignored" not in done.stderr


def test_inside_atexit(exits):
    """Before ours runs and after it: the runtime is started again for who comes late."""
    exits(
        """
def late():
    run(use())
    print("late")
atexit.register(late)
run(use())
atexit.register(late)
""",
        printed="late\nlate\n",
    )


def test_inside_atexit_registered_before_the_import(script):
    printed = script.works(
        """
        import atexit
        def late():
            run(use())
            print("late")
        atexit.register(late)
        """
        + "\n".join("        " + line for line in PRELUDE.splitlines())
        + """
        run(use())
        loop = new_event_loop()
        tasks = loop.run_until_complete(start(5))
        """,
        "asyncio",
    )
    assert printed == "late\n"


def test_with_daemon_threads_whose_loops_run(exits):
    exits(
        """
ready = threading.Barrier(5)
def work():
    async def main():
        await start(1)
        ready.wait()
        while True:
            await asyncio.gather(*(noop() for _ in range(50)))
            await gather(*(noop() for _ in range(50)))
            await sleep(1e-9)
    loop = new_event_loop()
    loop.run_until_complete(main())
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
ready.wait()
run(use())
print("end", flush=True)
""",
        printed="end\n",
    )


def test_with_a_daemon_thread_that_waits(exits):
    exits(
        """
ready = threading.Event()
def work():
    async def main():
        tasks = await start(3)
        ready.set()
        await asyncio.wait(tasks)
    new_event_loop().run_until_complete(main())
threading.Thread(target=work, daemon=True).start()
ready.wait()
"""
    )


def test_a_loop_left_open_in_a_global(exits):
    exits(
        """
loop = new_event_loop()
loop.run_until_complete(use())
kept = loop.run_until_complete(start(3)), loop
"""
    )


def test_an_operation_left_in_a_global_does_not_warn_at_exit(exits):
    exits("left = noop()\nsuspended = []\nrun(use())")


def test_os_exit(exits):
    exits("loop = new_event_loop()\ntasks = loop.run_until_complete(start(10))\nos._exit(4)", code=4)


@pytest.mark.parametrize("times", range(3))
def test_completions_that_come_while_python_ends(exits, times):
    exits(
        """
loop = new_event_loop()
async def main():
    tasks = [asyncio.ensure_future(noop()) for _ in range(2000)]
    await asyncio.sleep(0)
    for task in tasks:
        task._log_destroy_pending = False
    return tasks
tasks = loop.run_until_complete(main())
"""
    )
