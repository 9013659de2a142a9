"""An operation is a coroutine to whoever drives one, and gives its value whatever that value is."""

import asyncio
import collections.abc
import sys
import threading
import types

import pytest

from aioxide._core import Operation, bridge_statistics, echo, noop, pending, pending_count, sleep

VALUES = [
    None,
    1,
    (),
    (1, 2),
    ([],),
    ValueError("given, not raised"),
    StopIteration(3),
    StopIteration,
    [None],
]


async def directly(op):
    return await op


async def by_create_task(op):
    return await asyncio.create_task(op)


async def by_ensure_future(op):
    return await asyncio.ensure_future(op)


async def by_task_group(op):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(op)
    return task.result()


async def by_asyncio_gather(op):
    return (await asyncio.gather(op, noop()))[0]


async def by_wait_for(op):
    return await asyncio.wait_for(op, 60)


async def by_wait_for_ever(op):
    return await asyncio.wait_for(op, None)


async def by_shield(op):
    return await asyncio.shield(op)


async def by_timeout(op):
    async with asyncio.timeout(60):
        return await op


async def by_as_completed(op):
    (first,) = asyncio.as_completed([op])
    return await first


async def by_wait(op):
    done, _ = await asyncio.wait([asyncio.ensure_future(op)])
    return done.pop().result()


async def by_a_thread(op):
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(op, loop).result(60))


async def by_yield_from(op):
    @types.coroutine
    def generator():
        return (yield from op)

    return await generator()


async def by_nested_coroutines(op):
    async def inner():
        return await op

    async def middle():
        return await inner()

    return await middle()


async def by_eager_task_factory(op):
    return await asyncio.eager_task_factory(asyncio.get_running_loop(), op)


WAYS = [way for name, way in list(globals().items()) if name.startswith(("by_", "directly"))]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_value_is_the_same_object_however_it_is_awaited(way):
    if way is by_eager_task_factory and sys.version_info < (3, 12):
        pytest.skip("eager tasks came with 3.12")
    for value in VALUES:
        assert await way(echo(value)) is value


def test_asyncio_run_drives_an_operation(new_loop):
    value = object()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(echo(value)) is value
    assert asyncio.run(echo((1, 2))) == (1, 2)


async def test_nothing_starts_before_the_first_step(until):
    operation = pending()
    await noop()
    assert pending_count() == 0
    assert bridge_statistics()["sleeping"] == 0
    task = asyncio.create_task(operation)
    await until(lambda: pending_count() == 1)
    task.cancel()
    await asyncio.wait([task])


async def test_awaiting_a_finished_operation_again_is_an_error():
    operation = noop()
    await operation
    for _ in range(2):
        with pytest.raises(RuntimeError, match="cannot reuse already awaited operation 'noop'"):
            await operation
    with pytest.raises(RuntimeError, match="cannot reuse already awaited"):
        operation.send(None)
    with pytest.raises(RuntimeError, match="cannot reuse already awaited"):
        operation.throw(ValueError)


async def test_awaiting_a_closed_operation_is_an_error():
    operation = noop()
    operation.close()
    operation.close()
    with pytest.raises(RuntimeError, match="cannot reuse already awaited"):
        await operation


async def test_a_second_task_is_refused_and_the_first_goes_on(until):
    operation = pending()
    first = asyncio.create_task(operation)
    await until(lambda: pending_count() == 1)

    async def second():
        await operation

    with pytest.raises(RuntimeError, match="operation 'pending' is being awaited already"):
        await second()
    with pytest.raises(RuntimeError, match="is being awaited already"):
        operation.send(None)
    assert pending_count() == 1
    assert not first.done()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_two_tasks_made_of_one_operation_get_one_value_and_one_error():
    operation = echo("once")
    outcomes = await asyncio.gather(
        asyncio.create_task(operation), asyncio.create_task(operation), return_exceptions=True
    )
    assert outcomes[0] == "once"
    assert isinstance(outcomes[1], RuntimeError)


async def test_only_none_can_be_sent():
    operation = noop()
    with pytest.raises(TypeError, match="can't send a value other than None"):
        operation.send(1)
    await operation


def suspended(make):
    """An operation stepped once that waits: tokio may have done the work of one before it would wait."""
    for _ in range(10_000):
        operation = make()
        if next(operation, "finished") is operation:
            return operation
    pytest.fail("every one of 10,000 operations was finished at its first step")


def stepped(operation):
    """What an operation gives at its next step, in a tuple; False if it waits."""
    try:
        operation.send(None)
    except StopIteration as stop:
        return (stop.value,)
    return False


async def test_stepped_by_hand_it_gives_itself_and_then_its_value(until):
    assert not asyncio.isfuture(echo(1).__await__().close())
    operation = suspended(lambda: echo((7,)))
    assert asyncio.isfuture(operation)
    assert operation._asyncio_future_blocking is True
    assert operation.get_loop() is asyncio.get_running_loop()
    assert (operation.done(), operation.cancelled(), operation.result()) == (False, False, None)
    finished = []

    def step():
        finished.append(stepped(operation))
        return finished[-1]

    await until(step)
    assert finished[-1] == ((7,),)
    assert operation.done()
    assert not asyncio.isfuture(operation)


async def test_iterated_by_hand_none_ends_it_without_a_value(until):
    operation = suspended(noop)
    await until(lambda: next(operation, "the end") == "the end")


async def test_it_takes_one_callback_and_only_while_it_waits():
    operation = noop()
    with pytest.raises(RuntimeError, match="being awaited already"):
        operation.add_done_callback(print)
    with pytest.raises(RuntimeError, match="not waiting on a loop"):
        operation.get_loop()
    operation.close()
    called = asyncio.Event()
    operation = suspended(noop)
    operation.add_done_callback(lambda op: called.set())
    with pytest.raises(RuntimeError, match="being awaited already"):
        operation.add_done_callback(print)
    await called.wait()
    assert stepped(operation) == (None,)


async def test_a_callback_that_comes_after_the_wake_up_is_called_all_the_same():
    operation = suspended(lambda: sleep(1e-9))
    await asyncio.sleep(0)
    await sleep(1e-9)
    called = asyncio.Event()
    operation.add_done_callback(lambda op: called.set())
    assert not called.is_set(), "a callback is never called inside add_done_callback"
    await called.wait()
    assert stepped(operation) == (None,)


def test_outside_a_loop_the_error_is_asyncios():
    operation = noop()
    with pytest.raises(RuntimeError, match="no running event loop"):
        operation.send(None)
    with pytest.raises(RuntimeError, match="cannot reuse already awaited"):
        operation.send(None)


@pytest.mark.parametrize("seconds", [0, -1, 1e-9])
async def test_wait_for_a_moment_gives_up_and_stops_the_work(seconds, until):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pending(), seconds)
    await until(lambda: pending_count() == 0)


async def test_shield_keeps_the_work_when_the_outer_is_cancelled(until):
    inner = asyncio.ensure_future(pending())
    outer = asyncio.create_task(asyncio.wait_for(asyncio.shield(inner), None))
    await until(lambda: pending_count() == 1)
    outer.cancel()
    await asyncio.wait([outer])
    await noop()
    assert pending_count() == 1
    inner.cancel()
    await asyncio.wait([inner])


async def test_a_task_group_stops_its_siblings(until):
    async def fail():
        await until(lambda: pending_count() == 3)
        raise LookupError

    async def run():
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(pending())
            group.create_task(fail())

    with pytest.raises(ExceptionGroup) as failure:
        await run()
    assert isinstance(failure.value.exceptions[0], LookupError)
    await until(lambda: pending_count() == 0)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
async def test_an_eager_task_steps_an_operation_at_once(until):
    loop = asyncio.get_running_loop()
    task = asyncio.eager_task_factory(loop, pending())
    assert asyncio.isfuture(task.get_coro())
    await until(lambda: pending_count() == 1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_operations_are_awaited_from_the_callbacks_of_other_operations():
    async def chain(length):
        for number in range(length):
            assert await echo(number) == number
        return length

    assert await asyncio.gather(*(chain(20) for _ in range(50))) == [20] * 50


def test_threads_wait_for_operations_of_one_loop(new_loop):
    loop = new_loop()
    ready = threading.Event()

    def serve():
        asyncio.set_event_loop(loop)
        loop.call_soon(ready.set)
        loop.run_forever()

    server = threading.Thread(target=serve)
    server.start()
    ready.wait(60)
    results = []

    def ask(number):
        results.append(asyncio.run_coroutine_threadsafe(echo(number), loop).result(60))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loop.call_soon_threadsafe(loop.stop)
    server.join()
    loop.close()
    assert sorted(results) == list(range(16))


def test_the_class_is_a_generic_and_a_coroutine():
    assert Operation[int].__origin__ is Operation
    assert Operation[int].__args__ == (int,)
    assert issubclass(Operation, collections.abc.Coroutine)
    with pytest.raises(TypeError):
        Operation()


async def test_anext_with_a_default_asks_for_it_before_each_step(until):
    class Once:
        def __aiter__(self):
            return self

        def __anext__(self):
            return sleep(0.01, "next")

    assert await anext(Once(), "the end") == "next"

    class Never(Once):
        def __anext__(self):
            return pending()

    async def waits():
        return await anext(Never(), "the end")

    task = asyncio.create_task(waits())
    await until(lambda: pending_count() == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: pending_count() == 0)
