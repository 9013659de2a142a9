"""anyio on top: its scopes cancel again and again until a task is woken, and look into its waiter."""

import asyncio

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest

from aioxide._core import echo, noop, pending, pending_count, sleep


async def test_move_on_after_stops_the_work(until):
    with anyio.move_on_after(0.001) as scope:
        await pending()
    assert scope.cancelled_caught
    await until(lambda: pending_count() == 0)
    assert asyncio.current_task().cancelling() == 0


async def test_fail_after_is_a_timeout_error():
    with pytest.raises(TimeoutError), anyio.fail_after(0.001):
        await sleep(3600)


async def test_a_scope_cancelled_from_outside(until):
    async def wait(scope):
        with scope:
            await pending()
            pytest.fail("not reached")

    scope = anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(wait, scope)
        await until(lambda: pending_count() == 1)
        scope.cancel()
    assert scope.cancelled_caught


async def test_a_shielded_scope_goes_on_in_a_cancelled_one():
    with anyio.CancelScope() as outer:
        outer.cancel()
        with anyio.CancelScope(shield=True):
            assert await echo("shielded") == "shielded"
        await pending()
        pytest.fail("not reached")
    assert outer.cancelled_caught


async def test_every_await_in_a_cancelled_scope_is_cancelled(until):
    """Level cancellation: swallowing it once does not help."""
    cancels = 0
    with anyio.CancelScope() as scope:
        scope.cancel()
        for _ in range(3):
            try:
                await pending()
            except asyncio.CancelledError:
                cancels += 1
        await anyio.lowlevel.checkpoint()
    assert cancels == 3
    await until(lambda: pending_count() == 0)


async def test_nested_scopes_stop_at_the_right_one():
    with anyio.CancelScope() as outer:
        with anyio.move_on_after(0.001) as inner:
            await pending()
        assert inner.cancelled_caught
        assert await echo("after") == "after"
    assert not outer.cancelled_caught


async def test_start_soon_takes_functions_that_give_operations():
    results = []

    async def one(number):
        results.append(await echo(number))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(one, number)
        group.start_soon(noop)
    assert sorted(results) == list(range(20))


async def test_a_failing_child_cancels_the_group(until):
    async def fail():
        await until(lambda: pending_count() == 2)
        raise LookupError

    async def run():
        async with anyio.create_task_group() as group:
            group.start_soon(pending)
            group.start_soon(pending)
            group.start_soon(fail)

    with pytest.raises(ExceptionGroup) as failure:
        await run()
    assert [type(error) for error in failure.value.exceptions] == [LookupError]


async def test_start_waits_for_a_child_that_has_started():
    async def serve(*, task_status):
        await noop()
        task_status.started("ready")
        await pending()

    async with anyio.create_task_group() as group:
        assert await group.start(serve) == "ready"
        group.cancel_scope.cancel()


async def test_wait_all_tasks_blocked_sees_a_waiting_operation(until):
    async with anyio.create_task_group() as group:
        group.start_soon(pending)
        await anyio.wait_all_tasks_blocked()
        await until(lambda: pending_count() == 1)
        group.cancel_scope.cancel()


async def test_from_a_worker_thread():
    def work():
        return anyio.from_thread.run(echo, "round")

    assert await anyio.to_thread.run_sync(work) == "round"


def test_anyio_run():
    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(noop)
        return await echo(5)

    assert anyio.run(main) == 5
