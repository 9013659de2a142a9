"""One body of tests for asyncio's primitives and for ours."""

import asyncio
from types import ModuleType

import pytest

import aioxide


@pytest.fixture(params=[asyncio, aioxide], ids=["theirs", "ours"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """Whose primitives a contract test uses."""
    return request.param
