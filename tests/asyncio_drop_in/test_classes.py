"""What programs do with the classes: ask for instances, derive, annotate, look at them."""

import asyncio
import inspect
import random
import typing
from abc import ABC, abstractmethod
from collections import OrderedDict

import pytest

import aioxide
from aioxide import asyncio as ours

CLASSES = {
    "Barrier": (2,),
    "BoundedSemaphore": (),
    "Condition": (),
    "Event": (),
    "LifoQueue": (),
    "Lock": (),
    "PriorityQueue": (),
    "Queue": (),
    "Semaphore": (),
    "TaskGroup": (),
}


def each(test):
    return pytest.mark.parametrize("name", CLASSES)(test)


def both(name):
    return getattr(ours, name), getattr(asyncio, name)


# ---- instances ----


@each
async def test_an_object_of_ours_is_one_of_asyncio_and_the_native_one(name):
    mine, theirs = both(name)
    made = mine(*CLASSES[name])
    for kind in (mine, theirs, getattr(aioxide, name)):
        assert isinstance(made, kind)
    assert made.__class__.__name__ == name
    assert made.__class__.__module__.startswith("aioxide.asyncio.")


@each
async def test_an_object_of_asyncio_and_a_native_one_are_of_our_class(name):
    mine, theirs = both(name)
    assert isinstance(theirs(*CLASSES[name]), mine)
    assert isinstance(getattr(aioxide, name)(*CLASSES[name]), mine)
    assert issubclass(theirs, mine)
    assert issubclass(mine, theirs)
    assert issubclass(getattr(aioxide, name), mine)
    assert not isinstance(object(), mine)
    assert not issubclass(int, mine)


def test_kinds_are_related_as_asyncios_are(library):
    assert isinstance(library.LifoQueue(), library.Queue)
    assert isinstance(library.PriorityQueue(), library.Queue)
    assert isinstance(library.BoundedSemaphore(), library.Semaphore)
    assert not isinstance(library.Queue(), library.LifoQueue)
    assert not isinstance(library.Semaphore(), library.BoundedSemaphore)
    assert not isinstance(library.Lock(), library.Event)
    assert issubclass(library.LifoQueue, library.Queue)
    assert not issubclass(library.Queue, library.LifoQueue)


async def test_a_timeout_is_a_timeout(library):
    for scope in (library.timeout(1), library.timeout_at(None), library.Timeout(None)):
        assert isinstance(scope, library.Timeout)
        async with scope as entered:
            assert entered.expired() is False
    with pytest.raises(TimeoutError):
        async with library.Timeout(0):
            await library.sleep(1)
    assert isinstance(asyncio.timeout(1), library.Timeout)


def test_match_and_a_union_ask_as_isinstance_does(library):
    match library.Queue(3):
        case library.Lock():
            pytest.fail("a queue is no lock")
        case library.Queue(maxsize=size):
            assert size == 3
    assert isinstance(library.Lock(), library.Queue | library.Lock)


# ---- exceptions ----


def test_exceptions_are_asyncios_own_and_catch_ours():
    for name in ("CancelledError", "TimeoutError", "QueueEmpty", "QueueFull", "BrokenBarrierError"):
        assert getattr(ours, name) is getattr(asyncio, name)
    with pytest.raises(ours.QueueEmpty):
        ours.Queue().get_nowait()
    with pytest.raises(ours.QueueEmpty):
        asyncio.Queue().get_nowait()


async def test_shutting_down_raises_the_exception_that_the_module_names():
    queue = ours.Queue()
    queue.shutdown()
    with pytest.raises(ours.QueueShutDown):
        await queue.get()
    assert ours.QueueShutDown is getattr(asyncio, "QueueShutDown", aioxide.QueueShutDown)


# ---- annotations ----


@pytest.mark.parametrize("name", ["Queue", "LifoQueue", "PriorityQueue", "Future", "Task"])
def test_a_generic_can_be_subscripted(library, name):
    alias = getattr(library, name)[int]
    assert typing.get_origin(alias) is getattr(library, name)
    assert typing.get_args(alias) == (int,)


def test_annotations_are_read_back(library):
    def work(
        queue: library.Queue[int], lock: library.Lock | None, event: "library.Event"
    ) -> library.Task: ...

    hints = typing.get_type_hints(work, localns={"library": library})
    assert hints["lock"] == library.Lock | None
    assert hints["event"] is library.Event
    assert library.Queue[int](3).maxsize == 3


@each
def test_the_signature_is_asyncios(name):
    mine, theirs = both(name)
    assert inspect.signature(mine) == inspect.signature(theirs)

    class Derived(mine):
        def __init__(self, label, *, size=1):
            super().__init__()

    assert str(inspect.signature(Derived)) == "(label, *, size=1)"


@each
def test_it_is_documented(name):
    assert inspect.getdoc(getattr(ours, name))


# ---- derived classes ----


async def test_a_queue_with_hooks_of_its_own(library):
    class UniqueQueue(library.Queue):
        def _init(self, maxsize):
            self._queue = OrderedDict()

        def _put(self, item):
            self._queue[item] = None

        def _get(self):
            return self._queue.popitem(last=False)[0]

    queue = UniqueQueue(maxsize=3)
    assert isinstance(queue, library.Queue)
    assert issubclass(UniqueQueue, library.Queue)
    for item in "aab":
        await queue.put(item)
    assert queue.qsize() == 2
    assert [await queue.get(), queue.get_nowait()] == ["a", "b"]
    getter = library.create_task(queue.get())
    await library.sleep(0)
    queue.put_nowait("c")
    assert await getter == "c"


async def test_a_priority_queue_with_hooks_that_call_those_it_overrides(library):
    class Weighted(library.PriorityQueue):
        def _put(self, item):
            super()._put((-len(item), item))

        def _get(self):
            return super()._get()[1]

    queue = Weighted()
    for item in ("a", "ccc", "bb"):
        queue.put_nowait(item)
    assert [await queue.get() for _ in range(3)] == ["ccc", "bb", "a"]


async def test_a_queue_that_looks_into_its_own_items(library):
    class Playlist(library.Queue):
        def __getitem__(self, index):
            return self._queue[index]

        def __iter__(self):
            return iter(self._queue)

        def __len__(self):
            return self.qsize()

        def shuffle(self):
            random.shuffle(self._queue)

        def remove(self, index):
            del self._queue[index]

        def clear(self):
            self._queue.clear()

    playlist = Playlist()
    for song in range(5):
        await playlist.put(song)
    playlist.shuffle()
    playlist.remove(0)
    assert len(playlist) == 4
    assert playlist[0] == next(iter(playlist))
    playlist.clear()
    assert playlist.empty()


async def test_a_queue_that_overrides_put_and_get(library):
    class Counted(library.Queue):
        def __init__(self, *args, **kwargs):
            library.Queue.__init__(self, *args, **kwargs)
            self.count = 0

        async def put(self, item):
            self.count += 1
            await super().put(item)

        async def get(self):
            self.count -= 1
            return await library.Queue.get(self)

    queue = Counted(maxsize=1)
    await queue.put("one")
    assert queue.count == 1
    assert await queue.get() == "one"
    assert (queue.count, queue.maxsize) == (0, 1)


async def test_a_semaphore_that_counts_by_overriding_acquire(library):
    class Logging(library.Semaphore):
        def __init__(self, value):
            super().__init__(value)
            self.log = []

        async def acquire(self):
            await super().acquire()
            self.log.append(("acquired", self._value))
            return True

        def release(self):
            super().release()
            self.log.append(("released", self._value))

    semaphore = Logging(2)
    async with semaphore:
        assert len(semaphore._waiters or ()) == 0
    assert semaphore.log == [("acquired", 1), ("released", 2)]


async def test_a_semaphore_that_does_nothing(library):
    class Dummy(library.Semaphore):
        _value = 0

        def __init__(self, name=None):
            self.name = name

        async def acquire(self):
            return True

        def release(self): ...

    async with Dummy("none"):
        pass


async def test_an_event_a_lock_and_a_condition_with_more(library):
    class Once(library.Event):
        def set(self):
            if self.is_set():
                raise RuntimeError("twice")
            super().set()

    class Gated(library.Lock):
        async def acquire(self):
            self.asked = getattr(self, "asked", 0) + 1
            return await super().acquire()

    class Patient(library.Condition):
        async def wait_for(self, predicate, timeout=None):
            return await library.wait_for(super().wait_for(predicate), timeout)

    event, lock = Once(), Gated()
    event.set()
    with pytest.raises(RuntimeError, match="twice"):
        event.set()
    async with lock:
        assert lock.locked()
    assert lock.asked == 1
    condition = Patient(lock)
    async with condition:
        assert lock.locked()
        with pytest.raises(TimeoutError):
            await condition.wait_for(lambda: False, timeout=0.001)


@pytest.mark.parametrize("kind", ["mine", "theirs"])
async def test_a_condition_takes_any_lock(kind):
    class Mine(ours.Lock): ...

    lock = Mine() if kind == "mine" else asyncio.Lock()
    condition = ours.Condition(lock=lock)
    assert isinstance(condition, ours.Condition)
    assert condition._lock is lock

    async def notify():
        async with condition:
            condition.notify()

    async with condition:
        assert lock.locked()
        notifier = asyncio.create_task(notify())
        await condition.wait()
    await notifier


async def test_a_task_group_that_does_not_cancel(library):
    class Forgiving(library.TaskGroup):
        def _abort(self):
            return None

    ended = []

    async def fails():
        raise KeyError(1)

    async def works():
        await library.sleep(0.001)
        ended.append(True)

    async def together():
        async with Forgiving() as group:
            group._parent_cancel_requested = True
            group.create_task(fails())
            group.create_task(works())

    with pytest.raises(ExceptionGroup):
        await together()
    assert ended == [True]


def test_a_class_may_have_other_bases_too(library):
    class Closing(ABC):
        @abstractmethod
        def close(self): ...

    T = typing.TypeVar("T")

    class Unfinished(library.Queue, Closing): ...

    class Channel(library.Queue[T], Closing, typing.Generic[T]):
        def close(self): ...

    class Guarded(library.Queue, library.Condition):
        def __init__(self):
            library.Queue.__init__(self)
            library.Condition.__init__(self)

    with pytest.raises(TypeError, match="abstract"):
        Unfinished()
    assert isinstance(Channel[int](), library.Queue)
    assert isinstance(Guarded(), library.Condition)
    assert not isinstance(library.Queue(), Channel)

    class Deeper(Channel): ...

    assert isinstance(Deeper(), Channel)
    assert issubclass(Deeper, Closing)


def test_what_is_derived_is_asyncios():
    class Mine(ours.Queue): ...

    queue = Mine()
    assert not isinstance(queue, aioxide.Queue)
    assert type(queue).__mro__[2] is asyncio.Queue
    assert not hasattr(queue, "get_many")


@each
async def test_what_ours_adds_is_there(name):
    made = getattr(ours, name)(*CLASSES[name])
    if name == "TaskGroup":
        assert ours.TaskGroup(limit=3)
    else:
        assert made.statistics()
