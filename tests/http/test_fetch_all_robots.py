"""`fetch_all(robots=...)`: hosts are asked once, and obeyed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.fetching import OK, outcomes
from tests.servers.raw import Connection, RawServer, hang_up

pytestmark = pytest.mark.filterwarnings("error")


class Host:
    """Serves a robots.txt, and OK for the rest."""

    def __init__(self, robots: bytes, status: str = "200 OK", headers: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\n{headers}content-length: {len(robots)}\r\n\r\n"
        self._robots = head.encode() + robots
        self.targets: list[str] = []
        self.times: list[float] = []
        self.heads: list[bytes] = []

    def __call__(self, connection: Connection) -> None:
        while True:
            head = connection.read_head()
            target = head.split()[1].decode()
            self.heads.append(head)
            self.targets.append(target)
            self.times.append(time.monotonic())
            connection.send(self._robots if target == "/robots.txt" else OK)


@contextmanager
def serving(robots: bytes, status: str = "200 OK", headers: str = "") -> Iterator[tuple[Host, str]]:
    host = Host(robots, status, headers)
    with RawServer(host) as server:
        yield host, server.url


RULES = b"User-agent: mybot\nDisallow: /private\n\nUser-agent: *\nDisallow: /\nAllow: /open\n"


@pytest.mark.parametrize("robots", ["mybot", "MyBot", True])
async def test_allowed_and_forbidden(client: aioxide.Client, robots: str | bool) -> None:
    with serving(RULES) as (host, url):
        urls = [f"{url}/{path}" for path in ("a", "private", "b", "private/c?d")] * 5
        fetching = client.fetch_all(urls, robots=robots, headers={"user-agent": "mybot/1.2"})
        results = await fetching
    assert outcomes(results) == [200, aioxide.RobotsDisallowed] * 10
    # Asked once, before everything else.
    assert host.targets[0] == "/robots.txt"
    assert sorted(host.targets) == sorted(["/robots.txt"] + ["/a", "/b"] * 5)
    bad = results[1]
    assert (bad.attempts, bad.response, bad.elapsed) == (0, None, 0)
    assert isinstance(bad.error, aioxide.RobotsDisallowed)
    assert bad.error.phase == "robots"
    assert bad.error.request is not None
    assert bad.error.request.url == f"{url}/private"
    assert "robots.txt forbids it" in str(bad.error)
    statistics = fetching.statistics()
    assert (statistics.done, statistics.failed, statistics.in_flight) == (20, 10, 0)
    assert statistics.hosts[url].done == 20


async def test_without_a_product_token_the_rules_for_all_count(client: aioxide.Client) -> None:
    with serving(RULES) as (_, url):
        results = await client.fetch_all([f"{url}/open", f"{url}/a"], robots="other")
    assert outcomes(results) == [200, aioxide.RobotsDisallowed]


async def test_false_asks_nobody(client: aioxide.Client) -> None:
    with serving(RULES) as (host, url):
        assert outcomes(await client.fetch_all([f"{url}/a"], robots=False)) == [200]
    assert host.targets == ["/a"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("404 Not Found", 200),
        ("403 Forbidden", 200),
        ("401 Unauthorized", 200),
        ("429 Too Many Requests", aioxide.RobotsDisallowed),
        ("500 Oops", aioxide.RobotsDisallowed),
        ("503 Busy", aioxide.RobotsDisallowed),
    ],
)
async def test_statuses(client: aioxide.Client, status: str, outcome: int | type[Exception]) -> None:
    with serving(RULES, status) as (host, url):
        results = await client.fetch_all([f"{url}/a", f"{url}/b"], robots="mybot")
    assert outcomes(results) == [outcome] * 2
    if outcome != 200:
        assert f"cannot be read: status {status[:3]}" in str(results[0].error)
        assert host.targets == ["/robots.txt"]


@pytest.mark.parametrize("ordered", [False, True])
async def test_one_that_cannot_be_read(client: aioxide.Client, site: LocalSite, ordered: bool) -> None:
    with RawServer(hang_up) as server:
        urls = [f"{server.url}/a", f"{site.url}/json", "http://127.0.0.1:1/", f"{server.url}/b"]
        results = await client.fetch_all(urls, robots=True, ordered=ordered, retries=0)
    forbidden = aioxide.RobotsDisallowed
    assert outcomes(results) == [forbidden, 200, forbidden, forbidden]
    assert "cannot be read" in str(results[0].error)


async def test_one_that_was_moved(client: aioxide.Client) -> None:
    with (
        serving(b"User-agent: *\nDisallow: /a\n") as (_, there),
        serving(b"", "301 Moved", f"location: {there}/robots.txt\r\n") as (host, url),
    ):
        results = await client.fetch_all([f"{url}/a", f"{url}/b"], robots=True)
    assert outcomes(results) == [aioxide.RobotsDisallowed, 200]
    assert host.targets == ["/robots.txt", "/b"]


async def test_it_is_asked_as_who_comes_and_without_credentials(client: aioxide.Client) -> None:
    with serving(b"") as (host, url):
        await client.fetch_all(
            [f"{url}/a"],
            robots=True,
            auth=("me", "secret"),
            headers={"user-agent": "mybot/1", "x-key": "secret"},
        )
    [asked, fetched] = host.heads
    assert b"secret" not in asked
    assert b"authorization" not in asked.lower()
    assert b"authorization" in fetched.lower()


async def test_crawl_delay(client: aioxide.Client, site: LocalSite) -> None:
    with serving(b"User-agent: *\nCrawl-delay: 0.2\n") as (host, url):
        urls = [f"{url}/{n}" for n in range(3)] + [f"{site.url}/json"] * 10
        order = [result.index async for result in client.fetch_all(urls, robots=True, per_host_rate=1000)]
    # Nobody else waits for it.
    assert set(order[:10]) == set(range(3, 13))
    gaps = [after - before for before, after in zip(host.times, host.times[1:], strict=False)]
    assert len(gaps) == 3
    assert sum(gaps) >= 3 * 0.2 - 0.05


async def test_each_origin_has_its_own(client: aioxide.Client) -> None:
    with serving(b"User-agent: *\nDisallow: /\n") as (one, first), serving(b"") as (other, second):
        results = await client.fetch_all([f"{first}/a", f"{second}/a"] * 3, robots=True)
    assert outcomes(results) == [aioxide.RobotsDisallowed, 200] * 3
    assert one.targets == ["/robots.txt"]
    assert other.targets == ["/robots.txt"] + ["/a"] * 3


async def test_it_is_asked_for_as_the_call_says_who_asks(client: aioxide.Client) -> None:
    with serving(RULES) as (host, url):
        agent = {"user-agent": "mybot/1.0"}
        assert (await client.fetch_all([f"{url}/a"], robots=True, headers=agent))[0].ok
        assert host.targets == ["/robots.txt", "/a"]
        assert all(b"user-agent: mybot/1.0\r\n" in head for head in host.heads)


async def test_a_robots_txt_is_tried_again_as_often_as_the_rest(client: aioxide.Client) -> None:
    """A moment's trouble does not forbid all of a host."""
    asked: list[str] = []

    def script(connection: Connection) -> None:
        while True:
            target = connection.read_head().split()[1].decode()
            asked.append(target)
            if target != "/robots.txt" or len(asked) == 3:
                connection.send(OK)
            elif len(asked) == 1:
                connection.send(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
            else:
                # It hangs up.
                return

    with RawServer(script) as server:
        results = await client.fetch_all(
            [f"{server.url}/a"], robots=True, retries=aioxide.Retry(2, backoff=0.001)
        )
    assert outcomes(results) == [200]
    assert asked == ["/robots.txt"] * 3 + ["/a"]
