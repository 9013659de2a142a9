"""The proxies of the environment, and whom NO_PROXY excepts from them."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

import aioxide
from tests.servers.programs import free_port
from tests.servers.raw import RawServer, reply

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nproxied"

VARIABLES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "request_method"]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def proxy() -> Iterator[RawServer]:
    with RawServer(reply(OK)) as proxy:
        yield proxy


def goes_by_proxy(url: str, **settings: object) -> bool:
    """Whether a client asks a proxy for what nobody serves."""
    with aioxide.BlockingClient(resolve=dict.fromkeys(NAMES, "127.0.0.1"), **settings) as client:
        try:
            return client.get(url).text == "proxied"
        except aioxide.ConnectError:
            return False


NAMES = ["example.com", "www.example.com", "notexample.com", "example.com.", "xn--bcher-kva.example", "host"]


@pytest.mark.parametrize(
    ("rules", "host", "direct"),
    [
        ("", "example.com", False),
        ("*", "example.com", True),
        ("*", "127.0.0.1", True),
        ("*", "[::1]", True),
        ("other.org, *", "example.com", True),
        ("example.com", "example.com", True),
        ("example.com", "www.example.com", True),
        ("example.com", "notexample.com", False),
        ("www.example.com", "example.com", False),
        (".example.com", "example.com", True),
        (".example.com", "www.example.com", True),
        (".example.com", "notexample.com", False),
        ("*.example.com", "www.example.com", True),
        ("*.example.com", "notexample.com", False),
        ("EXAMPLE.com", "www.example.com", True),
        ("example.com", "WWW.Example.Com", True),
        ("example.com.", "example.com", True),
        ("example.com", "example.com.", True),
        ("com", "example.com", True),
        ("host", "host", True),
        ("other.org,example.com", "example.com", True),
        (" other.org , example.com ", "example.com", True),
        ("other.org example.com", "example.com", True),
        (",,", "example.com", False),
        (".", "example.com", False),
        ("xn--bcher-kva.example", "bücher.example", True),
        ("Bücher.example", "bücher.example", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", False),
        ("127.0.0", "127.0.0.1", False),
        (".0.0.1", "127.0.0.1", False),
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.1/32", "127.0.0.1", True),
        ("127.0.0.0/30", "127.0.0.9", False),
        ("0.0.0.0/0", "127.0.0.1", True),
        ("0.0.0.0/0", "[::1]", False),
        ("10.0.0.0/8", "127.0.0.1", False),
        ("127.0.0.0/33", "127.0.0.1", False),
        # Names are not resolved for this.
        ("127.0.0.0/8", "example.com", False),
        ("::1", "[::1]", True),
        ("[::1]", "[::1]", True),
        ("::/64", "[::1]", True),
        ("fe80::/10", "[::1]", False),
        ("0:0::0:1", "[::1]", True),
        ("example.com:PORT", "example.com", True),
        ("example.com:1", "example.com", False),
        (".example.com:PORT", "www.example.com", True),
        ("127.0.0.1:PORT", "127.0.0.1", True),
        ("127.0.0.1:1", "127.0.0.1", False),
        ("[::1]:PORT", "[::1]", True),
        ("[::1]:1", "[::1]", False),
    ],
)
def test_no_proxy(
    monkeypatch: pytest.MonkeyPatch, proxy: RawServer, rules: str, host: str, direct: bool
) -> None:
    port = free_port()
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", rules.replace("PORT", str(port)))
    assert goes_by_proxy(f"http://{host}:{port}/") is not direct
    assert len(proxy.received) == (0 if direct else 1)


@pytest.mark.parametrize("default", [":80", ""])
def test_no_proxy_knows_the_usual_port(
    monkeypatch: pytest.MonkeyPatch, proxy: RawServer, default: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.3:80")
    assert not goes_by_proxy(f"http://127.0.0.3{default}/")
    assert proxy.received == []


@pytest.mark.parametrize("path", ["/a|b", "/{}", "/\"'", "/%", "/ü", "/a?b=[^]|`", "/#x|y"])
def test_no_url_gets_around_the_proxy(monkeypatch: pytest.MonkeyPatch, proxy: RawServer, path: str) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    assert goes_by_proxy(f"http://127.0.0.1:{free_port()}{path}")


@pytest.mark.parametrize(
    ("variable", "scheme", "proxied"),
    [
        ("http_proxy", "http", True),
        ("HTTP_PROXY", "http", True),
        ("http_proxy", "https", False),
        ("https_proxy", "http", False),
        ("https_proxy", "https", True),
        ("HTTPS_PROXY", "https", True),
        ("all_proxy", "http", True),
        ("ALL_PROXY", "http", True),
        ("all_proxy", "https", True),
    ],
)
def test_which_variable_is_for_which_scheme(
    monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str, proxied: bool
) -> None:
    with RawServer(reply(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        client = aioxide.BlockingClient(resolve={"host": "127.0.0.1"})
        with client, suppress(aioxide.ConnectError, aioxide.ProxyError):
            client.get(f"{scheme}://host:{free_port()}/")
        assert bool(proxy.received) is proxied


def test_which_variable_comes_first(monkeypatch: pytest.MonkeyPatch, proxy: RawServer) -> None:
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", proxy.url)
    assert goes_by_proxy("http://host/")
    # An empty one is as good as none.
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", " ")
    assert goes_by_proxy("http://host/")


def test_a_cgi_program_does_not_believe_http_proxy(monkeypatch: pytest.MonkeyPatch, proxy: RawServer) -> None:
    """A request's header `Proxy:` is there as HTTP_PROXY."""
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert not goes_by_proxy(f"http://host:{free_port()}/")


def test_without_a_scheme_it_is_http(monkeypatch: pytest.MonkeyPatch, proxy: RawServer) -> None:
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
    assert goes_by_proxy("http://host/")


def test_credentials_come_from_the_environment_too(monkeypatch: pytest.MonkeyPatch, proxy: RawServer) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:p%40ss@127.0.0.1:{proxy.port}")
    assert goes_by_proxy("http://host/")
    assert b"proxy-authorization: Basic bWU6cEBzcw==\r\n" in proxy.received[0]


def test_a_variable_that_is_no_proxy_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "gopher://me:hunter2@host")
    with pytest.raises(
        ValueError, match="https_proxy: not a usable proxy URL: its scheme is 'gopher'"
    ) as caught:
        aioxide.BlockingClient()
    assert "hunter2" not in str(caught.value)
    aioxide.BlockingClient(trust_env=False)
    aioxide.BlockingClient(proxy="http://127.0.0.1:1")


def test_the_environment_can_be_left_aside(monkeypatch: pytest.MonkeyPatch, proxy: RawServer) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    url = f"http://host:{free_port()}/"
    assert not goes_by_proxy(url, trust_env=False)
    assert not goes_by_proxy(url, proxy=False)
    with aioxide.BlockingClient(resolve={"host": "127.0.0.1"}) as client:
        with pytest.raises(aioxide.ConnectError):
            client.get(url, proxy=False)
        assert client.get(url).text == "proxied"
    assert len(proxy.received) == 1


def test_a_redirect_chooses_its_proxy_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the new host: NO_PROXY excepts one of the two."""
    there = reply(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ndirect")
    with RawServer(there) as server:
        moved = b"HTTP/1.1 302 Moved\r\nlocation: http://127.0.0.1:%d/\r\ncontent-length: 0\r\n\r\n"
        with RawServer(reply(moved % server.port)) as proxy:
            monkeypatch.setenv("http_proxy", proxy.url)
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            with aioxide.BlockingClient() as client:
                assert client.get("http://far.invalid/").text == "direct"
        assert server.received[0].startswith(b"GET / HTTP/1.1\r\n")
