"""`Barrier`: asyncio's contract over both libraries, then what ours adds."""

import asyncio
import math
import re

import pytest

import aioxide
from tests.sync.waiting import cancelled, done, eventually, results, run_on, thread, turns, waiting


async def failures(*tasks):
    """The types of what tasks raised."""
    return [type(error) for error in await asyncio.gather(*tasks, return_exceptions=True)]


# ---- asyncio's contract ----


async def test_all_go_on_when_the_last_has_come(library):
    barrier = library.Barrier(3)
    tasks = await waiting(barrier.wait(), barrier.wait())
    await turns(3)
    assert done(tasks) == []
    assert (barrier.n_waiting, barrier.parties, barrier.broken) == (2, 3, False)
    last = await barrier.wait()
    indices = [*await results(*tasks), last]
    assert sorted(indices) == [0, 1, 2]
    assert barrier.n_waiting == 0


async def test_it_is_used_again_and_again(library):
    barrier = library.Barrier(4)
    rounds = []

    async def work():
        for number in range(5):
            index = await barrier.wait()
            rounds.append((number, index))

    await asyncio.gather(*(work() for _ in range(4)))
    assert rounds == sorted(rounds, key=lambda one: one[0]), "nobody is a round ahead"
    for number in range(5):
        assert sorted(index for one, index in rounds if one == number) == [0, 1, 2, 3]


async def test_of_one_party_nobody_waits(library):
    barrier = library.Barrier(1)
    for _ in range(3):
        assert await barrier.wait() == 0


async def test_more_than_its_parties_wait_for_the_next_round(library):
    barrier = library.Barrier(3)
    tasks = [asyncio.ensure_future(barrier.wait()) for _ in range(8)]
    await turns(20)
    assert len(done(tasks)) == 6
    assert barrier.n_waiting == 2
    await barrier.wait()
    await results(*tasks)


async def test_as_a_block_it_gives_the_index(library):
    barrier = library.Barrier(2)
    seen = []

    async def work():
        async with barrier as index:
            seen.append(index)

    await asyncio.gather(work(), work())
    assert sorted(seen) == [0, 1]


@pytest.mark.parametrize("parties", [0, -1, -(2**40)])
def test_less_than_one_party_is_refused(library, parties):
    with pytest.raises(ValueError, match=r"^parties must be > 0$"):
        library.Barrier(parties)


@pytest.mark.parametrize("parties", ["2", None, [], {}])
def test_parties_that_are_no_number_are_refused(library, parties):
    with pytest.raises(TypeError):
        library.Barrier(parties)


async def test_a_cancelled_waiter_does_not_count(library):
    barrier = library.Barrier(2)
    (task,) = await waiting(barrier.wait())
    await cancelled(task)
    await turns(2)
    assert barrier.n_waiting == 0
    assert not barrier.broken
    (task,) = await waiting(barrier.wait())
    await barrier.wait()
    await results(task)


async def test_reset_sends_those_away_that_wait(library):
    barrier = library.Barrier(3)
    tasks = [asyncio.ensure_future(barrier.wait()) for _ in range(2)]
    await turns(5)
    await barrier.reset()
    assert all(issubclass(kind, asyncio.BrokenBarrierError) for kind in await failures(*tasks))
    assert not barrier.broken
    assert barrier.n_waiting == 0
    assert sorted(await asyncio.gather(*(barrier.wait() for _ in range(3)))) == [0, 1, 2]


async def test_reset_with_nobody_there_changes_nothing(library):
    barrier = library.Barrier(2)
    await barrier.reset()
    assert not barrier.broken
    assert sorted(await asyncio.gather(barrier.wait(), barrier.wait())) == [0, 1]


async def test_abort_breaks_it_until_it_is_reset(library):
    barrier = library.Barrier(3)
    tasks = [asyncio.ensure_future(barrier.wait()) for _ in range(2)]
    await turns(5)
    await barrier.abort()
    assert all(issubclass(kind, asyncio.BrokenBarrierError) for kind in await failures(*tasks))
    assert barrier.broken is True
    assert barrier.n_waiting == 0
    for _ in range(2):
        with pytest.raises(asyncio.BrokenBarrierError):
            await barrier.wait()
    await barrier.reset()
    assert barrier.broken is False
    assert sorted(await asyncio.gather(*(barrier.wait() for _ in range(3)))) == [0, 1, 2]


async def test_abort_of_one_that_is_broken_changes_nothing(library):
    barrier = library.Barrier(2)
    await barrier.abort()
    await barrier.abort()
    assert barrier.broken


async def test_its_repr(library):
    barrier = library.Barrier(2)
    name = r"^<(asyncio\.locks|aioxide)\.Barrier object at 0x[0-9a-f]+ "
    assert re.search(name + r"\[filling, waiters:0/2\]>$", repr(barrier))
    (task,) = await waiting(barrier.wait())
    await turns(3)
    assert re.search(name + r"\[filling, waiters:1/2\]>$", repr(barrier))
    await cancelled(task)
    await barrier.abort()
    assert re.search(name + r"\[broken\]>$", repr(barrier))


# ---- what ours adds ----


async def test_the_last_to_come_does_not_wait():
    barrier = aioxide.Barrier(2)
    (task,) = await waiting(barrier.wait())
    turned = []
    asyncio.get_running_loop().call_soon(turned.append, True)
    await barrier.wait()
    assert turned == []
    await turns()
    assert task.done()


async def test_the_indices_are_different_whoever_was_cancelled():
    barrier = aioxide.Barrier(3)
    first, second = await waiting(barrier.wait(), barrier.wait())
    await cancelled(first)
    (third,) = await waiting(barrier.wait())
    last = await barrier.wait()
    assert sorted([*await results(second, third), last]) == [0, 1, 2]


async def test_cancelled_after_the_last_has_come_the_others_go_on():
    barrier = aioxide.Barrier(3)
    first, second = await waiting(barrier.wait(), barrier.wait())
    await barrier.wait()
    first.cancel()
    await results(second)
    await turns(2)
    assert first.done()
    assert barrier.n_waiting == 0
    assert sorted(await asyncio.gather(*(barrier.wait() for _ in range(3)))) == [0, 1, 2]


async def test_its_error_is_asyncios_and_known_by_our_name():
    error = aioxide.exceptions.BrokenBarrierError
    assert issubclass(error, asyncio.BrokenBarrierError)
    assert issubclass(error, RuntimeError)
    barrier = aioxide.Barrier(2)
    await barrier.abort()
    with pytest.raises(error):
        await barrier.wait()
    with pytest.raises(error):
        async with barrier:
            pytest.fail("not reached")


@pytest.mark.parametrize("end", ["close", "throw", "drop"])
async def test_ended_by_hand_it_does_not_count(end):
    barrier = aioxide.Barrier(2)
    operation = barrier.wait()
    operation.send(None)
    assert barrier.n_waiting == 1
    if end == "close":
        operation.close()
    elif end == "throw":
        with pytest.raises(LookupError):
            operation.throw(LookupError())
    del operation
    assert barrier.n_waiting == 0


async def test_the_numbers_are_read_only():
    barrier = aioxide.Barrier(2)
    for name in ("parties", "n_waiting", "broken"):
        with pytest.raises(AttributeError):
            setattr(barrier, name, 5)


def test_tasks_of_several_loops_meet(new_loop):
    barrier = aioxide.Barrier(4)

    async def work():
        return [await barrier.wait() for _ in range(20)]

    running = [thread(run_on, new_loop, work()) for _ in range(4)]
    rounds = zip(*(one.result(60) for one in running), strict=True)
    assert [sorted(one) for one in rounds] == [[0, 1, 2, 3]] * 20


def test_aborted_from_another_loop_all_hear_of_it(new_loop):
    barrier = aioxide.Barrier(3)

    async def work():
        with pytest.raises(aioxide.exceptions.BrokenBarrierError):
            await barrier.wait()
        return True

    async def abort():
        await barrier.abort()

    running = [thread(run_on, new_loop, work()) for _ in range(2)]
    eventually(lambda: barrier.n_waiting == 2)
    run_on(new_loop, abort())
    assert [one.result(30) for one in running] == [True, True]


# ---- on plain threads ----


def test_threads_meet():
    barrier = aioxide.Barrier(4)
    for _ in range(20):
        blocked = [thread(barrier.wait_blocking, timeout=30) for _ in range(3)]
        eventually(lambda: barrier.n_waiting == 3)
        last = barrier.wait_blocking()
        assert sorted([last, *(one.result(30) for one in blocked)]) == [0, 1, 2, 3]
    assert barrier.n_waiting == 0


def test_many_threads_meet_again_and_again():
    barrier = aioxide.Barrier(8)
    met = [[] for _ in range(100)]

    def work():
        for numbers in met:
            numbers.append(barrier.wait_blocking(timeout=30))

    workers = [thread(work) for _ in range(8)]
    for worker in workers:
        worker.result(60)
    assert all(sorted(numbers) == list(range(8)) for numbers in met)


async def test_a_thread_and_a_task_meet():
    barrier = aioxide.Barrier(2)
    blocked = thread(barrier.wait_blocking, timeout=30)
    await asyncio.to_thread(eventually, lambda: barrier.n_waiting == 1)
    assert await barrier.wait() == 1
    assert await asyncio.wrap_future(blocked) == 0
    (task,) = await waiting(barrier.wait())
    blocked = thread(barrier.wait_blocking, timeout=30)
    assert await results(task) == [0]
    assert await asyncio.wrap_future(blocked) == 1


@pytest.mark.parametrize("limit", [0, 0.01])
def test_a_thread_whose_time_is_over_has_not_come(limit):
    barrier = aioxide.Barrier(2)
    with pytest.raises(TimeoutError, match=f"^not all came within {limit}"):
        barrier.wait_blocking(limit)
    assert barrier.statistics() == {"parties": 2, "waiting": 0, "state": "filling"}
    blocked = thread(barrier.wait_blocking)
    eventually(lambda: barrier.n_waiting == 1)
    assert barrier.wait_blocking(timeout=limit) == 1, "all are there"
    assert blocked.result(30) == 0


@pytest.mark.parametrize("end", ["abort", "reset"])
def test_a_barrier_that_breaks_lets_threads_go(new_loop, end):
    barrier = aioxide.Barrier(3)
    blocked = [thread(barrier.wait_blocking, timeout=30) for _ in range(2)]
    eventually(lambda: barrier.n_waiting == 2)
    run_on(new_loop, getattr(barrier, end)())
    for one in blocked:
        with pytest.raises(aioxide.BrokenBarrierError, match=r"^Abort or reset of barrier$"):
            one.result(30)
    assert barrier.broken == (end == "abort")
    if barrier.broken:
        with pytest.raises(aioxide.BrokenBarrierError, match=r"^Barrier aborted$"):
            barrier.wait_blocking()


@pytest.mark.parametrize("limit", [math.nan, -1, -math.inf])
def test_a_timeout_that_is_no_time_is_refused(limit):
    barrier = aioxide.Barrier(1)
    with pytest.raises(ValueError, match="timeout"):
        barrier.wait_blocking(limit)


async def test_it_does_not_block_a_loop():
    barrier = aioxide.Barrier(1)
    with pytest.raises(RuntimeError, match="block the event loop"):
        barrier.wait_blocking(0)
    assert await barrier.wait() == 0
