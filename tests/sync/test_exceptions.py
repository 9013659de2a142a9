"""What the primitives raise is asyncio's, and can be pickled."""

import asyncio
import pickle

import pytest

import aioxide

NAMES = ["BrokenBarrierError", "QueueEmpty", "QueueFull", "QueueShutDown"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_caught_as_asyncios(name):
    # Python before 3.13 has no queue that can be shut down.
    theirs = getattr(asyncio, name, Exception)
    assert issubclass(getattr(aioxide, name), theirs)


@pytest.mark.parametrize("name", NAMES)
def test_it_survives_pickling(name):
    error = getattr(aioxide, name)("what happened")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert twin.args == error.args
