"""Every kind of waiting for a primitive of ours, for the tests that hold for all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import aioxide

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
