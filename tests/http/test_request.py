"""What a call sends, and what it refuses to send."""

import asyncio
import copy
import enum
import inspect
import json
import math
import pickle
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aioxide
from aioxide.testing import LocalSite
from tests.servers.raw import Connection, RawServer, reply_always

Answer = dict[str, Any]


async def echo(site: LocalSite, **request: Any) -> Answer:
    method = request.pop("method", "POST")
    path = request.pop("path", "/echo")
    answer: Answer = (await aioxide.fetch(site.url + path, method=method, **request)).json()
    return answer


def header(answer: Answer, name: str) -> list[str]:
    return [value for key, value in answer["headers"] if key == name]


# ---- params ----


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({}, ""),
        ({"a": "x y", "b": "ä&=+"}, "a=x+y&b=%C3%A4%26%3D%2B"),
        ({"a": 1, "b": 1.5, "c": True, "d": False, "e": None}, "a=1&b=1.5&c=true&d=false&e="),
        ({"a": [1, "two", None]}, "a=1&a=two&a="),
        ({"a": (1, 2)}, "a=1&a=2"),
        ({"a": []}, ""),
        ([("a", 1), ("b", 2), ("a", 3)], "a=1&b=2&a=3"),
        ((("a", 1), ["a", 2]), "a=1&a=2"),
        ("a=1&b=%20", "a=1&b=%20"),
        ("?a=1", "a=1"),
        ("", ""),
        ({"c": Colour.RED}, "c=red"),
        ({1: 2}, "1=2"),
    ],
)
async def test_params(site: LocalSite, params: Any, query: str) -> None:
    response = await aioxide.fetch(f"{site.url}/echo", params=params)
    assert response.url == f"{site.url}/echo" + (f"?{query}" if query else "")
    assert response.json()["target"] == "/echo" + (f"?{query}" if query else "")


async def test_params_are_added_to_the_urls_query(site: LocalSite) -> None:
    """Which stays as it is: it may be signed."""
    response = await aioxide.fetch(f"{site.url}/echo?sig=a%2fb+c&x", params={"q": 1})
    assert response.json()["target"] == "/echo?sig=a%2fb+c&x&q=1"


@pytest.mark.parametrize(
    "params",
    [3, object(), {"a": object()}, {"a": {"b": 1}}, {"a": b"bytes"}, [1, 2], [("a",)], [("a", 1, 2)]],
)
def test_params_that_mean_nothing_are_a_type_error(params: Any) -> None:
    with pytest.raises(TypeError, match="params"):
        aioxide.fetch("http://host/", params=params)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = texts | st.integers() | st.floats(allow_nan=False)
pairs = st.lists(st.tuples(texts, scalars), max_size=8)


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_params_are_encoded_as_urllib_does(given_pairs: list[tuple[str, Any]]) -> None:
    async def target() -> bytes:
        async with aioxide.Client(trust_env=False) as client:
            await client.get(server.url, params=given_pairs)
        return server.received[-1].split(b" ")[1]

    with RawServer(reply_always(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        got = asyncio.run(target()).decode()
    want = urlencode(given_pairs)
    assert got == (f"/?{want}" if want else "/")
    assert parse_qsl(got[2:], keep_blank_values=True) == [(name, str(value)) for name, value in given_pairs]


# ---- bodies ----


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, True, None, "ä\n\u2028"]},
        [],
        "text",
        0,
        False,
        {"1": {"2": {"3": [[]]}}},
        2**70,
        (1, 2),
    ],
)
async def test_json(site: LocalSite, value: Any) -> None:
    answer = await echo(site, json=value)
    assert json.loads(answer["body"]) == (list(value) if isinstance(value, tuple) else value)
    assert answer["body"] == json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert header(answer, "content-type") == ["application/json"]
    assert header(answer, "content-length") == [str(len(answer["body"].encode()))]


async def test_json_leaves_a_content_type_that_is_given(site: LocalSite) -> None:
    answer = await echo(site, json={}, headers={"Content-Type": "application/vnd.api+json"})
    assert header(answer, "content-type") == ["application/vnd.api+json"]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (math.nan, ValueError),
        (math.inf, ValueError),
        ({"a": [-math.inf]}, ValueError),
        (object(), TypeError),
        ({1, 2}, TypeError),
        (b"bytes", TypeError),
        ({("a",): 1}, TypeError),
        ("\ud800", ValueError),
    ],
)
def test_what_json_cannot_say_is_refused_at_the_call(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        aioxide.fetch("http://host/", json=value)


def test_json_that_contains_itself_is_refused_at_the_call() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        aioxide.fetch("http://host/", json=circle)


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        (b"bytes", b"bytes"),
        ("täxt", "täxt".encode()),
        (bytearray(b"array"), b"array"),
        (memoryview(b"a view")[2:], b"view"),
        (memoryview(b"0123456789")[::2], b"02468"),
        (b"", b""),
        (bytes(range(256)) * 40_000, bytes(range(256)) * 40_000),
    ],
    ids=["bytes", "str", "bytearray", "memoryview", "strided", "empty", "10 MB"],
)
async def test_content(site: LocalSite, content: Any, sent: bytes) -> None:
    response = await aioxide.fetch(f"{site.url}/echo/body", method="PUT", content=content)
    assert response.content == sent
    seen = site.requests()[-1]
    assert seen.body_length == len(sent)
    headers = dict(seen.headers)
    assert "content-type" not in headers
    assert headers.get("content-length") == str(len(sent))
    assert "transfer-encoding" not in headers


async def test_content_is_what_it_was_at_the_call(site: LocalSite) -> None:
    content = bytearray(b"before")
    request = aioxide.fetch(f"{site.url}/echo/body", method="POST", content=content)
    content[:] = b"after"
    assert (await request).content == b"before"


@pytest.mark.parametrize("content", [3, [1], {"a": 1}, {b"a"}, object()])
def test_content_of_another_type_is_a_type_error(content: Any) -> None:
    with pytest.raises(TypeError, match="content must"):
        aioxide.fetch("http://host/", content=content)


async def test_data_is_a_form(site: LocalSite) -> None:
    answer = await echo(site, data={"a": "x y", "b": ["1", 2]})
    assert answer["body"] == "a=x+y&b=1&b=2"
    assert header(answer, "content-type") == ["application/x-www-form-urlencoded"]


fields = texts | st.binary(max_size=20) | st.integers()


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(texts, fields | st.lists(fields, max_size=3) | st.tuples(fields, fields), max_size=5))
def test_forms_are_encoded_as_urllib_does(form: dict[str, Any]) -> None:
    def answer(connection: Connection) -> None:
        head = connection.read_head().lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        connection.read(length)
        connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    with RawServer(answer) as server, aioxide.BlockingClient(trust_env=False) as client:
        client.post(server.url, data=form)
        got = server.received[-1].partition(b"\r\n\r\n")[2].decode()
    assert got == urlencode(form, doseq=True)


async def test_a_post_without_a_body_has_length_zero(site: LocalSite) -> None:
    answer = await echo(site)
    assert header(answer, "content-length") == ["0"]
    assert header(answer, "content-type") == []


async def test_none_is_not_given(site: LocalSite) -> None:
    answer = await echo(
        site, params=None, headers=None, content=None, data=None, json=None, follow_redirects=None
    )
    assert (answer["target"], answer["body"]) == ("/echo", "")


def test_two_bodies_are_one_too_many() -> None:
    with pytest.raises(ValueError, match="three ways to give one body"):
        aioxide.fetch("http://host/", json={}, content=b"")


@pytest.mark.parametrize("length", ["5", "3", "-4", "4, 4", "x", ""])
def test_a_length_that_is_not_the_bodys_is_refused(length: str) -> None:
    with pytest.raises(aioxide.LocalProtocolError, match="Content-Length"):
        aioxide.fetch("http://host/", method="POST", content=b"body", headers={"content-length": length})


def test_a_length_said_in_two_ways_is_refused() -> None:
    with pytest.raises(aioxide.LocalProtocolError, match="not both"):
        aioxide.fetch("http://host/", headers={"content-length": "0", "transfer-encoding": "chunked"})


async def test_the_right_length_may_be_given(site: LocalSite) -> None:
    answer = await echo(site, content=b"body", headers={"Content-Length": "4"})
    assert header(answer, "content-length") == ["4"]


# ---- URLs, methods, arguments ----


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", aioxide.InvalidURL),
        ("/path", aioxide.InvalidURL),
        ("example.com", aioxide.InvalidURL),
        ("//example.com", aioxide.InvalidURL),
        ("http://", aioxide.InvalidURL),
        ("http:///path", aioxide.InvalidURL),
        ("http:example.com", aioxide.InvalidURL),
        ("http://host:port/", aioxide.InvalidURL),
        ("http://host:65536/", aioxide.InvalidURL),
        ("http://ho st/", aioxide.InvalidURL),
        ("http://{host}/", aioxide.InvalidURL),
        ("http://[::1/", aioxide.InvalidURL),
        ("http://host/a\nb", aioxide.InvalidURL),
        ("http://host/\r\nHost: evil", aioxide.InvalidURL),
        ("http://host/\x00", aioxide.InvalidURL),
        ("ftp://host/", aioxide.UnsupportedProtocol),
        ("file:///etc/passwd", aioxide.UnsupportedProtocol),
        ("localhost:8000/", aioxide.UnsupportedProtocol),
        ("javascript:alert(1)", aioxide.UnsupportedProtocol),
    ],
)
def test_a_url_that_cannot_be_requested_is_refused_at_the_call(
    url: str, error: type[aioxide.RequestError]
) -> None:
    with pytest.raises(aioxide.RequestError) as caught:
        aioxide.fetch(url)
    assert type(caught.value) is error
    assert caught.value.request is None


@pytest.mark.parametrize("url", [None, 3, b"http://host/", ["http://host/"]])
def test_a_url_that_is_no_str_is_a_type_error(url: Any) -> None:
    with pytest.raises(TypeError, match="url must be str"):
        aioxide.fetch(url)


def test_credentials_are_not_in_the_message_about_a_url() -> None:
    with pytest.raises(aioxide.InvalidURL) as caught:
        aioxide.fetch("http://user:hunter2@host:port/")
    assert "hunter2" not in str(caught.value)


async def test_credentials_in_a_url_are_sent_and_not_shown(site: LocalSite) -> None:
    url = site.url.replace("http://", "http://us%40er:p%3Ass@")
    response = await aioxide.fetch(f"{url}/echo")
    assert header(response.json(), "authorization") == ["Basic dXNAZXI6cDpzcw=="]
    assert response.url == f"{site.url}/echo"
    assert response.request is not None
    assert response.request.url == response.url
    assert "[secure]" in repr(response.request.headers)


async def test_a_header_beats_the_urls_credentials(site: LocalSite) -> None:
    url = site.url.replace("http://", "http://user:password@")
    response = await aioxide.fetch(f"{url}/echo", headers={"authorization": "Bearer x"})
    assert header(response.json(), "authorization") == ["Bearer x"]


async def test_urls_are_escaped_and_hosts_are_ascii(site: LocalSite) -> None:
    response = await aioxide.fetch(f"{site.url}/echo/../echo/body/ä b?q=ü|")
    assert site.requests()[-1].target == "/echo/body/%C3%A4%20b?q=%C3%BC|"
    assert response.status_code == 404
    with pytest.raises(aioxide.ConnectError, match=r"xn--bcher-kva\.invalid"):
        await aioxide.fetch("http://bücher.invalid/")


async def test_a_fragment_is_not_sent(site: LocalSite) -> None:
    response = await aioxide.fetch(f"{site.url}/echo#part")
    assert response.json()["target"] == "/echo"
    assert response.url == f"{site.url}/echo#part"


@pytest.mark.parametrize("method", ["", "GET /", "GET\r\nx: y", "G\x00T", "GÄT", "a b", "connect"])
def test_a_method_that_is_no_token_is_refused(method: str) -> None:
    with pytest.raises(aioxide.LocalProtocolError, match=r"method|CONNECT"):
        aioxide.fetch("http://host/", method=method)


def test_a_method_that_is_no_str_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="method must be str"):
        aioxide.fetch("http://host/", method=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["param", "cookie", "proxies", "verify", "Headers"])
def test_an_argument_that_does_not_exist_is_a_type_error(name: str) -> None:
    arguments: dict[str, Any] = {name: None}
    with pytest.raises(TypeError, match=rf"fetch\(\) got an unexpected keyword argument '{name}'"):
        aioxide.fetch("http://host/", **arguments)
    with pytest.raises(TypeError, match=rf"Client\.get\(\) got an unexpected keyword argument '{name}'"):
        aioxide.Client().get("http://host/", **arguments)


def test_the_signatures_name_the_arguments() -> None:
    assert "json" in inspect.signature(aioxide.Client.get).parameters
    assert "method" in inspect.signature(aioxide.fetch).parameters
    assert "verify" in inspect.signature(aioxide.Client).parameters


def test_without_a_loop_a_request_can_be_made_and_not_awaited() -> None:
    request = aioxide.fetch("http://host/")
    with pytest.raises(RuntimeError, match="no running event loop"):
        request.send(None)


def test_a_request_is_a_coroutine(site: LocalSite) -> None:
    assert asyncio.run(aioxide.fetch(f"{site.url}/json")).ok  # type: ignore[arg-type, unused-ignore]


# ---- the object ----


def test_a_request_object() -> None:
    request = aioxide.Request("get", "http://host:81/path", {"a": "b"})
    assert (request.method, request.url) == ("GET", "http://host:81/path")
    assert (request.host, request.port) == ("host", 81)
    assert request.headers == {"a": "b"}
    assert repr(request) == "<Request [GET http://host:81/path]>"
    for twin in [pickle.loads(pickle.dumps(request)), copy.copy(request), copy.deepcopy(request)]:
        assert (twin.method, twin.url, twin.headers) == (request.method, request.url, request.headers)
    assert aioxide.Request("GET", "https://[::1]/").port == 443
    assert aioxide.Request("GET", "https://[::1]/").host == "[::1]"


# ---- one that was made before ----


async def test_a_request_is_sent_as_it_was_made(site: LocalSite, client: aioxide.Client) -> None:
    request = aioxide.Request(
        "post", f"{site.url}/echo", {"X-A": "1", "X-B": "1"}, json=[1], params={"q": 1}, timeout=9
    )
    for _ in range(2):
        answer = (await client.send(request)).json()
        assert (answer["method"], answer["body"], answer["query"]) == ("POST", "[1]", [["q", "1"]])
        assert (header(answer, "x-a"), header(answer, "x-b")) == (["1"], ["1"])


async def test_what_is_said_when_it_is_sent_comes_first(site: LocalSite, client: aioxide.Client) -> None:
    request = aioxide.Request("POST", f"{site.url}/echo", {"X-A": "1", "X-B": "1"}, content="old")
    answer = (await client.send(request, content="new", headers={"x-b": "2"})).json()
    assert answer["body"] == "new"
    assert (header(answer, "x-a"), header(answer, "x-b")) == (["1"], ["2"])
    redirect = aioxide.Request("GET", f"{site.url}/redirect/1", follow_redirects=True)
    assert (await client.send(redirect, follow_redirects=False)).status_code == 302


async def test_a_request_that_is_sent_may_be_streamed(site: LocalSite, client: aioxide.Client) -> None:
    async with client.send(aioxide.Request("GET", f"{site.url}/bytes/100000")) as response:
        assert sum([len(piece) async for piece in response.aiter_bytes()]) == 100_000


def test_a_request_is_sent_on_a_thread(site: LocalSite) -> None:
    with aioxide.BlockingClient(base_url=site.url) as client:
        request = aioxide.Request("PUT", "/echo", content="x")
        assert client.send(request).json()["body"] == "x"


async def test_the_request_of_a_response_is_sent_again_if_all_of_it_is_there(
    site: LocalSite, client: aioxide.Client
) -> None:
    response = await client.get(f"{site.url}/echo", params={"a": 1}, headers={"X-A": "1"})
    assert (await client.send(response.request)).json() == response.json()
    posted = await client.post(f"{site.url}/echo", content="x")
    with pytest.raises(ValueError, match="without its body"):
        client.send(posted.request)
    [result] = await client.fetch_all([posted.request])
    assert isinstance(result.error, ValueError)


def test_what_is_no_request_is_not_sent(client: aioxide.Client) -> None:
    for other in ("http://127.0.0.1/", None, 7):
        with pytest.raises(TypeError):
            client.send(other)
    with pytest.raises(TypeError, match="stream"):
        client.send(aioxide.Request("GET", "http://127.0.0.1/"), stream=True)
