"""A site to fetch from, in a process of its own."""

from collections.abc import Iterator

import pytest

from aioxide.testing import SiteProcess, site_process


@pytest.fixture(scope="session")
def site() -> Iterator[SiteProcess]:
    with site_process(log=False) as site:
        yield site
