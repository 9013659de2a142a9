"""`RWLock`: many readers or one writer, first come first served; asyncio has none."""

import asyncio
import re

import pytest

import aioxide
from tests.sync.waiting import (
    Turns,
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


def state(lock):
    seen = lock.statistics()
    assert seen["readers"] == lock.readers
    assert seen["writing"] == lock.locked()
    return seen["writing"], seen["readers"], seen["waiting"]


async def test_readers_share_it():
    lock = aioxide.RWLock()
    async with lock.read() as entered, lock.read():
        assert entered is None
        assert state(lock) == (False, 2, 0)
        assert lock.try_acquire_read() is True
        assert lock.readers == 3
        assert lock.try_acquire_write() is False
        lock.release_read()
    assert state(lock) == (False, 0, 0)


async def test_a_writer_has_it_alone():
    lock = aioxide.RWLock()
    async with lock.write() as entered:
        assert entered is None
        assert state(lock) == (True, 0, 0)
        assert lock.try_acquire_write() is False
        assert lock.try_acquire_read() is False
    assert state(lock) == (False, 0, 0)


async def test_the_methods_say_true():
    lock = aioxide.RWLock()
    assert await lock.acquire_read() is True
    lock.release_read()
    assert await lock.acquire_write() is True
    assert lock.release_write() is None


async def test_a_waiting_writer_keeps_later_readers_waiting():
    lock = aioxide.RWLock()
    await lock.acquire_read()
    writer, reader = await waiting(lock.acquire_write(), lock.acquire_read())
    assert state(lock) == (False, 1, 2)
    assert lock.try_acquire_read() is False
    lock.release_read()
    await results(writer)
    assert state(lock) == (True, 0, 1)
    lock.release_write()
    await results(reader)
    assert state(lock) == (False, 1, 0)


async def test_the_readers_at_the_head_go_together_and_stop_at_the_next_writer():
    lock = aioxide.RWLock()
    await lock.acquire_write()
    read, write = lock.acquire_read, lock.acquire_write
    tasks = await waiting(read(), read(), write(), read(), read(), write())
    lock.release_write()
    await turns()
    assert done(tasks) == [0, 1]
    assert state(lock) == (False, 2, 4)
    lock.release_read()
    await turns(2)
    assert done(tasks) == [0, 1]
    lock.release_read()
    await turns()
    assert done(tasks) == [0, 1, 2]
    lock.release_write()
    await turns()
    assert done(tasks) == [0, 1, 2, 3, 4]
    for _ in range(2):
        lock.release_read()
    await results(*tasks)


async def test_a_cancelled_writer_lets_the_readers_behind_it_in():
    lock = aioxide.RWLock()
    await lock.acquire_read()
    writer, *readers = await waiting(lock.acquire_write(), lock.acquire_read(), lock.acquire_read())
    writer.cancel()
    await results(*readers)
    assert state(lock) == (False, 3, 0)


@pytest.mark.parametrize("end", ["close", "throw", "drop"])
async def test_a_writer_ended_by_hand_lets_the_readers_behind_it_in(end):
    lock = aioxide.RWLock()
    await lock.acquire_read()
    writer = suspended(lock.acquire_write())
    (reader,) = await waiting(lock.acquire_read())
    if end == "close":
        writer.close()
    elif end == "throw":
        with pytest.raises(LookupError):
            writer.throw(LookupError())
    del writer
    await results(reader)
    assert state(lock) == (False, 2, 0)


async def test_a_writer_granted_and_cancelled_lets_the_readers_behind_it_in():
    lock = aioxide.RWLock()
    await lock.acquire_write()
    writer, *readers = await waiting(lock.acquire_write(), lock.acquire_read(), lock.acquire_read())
    lock.release_write()
    writer.cancel()
    await results(*readers)
    assert writer.cancelled()
    assert state(lock) == (False, 2, 0)


async def test_a_reader_granted_and_cancelled_lets_the_writer_behind_it_in():
    lock = aioxide.RWLock()
    await lock.acquire_write()
    first, second, writer = await waiting(lock.acquire_read(), lock.acquire_read(), lock.acquire_write())
    lock.release_write()
    first.cancel()
    second.cancel()
    await results(writer)
    assert state(lock) == (True, 0, 0)


@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError])
@pytest.mark.parametrize("side", ["read", "write"])
async def test_a_block_left_by_an_exception_releases_it(side, error):
    lock = aioxide.RWLock()
    with pytest.raises(error):
        async with getattr(lock, side)():
            raise error
    assert state(lock) == (False, 0, 0)


@pytest.mark.parametrize("side", ["read", "write"])
async def test_a_block_cancelled_on_the_way_in_holds_nothing(side):
    lock = aioxide.RWLock()
    await lock.acquire_write()

    async def enter():
        async with getattr(lock, side)():
            pytest.fail("not reached")

    tasks = await waiting(enter(), enter())
    lock.release_write()
    await cancelled(*tasks)
    assert state(lock) == (False, 0, 0)


async def test_a_block_may_be_entered_again():
    lock = aioxide.RWLock()
    for side in (lock.read, lock.write):
        block = side()
        for _ in range(2):
            async with side():
                pass
        async with block:
            pass
    assert state(lock) == (False, 0, 0)


async def test_uncontended_blocks_turn_no_loop():
    lock = aioxide.RWLock()
    with Turns() as counted:
        for _ in range(50):
            async with lock.read(), lock.read():
                pass
            async with lock.write():
                pass
            await lock.acquire_read()
            lock.release_read()
        assert counted.count == 0
    await turns()


async def test_released_too_often_it_is_an_error():
    lock = aioxide.RWLock()
    for release in (lock.release_read, lock.release_write):
        with pytest.raises(RuntimeError):
            release()
    await lock.acquire_read()
    with pytest.raises(RuntimeError):
        lock.release_write()
    assert state(lock) == (False, 1, 0)
    lock.release_read()
    await lock.acquire_write()
    with pytest.raises(RuntimeError):
        lock.release_read()
    assert state(lock) == (True, 0, 0)
    lock.release_write()
    with pytest.raises(RuntimeError):
        lock.release_write()


async def test_readers_is_read_only():
    lock = aioxide.RWLock()
    with pytest.raises(AttributeError):
        lock.readers = 3


async def test_writers_exclude_everybody():
    lock = aioxide.RWLock()
    reading, writing = set(), set()
    most = 0

    async def read(number):
        nonlocal most
        async with lock.read():
            reading.add(number)
            most = max(most, len(reading))
            await turns(number % 3)
            assert not writing
            reading.remove(number)

    async def write(number):
        async with lock.write():
            writing.add(number)
            await turns(number % 2)
            assert writing == {number}
            assert not reading
            writing.remove(number)

    await asyncio.gather(*((write if number % 5 == 0 else read)(number) for number in range(100)))
    assert most > 1
    assert state(lock) == (False, 0, 0)


def test_threads_and_tasks_share_it(new_loop):
    lock = aioxide.RWLock()
    assert lock.acquire_read_blocking() is True
    assert thread(lock.acquire_read_blocking).result(30) is True

    async def write():
        async with lock.write():
            return state(lock)

    writer = thread(run_on, new_loop, write())
    eventually(lambda: lock.statistics()["waiting"] == 1)
    reader = thread(lock.acquire_read_blocking, timeout=30)
    eventually(lambda: lock.statistics()["waiting"] == 2)
    lock.release_read()
    lock.release_read()
    assert writer.result(30)[:2] == (True, 0)
    assert reader.result(30) is True
    assert state(lock) == (False, 1, 0)


def test_a_blocked_writer_that_gives_up_lets_the_readers_behind_it_in():
    lock = aioxide.RWLock()
    assert lock.try_acquire_read()
    writer = thread(lock.acquire_write_blocking, timeout=0.2)
    eventually(lambda: lock.statistics()["waiting"] == 1 or writer.done())
    reader = thread(lock.acquire_read_blocking, timeout=30)
    assert writer.result(30) is False
    assert reader.result(30) is True
    assert state(lock) == (False, 2, 0)


def test_without_a_loop_what_is_free_is_taken():
    lock = aioxide.RWLock()
    assert at_once(lock.acquire_read()) is True
    lock.release_read()
    assert at_once(lock.acquire_write()) is True


async def test_its_repr():
    lock = aioxide.RWLock()
    shape = r"<aioxide\.RWLock object at 0x[0-9a-f]+ \[(.*)\]>"
    assert re.fullmatch(shape, repr(lock))[1] == "unlocked"
    await lock.acquire_write()
    tasks = await waiting(lock.acquire_read())
    assert "waiters:1" in re.fullmatch(shape, repr(lock))[1]
    await cancelled(*tasks)
