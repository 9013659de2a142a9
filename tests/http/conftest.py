"""Local sites, shared by the tests of one file, and a client for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

import aioxide
from aioxide.testing import LocalSite


@pytest.fixture(scope="module")
def site() -> Iterator[LocalSite]:
    """HTTP/1.1, and HTTP/2 by prior knowledge."""
    with LocalSite() as site:
        yield site


@pytest.fixture(scope="module")
def tls_site() -> Iterator[LocalSite]:
    """The same over TLS, with ALPN."""
    with LocalSite(tls=True) as site:
        yield site


@pytest.fixture
def fresh_site() -> Iterator[LocalSite]:
    """A site whose counts begin at zero."""
    with LocalSite() as site:
        yield site


@pytest.fixture
async def client() -> AsyncIterator[aioxide.Client]:
    async with aioxide.Client() as client:
        yield client
