"""Each broken peer has its class, its phase and its message."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.accounting import is_at_rest
from tests.http.broken import CASES, Case
from tests.http.trust import authority
from tests.servers.http2 import REFUSED_STREAM, goaway, http2, no_content, read_headers, rst_stream
from tests.servers.raw import Connection, RawServer, hang_up

Until = Callable[[Callable[[], object]], Awaitable[None]]

MODES = ["whole", "streamed"]


async def ask(client: aioxide.Client, mode: str, case: Case, url: str) -> None:
    method = "GET" if case.content is None else "POST"
    options: dict[str, Any] = {"headers": {"x-mark": "1", "authorization": "secret"}}
    if case.content is not None:
        options["content"] = case.content
    if mode == "whole":
        await client.request(method, url, **options)
    else:
        async with client.stream(method, url, **options) as response:
            async for _ in response.aiter_bytes():
                pass


def check(case: Case, error: aioxide.RequestError, url: str, port: int) -> None:
    if case.error is aioxide.NetworkError:
        # Which side of the connection breaks first is up to the system.
        assert type(error) in (aioxide.ReadError, aioxide.WriteError), repr(error)
    else:
        assert type(error) is case.error, repr(error)
    assert error.phase == case.phase
    assert case.words in str(error)
    assert "secret" not in f"{error} {error!r}"
    assert (error.method, error.url) == ("GET" if case.content is None else "POST", url)
    assert (error.host, error.port, error.attempt) == ("127.0.0.1", port, 1)
    assert error.request is not None
    assert error.request.headers["x-mark"] == "1"
    assert "authorization" not in error.request.headers


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_broken_peer_has_its_class(case: Case, mode: str, until: Until) -> None:
    with RawServer(case.script) as server:
        url = f"{case.scheme}://127.0.0.1:{server.port}/path?q=1"
        async with aioxide.Client(http1=not case.http2, trust_env=False, **case.settings) as client:
            with pytest.raises(aioxide.RequestError) as caught:
                await ask(client, mode, case, url)
            # Whatever it was, nothing of it is left.
            await until(lambda: is_at_rest(client))
    check(case, caught.value, url, server.port)


@pytest.mark.parametrize("streamed", [False, True], ids=MODES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_peer_has_its_class_for_threads_too(case: Case, streamed: bool) -> None:
    method = "GET" if case.content is None else "POST"
    headers = {"x-mark": "1", "authorization": "secret"}

    def ask(client: aioxide.BlockingClient, url: str) -> None:
        if streamed:
            with client.stream(method, url, headers=headers, content=case.content) as response:
                response.read()
        else:
            client.request(method, url, headers=headers, content=case.content)

    with (
        RawServer(case.script) as server,
        aioxide.BlockingClient(http1=not case.http2, trust_env=False, **case.settings) as client,
    ):
        url = f"{case.scheme}://127.0.0.1:{server.port}/path?q=1"
        with pytest.raises(aioxide.RequestError) as caught:
            ask(client, url)
    check(case, caught.value, url, server.port)


@pytest.mark.parametrize(
    "nack", [rst_stream(1, REFUSED_STREAM), goaway(0, 0)], ids=["REFUSED_STREAM", "GOAWAY"]
)
async def test_a_request_that_an_http2_server_did_not_look_at_is_sent_again(nack: bytes) -> None:
    """RFC 9113, section 8.7."""
    again = 3 if nack == rst_stream(1, REFUSED_STREAM) else 1

    def refuse(connection: Connection) -> None:
        """On one connection, or on a second one where the first is going away."""
        http2(nack, end=False)(connection)
        read_headers(connection)
        connection.send(no_content(again))
        connection.hang()

    with RawServer(refuse if again == 3 else http2(nack), http2(no_content(1))) as server:
        async with aioxide.Client(http1=False) as client:
            assert (await client.post(server.url, content=b"once")).status_code == 204


async def test_a_server_that_looks_at_nothing_is_given_up() -> None:
    with RawServer(http2(goaway(0, 0))) as server:
        async with aioxide.Client(http1=False) as client:
            with pytest.raises(aioxide.RemoteProtocolError):
                await client.get(server.url)
        assert len(server.received) == 3


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port that refuses connections: bound, so that nobody else gets it, and not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


async def test_a_refused_port_is_a_connect_error(free_port: int) -> None:
    with pytest.raises(
        aioxide.ConnectError, match=rf"127\.0\.0\.1:{free_port}: Connection refused"
    ) as caught:
        await aioxide.fetch(f"http://127.0.0.1:{free_port}/")
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.phase == "connect"
    assert caught.value.port == free_port


async def test_an_address_with_colons_has_brackets(free_port: int) -> None:
    with pytest.raises(aioxide.ConnectError, match=rf" to \[::1\]:{free_port}: ") as caught:
        await aioxide.fetch(f"http://[::1]:{free_port}/")
    assert (caught.value.host, caught.value.port) == ("[::1]", free_port)


async def test_a_host_that_does_not_resolve_is_a_connect_error() -> None:
    with pytest.raises(aioxide.ConnectError, match=r"cannot resolve no\.such\.host\.invalid: ") as caught:
        await aioxide.fetch("http://no.such.host.invalid/")
    assert isinstance(caught.value, ConnectionError)
    assert (caught.value.host, caught.value.port) == ("no.such.host.invalid", 80)


async def test_a_certificate_nobody_vouches_for_is_a_tls_error(tls_site: LocalSite) -> None:
    with pytest.raises(aioxide.TLSError, match="certificate") as caught:
        await aioxide.fetch(f"{tls_site.url}/json")
    assert caught.value.phase == "connect"


async def test_a_certificate_for_another_name_is_a_tls_error() -> None:
    with LocalSite(host="127.0.0.2", tls=True) as site:
        async with aioxide.Client(verify=authority(site)) as client:
            with pytest.raises(aioxide.TLSError, match="127\\.0\\.0\\.2"):
                await client.get(f"https://127.0.0.2:{site.port}/json")


async def test_a_route_that_is_cut_off_is_a_remote_protocol_error(
    site: LocalSite, client: aioxide.Client
) -> None:
    with pytest.raises(aioxide.RemoteProtocolError):
        await client.get(f"{site.url}/truncated/100000")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
async def test_a_broken_coding_is_a_decoding_error(
    site: LocalSite, client: aioxide.Client, coding: str
) -> None:
    with pytest.raises(aioxide.DecodingError):
        await client.get(f"{site.url}/broken/{coding}")


async def test_credentials_in_a_url_are_in_no_error(free_port: int) -> None:
    with RawServer(hang_up) as server:
        for port in [free_port, server.port]:
            with pytest.raises(aioxide.RequestError) as caught:
                await aioxide.fetch(f"http://user:hunter2@127.0.0.1:{port}/")
            error = caught.value
            assert error.request is not None
            assert "hunter2" not in f"{error!r} {error} {error.url} {error.request!r}"
            assert "authorization" not in error.request.headers
        assert b"authorization: Basic dXNlcjpodW50ZXIy" in server.received[0]


OTHERS = {
    "BrokenBarrierError",
    "ConnectionClosed",
    "CookieConflict",
    "HandshakeError",
    "HandshakeRefused",
    "InsecureWarning",
    "QueueEmpty",
    "QueueFull",
    "QueueShutDown",
    "WebSocketError",
}


def test_the_tree_is_the_one_drawn_in_the_docstring() -> None:
    from aioxide import exceptions

    drawn = exceptions.__doc__
    assert drawn is not None
    for name in exceptions.__all__:
        assert name in drawn
        assert getattr(aioxide, name) is getattr(exceptions, name)
        tops = (aioxide.HTTPError, aioxide.WebSocketError)
        assert issubclass(getattr(exceptions, name), tops) or name in OTHERS
    assert issubclass(aioxide.TimeoutException, TimeoutError)
    assert issubclass(aioxide.NetworkError, ConnectionError)
    assert issubclass(aioxide.InvalidURL, ValueError)
    assert issubclass(aioxide.LocalProtocolError, ValueError)
    assert not issubclass(aioxide.HTTPStatusError, aioxide.RequestError)


def test_an_error_made_by_hand_knows_nothing_else() -> None:
    error = aioxide.ConnectError("no")
    assert (str(error), error.request, error.url, error.method, error.host, error.port) == (
        "no",
        None,
        None,
        None,
        None,
        None,
    )
    assert (error.phase, error.attempt) == (None, None)


def test_what_cannot_be_encoded_is_refused_by_the_right_class() -> None:
    client = aioxide.Client()
    with pytest.raises(aioxide.InvalidURL, match="surrogate"):
        client.get("http://host/\udcff")
    for headers in ({"a": "\udcff"}, {"\udcff": "a"}):
        with pytest.raises(aioxide.LocalProtocolError, match="surrogate"):
            client.get("http://host/", headers=headers)
