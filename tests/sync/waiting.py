"""What the tests of the primitives share: tasks that wait, the turns of a loop, and plain threads.

Nothing here sleeps to wait for a state. Tasks begin in the order in which they were made, all of them
before a task that yielded after it had made them: that is how `waiting` knows that they wait.
"""

import asyncio
import inspect
import threading
import time
from concurrent.futures import Future

import pytest

# Seconds after which something that must happen has not; a test that passes never waits that long.
PATIENCE = 30.0


async def turns(count=1):
    """Lets the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def waiting(*awaitables):
    """Tasks of these, which have begun in this order and wait."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    await turns()
    assert not any(task.done() for task in tasks), [task for task in tasks if task.done()]
    return tasks


async def cancelled(*tasks):
    """Cancels tasks, and waits until they have ended so."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)


async def results(*tasks):
    """What tasks gave; a test that hangs here has lost a wake-up."""
    async with asyncio.timeout(PATIENCE):
        return [await task for task in tasks]


def done(tasks):
    """The numbers of the tasks that have ended."""
    return [number for number, task in enumerate(tasks) if task.done()]


def at_once(operation):
    """What an operation gives in its first step; it must not wait."""
    try:
        operation.send(None)
    except StopIteration as end:
        return end.value
    operation.close()
    return pytest.fail("it waits")


def suspended(operation):
    """An operation after its first step, by hand, in which it had to wait."""
    try:
        operation.send(None)
    except StopIteration as end:
        pytest.fail(f"it ended at once, with {end.value!r}")
    assert inspect.getcoroutinestate(operation) == inspect.CORO_SUSPENDED
    return operation


class Turns:
    """Counts the turns of the running loop: `with Turns() as turns: ...; turns.count`."""

    def __init__(self):
        self.count = 0

    def __enter__(self):
        self.handle = asyncio.get_running_loop().call_soon(self.tick)
        return self

    def tick(self):
        self.count += 1
        self.handle = asyncio.get_running_loop().call_soon(self.tick)

    def __exit__(self, *exc):
        self.handle.cancel()


def thread(function, *args, **kwargs):
    """Runs a function in a thread that keeps no process alive, and gives the future of its result."""
    future = Future()

    def run():
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def eventually(condition):
    """Lets other threads run until it is true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            pytest.fail("it has not come true")
        # Nothing but a turn for the others.
        time.sleep(0)


def run_on(new_loop, coroutine):
    """Runs a coroutine on a loop of its own, which is closed after it."""
    loop = new_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def abandon(*tasks):
    """Keeps asyncio from complaining of tasks whose loop was closed under them."""
    for task in tasks:
        task._log_destroy_pending = False
