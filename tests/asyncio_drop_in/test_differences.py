"""The differences that docs/migrate/asyncio.md lists, each with the reason there."""

import asyncio
import inspect
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest

import aioxide
from aioxide import asyncio as ours


def test_the_page_lists_as_many_as_there_are_here():
    page = Path(__file__).parents[2] / "docs" / "migrate" / "asyncio.md"
    listed = [line for line in page.read_text("utf-8").splitlines() if line.startswith("- **")]
    assert len(listed) == 11


# ---- operations ----


async def test_what_they_give_is_not_what_async_def_makes():
    theirs, mine = asyncio.sleep(0), ours.sleep(0)
    assert (inspect.iscoroutine(theirs), inspect.iscoroutine(mine)) == (True, False)
    assert (isinstance(theirs, types.CoroutineType), isinstance(mine, types.CoroutineType)) == (True, False)
    assert (inspect.iscoroutinefunction(asyncio.sleep), inspect.iscoroutinefunction(ours.sleep)) == (
        True,
        False,
    )
    await theirs
    await mine


async def test_one_that_is_never_awaited_warns_by_another_name():
    with pytest.warns(RuntimeWarning, match=r"^coroutine 'sleep' was never awaited"):
        asyncio.sleep(1)
    with pytest.warns(RuntimeWarning, match=r"^operation 'sleep' was never awaited"):
        ours.sleep(1)


async def test_an_operation_has_no_task_in_gather_and_as_completed():
    before = len(asyncio.all_tasks())
    theirs = asyncio.gather(*[asyncio.sleep(0) for _ in range(5)])
    assert len(asyncio.all_tasks()) == before + 5
    await theirs
    mine = ours.gather(*[ours.sleep(0) for _ in range(5)])
    assert len(asyncio.all_tasks()) == before
    await mine
    for one in ours.as_completed([ours.sleep(0)]):
        assert isinstance(one, aioxide.Operation)
        await one


async def test_a_coroutine_has_a_task_as_ever(library):
    async def name():
        return asyncio.current_task().get_coro().__name__

    assert await library.gather(name(), name()) == ["name", "name"]


# ---- classes ----


def test_the_type_of_an_object_is_a_derived_one():
    queue = ours.Queue()
    assert type(queue) is not ours.Queue
    assert isinstance(queue, ours.Queue)
    assert type(queue).__mro__[1:] != ours.Queue.__mro__
    assert issubclass(type(queue), ours.Queue)


def test_a_metaclass_of_ones_own_derives_from_that_of_the_class():
    class Singleton(type): ...

    with pytest.raises(TypeError, match="metaclass conflict"):

        class Refused(ours.Queue, metaclass=Singleton): ...

    class Either(Singleton, type(ours.Queue)): ...

    class Taken(ours.Queue, metaclass=Either): ...

    assert isinstance(Taken(), asyncio.Queue)


async def test_who_waits_cannot_be_ended_behind_its_back():
    lock = ours.Lock()
    async with lock:
        waiter = asyncio.create_task(lock.acquire())
        await asyncio.sleep(0)
        for end in ("cancel", "set_result", "set_exception"):
            with pytest.raises(NotImplementedError, match="cancelling its task"):
                getattr(lock._waiters[0], end)(None)
    await waiter


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("Lock", "_locked"),
        ("Lock", "_waiters"),
        ("Semaphore", "_value"),
        ("Event", "_value"),
        ("Queue", "_getters"),
    ],
)
def test_what_cannot_be_written_says_so(name, attribute):
    primitive = getattr(ours, name)()
    with pytest.raises(AttributeError):
        setattr(primitive, attribute, 1)


def test_the_loop_may_be_forgotten_and_not_be_set(library):
    lock = library.Lock()
    assert lock._loop is None
    lock._loop = None
    if library is ours:
        with pytest.raises(NotImplementedError, match="bound to no loop"):
            lock._loop = 1


def test_a_primitive_may_be_shared_by_loops():
    lock = ours.Lock()

    async def contend():
        async with lock:
            waiter = asyncio.create_task(lock.acquire())
            await asyncio.sleep(0)
        await waiter
        lock.release()

    asyncio.run(contend())
    asyncio.run(contend())


@pytest.mark.parametrize("library", [asyncio], ids=["theirs"])
def test_asyncios_may_not(library):
    lock = library.Lock()

    async def contend():
        async with lock:
            waiter = asyncio.create_task(lock.acquire())
            await asyncio.sleep(0)
        await waiter
        lock.release()

    asyncio.run(contend())
    with pytest.raises(RuntimeError, match="bound to a different event loop"):
        asyncio.run(contend())


# ---- time and threads ----


async def test_to_thread_does_not_ask_the_loops_executor():
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as pool:
        asyncio.get_running_loop().set_default_executor(pool)

        def name():
            import threading

            return threading.current_thread().name

        assert (await asyncio.to_thread(name)).startswith("mine")
        assert not (await ours.to_thread(name)).startswith("mine")


async def test_what_is_due_one_after_the_other_comes_in_order(library):
    ended = []

    async def sleeper(delay):
        await library.sleep(delay)
        ended.append(delay)

    await library.gather(*[sleeper(n / 1000) for n in (5, 1, 3)])
    assert ended == [0.001, 0.003, 0.005]


# ---- versions ----


async def test_semantics_are_those_of_later_pythons():
    with pytest.raises(TypeError):
        ours.as_completed(1)
    assert [await done async for done in ours.as_completed([ours.sleep(0, 1)])] == [1]
    queue = ours.Queue()
    queue.shutdown()
    with pytest.raises(ours.QueueShutDown):
        queue.put_nowait(1)
    inside = []

    async def current():
        inside.append(asyncio.current_task())

    await ours.wait_for(current(), 1)
    assert inside == [asyncio.current_task()]
    coroutine = current()
    with pytest.raises(RuntimeError, match="has not been entered"):
        ours.TaskGroup().create_task(coroutine)
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


# ---- patching ----


async def test_a_program_is_patched_where_it_looks():
    with mock.patch("asyncio.sleep", return_value=None):
        assert ours.sleep is not asyncio.sleep
    with mock.patch.object(ours, "sleep", mock.AsyncMock(return_value="patched")) as patched:
        assert await ours.sleep(1_000) == "patched"
    patched.assert_awaited_once_with(1_000)


# ---- submodules ----


def test_a_submodule_in_which_nothing_is_ours_is_asyncios():
    assert ours.subprocess is asyncio.subprocess
    assert sys.modules["aioxide.asyncio.subprocess"] is asyncio.subprocess
    assert not (Path(ours.__file__).parent / "subprocess.py").exists()
