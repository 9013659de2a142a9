"""One body of test for aiohttp and for ours: `aiohttp` is the one, and then the other.

A test is about what a program sees: what goes over the wire, what comes back, and what is raised.
"""

import importlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.servers.answering import Answering


@pytest.fixture(params=["aiohttp", "aioxide.aiohttp"])
def aiohttp(request: pytest.FixtureRequest) -> Any:
    """The module under test."""
    return importlib.import_module(request.param)


@pytest.fixture
def ours(aiohttp: Any) -> bool:
    """Whether it is ours: where the two differ, since ours refuses something, a test says so."""
    return aiohttp.__name__ == "aioxide.aiohttp"


@pytest.fixture
def server() -> Iterator[Answering]:
    """Keeps what it was asked."""
    with Answering() as server:
        yield server


@pytest.fixture
async def session(aiohttp: Any) -> AsyncIterator[Any]:
    """One with aiohttp's defaults."""
    async with aiohttp.ClientSession() as session:
        yield session
