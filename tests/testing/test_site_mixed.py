import re
from collections import Counter

import aioxide
from aioxide.testing import LocalSite

NUMBERS = range(300)


async def scrape(site: LocalSite) -> list[tuple[int, bytes] | type[Exception]]:
    """What each number brings: status and body, or the class of the error."""
    async with aioxide.Client() as client:
        pages = [client.get(f"{site.url}/mixed/{number}") for number in NUMBERS]
        ended = await aioxide.gather(*pages, limit=50, return_exceptions=True)
    return [
        type(end) if isinstance(end, Exception) else (end.status_code, end.content)  # type: ignore[union-attr]
        for end in ended
    ]


async def test_pages_and_errors_come_mixed(site: LocalSite) -> None:
    found = await scrape(site)
    kinds = Counter(end if isinstance(end, type) else end[0] for end in found)
    assert set(kinds) == {200, 503, aioxide.RemoteProtocolError}
    assert kinds[200] > 280
    pages = [end[1] for end in found if not isinstance(end, type) and end[0] == 200]
    assert all(page.startswith(b"<!doctype html>") and page.endswith(b"</html>\n") for page in pages)
    assert all(5_000 <= len(page) < 201_000 for page in pages)
    assert len({re.findall(rb"<title>(.+)</title>", page)[0] for page in pages}) == 64


async def test_a_number_brings_the_same_from_every_site(site: LocalSite) -> None:
    with LocalSite() as other:
        assert await scrape(other) == await scrape(site)
