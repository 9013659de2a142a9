"""One body of tests for asyncio's primitives and for ours."""

import asyncio
import gc
from types import ModuleType

import pytest

import aioxide


@pytest.fixture(params=[asyncio, aioxide], ids=["theirs", "ours"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """Whose primitives a contract test uses."""
    return request.param


_finished = 0


def pytest_runtest_logfinish() -> None:
    """What pytest keeps of thousands of tests need not be looked at in the collection after each."""
    global _finished
    _finished += 1
    if _finished % 100 == 0:
        gc.collect()
        gc.freeze()
