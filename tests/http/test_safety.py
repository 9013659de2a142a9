"""Nothing that is given becomes more than it is, no secret goes astray, and no body is too much."""

import asyncio
import functools
import gzip
import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aioxide
from aioxide.testing import LocalSite
from tests.http.trust import authority
from tests.servers.raw import Connection, RawServer, Script, reply, reply_always

NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"
EVIL = "a\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1\r\nhost: evil\r\n\r\n"


# ---- injection ----

# Where text gets into a request: each makes a request of it.
WAYS: dict[str, Callable[[str], dict[str, Any]]] = {
    "params": lambda text: {"params": {text: text}},
    "params as text": lambda text: {"params": text},
    "header names": lambda text: {"headers": {text: "x"}},
    "header values": lambda text: {"headers": {"x-given": text}},
    "host": lambda text: {"headers": {"host": text}},
    "cookie names": lambda text: {"cookies": {text: "x"}},
    "cookie values": lambda text: {"cookies": {"x": text}},
    "form": lambda text: {"data": {text: text}},
    "field names": lambda text: {"files": {text: b"x"}},
    "file names": lambda text: {"files": {"x": (text, b"x")}},
    "file types": lambda text: {"files": {"x": ("x", b"x", text)}},
    "user": lambda text: {"auth": (text, "x")},
    "password": lambda text: {"auth": ("x", text)},
    "token": lambda text: {"auth": aioxide.BearerAuth(text)},
    "sni": lambda text: {"extensions": {"sni_hostname": text}},
    "method": lambda text: {"method": text},
    "path": lambda text: {"path": text},
    "query": lambda text: {"path": "?" + text},
    "base path": lambda text: {"base": "/" + text},
    "base credentials": lambda text: {"base_credentials": text},
}

# The path, and what a header is, so far as it was given by hand.
LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ /[\x21-\x7e]* HTTP/1\.1")
HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*")
USUAL = {
    b"accept",
    b"accept-encoding",
    b"user-agent",
    b"host",
    b"content-length",
    b"content-type",
    b"cookie",
    b"authorization",
    b"x-given",
}


async def send(server: RawServer, way: str, text: str) -> bytes:
    """Makes the request, and gives all that the server got."""
    options = WAYS[way](text)
    path, base = options.pop("path", "/"), options.pop("base", "")
    user = f"{options.pop('base_credentials')}@" if "base_credentials" in options else ""
    base_url = server.url.replace("://", f"://{user}") + base
    async with aioxide.Client(base_url=base_url, trust_env=False, timeout=20) as client:
        await client.request(options.pop("method", "POST"), path, **options)
    return server.received[-1]


def check_one_request(got: bytes, names: set[bytes]) -> None:
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    assert LINE.fullmatch(first), first
    assert all(HEADER.fullmatch(line) for line in lines), lines
    seen = [line.split(b":")[0] for line in lines]
    assert set(seen) <= names
    assert len(seen) == len(set(seen))
    length = dict(line.split(b": ", 1) for line in lines if b": " in line).get(b"content-length", b"0")
    assert len(body) == int(length)


class Counting:
    """Answers a request whole, however long its body is, and keeps the connection."""

    def __call__(self, connection: Connection) -> None:
        while True:
            head = connection.read_head()
            length = re.search(rb"content-length: (\d+)", head)
            connection.read(int(length[1]) if length else 0)
            connection.send(NOTHING)


@pytest.mark.parametrize("way", WAYS)
async def test_text_stays_where_it_was_put(way: str) -> None:
    for text in [
        EVIL,
        "a\nb: c",
        "a\rb",
        "a\0b",
        "\r\n",
        "a b",
        "a: b",
        "ä\u2028\x85",
        '"; x="',
        "\x7f",
        "a\tb",
    ]:
        with RawServer(Counting()) as server:
            try:
                got = await send(server, way, text)
            except (ValueError, aioxide.UnsupportedProtocol):
                assert server.received == []
            else:
                check_one_request(got, USUAL | {text.lower().encode()})


hostile = st.text(
    st.one_of(
        st.sampled_from("\r\n\0\t \x7f\x85\u2028\"';:,=&?#/\\@%[]{}<>|^`~*ä€😀"),
        st.characters(exclude_categories=["Cs"], max_codepoint=0x2FF),
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(WAYS)), hostile)
def test_whatever_text_it_is(way: str, text: str) -> None:
    # These choose the server: what becomes of it is `test_text_stays_where_it_was_put`.
    if way in ("path", "base credentials") and ("//" in text or "\\" in text or "@" in text or ":" in text):
        return
    # "1/" would be the host 0.0.0.1, which may have a server, too.
    if way == "base credentials" and any(end in text for end in "/?#"):
        return
    with RawServer(Counting()) as server:
        try:
            got = asyncio.run(send(server, way, text))
        except (ValueError, aioxide.UnsupportedProtocol):
            assert server.received == []
        except aioxide.ConnectError:
            assert way == "base credentials"
        else:
            check_one_request(got, USUAL | {text.lower().encode()})


@pytest.mark.parametrize("host", ["a/b", "a?b", "a#b", "user@a", "a b", "a:b", "a:1:2", "ä", "["])
async def test_a_host_by_hand_is_a_host(host: str) -> None:
    for http1 in [True, False]:
        async with aioxide.Client(http1=http1) as client:
            with pytest.raises(aioxide.LocalProtocolError, match="host"):
                client.get("http://127.0.0.1/", headers={"host": host})
    with pytest.raises(aioxide.LocalProtocolError, match="host"):
        aioxide.Client(headers={"host": host})


def test_two_hosts_are_one_too_many() -> None:
    with pytest.raises(aioxide.LocalProtocolError, match="one host"):
        aioxide.fetch("http://127.0.0.1/", headers=[("host", "a"), ("Host", "a")])


async def test_a_host_by_hand_is_sent() -> None:
    for host in ["other.test", "other.test:81", "[::1]:81", "under_score", ""]:
        with RawServer(reply_always(NOTHING)) as server:
            async with aioxide.Client() as client:
                await client.get(server.url, headers={"host": host})
            assert f"\r\nhost: {host}\r\n".encode() in server.received[0]


@pytest.mark.parametrize(
    "proxy",
    [
        "http://127.0.0.1:1\r\nx: y",
        "http://127.0.0\n.1:1",
        "http://ho st:1",
        "http://a:1/x",
        "socks4://us%00er@127.0.0.1:1",
        "socks4a://us%00er@127.0.0.1:1",
        "socks5://" + "u" * 256 + "@127.0.0.1:1",
        "\r\nhttp://a:1",
    ],
)
def test_a_proxy_that_is_more_than_one_is_refused(proxy: str) -> None:
    for make in [
        lambda: aioxide.Proxy(proxy),
        lambda: aioxide.Client(proxy=proxy),
        lambda: aioxide.fetch("http://host/", proxy=proxy),
    ]:
        with pytest.raises(ValueError, match="not a usable proxy URL"):
            make()


async def test_credentials_of_a_proxy_are_one_header() -> None:
    with RawServer(reply_always(NOTHING)) as server:
        async with aioxide.Client(proxy=f"http://u%0d%0aX-Evil%3a1:p@127.0.0.1:{server.port}") as client:
            await client.get("http://host.test/")
        assert b"evil" not in server.received[0].lower()
    with pytest.raises(aioxide.LocalProtocolError):
        aioxide.Proxy("http://host:1", headers={"x": "a\r\nb"})


@pytest.mark.parametrize("name", ["a\r\nb", "a b", "", "a\0b", "x" * 300])
def test_a_name_for_tls_is_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="sni_hostname"):
        aioxide.fetch("https://host/", extensions={"sni_hostname": name})


# ---- secrets ----

SECRET = "hunter2"


def shown(error: BaseException) -> str:
    """All that a log would have of it."""
    attributes = {name: getattr(error, name, None) for name in ("url", "host", "request", "response")}
    request = attributes["request"]
    chain = f"{error!r} {error} {error.args} {attributes} {error.__cause__!r} {error.__context__!r}"
    return f"{chain} {request and request.url} {request and repr(request.headers)}"


@pytest.mark.parametrize(
    "broken", [b"", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 302 F\r\nlocation: ftp://u:hunter2@h\r\n\r\n"]
)
@pytest.mark.parametrize(
    ("settings", "options", "user"),
    [
        ({}, {}, f"user:{SECRET}@"),
        ({"auth": ("user", SECRET)}, {}, ""),
        ({}, {"auth": aioxide.BearerAuth(SECRET)}, ""),
        ({}, {"auth": aioxide.DigestAuth("user", SECRET)}, ""),
        ({"headers": {"authorization": SECRET}}, {}, ""),
        ({"headers": {"proxy-authorization": SECRET}}, {}, ""),
        ({}, {"headers": {"cookie": f"id={SECRET}"}}, ""),
        ({"cookies": {"id": SECRET}}, {}, ""),
        ({}, {"cookies": {"id": SECRET}}, ""),
    ],
    ids=[
        "URL",
        "basic",
        "bearer",
        "digest",
        "authorization",
        "proxy-authorization",
        "cookie",
        "jar",
        "cookies",
    ],
)
async def test_no_error_shows_a_secret(
    settings: dict[str, Any], options: dict[str, Any], user: str, broken: bytes
) -> None:
    events: list[Any] = []
    with RawServer(reply(broken)) as server:
        url = server.url.replace("://", f"://{user}")
        async with aioxide.Client(trace=events.append, **settings) as client:
            with pytest.raises(aioxide.RequestError) as caught:
                await client.get(url, **options)
            assert SECRET not in repr(client)
    assert SECRET not in shown(caught.value)
    assert events
    assert SECRET not in repr(events)


async def test_no_response_shows_a_secret() -> None:
    events: list[Any] = []
    with RawServer(reply(b"HTTP/1.1 500 Broken\r\n\r\n")) as server:
        async with aioxide.Client(trace=events.append, auth=("user", SECRET)) as client:
            response = await client.get(server.url.replace("://", f"://user:{SECRET}@"))
    with pytest.raises(aioxide.HTTPStatusError) as caught:
        response.raise_for_status()
    assert SECRET not in shown(caught.value) + f"{response!r} {response.url} {response.request!r} {events!r}"


@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks4a", "socks5", "socks5h"])
async def test_no_error_shows_a_proxys_secret(scheme: str) -> None:
    with RawServer(lambda connection: None) as server:
        proxy = f"{scheme}://user:{SECRET}@127.0.0.1:{server.port}"
        async with aioxide.Client(proxy=proxy, timeout=5) as client:
            with pytest.raises(aioxide.RequestError) as caught:
                await client.get("https://127.0.0.1/")
            assert SECRET not in shown(caught.value) + repr(client) + repr(aioxide.Proxy(proxy))


@pytest.mark.parametrize(
    "url",
    ["http://user:{}@host:port/", "http://user:pass/{}@host/", "ftp://{}@host/", "//user:{}@h:x/", "{}@host"],
)
def test_no_message_about_a_url_shows_a_secret(url: str) -> None:
    for make in [
        lambda: aioxide.fetch(url.format(SECRET)),
        lambda: aioxide.Client(base_url=url.format(SECRET)),
    ]:
        with pytest.raises(aioxide.RequestError) as caught:
            make()
        assert SECRET not in shown(caught.value)


async def test_credentials_of_a_base_are_for_its_own_server() -> None:
    with RawServer(reply_always(NOTHING)) as ours, RawServer(reply_always(NOTHING)) as other:
        async with aioxide.Client(base_url=f"http://user:{SECRET}@127.0.0.1:{ours.port}/api") as client:
            assert client.base_url == f"{ours.url}/api/"
            await client.get("path")
            await client.get(f"{ours.url}/elsewhere")
            await client.get(other.url)
        assert b"".join(ours.received).count(b"authorization: Basic dXNlcjpodW50ZXIy") == 2
        assert b"authorization" not in other.received[0]


# ---- redirects ----

SECRETS = {
    "authorization": "Bearer hunter2",
    "proxy-authorization": "Basic hunter2",
    "cookie": "id=hunter2",
    "host": "by.hand",
}


@pytest.mark.parametrize("change", ["host", "port", "scheme"])
@pytest.mark.parametrize("how", ["headers", "auth", "url", "cookies"])
async def test_no_secret_goes_to_another_origin(change: str, how: str) -> None:
    with LocalSite() as here, LocalSite(host="127.0.0.1", tls=change == "scheme") as there:
        target = f"{there.url}/echo"
        if change == "host":
            # Another name for the same server.
            target = f"http://localhost:{here.port}/echo"
        url = here.url
        options: dict[str, Any] = {}
        if how == "headers":
            options["headers"] = SECRETS
        elif how == "auth":
            options["auth"] = ("user", SECRET)
        elif how == "url":
            url = url.replace("://", f"://user:{SECRET}@")
        else:
            options["cookies"] = {"id": SECRET}
        verify: Any = authority(there) if change == "scheme" else True
        async with aioxide.Client(verify=verify, resolve={"localhost": "127.0.0.1"}, timeout=20) as client:
            response = await client.get(
                f"{url}/redirect/to", params={"url": target, "status": 307}, **options
            )
        got = {name for name, _ in response.json()["headers"]}
        assert got & set(SECRETS) <= {"host"}
        assert dict(response.json()["headers"]).get("host") != "by.hand"
        assert SECRET not in response.text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_from_https_to_http_is_refused(tls_site: LocalSite, site: LocalSite, status: int) -> None:
    where = {"url": f"{site.url}/json", "status": status}
    async with aioxide.Client(verify=authority(tls_site)) as client:
        with pytest.raises(aioxide.RemoteProtocolError, match="allow_downgrade") as caught:
            await client.get(f"{tls_site.url}/redirect/to", params=where)
        assert caught.value.phase == "redirect"
    async with aioxide.Client(verify=authority(tls_site), allow_downgrade=True) as client:
        assert (await client.get(f"{tls_site.url}/redirect/to", params=where)).url == f"{site.url}/json"


async def test_redirects_in_a_circle_end(site: LocalSite, client: aioxide.Client) -> None:
    with pytest.raises(aioxide.TooManyRedirects, match="more than 20 redirects"):
        await client.get(f"{site.url}/redirect/loop")


# ---- bodies that are too long ----

MOST = 100_000


@functools.cache
def bomb(coding: str) -> bytes:
    """Two hundred megabytes of nothing, in a thousandth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if coding == "gzip" else 15)
    return b"".join([packer.compress(bytes(2**20)) for _ in range(200)]) + packer.flush()


def served(body: bytes, *lines: bytes) -> Script:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""]) + body)
        connection.hang()

    return script


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


LONG: dict[str, Callable[[], Script]] = {
    "declared": lambda: served(b"", b"content-length: %d" % (MOST + 1)),
    "declared beyond memory": lambda: served(b"", b"content-length: %d" % 10**18),
    "chunked": lambda: served(chunked(bytes(MOST + 1)), b"transfer-encoding: chunked"),
    "until the end": lambda: served(bytes(MOST + 1)),
    "gzip": lambda: served(chunked(bomb("gzip")), b"transfer-encoding: chunked", b"content-encoding: gzip"),
    "deflate": lambda: served(
        chunked(bomb("deflate")), b"transfer-encoding: chunked", b"content-encoding: deflate"
    ),
    "gzip in gzip": lambda: served(
        chunked(gzip.compress(bomb("gzip"))),
        b"transfer-encoding: chunked",
        b"content-encoding: gzip, gzip",
    ),
    "gzip in gzip in gzip": lambda: served(
        chunked(gzip.compress(gzip.compress(bomb("gzip")))),
        b"transfer-encoding: chunked",
        b"content-encoding: gzip, gzip, gzip",
    ),
}


@pytest.mark.asyncio(loop_factories=["asyncio"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", LONG)
async def test_a_body_has_an_end(name: str, streamed: bool) -> None:
    with RawServer(LONG[name]()) as server:
        async with aioxide.Client(max_body=MOST) as client:
            got: list[bytes] = []

            async def stream() -> None:
                async with client.stream("GET", server.url) as response:
                    got.extend([piece async for piece in response.aiter_bytes()])

            with pytest.raises(aioxide.BodyTooLarge, match=f"longer than {MOST} bytes") as caught:
                await (stream() if streamed else client.get(server.url))
            assert sum(map(len, got)) <= MOST
            assert caught.value.phase == "body"
            # And the call has the last word.
            if name == "until the end":
                return
            with pytest.raises(aioxide.BodyTooLarge, match="longer than 10 bytes"):
                await client.get(server.url, max_body=10)


@pytest.mark.asyncio(loop_factories=["asyncio"])
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
async def test_a_bomb_is_no_bigger_than_the_limit(fresh_site: LocalSite, coding: str) -> None:
    async with aioxide.Client(max_body=MOST) as client:
        with pytest.raises(aioxide.BodyTooLarge):
            await client.get(f"{fresh_site.url}/{coding}/50000000")
        with pytest.raises(aioxide.BodyTooLarge):
            async with client.stream("GET", f"{fresh_site.url}/{coding}/50000000") as response:
                await response.aread()


def test_a_bomb_costs_no_more_memory_than_the_limit(script: Any) -> None:
    """The most that the process ever had, in kilobytes, before and after."""
    packed = bomb("gzip")
    with RawServer(
        served(chunked(packed), b"transfer-encoding: chunked", b"content-encoding: gzip")
    ) as server:
        grown = script.works(
            """
            import asyncio, resource, sys
            import aioxide

            def most():
                return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

            async def main():
                async with aioxide.Client(max_body=1_000_000) as client:
                    try:
                        await client.get(sys.argv[1], max_body=1)
                    except aioxide.BodyTooLarge:
                        pass
                    before = most()
                    try:
                        await client.get(sys.argv[1])
                    except aioxide.BodyTooLarge:
                        print(most() - before)

            asyncio.run(main())
            """,
            server.url,
        )
    assert int(grown) < 16_000


async def test_a_line_without_an_end_is_found_in_time(client: aioxide.Client) -> None:
    """It comes in two thousand pieces; to look at all of them again for each would take minutes."""
    piece = b"1000\r\n" + b"a" * 0x1000 + b"\r\n"

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(2_000):
            connection.send(piece)
        connection.send(b"1\r\n\n\r\n0\r\n\r\n")

    with RawServer(script) as server:
        async with client.stream("GET", server.url) as response:
            assert [len(line) async for line in response.aiter_lines()] == [2_000 * 0x1000]
