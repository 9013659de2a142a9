"""What holds for every operation that waits, whichever primitive it waits for.

A `Case` is one kind of waiting: a primitive for which its operation has to wait, and how one waiter is
let go. What is peculiar to a primitive is in its own file.
"""

import asyncio
import copy
import gc
import inspect
import math
import pickle
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import aioxide
from tests.sync.waiting import (
    abandon,
    at_once,
    cancelled,
    done,
    eventually,
    results,
    run_on,
    suspended,
    thread,
    turns,
    waiting,
)

CLASSES = {
    "Lock": (),
    "RLock": (),
    "RWLock": (),
    "Event": (),
    "Condition": (),
    "Semaphore": (2,),
    "BoundedSemaphore": (2,),
    "Barrier": (2,),
    "Queue": (2,),
    "LifoQueue": (2,),
    "PriorityQueue": (2,),
}

STATISTICS = {
    "Lock": {"locked", "waiting"},
    "RLock": {"locked", "waiting", "owner", "count"},
    "RWLock": {"writing", "readers", "waiting"},
    "Event": {"set", "waiting"},
    "Condition": {"waiting", "lock"},
    "Semaphore": {"value", "capacity", "waiting"},
    "BoundedSemaphore": {"value", "capacity", "waiting"},
    "Queue": {"size", "maxsize", "getting", "putting", "unfinished", "shutdown"},
    "LifoQueue": {"size", "maxsize", "getting", "putting", "unfinished", "shutdown"},
    "PriorityQueue": {"size", "maxsize", "getting", "putting", "unfinished", "shutdown"},
}


@dataclass(frozen=True)
class Case:
    """One kind of waiting."""

    # As an operation is named.
    name: str
    # A primitive for which `wait` has to wait.
    make: Callable[[], Any]
    wait: Callable[[Any], Any]
    # Lets a waiter go; with no waiter, the next `wait` ends at once.
    grant: Callable[[Any], object]
    # What the waiter gets.
    value: Any = True
    # The key of `statistics` that counts the waiters.
    waits: str | None = "waiting"
    # Whether a grant is for one waiter only.
    alone: bool = True
    # Whether one task can step several of them: not where a task has what it asks for already.
    by_hand: bool = True
    # The blocking side, and what it does when its time is over: False is returned, or TimeoutError raised.
    block: Callable[..., Any] | None = None
    late: Any = False

    def waiters(self, primitive):
        return primitive.statistics()[self.waits] if self.waits else None


def taken(name, *args):
    primitive = getattr(aioxide, name)(*args)
    assert primitive.try_acquire() is True
    return primitive


def written():
    lock = aioxide.RWLock()
    assert lock.try_acquire_write() is True
    return lock


def full():
    queue = aioxide.Queue(1)
    queue.put_nowait("old")
    return queue


def unfinished():
    queue = full()
    queue.get_nowait()
    return queue


def acquiring(name, *args, **options):
    return Case(
        f"{name}.acquire",
        lambda: taken(name, *args),
        lambda one: one.acquire(),
        lambda one: one.release(),
        block=lambda one, **limit: one.acquire_blocking(**limit),
        **options,
    )


def getting(name):
    return Case(
        f"{name}.get",
        lambda: getattr(aioxide, name)(),
        lambda queue: queue.get(),
        lambda queue: queue.put_nowait("new"),
        value="new",
        waits="getting",
        block=lambda queue, **limit: queue.get_blocking(**limit),
        late=TimeoutError,
    )


ALL = [
    acquiring("Lock"),
    acquiring("RLock", by_hand=False),
    acquiring("Semaphore", 1),
    acquiring("BoundedSemaphore", 1),
    Case(
        "RWLock.acquire_read",
        written,
        lambda lock: lock.acquire_read(),
        lambda lock: lock.release_write(),
        alone=False,
        block=lambda lock, **limit: lock.acquire_read_blocking(**limit),
    ),
    Case(
        "RWLock.acquire_write",
        written,
        lambda lock: lock.acquire_write(),
        lambda lock: lock.release_write(),
        block=lambda lock, **limit: lock.acquire_write_blocking(**limit),
    ),
    Case(
        "Event.wait",
        lambda: aioxide.Event(),
        lambda event: event.wait(),
        lambda event: event.set(),
        alone=False,
        block=lambda event, **limit: event.wait_blocking(**limit),
        late=TimeoutError,
    ),
    getting("Queue"),
    getting("LifoQueue"),
    getting("PriorityQueue"),
    Case(
        "Queue.put",
        full,
        lambda queue: queue.put("more"),
        lambda queue: queue.get_nowait(),
        value=None,
        waits="putting",
        block=lambda queue, **limit: queue.put_blocking("more", **limit),
        late=TimeoutError,
    ),
    Case(
        "Queue.get_many",
        lambda: aioxide.Queue(),
        lambda queue: queue.get_many(3),
        lambda queue: queue.put_nowait("new"),
        value=["new"],
        waits="getting",
    ),
    Case(
        "Queue.put_many",
        full,
        lambda queue: queue.put_many(["more"]),
        lambda queue: queue.get_nowait(),
        value=None,
        waits="putting",
    ),
    Case(
        "Queue.join",
        unfinished,
        lambda queue: queue.join(),
        lambda queue: queue.task_done(),
        value=None,
        waits=None,
        alone=False,
    ),
]
ALONE = [case for case in ALL if case.alone]
BLOCKING = [case for case in ALL if case.block]


def over(cases, **keep):
    kept = [case for case in cases if all(getattr(case, key) == value for key, value in keep.items())]
    return pytest.mark.parametrize("case", kept, ids=lambda case: case.name)


def everyone(test):
    return pytest.mark.parametrize("name", CLASSES)(test)


def make(name):
    return getattr(aioxide, name)(*CLASSES[name])


# ---- the classes ----


@everyone
def test_it_can_neither_be_pickled_nor_copied(name):
    primitive = make(name)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=f"cannot pickle 'aioxide.{name}' object"):
            attempt(primitive)


@everyone
def test_it_can_be_referenced_weakly_and_is_collected(name):
    primitive = make(name)
    reference = weakref.ref(primitive)
    assert reference() is primitive
    del primitive
    assert reference() is None


@everyone
def test_it_can_be_subclassed_with_attributes_and_arguments_of_its_own(name):
    class Named(getattr(aioxide, name)):
        def __new__(cls, label, *args):
            return super().__new__(cls, *args)

        def __init__(self, label, *args):
            super().__init__()
            self.label = label

        def shout(self):
            return self.label.upper()

    primitive = Named("mine", *CLASSES[name])
    assert (primitive.label, primitive.shout()) == ("mine", "MINE")
    primitive.other = 5
    assert vars(primitive) == {"label": "mine", "other": 5}
    assert isinstance(primitive, getattr(aioxide, name))
    assert "Named object at 0x" in repr(primitive) or repr(primitive).startswith("<Named at 0x")


@everyone
def test_a_subclass_may_take_its_arguments_in_init_as_asyncios_do(name):
    class Limited(getattr(aioxide, name)):
        def __init__(self, *args):
            super().__init__(*args)
            self.label = "mine"

    assert Limited(*CLASSES[name]).label == "mine"


@everyone
def test_a_cycle_through_its_attributes_is_collected(name):
    primitive = type("Named", (getattr(aioxide, name),), {})(*CLASSES[name])
    primitive.itself = primitive
    reference = weakref.ref(primitive)
    del primitive
    gc.collect()
    assert reference() is None


@everyone
def test_it_takes_no_loop_and_no_unknown_argument(name):
    with pytest.raises(TypeError):
        getattr(aioxide, name)(*CLASSES[name], loop=None)


@everyone
def test_it_is_equal_to_itself_alone_and_hashable(name):
    one, other = make(name), make(name)
    assert one == one
    assert one != other
    assert len({one, other, one}) == 2


@pytest.mark.parametrize("name", STATISTICS)
def test_statistics_is_a_new_dict_of_known_keys(name):
    primitive = make(name)
    seen = primitive.statistics()
    assert type(seen) is dict
    assert set(seen) == STATISTICS[name]
    seen.clear()
    assert set(primitive.statistics()) == STATISTICS[name]


@pytest.mark.parametrize("name", ["Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore"])
async def test_it_is_no_plain_context_manager_and_cannot_be_awaited(name):
    primitive = make(name)
    with pytest.raises(TypeError), primitive:
        pass
    with pytest.raises(TypeError):
        await primitive
    assert primitive.locked() is False


# ---- an operation ----


@over(ALL)
async def test_it_is_an_operation_that_bears_its_name(case):
    operation = case.wait(case.make())
    assert isinstance(operation, aioxide.Operation)
    assert asyncio.iscoroutine(operation)
    assert operation.__qualname__.partition(".")[2] == case.name.partition(".")[2]
    operation.close()


@over(ALL)
async def test_it_does_nothing_before_its_first_step(case):
    primitive = case.make()
    operation = case.wait(primitive)
    await turns(2)
    assert not case.waiters(primitive)
    case.grant(primitive)
    operation.close()
    assert at_once(case.wait(primitive)) == case.value, "what was granted is there"


@over(ALL)
def test_never_awaited_it_warns_and_takes_nothing(case):
    primitive = case.make()
    with pytest.warns(RuntimeWarning, match=r"^operation '.*' was never awaited$"):
        case.wait(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_uncontended_it_never_suspends(case):
    primitive = case.make()
    case.grant(primitive)
    turned = []
    asyncio.get_running_loop().call_soon(turned.append, True)
    assert await case.wait(primitive) == case.value
    assert turned == []
    await turns()


@over(ALL)
def test_uncontended_it_needs_no_loop(case):
    primitive = case.make()
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL, by_hand=True)
def test_it_cannot_wait_where_no_loop_runs(case):
    primitive = case.make()
    with pytest.raises(RuntimeError, match="no running event loop"):
        case.wait(primitive).send(None)
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_the_waiter_goes_on_in_the_very_next_turn(case):
    primitive = case.make()
    (task,) = await waiting(case.wait(primitive))
    assert case.waiters(primitive) in (1, None)
    case.grant(primitive)
    assert not task.done(), "never inside the call that grants"
    await turns()
    assert task.done()
    assert task.result() == case.value
    assert not case.waiters(primitive)


@over(ALL)
async def test_the_waiter_is_woken_in_its_own_context_and_task(case):
    primitive = case.make()
    seen = []

    async def wait():
        task = asyncio.current_task()
        seen.append(await case.wait(primitive))
        assert asyncio.current_task() is task

    (task,) = await waiting(wait())
    case.grant(primitive)
    await results(task)
    assert seen == [case.value]


@over(ALONE)
async def test_waiters_go_first_come_first_served(case):
    primitive = case.make()
    ended = []

    async def wait(number):
        value = await case.wait(primitive)
        ended.append(number)
        return value

    if case.name == "RLock.acquire":
        pytest.skip("released by its owner only: see its own file")
    tasks = await waiting(*(wait(number) for number in range(5)))
    assert case.waiters(primitive) == 5
    for number in range(5):
        case.grant(primitive)
        await turns(2)
        assert ended == list(range(number + 1))
    assert await results(*tasks) == [case.value] * 5


@over(ALL, alone=False)
async def test_a_grant_for_all_wakes_them_in_the_order_in_which_they_came(case):
    primitive = case.make()
    ended = []

    async def wait(number):
        await case.wait(primitive)
        ended.append(number)

    tasks = await waiting(*(wait(number) for number in range(5)))
    case.grant(primitive)
    await turns()
    assert ended == list(range(5))
    await results(*tasks)


@over(ALONE, by_hand=True)
async def test_nobody_barges_in_before_a_waiter_that_was_granted(case):
    primitive = case.make()
    (task,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    late = suspended(case.wait(primitive))
    assert case.waiters(primitive) == 1
    await turns()
    assert task.result() == case.value
    late.close()


@over(ALL)
async def test_cancelled_before_its_first_step_it_leaves_no_trace(case):
    primitive = case.make()
    task = asyncio.ensure_future(case.wait(primitive))
    await cancelled(task)
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_cancelled_before_its_first_step_it_takes_nothing_that_is_free(case):
    primitive = case.make()
    case.grant(primitive)
    await cancelled(asyncio.ensure_future(case.wait(primitive)))
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_cancelled_while_it_waits_it_is_out_of_the_line_at_once(case):
    primitive = case.make()
    first, second, third = await waiting(*(case.wait(primitive) for _ in range(3)))
    assert second.cancel("enough")
    assert case.waiters(primitive) in (2, None)
    with pytest.raises(asyncio.CancelledError) as error:
        await second
    assert error.value.args == ("enough",)
    await cancelled(third)
    case.grant(primitive)
    assert await results(first) == [case.value]
    assert not case.waiters(primitive)


@over(ALL)
async def test_the_first_in_line_cancelled_the_next_is_served(case):
    primitive = case.make()
    first, second = await waiting(case.wait(primitive), case.wait(primitive))
    first.cancel()
    case.grant(primitive)
    assert await results(second) == [case.value]
    assert first.cancelled()


@over(ALL)
async def test_granted_and_cancelled_before_it_goes_on_it_passes_the_grant_on(case):
    primitive = case.make()
    first, second = await waiting(case.wait(primitive), case.wait(primitive))
    case.grant(primitive)
    assert first.cancel()
    assert await results(second) == [case.value]
    assert first.cancelled()
    assert not case.waiters(primitive)


@over(ALL)
async def test_granted_and_cancelled_with_nobody_behind_it_the_grant_stays(case):
    primitive = case.make()
    (task,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    await cancelled(task)
    assert at_once(case.wait(primitive)) == case.value


@over(ALONE)
async def test_a_grant_is_passed_on_past_any_number_that_were_cancelled(case):
    primitive = case.make()
    *others, last = await waiting(*(case.wait(primitive) for _ in range(20)))
    case.grant(primitive)
    for task in others:
        task.cancel()
    await turns(2)
    assert all(task.cancelled() for task in others)
    assert await results(last) == [case.value]


def close(operation):
    operation.close()


def throw(operation):
    with pytest.raises(LookupError):
        operation.throw(LookupError())


def drop(operation):
    """Its caller forgets it."""


ENDS = pytest.mark.parametrize("end", [close, throw, drop])


@over(ALL, by_hand=True)
@ENDS
async def test_ended_by_hand_while_it_waits_it_is_out_of_the_line(case, end):
    primitive = case.make()
    operation = suspended(case.wait(primitive))
    assert case.waiters(primitive) in (1, None)
    end(operation)
    del operation
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL, by_hand=True)
@ENDS
async def test_ended_by_hand_after_the_grant_it_passes_it_on(case, end):
    primitive = case.make()
    operation = suspended(case.wait(primitive))
    (task,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    end(operation)
    del operation
    assert await results(task) == [case.value]


@over(ALL, by_hand=True)
async def test_stepped_by_hand_it_ends_once_it_is_granted(case):
    primitive = case.make()
    operation = suspended(case.wait(primitive))
    case.grant(primitive)
    assert at_once(operation) == case.value


@over(ALL, by_hand=True)
async def test_stepped_by_hand_too_early_it_goes_on_waiting(case):
    primitive = case.make()
    operation = suspended(case.wait(primitive))
    for _ in range(3):
        suspended(operation)
        assert case.waiters(primitive) in (1, None)
    (task,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    assert at_once(operation) == case.value, "it keeps its place"
    if not case.alone:
        assert await results(task) == [case.value]
    else:
        await cancelled(task)


@over(ALL)
async def test_a_timeout_takes_it_out_of_the_line(case):
    primitive = case.make()
    with pytest.raises(TimeoutError):
        async with aioxide.timeout(0.001):
            await asyncio.create_task(case.wait(primitive))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.ensure_future(case.wait(primitive)), 0.001)
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(ALL)
async def test_a_shielded_one_goes_on_waiting(case):
    primitive = case.make()
    inner = asyncio.ensure_future(case.wait(primitive))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await asyncio.shield(inner)
    assert not inner.done()
    case.grant(primitive)
    assert await results(inner) == [case.value]


@over(ALONE, by_hand=True)
async def test_gather_takes_them_and_gives_back_what_it_is_cancelled_with(case):
    primitive = case.make()
    gathered = aioxide.gather(case.wait(primitive), case.wait(primitive))
    await turns(2)
    assert case.waiters(primitive) == 2
    gathered.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathered
    assert not case.waiters(primitive)
    gathered = aioxide.gather(case.wait(primitive), case.wait(primitive))
    await turns(2)
    case.grant(primitive)
    await turns(2)
    case.grant(primitive)
    async with asyncio.timeout(10):
        assert await gathered == [case.value] * 2


@over(ALL)
async def test_a_waiting_task_shows_what_it_waits_for(case):
    (task,) = await waiting(case.wait(case.make()))
    assert case.name.partition(".")[2] in repr(task)
    await cancelled(task)


# ---- several loops and threads ----


@over(ALL)
def test_a_grant_reaches_a_waiter_on_another_loop(case, new_loop):
    primitive = case.make()
    waiter = thread(run_on, new_loop, waits_for(case, primitive))
    eventually(lambda: case.waiters(primitive) in (1, None))
    case.grant(primitive)
    assert waiter.result(30) == case.value
    assert not case.waiters(primitive)


async def waits_for(case, primitive):
    return await case.wait(primitive)


@over(ALL)
def test_a_waiter_on_a_loop_that_does_not_run_just_now_is_woken_when_it_does(case, new_loop):
    primitive = case.make()
    loop = new_loop()
    task = loop.create_task(waits_for(case, primitive))
    loop.run_until_complete(turns())
    case.grant(primitive)
    assert not task.done()
    assert loop.run_until_complete(task) == case.value
    loop.close()


@over(ALL)
def test_one_primitive_serves_one_loop_after_another(case, new_loop):
    for _ in range(3):
        primitive = case.make()
        for _ in range(2):
            loop = new_loop()
            (task,) = loop.run_until_complete(waiting(case.wait(primitive)))
            loop.run_until_complete(cancelled(task))
            loop.close()
        case.grant(primitive)
        assert run_on(new_loop, waits_for(case, primitive)) == case.value


@over(ALL)
def test_a_loop_closed_with_waiters_is_out_of_the_line(case, new_loop):
    primitive = case.make()
    lost = new_loop()
    tasks = [lost.create_task(waits_for(case, primitive)) for _ in range(3)]
    lost.run_until_complete(turns())
    assert case.waiters(primitive) in (3, None)
    abandon(*tasks)
    loop = new_loop()
    (task,) = loop.run_until_complete(waiting(waits_for(case, primitive)))
    lost.close()
    # One that watches no fds is noticed when its loop is asked after: at the grant at the latest.
    case.grant(primitive)
    assert loop.run_until_complete(results(task)) == [case.value]
    loop.close()
    assert not any(one.done() for one in tasks)


@over(ALL)
def test_a_loop_closed_after_the_grant_gives_it_back(case, new_loop):
    primitive = case.make()
    lost = new_loop()
    task = lost.create_task(waits_for(case, primitive))
    lost.run_until_complete(turns())
    abandon(task)
    case.grant(primitive)
    lost.close()
    del task
    gc.collect()
    assert run_on(new_loop, results_of(case, primitive)) == case.value


async def results_of(case, primitive):
    (value,) = await results(asyncio.ensure_future(case.wait(primitive)))
    return value


@over(ALL)
def test_cancelled_on_one_loop_after_the_grant_another_loop_gets_it(case, new_loop):
    if not case.alone:
        pytest.skip("a grant is for all")
    primitive = case.make()
    first, second = new_loop(), new_loop()
    (one,) = first.run_until_complete(waiting(waits_for(case, primitive)))
    (other,) = second.run_until_complete(waiting(waits_for(case, primitive)))
    case.grant(primitive)
    first.run_until_complete(cancelled(one))
    assert second.run_until_complete(results(other)) == [case.value]
    for loop in (first, second):
        loop.close()


# ---- the blocking side ----


@over(BLOCKING)
def test_blocking_it_returns_at_once_when_it_need_not_wait(case):
    primitive = case.make()
    case.grant(primitive)
    assert case.block(primitive) == case.value


@over(BLOCKING, by_hand=True)
@pytest.mark.parametrize("limit", [0, 0.0, 1e-9, 0.01, -1])
def test_blocking_it_gives_up_when_its_time_is_over(case, limit):
    primitive = case.make()
    if case.late is False:
        assert case.block(primitive, timeout=limit) is False
    else:
        with pytest.raises(case.late):
            case.block(primitive, timeout=limit)
    assert not case.waiters(primitive)
    case.grant(primitive)
    assert case.block(primitive, timeout=limit) == case.value, "what is there needs no time"


@over(BLOCKING)
@pytest.mark.parametrize("limit", [None, 30, 1e9, math.inf, 1e300])
def test_a_blocked_thread_is_woken(case, limit):
    primitive = case.make()
    blocked = thread(case.block, primitive, timeout=limit)
    eventually(lambda: case.waiters(primitive) == 1)
    case.grant(primitive)
    assert blocked.result(30) == case.value
    assert not case.waiters(primitive)


@over(BLOCKING)
@pytest.mark.parametrize("limit", [math.nan, "soon", [], object()], ids=lambda limit: type(limit).__name__)
def test_a_timeout_that_is_no_time_is_refused(case, limit):
    primitive = case.make()
    with pytest.raises(ValueError if isinstance(limit, float) else TypeError):
        case.block(primitive, timeout=limit)
    assert not case.waiters(primitive)


@over(BLOCKING)
async def test_blocking_is_refused_where_a_loop_runs(case):
    primitive = case.make()
    for limit in (None, 0, 1):
        with pytest.raises(RuntimeError):
            case.block(primitive, timeout=limit)
    case.grant(primitive)
    with pytest.raises(RuntimeError):
        case.block(primitive)
    assert at_once(case.wait(primitive)) == case.value


@over(BLOCKING)
async def test_a_thread_waits_in_the_same_line_as_tasks(case, until):
    if not case.alone or not case.by_hand:
        pytest.skip("a grant is for all, or for its owner to give")
    primitive = case.make()
    (first,) = await waiting(case.wait(primitive))
    blocked = thread(case.block, primitive, timeout=30)
    await asyncio.to_thread(eventually, lambda: case.waiters(primitive) == 2)
    (last,) = await waiting(case.wait(primitive))
    case.grant(primitive)
    await results(first)
    assert not blocked.done()
    case.grant(primitive)
    assert await asyncio.wrap_future(blocked) == case.value
    assert not last.done()
    case.grant(primitive)
    await results(last)


@over(BLOCKING)
def test_a_blocked_thread_lets_others_run(case):
    primitive = case.make()
    blocked = [thread(case.block, primitive, timeout=30) for _ in range(4)]
    eventually(lambda: case.waiters(primitive) == 4)
    assert sum(range(100_000)) == 4_999_950_000
    if case.name == "RLock.acquire":
        # Released by its owner only.
        primitive.release()
        eventually(lambda: done(blocked))
        return
    for number in range(4 if case.alone else 1):
        case.grant(primitive)
        eventually(lambda number=number: len(done(blocked)) > number)
    assert [one.result(30) for one in blocked] == [case.value] * 4


@over(BLOCKING)
def test_an_interrupt_ends_a_blocked_main_thread(case, script):
    if case.name not in {"Semaphore.acquire", "Queue.get"}:
        pytest.skip("one of a kind is enough: all wait in one place")
    call = "Semaphore(0).acquire_blocking()" if "Semaphore" in case.name else "Queue().get_blocking()"
    finished = script(
        f"""
        import os, signal, threading, time, aioxide

        primitive = aioxide.{call.partition(".")[0]}
        waits = lambda: primitive.statistics().get("waiting") or primitive.statistics().get("getting")

        def interrupt():
            while not waits():
                time.sleep(0)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        try:
            primitive.{call.partition(".")[2]}
        except KeyboardInterrupt:
            print("interrupted", waits())
        """
    )
    assert finished.stdout == "interrupted 0\n", finished


@over(BLOCKING)
def test_many_threads_and_one_primitive(case):
    if not case.alone or not case.by_hand:
        pytest.skip("a grant is for all, or for its owner to give")
    primitive = case.make()
    together = threading.Barrier(8)

    def work():
        together.wait(30)
        return [case.block(primitive, timeout=30) for _ in range(50)]

    def feed():
        for _ in range(8 * 50):
            eventually(lambda: case.waiters(primitive) > 0)
            case.grant(primitive)

    workers = [thread(work) for _ in range(8)]
    feeder = thread(feed)
    for worker in workers:
        assert worker.result(60) == [case.value] * 50
    feeder.result(60)
    assert case.waiters(primitive) == 0


def test_no_operation_is_left_out():
    """Every public method that gives an operation is in a case here, or has its own tests."""
    elsewhere = {
        "Condition.acquire",
        "Condition.wait",
        "Condition.wait_for",
        "Barrier.wait",
        "LifoQueue.put",
        "LifoQueue.join",
        "LifoQueue.get_many",
        "LifoQueue.put_many",
        "PriorityQueue.put",
        "PriorityQueue.join",
        "PriorityQueue.get_many",
        "PriorityQueue.put_many",
    }
    operations = {
        f"{name}.{method}"
        for name in CLASSES
        for method, function in inspect.getmembers(getattr(aioxide, name), callable)
        if method
        in {"acquire", "acquire_read", "acquire_write", "wait", "wait_for", "get", "put", "join"}
        | {"get_many", "put_many"}
    }
    assert operations == {case.name for case in ALL} | elsewhere
