"""What holds for the classes of all primitives, as objects of Python."""

import copy
import gc
import pickle
import weakref

import pytest

import aioxide
from tests.sync.cases import CLASSES

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


def everyone(test):
    return pytest.mark.parametrize("name", CLASSES)(test)


def make(name):
    return getattr(aioxide, name)(*CLASSES[name])


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
def test_a_subclass_may_pass_its_arguments_on_in_init(name):
    class Limited(getattr(aioxide, name)):
        def __init__(self, *args):
            super().__init__(*args)
            self.label = "mine"

    assert Limited(*CLASSES[name]).label == "mine"


@everyone
def test_a_subclass_may_have_a_signature_of_its_own_as_asyncios_may(name, library):
    if not hasattr(library, name):
        pytest.skip("asyncio has none")

    class Named(getattr(library, name)):
        def __init__(self, label):
            super().__init__(*CLASSES[name])
            self.label = label

    primitive = Named("mine")
    assert primitive.label == "mine"
    if name.endswith("Queue"):
        assert primitive.maxsize == 2
    if name.endswith("Semaphore"):
        assert primitive._value == 2


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
