"""The client and a server that much of the web runs on: nginx, as Debian has it."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import aioxide
from tests.servers.certificates import Authority
from tests.servers.nginx import Nginx, Server

LINES = "".join(f"line {n} of a text that can be compressed\n" for n in range(5_000))
BLOB = bytes(range(256)) * 4_096

MAIN = """
location / { }
location /list/ { autoindex on; }
location /accept { return 200 "$request_method $content_length"; }
location /version { return 200 $server_protocol; }
location /upload { client_max_body_size 64k; proxy_pass {taker.url}/; }
location /redirect { return 302 /hello.txt; }
location /see-other { return 303 /accept; }
location /dead { proxy_pass http://127.0.0.1:DEAD; }
location /later { add_header Retry-After 7 always; return 429; }
location /private { auth_basic "the realm"; auth_basic_user_file htpasswd; try_files /hello.txt =404; }
location /slow { limit_rate 200k; try_files /medium =404; }
"""

# The servers of these are tried by turns, and nginx does not try the next by itself.
COMMON = """
ssl_protocols TLSv1.2 TLSv1.3;
gzip on;
gzip_types text/plain;
limit_req_zone $server_port zone=narrow:32k rate=20r/s;
upstream every_second {
    server 127.0.0.1:DEAD max_fails=0;
    server 127.0.0.1:{taker.port} max_fails=0;
}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def dead() -> Iterator[str]:
    """A port that nobody else gets, and that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield str(bound.getsockname()[1])


def furnish(folder: Path) -> None:
    """What there is to serve."""
    www = folder / "www"
    (www / "list").mkdir(parents=True)
    (www / "list" / "file.txt").write_text("in a list")
    (www / "hello.txt").write_text("hello")
    (www / "lines.txt").write_text(LINES)
    (www / "medium").write_bytes(BLOB[:40_000])
    (www / "blob").write_bytes(BLOB)
    (folder / "htpasswd").write_text("user:{PLAIN}password\n")


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, authority: Authority, dead: str) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("nginx")
    furnish(folder)
    main = MAIN.replace("DEAD", dead)
    certificate = authority.issue("localhost")
    asks = f"ssl_verify_client on; ssl_client_certificate {authority.path};"
    servers = {
        "plain": Server(main),
        "h1": Server(main, certificate),
        "h2": Server(main, certificate, http2=True),
        "taker": Server("location / { return 200 taken; }"),
        "hasty": Server("keepalive_timeout 20ms; location / { }"),
        "brief": Server("keepalive_requests 3; location / { }"),
        "brief_h2": Server("keepalive_requests 3; location / { }", certificate, http2=True),
        "asks": Server(asks + "location / { return 200 $ssl_client_s_dn; }", certificate),
        "old": Server("ssl_protocols TLSv1.2; location / { return 200 $ssl_protocol; }", certificate),
        "half_dead": Server("location / { proxy_next_upstream off; proxy_pass http://every_second; }"),
        "narrow": Server("location / { limit_req zone=narrow; }"),
    }
    with Nginx(folder, COMMON.replace("DEAD", dead), **servers) as nginx:
        yield nginx


@pytest.fixture(params=["plain", "h1", "h2"])
def url(request: pytest.FixtureRequest, nginx: Nginx) -> str:
    return nginx[request.param]


@pytest.fixture
async def client(authority: Authority) -> AsyncIterator[aioxide.Client]:
    async with aioxide.Client(verify=authority.path, trust_env=False) as client:
        yield client


async def test_each_protocol_is_spoken(nginx: Nginx, client: aioxide.Client) -> None:
    said = [(await client.get(f"{nginx[name]}/version")) for name in ("plain", "h1", "h2")]
    assert [response.http_version for response in said] == ["HTTP/1.1", "HTTP/1.1", "HTTP/2"]


async def test_files_come_whole(url: str, client: aioxide.Client) -> None:
    head = await client.head(f"{url}/blob")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(BLOB)), b"")
    assert (await client.get(f"{url}/blob")).content == BLOB
    assert (await client.get(f"{url}/missing")).status_code == 404
    assert (await client.post(f"{url}/hello.txt", content=b"x")).status_code == 405


async def test_text_comes_compressed(url: str, client: aioxide.Client) -> None:
    response = await client.get(f"{url}/lines.txt")
    assert response.headers["content-encoding"] == "gzip"
    assert response.text == LINES
    assert response.num_bytes_downloaded < len(LINES) / 2
    async with client.stream("GET", f"{url}/lines.txt") as response:
        lines = [line async for line in response.aiter_lines()]
    assert lines == LINES.splitlines()


async def test_ranges_and_conditions(url: str, client: aioxide.Client) -> None:
    part = await client.get(f"{url}/blob", headers={"range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, BLOB[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(BLOB)}"
    # Text has ranges too: it is not asked for in a coding.
    assert (await client.get(f"{url}/lines.txt", headers={"range": "bytes=0-5"})).content == b"line 0"
    several = await client.get(f"{url}/blob", headers={"range": "bytes=0-1,10-11"})
    assert several.headers["content-type"].startswith("multipart/byteranges")
    none = await client.get(f"{url}/blob", headers={"range": f"bytes={len(BLOB)}-"})
    assert none.status_code == 416
    etag = part.headers["etag"]
    same = await client.get(f"{url}/blob", headers={"if-none-match": etag})
    assert (same.status_code, same.content) == (304, b"")
    other = await client.get(f"{url}/blob", headers={"range": "bytes=0-1", "if-range": '"another"'})
    assert (other.status_code, len(other.content)) == (200, len(BLOB))


async def test_bodies_are_taken(url: str, client: aioxide.Client) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"p" * 1_000

    assert (await client.post(f"{url}/accept", content=b"12345")).text == "POST 5"
    assert (await client.post(f"{url}/accept")).text == "POST 0"
    assert (await client.put(f"{url}/upload", content=b"u" * 65_536)).text == "taken"
    assert (await client.put(f"{url}/upload", content=pieces())).text == "taken"


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(
    url: str, client: aioxide.Client
) -> None:
    """The answer comes while the body is sent, and nobody reads the body any more."""
    response = await client.post(f"{url}/upload", content=b"u" * 5_000_000)
    assert response.status_code == 413
    assert (await client.get(f"{url}/hello.txt")).text == "hello"


async def test_a_body_without_end_is_refused_in_the_middle(url: str, client: aioxide.Client) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in itertools.repeat(None):
            yield b"e" * 10_000
            sent += 10_000

    response = await client.post(f"{url}/upload", content=endless())
    assert response.status_code == 413
    assert sent >= 60_000
    assert (await client.get(f"{url}/hello.txt")).text == "hello"


async def test_redirects(url: str, client: aioxide.Client) -> None:
    response = await client.get(f"{url}/redirect")
    assert (response.text, response.url) == ("hello", f"{url}/hello.txt")
    assert [hop.status_code for hop in response.history] == [302]
    assert (await client.post(f"{url}/see-other", content=b"12345")).text == "GET "
    # nginx adds the slash, with a whole URL.
    listing = await client.get(f"{url}/list")
    assert listing.url == f"{url}/list/"
    assert "file.txt" in listing.text


async def test_basic_auth(url: str, client: aioxide.Client) -> None:
    refused = await client.get(f"{url}/private")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Basic realm="the realm"'
    assert (await client.get(f"{url}/private", auth=("user", "password"))).text == "hello"
    assert (await client.get(f"{url}/private", auth=("user", "wrong"))).status_code == 401
    in_url = url.replace("://", "://user:password@")
    assert (await client.get(f"{in_url}/private")).text == "hello"


# ---- what goes wrong ----


async def test_a_dead_upstream_is_tried_again(url: str, client: aioxide.Client) -> None:
    retry = aioxide.Retry(2, backoff=0.001)
    response = await client.get(f"{url}/dead", retries=retry)
    assert (response.status_code, response.attempts) == (502, 3)
    once = await client.get(f"{url}/dead")
    assert (once.status_code, once.attempts) == (502, 1)
    # Whatever happened behind it: a POST may have been acted on.
    posted = await client.post(f"{url}/dead", content=b"x", retries=retry)
    assert (posted.status_code, posted.attempts) == (502, 1)


async def test_every_second_upstream_is_dead(nginx: Nginx, client: aioxide.Client) -> None:
    """One request at a time, so that each failed attempt is followed by one on the living upstream."""
    attempts = []
    for _ in range(6):
        response = await client.get(f"{nginx['half_dead']}/", retries=aioxide.Retry(1, backoff=0.001))
        assert response.text == "taken"
        attempts.append(response.attempts)
    assert set(attempts) <= {1, 2}
    assert 2 in attempts


async def test_a_rate_limit_is_waited_out(nginx: Nginx, client: aioxide.Client) -> None:
    """20 a second: the others get 503, and come again."""
    retry = aioxide.Retry(50, backoff=0.02, max_backoff=0.1)
    responses = await asyncio.gather(
        *[client.get(f"{nginx['narrow']}/hello.txt", retries=retry) for _ in range(4)],
    )
    assert [response.text for response in responses] == ["hello"] * 4
    assert max(response.attempts for response in responses) > 1


async def test_a_retry_after_that_is_too_long_is_not_waited_for(url: str, client: aioxide.Client) -> None:
    response = await client.get(f"{url}/later", retries=aioxide.Retry(3, max_retry_after=5))
    assert (response.status_code, response.attempts) == (429, 1)


# ---- connections ----


async def test_the_end_of_keep_alive_is_noticed(nginx: Nginx, client: aioxide.Client, until) -> None:
    """The server closes the idle connection, and nothing of it is left here."""
    for _ in range(3):
        assert (
            await client.post(f"{nginx['hasty']}/hello.txt", content=b"not idempotent")
        ).status_code == 405
        await until(lambda: not client.statistics().connections)
    assert client.statistics().opened == 3


async def test_a_connection_for_a_few_requests(nginx: Nginx, client: aioxide.Client) -> None:
    """`Connection: close` comes with the third answer of each."""
    for _ in range(12):
        assert (await client.get(f"{nginx['brief']}/hello.txt")).text == "hello"
    assert client.statistics().opened == 4


async def test_http2_carries_all_at_once(nginx: Nginx, client: aioxide.Client) -> None:
    responses = await asyncio.gather(*[client.get(f"{nginx['h2']}/blob") for _ in range(100)])
    assert all(response.content == BLOB for response in responses)
    assert client.statistics().opened == 1
    assert {response.http_version for response in responses} == {"HTTP/2"}


async def test_http2_goes_away_after_a_few_requests(nginx: Nginx, client: aioxide.Client) -> None:
    """GOAWAY after each third: what is beyond was not looked at, and goes to the next connection."""
    gets = [client.get(f"{nginx['brief_h2']}/hello.txt") for _ in range(60)]
    assert {response.text for response in await asyncio.gather(*gets)} == {"hello"}
    assert client.statistics().opened >= 20


# ---- TLS ----


async def test_a_client_certificate(nginx: Nginx, authority: Authority) -> None:
    mine = authority.issue("the client")
    async with aioxide.Client(verify=authority.path, cert=mine.pair) as client:
        assert (await client.get(f"{nginx['asks']}/")).text == "CN=the client"
    both = mine.certificate.read_bytes() + mine.key.read_bytes()
    async with aioxide.Client(verify=authority.path, cert=both) as client:
        assert (await client.get(f"{nginx['asks']}/")).text == "CN=the client"


async def test_no_client_certificate(
    nginx: Nginx, client: aioxide.Client, authority: Authority, tmp_path: Path
) -> None:
    """nginx goes through with the handshake, and says it by HTTP."""
    response = await client.get(f"{nginx['asks']}/")
    assert response.status_code == 400
    assert "No required SSL certificate was sent" in response.text
    stranger = Authority(tmp_path / "stranger").issue("the client")
    async with aioxide.Client(verify=authority.path, cert=stranger.pair) as client:
        response = await client.get(f"{nginx['asks']}/")
    assert response.status_code == 400
    assert "The SSL certificate error" in response.text


async def test_a_server_with_an_old_tls(nginx: Nginx, client: aioxide.Client, authority: Authority) -> None:
    assert (await client.get(f"{nginx['old']}/")).text == "TLSv1.2"
    async with aioxide.Client(verify=authority.path, min_tls="1.3") as client:
        assert (await client.get(f"{nginx['h1']}/hello.txt")).text == "hello"
        with pytest.raises(aioxide.TLSError, match=r"cannot connect to localhost:\d+: .*ProtocolVersion"):
            await client.get(f"{nginx['old']}/")


# ---- a server that is replaced, and one that ends ----


@pytest.fixture
def fresh_nginx(tmp_path: Path, authority: Authority) -> Iterator[Nginx]:
    furnish(tmp_path)
    slow = "location / { } location /slow { limit_rate 200k; try_files /medium =404; }"
    certificate = authority.issue("localhost")
    with Nginx(
        tmp_path, plain=Server(slow), h1=Server(slow, certificate), h2=Server(slow, certificate, http2=True)
    ) as nginx:
        yield nginx


@pytest.mark.parametrize("name", ["plain", "h1", "h2"])
async def test_a_reload_loses_no_request(fresh_nginx: Nginx, client: aioxide.Client, name: str) -> None:
    """Connections are closed under requests, and with HTTP/2 there is GOAWAY: none must be seen."""
    url = f"{fresh_nginx[name]}/hello.txt"
    slow = [asyncio.ensure_future(client.get(f"{fresh_nginx[name]}/slow")) for _ in range(4)]
    for turn in range(30):
        if turn % 3 == 1:
            fresh_nginx.reload()
        responses = await asyncio.gather(*[client.get(url) for _ in range(10)])
        assert {response.text for response in responses} == {"hello"}
    for response in await asyncio.gather(*slow):
        assert response.content == BLOB[:40_000]


@pytest.mark.parametrize("name", ["plain", "h1", "h2"])
async def test_what_is_begun_when_the_server_ends_is_finished(
    fresh_nginx: Nginx, client: aioxide.Client, name: str
) -> None:
    async with client.stream("GET", f"{fresh_nginx[name]}/slow") as response:
        fresh_nginx.quit()
        assert await response.aread() == BLOB[:40_000]
    await asyncio.to_thread(fresh_nginx.wait)
    with pytest.raises(aioxide.ConnectError):
        await client.get(f"{fresh_nginx[name]}/hello.txt")
    assert client.statistics().connections == 0
