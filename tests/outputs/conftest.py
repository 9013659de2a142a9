"""Sites to fetch from."""

from collections.abc import Iterator

import pytest

from aioxide.testing import LocalSite, SiteProcess, site_process


@pytest.fixture(scope="session")
def site() -> Iterator[SiteProcess]:
    """One in a process of its own."""
    with site_process(log=False) as site:
        yield site


@pytest.fixture
def own_site() -> Iterator[LocalSite]:
    """One in this process, for a test alone."""
    with LocalSite() as site:
        yield site
