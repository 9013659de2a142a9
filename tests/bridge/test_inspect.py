"""What tools see of an operation: inspect, a task's repr and stack, warnings, debug mode."""

import asyncio
import collections.abc
import contextvars
import gc
import inspect
import io
import re
import warnings
import weakref

import pytest

from aioxide._core import Operation, bridge_statistics, echo, noop, pending, pending_count

NAMES = contextvars.ContextVar("NAMES", default="unset")


async def test_the_states_of_a_coroutine(until):
    operation = pending()
    assert inspect.getcoroutinestate(operation) == inspect.CORO_CREATED
    task = asyncio.create_task(operation)
    await until(lambda: pending_count() == 1)
    assert inspect.getcoroutinestate(operation) == inspect.CORO_SUSPENDED
    task.cancel()
    assert inspect.getcoroutinestate(operation) == inspect.CORO_CLOSED
    await asyncio.wait([task])
    assert inspect.getcoroutinestate(operation) == inspect.CORO_CLOSED


async def test_the_kinds_of_awaitable():
    operation = noop()
    assert asyncio.iscoroutine(operation)
    assert inspect.isawaitable(operation)
    assert isinstance(operation, collections.abc.Coroutine)
    assert not asyncio.isfuture(operation)
    assert not inspect.iscoroutine(operation), "inspect means the type that `async def` makes"
    assert (operation.cr_await, operation.cr_origin) == (None, None)
    await operation


async def test_names():
    operation = echo(1)
    assert (operation.__name__, operation.__qualname__) == ("echo", "echo")
    assert re.fullmatch(r"<aioxide.Operation 'echo' not started at 0x[0-9a-f]+>", repr(operation))
    await operation
    assert "'echo' finished at" in repr(operation)


async def test_the_repr_and_the_stack_of_a_waiting_task(until):
    task = asyncio.create_task(pending(), name="patient")
    await until(lambda: pending_count() == 1)
    shown = repr(task)
    assert "name='patient'" in shown
    assert "coro=<pending()" in shown
    assert "wait_for=<aioxide.Operation 'pending' suspended at" in shown
    stack = io.StringIO()
    task.print_stack(file=stack)
    assert "in pending" in stack.getvalue()
    assert [frame.f_code.co_name for frame in task.get_stack()] == ["pending"]
    task.cancel()
    await asyncio.wait([task])
    assert "cancelled" in repr(task)


async def test_the_stack_of_a_coroutine_that_awaits_one(until):
    async def reader():
        await pending()

    task = asyncio.create_task(reader())
    await until(lambda: pending_count() == 1)
    assert "reader" in repr(task)
    assert [frame.f_code.co_name for frame in task.get_stack()] == ["reader"]
    assert isinstance(task.get_coro().cr_await, Operation)
    task.cancel()
    await asyncio.wait([task])


async def test_one_that_is_never_awaited_warns_with_its_name():
    with pytest.warns(RuntimeWarning, match=r"^operation 'noop' was never awaited$"):
        noop()
    with pytest.warns(RuntimeWarning, match=r"^operation 'pending' was never awaited$"):
        pending()


@pytest.mark.parametrize(
    "use",
    ["close", "throw", "cancelled task", "suspended", "finished"],
    ids=lambda use: use.replace(" ", "-"),
)
async def test_one_that_was_used_does_not_warn(use):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        operation = pending()
        if use == "close":
            operation.close()
        elif use == "throw":
            with pytest.raises(KeyError):
                operation.throw(KeyError())
        elif use == "cancelled task":
            task = asyncio.create_task(operation)
            task.cancel()
            await asyncio.wait([task])
            del task
        elif use == "suspended":
            operation.send(None)
        elif use == "finished":
            operation.close()
            operation = noop()
            await operation
        del operation
        gc.collect()
    assert caught == []


async def test_the_warning_leaves_an_exception_that_is_on_its_way():
    def forget():
        operation = noop()
        try:
            raise LookupError("mine")
        finally:
            del operation

    with pytest.warns(RuntimeWarning, match="never awaited"), pytest.raises(LookupError, match="mine"):
        forget()


async def test_it_can_be_referenced_weakly():
    operation = noop()
    reference = weakref.ref(operation)
    assert reference() is operation
    await operation
    del operation
    # The drain that woke this task holds it for as long as the task goes on.
    await asyncio.sleep(0)
    assert reference() is None


def test_debug_mode_says_nothing_of_ordinary_use(script):
    printed = script.works(
        """
        import asyncio, aioxide
        from aioxide._core import echo, noop, pending

        async def main():
            async with asyncio.TaskGroup() as group:
                for number in range(100):
                    group.create_task(echo(number))
            await aioxide.gather(noop(), echo(1), asyncio.sleep(0), aioxide.sleep(0.001))
            try:
                async with aioxide.timeout(0.001):
                    await pending()
            except TimeoutError:
                print("done", asyncio.get_running_loop().get_debug())

        asyncio.run(main())
        """,
        flags=("-X", "dev", "-W", "error"),
    )
    assert printed == "done True\n"


def test_debug_mode_names_a_forgotten_operation(script):
    done = script("import aioxide; aioxide.sleep(1)", flags=("-X", "dev"))
    assert done.returncode == 0
    assert "RuntimeWarning: operation 'sleep' was never awaited" in done.stderr


def test_a_warning_made_an_error_is_reported_as_a_coroutines_is(script):
    done = script("import aioxide; aioxide.sleep(1); print('goes on')", flags=("-W", "error"))
    assert (done.returncode, done.stdout) == (0, "goes on\n")
    assert "operation 'sleep' was never awaited" in done.stderr


async def test_context_variables_are_kept_across_a_trip():
    async def one(name):
        NAMES.set(name)
        for _ in range(10):
            await noop()
            assert NAMES.get() == name
            await asyncio.sleep(0)
            await echo(name)
            assert NAMES.get() == name

    await asyncio.gather(*(one(number) for number in range(50)))
    assert NAMES.get() == "unset"


async def test_a_task_made_with_a_context_runs_in_it():
    context = contextvars.copy_context()
    context.run(NAMES.set, "given")

    async def one():
        await noop()
        seen = NAMES.get()
        NAMES.set("changed")
        return seen

    assert await asyncio.create_task(one(), context=context) == "given"
    assert context[NAMES] == "changed"
    assert NAMES.get() == "unset"


async def test_the_current_task_is_the_one_that_waits():
    async def one():
        task = asyncio.current_task()
        await noop()
        assert asyncio.current_task() is task
        return bridge_statistics()["sleeping"]

    await asyncio.gather(*(one() for _ in range(10)))
