"""What programs do with the functions: call them by name, ask what they are, hand them to others."""

import asyncio
import functools
import inspect
import sys
from unittest import mock

import pytest

from aioxide import asyncio as ours

FUNCTIONS = ["as_completed", "gather", "sleep", "timeout", "timeout_at", "to_thread", "wait_for"]
CLASSES = [
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Lock",
    "Queue",
    "Semaphore",
    "TaskGroup",
    "Timeout",
]


def accepts(mine, theirs):
    """Whether every call that suits the one suits the other; positional arguments of any number are one."""
    kinds = inspect.Parameter
    known = inspect.signature(mine).parameters
    for name, wanted in inspect.signature(theirs).parameters.items():
        if wanted.kind in {kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD}:
            if wanted.kind not in {one.kind for one in known.values()}:
                return f"no {wanted}"
            continue
        if name not in known:
            return f"no {name}"
        if (known[name].kind, known[name].default) != (wanted.kind, wanted.default) and name != "self":
            return f"{known[name]} is not {wanted}"
    return None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_what_asyncios_takes(name):
    assert accepts(getattr(ours, name), getattr(asyncio, name)) is None


@pytest.mark.parametrize("name", CLASSES)
async def test_a_method_takes_what_asyncios_takes(name):
    theirs = getattr(asyncio, name)
    made = getattr(ours, name)(*[1] * (name in {"Barrier", "Timeout"}))
    for member, function in vars(theirs).items():
        if member.startswith("_") or not callable(function):
            continue
        bound = functools.partial(function, None)
        assert accepts(getattr(made, member), bound) is None, member


async def test_arguments_by_their_names(library):
    done = [await one for one in library.as_completed(fs=[library.sleep(0, result=1)], timeout=1)]
    assert done == [1]
    assert await library.sleep(delay=0, result=2) == 2
    assert await library.wait_for(fut=library.sleep(0, 3), timeout=1) == 3
    async with library.timeout(delay=1), library.timeout_at(when=None):
        pass
    assert library.Semaphore(value=2)._value == 2
    assert library.Barrier(parties=2).parties == 2
    queue = library.Queue(maxsize=1)
    await queue.put(item=1)
    assert library.Condition(lock=library.Lock())


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="deprecated in favour of inspect's")
def test_coroutine_functions_are_told(library):
    primitives = [library.Lock().acquire, library.Queue().get, library.Event().wait, library.Barrier(2).wait]
    for function in (library.sleep, library.to_thread, library.wait_for, *primitives):
        assert library.iscoroutinefunction(function), function
    for function in (
        library.gather,
        library.timeout,
        library.Lock().release,
        library.Queue().put_nowait,
        print,
    ):
        assert not library.iscoroutinefunction(function), function
    assert library.coroutines.iscoroutinefunction(library.sleep)


async def test_what_they_give_is_a_coroutine_to_asyncio(library):
    queue = library.Queue()
    for coroutine in (library.sleep(0), queue.put(1), queue.get(), library.to_thread(int)):
        assert library.iscoroutine(coroutine)
        assert inspect.isawaitable(coroutine)
        await library.ensure_future(coroutine)


async def test_what_takes_a_coroutine_takes_what_they_give(library):
    queue = library.Queue()
    done, pending = await library.wait({library.create_task(queue.put(1)), library.create_task(queue.get())})
    assert (len(done), pending) == (2, set())
    assert await library.shield(library.sleep(0, "shielded")) == "shielded"
    loop = library.get_running_loop()
    put = await library.to_thread(lambda: library.run_coroutine_threadsafe(queue.put("from a thread"), loop))
    assert await queue.get() == "from a thread"
    await library.wrap_future(put)
    async with library.TaskGroup() as group:
        group.create_task(library.sleep(0))
    assert await library.create_task(library.wait_for(library.sleep(0, 1), 1), name="named") == 1


def test_what_is_run(library):
    assert library.run(library.sleep(0, "slept")) == "slept"
    with library.Runner() as runner:
        assert runner.run(library.sleep(0, "again")) == "again"
    loop = library.new_event_loop()
    try:
        assert loop.run_until_complete(library.sleep(0, "by hand")) == "by hand"
        future = library.gather(*[loop.create_task(library.sleep(0, n)) for n in range(2)])
        assert loop.run_until_complete(future) == [0, 1]
    finally:
        loop.close()


async def test_a_mock_of_a_class_is_an_instance(library):
    for name in ("Queue", "Lock", "Event"):
        assert isinstance(mock.Mock(spec=getattr(library, name)), getattr(library, name))
    queue = mock.create_autospec(library.Queue, instance=True)
    queue.put_nowait(1)
    queue.put_nowait.assert_called_once_with(1)
    assert inspect.iscoroutinefunction(queue.get)
