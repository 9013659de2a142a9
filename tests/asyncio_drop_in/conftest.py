"""One body of tests for asyncio and for the drop-in."""

import asyncio
from types import ModuleType

import pytest

from aioxide import asyncio as ours


@pytest.fixture(params=[asyncio, ours], ids=["theirs", "ours"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    return request.param
