"""The clients under test, and the sites that they ask."""

from collections.abc import AsyncIterator, Iterator

import pytest

from aioxide.testing import LocalSite
from tests.httpx.faces import KINDS, Face, Kind


@pytest.fixture(scope="module")
def site() -> Iterator[LocalSite]:
    with LocalSite() as site:
        yield site


@pytest.fixture(scope="module")
def tls_site() -> Iterator[LocalSite]:
    with LocalSite(tls=True) as site:
        yield site


@pytest.fixture
def fresh_site() -> Iterator[LocalSite]:
    with LocalSite() as site:
        yield site


@pytest.fixture(params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each library, on its own transport and on ours, asynchronous and not."""
    return request.param


@pytest.fixture(params=[kind for kind in KINDS if kind.ours], ids=str)
def our_kind(request: pytest.FixtureRequest) -> Kind:
    """Each library on our transports."""
    return request.param


@pytest.fixture
async def face(kind: Kind) -> AsyncIterator[Face]:
    async with kind.face() as face:
        yield face
