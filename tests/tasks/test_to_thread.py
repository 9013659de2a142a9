"""`to_thread` keeps asyncio's contract on every loop, and its threads outlive neither program nor fork."""

import asyncio
import concurrent.futures
import contextvars
import functools
import gc
import sys
import threading
import weakref

import pytest

import aioxide
from aioxide import gather, to_thread
from aioxide._core import noop

VALUE = contextvars.ContextVar("VALUE", default="unset")


class Gate:
    """A function that blocks its thread until it is told to go on."""

    def __init__(self):
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.left = threading.Event()

    def __call__(self, value=None):
        self.entered.set()
        try:
            if not self.opened.wait(30):
                raise TimeoutError("nobody opened the gate")
            return value
        finally:
            self.left.set()


async def test_it_calls_in_another_thread_and_gives_what_came():
    def function(*args, **kwargs):
        return args, kwargs, threading.get_ident()

    args, kwargs, ident = await to_thread(function, 1, "two", func=3, self=4)
    assert (args, kwargs) == ((1, "two"), {"func": 3, "self": 4})
    assert ident != threading.get_ident()


@pytest.mark.parametrize("value", [None, 0, (), (1, 2), [], LookupError("a value"), StopIteration(3)])
async def test_any_value_is_a_result(value):
    assert await to_thread(lambda: value) is value


async def test_nothing_starts_before_it_is_awaited():
    called = []
    operation = to_thread(called.append, 1)
    await noop()
    assert called == []
    await operation
    assert called == [1]
    with pytest.raises(RuntimeError, match="cannot reuse"):
        await operation


@pytest.mark.parametrize(
    "error",
    [
        LookupError("mine"),
        asyncio.CancelledError("mine"),
        TimeoutError(),
        BaseException("any"),
        GeneratorExit(),
        StopAsyncIteration(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_raised_there_is_raised_here(error):
    def function():
        raise error

    with pytest.raises(type(error)) as raised:
        await to_thread(function)
    assert raised.value is error
    frames = [frame.name for frame in raised.traceback]
    assert frames[-1] == "function"


async def test_stop_iteration_becomes_a_runtime_error():
    error = StopIteration("value")

    def function():
        raise error

    with pytest.raises(RuntimeError, match="StopIteration") as raised:
        await to_thread(function)
    assert raised.value.__cause__ is error


async def test_a_cancelled_future_inside_is_a_cancelled_error_here():
    def function():
        raise concurrent.futures.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await to_thread(function)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_leaves_the_loop_leaves_it(new_loop, error):
    def function():
        raise error

    async def main():
        with pytest.raises(error):
            await to_thread(function)
        return "went on"

    loop = new_loop()
    try:
        assert loop.run_until_complete(main()) == "went on"
    finally:
        loop.close()


@pytest.mark.parametrize("func", [None, 1, "text"])
async def test_what_cannot_be_called_is_a_type_error(func):
    with pytest.raises(TypeError, match="not callable"):
        await to_thread(func)


async def test_a_function_is_needed():
    with pytest.raises(TypeError):
        to_thread()
    with pytest.raises(TypeError):
        to_thread(func=print)


async def test_the_context_is_a_copy_of_the_callers():
    VALUE.set("outside")

    def function():
        seen = VALUE.get()
        VALUE.set("inside")
        return seen

    assert await to_thread(function) == "outside"
    assert VALUE.get() == "outside"

    async def child(value):
        VALUE.set(value)
        return await to_thread(VALUE.get)

    assert await asyncio.gather(*map(child, range(20))) == list(range(20))
    assert await gather(to_thread(VALUE.get), to_thread(VALUE.get)) == ["outside"] * 2


async def test_functions_that_block_run_side_by_side():
    barrier = threading.Barrier(4)
    assert sorted(await gather(*(to_thread(barrier.wait, 30) for _ in range(4)))) == [0, 1, 2, 3]


async def test_the_loop_goes_on_meanwhile(until):
    gate = Gate()
    task = asyncio.ensure_future(to_thread(gate, "value"))
    await until(gate.entered.is_set)
    for _ in range(100):
        await asyncio.sleep(0)
    assert not task.done()
    gate.opened.set()
    assert await task == "value"


async def test_thousands_come_back_each_with_its_own():
    tasks = [asyncio.ensure_future(to_thread(int, n)) for n in range(2_000)]
    assert await asyncio.gather(*tasks) == list(range(2_000))
    assert await gather(*(to_thread(str, n) for n in range(2_000))) == [str(n) for n in range(2_000)]
    assert await gather(*(to_thread(str, n) for n in range(50)), limit=3) == [str(n) for n in range(50)]


async def test_threads_are_named_and_keep_their_local_values():
    local = threading.local()

    def function():
        local.calls = getattr(local, "calls", 0) + 1
        return threading.current_thread().name, local.calls

    seen = [await to_thread(function) for _ in range(200)]
    assert all(name.startswith("aioxide_") for name, _ in seen)
    # They stay for the next call: not as many threads as calls.
    assert max(calls for _, calls in seen) > 1
    assert len({name for name, _ in seen}) < 50


async def test_a_cancelled_await_lets_the_function_go_on_and_says_nothing(until):
    gate = Gate()
    task = asyncio.ensure_future(to_thread(gate))
    await until(gate.entered.is_set)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert not gate.left.is_set()
    gate.opened.set()
    await until(gate.left.is_set)


async def test_a_cancelled_await_of_a_function_that_fails_says_nothing(until):
    gate = Gate()

    def function():
        gate()
        raise LookupError("nobody hears this")

    task = asyncio.ensure_future(to_thread(function))
    await until(gate.entered.is_set)
    task.cancel()
    await asyncio.wait([task])
    gate.opened.set()
    await until(gate.left.is_set)
    assert await to_thread(int) == 0


async def test_a_timeout_ends_the_await():
    gate = Gate()
    with pytest.raises(TimeoutError):
        await aioxide.wait_for(to_thread(gate), 0.01)
    gate.opened.set()


async def test_what_waits_for_a_thread_and_is_cancelled_is_not_called(until):
    gates = [Gate() for _ in range(64)]
    blocked = [asyncio.ensure_future(to_thread(gate)) for gate in gates]
    called = []
    await noop()
    queued = asyncio.ensure_future(to_thread(called.append, 1))
    last = asyncio.ensure_future(to_thread(called.append, 2))
    await asyncio.sleep(0)
    queued.cancel()
    await asyncio.wait([queued])
    # At most 32 of 64 run, so neither of the two can have begun.
    assert sum(gate.entered.is_set() for gate in gates) <= 32
    for gate in gates:
        gate.opened.set()
    await asyncio.wait([*blocked, last])
    assert called == [2]


async def test_nothing_of_a_call_is_kept(until):
    class Thing:
        pass

    def function(thing, *, other):
        return Thing()

    things = [Thing(), Thing()]
    result = await to_thread(functools.partial(function, things[0]), other=things[1])
    gone = [weakref.ref(thing) for thing in (*things, result)]
    del things, result
    await until(lambda: gc.collect() is not None and not any(ref() for ref in gone))


async def test_one_that_is_dropped_unawaited_warns_and_keeps_nothing():
    thing = type("Thing", (), {})()
    gone = weakref.ref(thing)
    operation = to_thread(print, thing)
    del thing
    with pytest.warns(RuntimeWarning, match="'to_thread' was never awaited"):
        del operation
    assert gone() is None


async def test_a_function_may_use_the_loop_it_came_from():
    loop = asyncio.get_running_loop()

    async def back(value):
        return await to_thread(str, value)

    def function():
        return asyncio.run_coroutine_threadsafe(back(1), loop).result(30)

    assert await to_thread(function) == "1"


def test_several_loops_in_several_threads(new_loop):
    results = []

    def run(first):
        loop = new_loop()

        async def main():
            return [await to_thread(int, first + n) for n in range(50)]

        try:
            results.append((first, loop.run_until_complete(main())))
        finally:
            loop.close()

    threads = [threading.Thread(target=run, args=(n * 100,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert all(values == list(range(first, first + 50)) for first, values in results)


def test_a_loop_closed_meanwhile_hears_nothing(new_loop):
    gate = Gate()
    loop = new_loop()

    async def main():
        task = asyncio.ensure_future(to_thread(gate))
        task._log_destroy_pending = False
        while not gate.entered.is_set():
            await noop()
        return task

    task = loop.run_until_complete(main())
    loop.close()
    gate.opened.set()
    assert gate.left.wait(30)
    del task


# ---- the end of the program, and forks ----

PRELUDE = """
import asyncio, os, signal, sys, threading, time, warnings
from aioxide import gather, to_thread
warnings.simplefilter("ignore", DeprecationWarning)

def block(event=threading.Event()):
    event.wait()

async def start(function, *args):
    entered = threading.Event()
    def call():
        entered.set()
        return function(*args)
    task = asyncio.ensure_future(to_thread(call))
    while not entered.is_set():
        await asyncio.sleep(0.001)
    return task
"""


def test_a_program_ends_though_threads_wait_for_calls(script):
    printed = script.works(
        PRELUDE + "print(asyncio.run(asyncio.wait_for(to_thread(int, 3), 30)))", seconds=20
    )
    assert printed == "3\n"


def test_the_end_waits_for_a_function_that_runs(script):
    """As with asyncio: what it writes is written."""
    printed = script.works(
        PRELUDE
        + """
def function():
    time.sleep(0.3)
    print("written", flush=True)
async def main():
    (await start(function)).cancel()
asyncio.run(main())
print("ended", flush=True)
""",
        seconds=20,
    )
    assert printed == "ended\nwritten\n"


def test_the_end_waits_for_what_is_queued(script):
    printed = script.works(
        PRELUDE
        + """
written = []
def function(n):
    time.sleep(0.01)
    written.append(n)
loop = asyncio.new_event_loop()
async def main():
    tasks = [asyncio.ensure_future(to_thread(function, n)) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks:
        task._log_destroy_pending = False
    return tasks
tasks = loop.run_until_complete(main())
import atexit
atexit.register(lambda: print(sorted(written) == list(range(20))))
""",
        env={"AIOXIDE_THREADS": "2"},
        seconds=20,
    )
    assert printed == "True\n"


def test_a_call_after_the_end_is_refused(script):
    printed = script.works(
        PRELUDE
        + """
import atexit
def late():
    try:
        asyncio.run(asyncio.wait_for(to_thread(int), 10))
    except RuntimeError as error:
        print(error)
atexit.register(late)
asyncio.run(asyncio.wait_for(to_thread(int), 10))
"""
    )
    assert printed == "cannot start a thread after the program has ended\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
@pytest.mark.parametrize("body", ["block()", "exec('while True: pass')"])
def test_an_interrupt_ends_the_wait_and_the_process_does_not_crash(script, body):
    done = script(
        PRELUDE
        + f"""
async def main():
    def function():
        {body}
    (await start(function)).cancel()
asyncio.run(main())
threading.Thread(target=lambda: (time.sleep(0.3), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
""",
        seconds=30,
    )
    # CPython says that its wait was interrupted, and goes on to its end.
    assert done.returncode in (0, 1), done
    assert "KeyboardInterrupt" in done.stderr
    assert "FATAL" not in done.stderr
    assert "panicked" not in done.stderr


def test_the_number_of_threads_is_bounded(script):
    printed = script.works(
        PRELUDE
        + """
now = most = 0
lock = threading.Lock()
def function():
    global now, most
    with lock:
        now += 1
        most = max(most, now)
    time.sleep(0.001)
    with lock:
        now -= 1
async def main():
    await gather(*(to_thread(function) for _ in range(100)))
asyncio.run(main())
print(most)
""",
        env={"AIOXIDE_THREADS": "3"},
    )
    assert printed == "3\n"


@pytest.mark.parametrize("text", ["0", "many", "513"])
def test_a_wrong_number_of_threads_is_a_value_error(script, text):
    printed = script.works(
        PRELUDE
        + """
try:
    asyncio.run(asyncio.wait_for(to_thread(int), 10))
except ValueError as error:
    print("AIOXIDE_THREADS" in str(error))
""",
        env={"AIOXIDE_THREADS": text},
    )
    assert printed == "True\n"


USE = """
def use():
    async def main():
        assert await gather(*(to_thread(int, n) for n in range(100))) == list(range(100))
    asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.parametrize(
    "source",
    [
        "fork(use)\nuse()",
        "use()\nfork(use)\nuse()",
        # One that runs stays with the parent.
        """
event = threading.Event()
async def main():
    task = await start(event.wait)
    fork(use)
    fork(lambda: None)
    event.set()
    await task
asyncio.run(main())
""",
        # The child is forked by a function in its thread.
        """
async def main():
    await to_thread(fork, use)
    await to_thread(fork, lambda: None)
asyncio.run(main())
""",
        # That child's thread comes back to us, and ends with it.
        """
def both():
    pid = os.fork()
    if pid:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return pid
async def main():
    assert await to_thread(both)
asyncio.run(main())
use()
""",
        # The child ends as programs do, with what the parent had running.
        """
event = threading.Event()
async def main():
    task = await start(event.wait)
    pid = os.fork()
    if not pid:
        os.close(1)
        asyncio.events._set_running_loop(None)
        task._log_destroy_pending = False
        sys.exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    event.set()
    await task
asyncio.run(main())
""",
    ],
    ids=["before", "after", "while one runs", "in a thread", "returns in a thread", "exits"],
)
def test_forks(script, fork_source, source):
    script.works(PRELUDE + fork_source + USE + source, seconds=30)
