"""One semaphore and one queue, shared by loops in threads and by plain threads, with cancels at random.

Every permit and every item is accounted for: by what each task and thread was told, nothing else.
"""

import asyncio
import contextlib
import itertools
import random
import threading
import time

import pytest

import aioxide
from aioxide._core import noop
from aioxide.exceptions import QueueShutDown
from tests.sync.waiting import run_on, thread

LOOPS = 8
THREADS = 8

# Operations of each test, together: with two seeds, two kinds of queue and three kinds of loop a million
# in all. A million each would take half a minute each, and find no more.
OPERATIONS = 90_000
SHARE = OPERATIONS // (LOOPS + THREADS)
# Of each loop.
TASKS = 10

# Seconds; it takes a few.
PATIENCE = 100


class Account:
    """What became of the operations of one thread, or of all."""

    def __init__(self):
        self.done = self.cancelled = self.late = 0

    def __add__(self, other):
        total = Account()
        for name in vars(total):
            setattr(total, name, getattr(self, name) + getattr(other, name))
        return total

    def all(self):
        return self.done + self.cancelled + self.late


def sum_of(accounts):
    total = Account()
    for account in accounts:
        total += account
    return total


class Room:
    """How much is inside, and how much was at most."""

    def __init__(self, most):
        self.most, self.now, self.peak = most, 0, 0
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def entered(self, weight):
        with self.lock:
            self.now += weight
            self.peak = max(self.peak, self.now)
        assert self.now <= self.most
        yield
        with self.lock:
            self.now -= weight


async def storm(chance, count, work, account):
    """Tasks that do `work` over and over, cancelled at random, until `count` operations have ended."""

    async def repeat():
        while account.all() < count:
            try:
                await work(chance)
            except asyncio.CancelledError:
                account.cancelled += 1
            except TimeoutError:
                account.late += 1
            else:
                account.done += 1

    tasks = [asyncio.create_task(repeat()) for _ in range(TASKS)]
    while account.all() < count:
        await asyncio.sleep(0)
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
        if chance.random() < 0.05:
            # Lets the others have the interpreter.
            await asyncio.sleep(1e-4)
    await asyncio.wait(tasks)
    for task in tasks:
        # One that was cancelled after its last operation, before it looked at the count.
        if not task.cancelled():
            task.result()
    return account


def outcomes(futures):
    end = time.monotonic() + PATIENCE
    return [future.result(end - time.monotonic()) for future in futures]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_permit_is_accounted_for(new_loop, seed):
    capacity = 5
    semaphore = aioxide.Semaphore(capacity)
    room = Room(capacity)

    async def work(chance):
        count = chance.choice([1, 1, 1, 2, 3])
        acquire = semaphore.acquire(count)
        if chance.random() < 0.2:
            await asyncio.wait_for(acquire, chance.choice([1e-5, 1e-4]))
        else:
            await acquire
        with room.entered(count):
            if chance.random() < 0.1:
                # Cancelled here, it was done all the same: it had its permits.
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
        semaphore.release(count)

    def block(number):
        chance = random.Random(seed * 1_000 + number)
        account = Account()
        while account.all() < SHARE:
            count = chance.choice([1, 1, 2])
            if not semaphore.acquire_blocking(count, timeout=chance.choice([None, 10, 1e-5, 0])):
                account.late += 1
                continue
            with room.entered(count):
                account.done += 1
            semaphore.release(count)
        return account

    def loop(number):
        return run_on(new_loop, storm(random.Random(seed * 100 + number), SHARE, work, Account()))

    running = [thread(loop, number) for number in range(LOOPS)]
    running += [thread(block, number) for number in range(THREADS)]
    total = sum_of(outcomes(running))
    assert semaphore.statistics() == {"value": capacity, "capacity": capacity, "waiting": 0}
    assert room.now == 0
    assert room.peak > 1
    assert total.all() >= SHARE * (LOOPS + THREADS)
    assert total.done > 0
    assert total.cancelled > 0
    assert total.late > 0


@pytest.mark.parametrize("kind", ["Queue", "PriorityQueue"])
def test_every_item_is_accounted_for(new_loop, kind):
    queue = getattr(aioxide, kind)(10)
    numbers = itertools.count()
    # Appending is atomic; each item is put by one and got by one.
    entered, got = [], []

    async def put(chance):
        item = next(numbers)
        if chance.random() < 0.2:
            try:
                queue.put_nowait(item)
            except asyncio.QueueFull:
                raise TimeoutError from None
        else:
            await queue.put(item)
        entered.append(item)

    async def get(chance):
        kind = chance.random()
        if kind < 0.5:
            got.append(await queue.get())
        elif kind < 0.7:
            got.append(await queue.get(timeout=chance.choice([1e-5, 1e-4, 10])))
        elif kind < 0.9:
            got.extend(await queue.get_many(chance.randrange(1, 5)))
        else:
            got.append(await asyncio.wait_for(queue.get(), chance.choice([1e-5, 1e-4, 10])))

    def loop(number):
        # What is got must be put: as many loops do one as do the other, until they have done their share.
        chance = random.Random(number)
        return run_on(new_loop, storm(chance, SHARE, put if number % 2 else get, Account()))

    def block(number):
        chance = random.Random(1_000 + number)
        account = Account()
        while account.all() < SHARE:
            limit = chance.choice([1e-5, 1e-3, 1])
            try:
                if number % 2:
                    item = next(numbers)
                    queue.put_blocking(item, timeout=limit)
                    entered.append(item)
                else:
                    got.append(queue.get_blocking(timeout=limit))
                account.done += 1
            except TimeoutError:
                account.late += 1
        return account

    # Those that are left with nobody at the other end are kept going.
    finished = threading.Event()

    def keep_going():
        while not finished.is_set():
            if queue.statistics()["getting"]:
                item = next(numbers)
                with contextlib.suppress(asyncio.QueueFull):
                    queue.put_nowait(item)
                    entered.append(item)
            if queue.statistics()["putting"]:
                with contextlib.suppress(asyncio.QueueEmpty):
                    got.append(queue.get_nowait())
            time.sleep(1e-4)

    keeper = thread(keep_going)
    running = [thread(loop, number) for number in range(LOOPS)]
    running += [thread(block, number) for number in range(THREADS)]
    try:
        total = sum_of(outcomes(running))
    finally:
        finished.set()
    keeper.result(PATIENCE)
    seen = queue.statistics()
    assert (seen["getting"], seen["putting"]) == (0, 0)
    assert seen["unfinished"] == len(entered)
    queue.shutdown()
    with contextlib.suppress(QueueShutDown):
        while True:
            got.append(queue.get_nowait())
    assert sorted(got) == sorted(entered)
    assert total.done > 0
    assert total.cancelled > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_loops_closed_at_random_leave_no_permit_behind(new_loop, seed):
    """Whatever waits there, or was granted and not told, is given back."""
    chance = random.Random(seed)
    semaphore = aioxide.Semaphore(3)
    for _ in range(60):
        loop = new_loop()
        # A closed loop that watches no fds is noticed when the next of its kind is used.
        loop.run_until_complete(noop())
        held = chance.randrange(4)
        assert held == 0 or semaphore.try_acquire(held)
        operations = [semaphore.acquire() for _ in range(chance.randrange(6))]
        tasks = [loop.create_task(hold(semaphore, operation)) for operation in operations]
        for _ in range(chance.randrange(1, 4)):
            loop.call_soon(loop.stop)
            loop.run_forever()
        if held:
            semaphore.release(held)
        if chance.random() < 0.5:
            loop.call_soon(loop.stop)
            loop.run_forever()
        for task in tasks:
            task._log_destroy_pending = False
        loop.close()
        del tasks, operations
    survivor = new_loop()
    survivor.run_until_complete(semaphore.acquire(3))
    survivor.close()
    assert semaphore.statistics() == {"value": 0, "capacity": 3, "waiting": 0}


async def hold(semaphore, operation):
    """Gives the permit back in the same step in which it hears of it."""
    await operation
    semaphore.release()
