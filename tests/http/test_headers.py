"""The mapping that headers are."""

import copy
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aioxide
from aioxide import Headers
from aioxide.testing import LocalSite
from tests.servers.raw import RawServer, reply


def test_headers_are_a_mapping() -> None:
    headers = Headers({"Content-Type": "text/html", "X-One": "1"})
    assert isinstance(headers, Mapping)
    assert headers["content-type"] == headers["CONTENT-TYPE"] == "text/html"
    assert "x-ONE" in headers
    assert "x-two" not in headers
    assert not headers.__contains__(3)
    assert len(headers) == 2
    assert list(headers) == ["content-type", "x-one"]
    assert list(headers.keys()) == ["content-type", "x-one"]
    assert list(headers.values()) == ["text/html", "1"]
    assert list(headers.items()) == [("content-type", "text/html"), ("x-one", "1")]
    assert dict(headers) == {"content-type": "text/html", "x-one": "1"}
    assert {**headers} == dict(headers)
    assert repr(headers) == "Headers({'content-type': 'text/html', 'x-one': '1'})"
    match headers:
        case {"x-one": value}:
            assert value == "1"
        case _:
            pytest.fail("a mapping matches")
    with pytest.raises(KeyError, match="x-two"):
        headers["x-two"]
    with pytest.raises(KeyError):
        headers[3]  # type: ignore[index]
    with pytest.raises(TypeError):
        headers["x-one"] = "2"  # type: ignore[index]
    with pytest.raises(TypeError):
        hash(headers)


def test_repeated_names() -> None:
    headers = Headers(
        [("Accept", "a"), ("X", "1"), ("accept", "b, c"), ("Set-Cookie", "a=1, x"), ("set-cookie", "b=2")]
    )
    assert headers["accept"] == "a, b, c"
    assert headers["set-cookie"] == "a=1, x"
    assert headers.get_list("ACCEPT") == ["a", "b, c"]
    assert headers.get_list("accept", split_commas=True) == ["a", "b", "c"]
    assert headers.get_list("none") == []
    assert headers.getall("set-cookie") == ["a=1, x", "b=2"]
    assert headers.getall("none", None) is None
    with pytest.raises(KeyError):
        headers.getall("none")
    assert len(headers) == 3
    assert headers.multi_items() == [
        ("accept", "a"),
        ("accept", "b, c"),
        ("x", "1"),
        ("set-cookie", "a=1, x"),
        ("set-cookie", "b=2"),
    ]
    assert headers.raw[0] == (b"accept", b"a")
    assert repr(headers).startswith("Headers([('accept', 'a'), ('accept', 'b, c'), ")


def test_get_has_a_default() -> None:
    headers = Headers({"a": "1"})
    assert (headers.get("A"), headers.get("b"), headers.get("b", "x")) == ("1", None, "x")


def test_equality_ignores_case_and_the_order_of_names() -> None:
    headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])
    assert headers == Headers([("B", "2"), ("a", "1"), ("A", "3")])
    assert headers == [("b", "2"), ("a", "1"), ("a", "3")]
    assert headers != Headers([("a", "3"), ("b", "2"), ("a", "1")])
    assert Headers({"a": "1"}) == {"A": "1"}
    assert Headers() == {}
    assert Headers({"a": "1"}) != 3
    assert Headers({"a": "1"}) != "a"


def test_copies_are_equal() -> None:
    headers = Headers([("a", b"\xff\xfe"), ("b", "ä"), ("a", "2")])
    for twin in [
        headers.copy(),
        copy.copy(headers),
        copy.deepcopy(headers),
        pickle.loads(pickle.dumps(headers)),
        Headers(headers),
    ]:
        assert twin == headers
        assert twin.raw == headers.raw


def test_secrets_are_not_shown() -> None:
    headers = Headers(
        {"Authorization": "Bearer hunter2", "Cookie": "id=hunter2", "Proxy-Authorization": "hunter2"}
    )
    assert "hunter2" not in repr(headers)
    assert headers["authorization"] == "Bearer hunter2"


@pytest.mark.parametrize("given_headers", [None, {}, [], (), Headers()])
def test_no_headers(given_headers: Any) -> None:
    assert len(Headers(given_headers)) == 0


def test_bytes_are_taken_as_they_are() -> None:
    headers = Headers([(b"A", b"\xe4"), ("b", "ä"), ("c", "  trimmed \t")])
    assert headers.raw == [(b"a", b"\xe4"), (b"b", "ä".encode()), (b"c", b"trimmed")]
    assert (headers["a"], headers["b"]) == ("ä", "ä")


BAD_NAMES = ["", " ", "a b", "a:", "a\r\nb", "a\x00", "ä", "(a)", "a\n", b"\xff"]
BAD_VALUES = ["a\r\nb: c", "a\nb", "a\rb", "a\x00b", "a\x7fb", "a\x01", b"a\r\nb"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_no_token_is_refused(name: Any) -> None:
    for refused in calls({name: "x"}):
        with pytest.raises(aioxide.LocalProtocolError, match="not a valid header name"):
            refused()


@pytest.mark.parametrize("value", BAD_VALUES)
def test_a_value_with_a_control_character_is_refused(value: Any) -> None:
    for refused in calls({"X-Name": value}):
        with pytest.raises(ValueError, match="header 'x-name' has a line break") as caught:
            refused()
        assert type(caught.value) is aioxide.LocalProtocolError


@pytest.mark.parametrize(
    "headers", [3, "a: b", [("a",)], [1], {"a": 1}, {"a": None}, {1: "a"}, {"a": ["b"]}, object()]
)
def test_headers_of_another_type_are_a_type_error(headers: Any) -> None:
    for refused in calls(headers):
        with pytest.raises(TypeError, match="header"):
            refused()


def calls(headers: Any) -> list[Any]:
    """Everywhere that headers are taken."""
    return [
        lambda: Headers(headers),
        lambda: aioxide.Client(headers=headers),
        lambda: aioxide.fetch("http://host/", headers=headers),
        lambda: aioxide.Request("GET", "http://host/", headers),
        lambda: aioxide.Response(200, headers=headers),
    ]


def test_there_is_an_end_to_headers() -> None:
    assert len(Headers({f"x-{n}": "" for n in range(10_000)})) == 10_000
    with pytest.raises(aioxide.LocalProtocolError, match="more than 10000 headers"):
        Headers([("a", "")] * 10_001)


def test_a_secret_is_not_in_the_message_that_refuses_it() -> None:
    with pytest.raises(aioxide.LocalProtocolError) as caught:
        Headers({"authorization": "hunter2\n"[:-1] + "\nx"})
    assert "hunter2" not in str(caught.value)


tokens = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~", min_size=1, max_size=10
)
words = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=10).map(str.strip)


@given(st.lists(st.tuples(tokens, words), max_size=10))
def test_lookup_has_no_case_and_keeps_the_order_of_values(pairs: list[tuple[str, str]]) -> None:
    headers = Headers(pairs)
    expected: dict[str, list[str]] = {}
    for name, value in pairs:
        expected.setdefault(name.lower(), []).append(value)
    assert len(headers) == len(expected)
    assert list(headers) == list(expected)
    for name, values in expected.items():
        for spelling in [name, name.upper(), name.title(), name.swapcase()]:
            assert spelling in headers
            assert headers.get_list(spelling) == values
            if name != "set-cookie":
                assert headers[spelling] == ", ".join(values)
    assert Headers(headers.raw) == headers
    assert pickle.loads(pickle.dumps(headers)) == headers


async def test_headers_of_a_response(site: LocalSite, client: aioxide.Client) -> None:
    response = await client.get(f"{site.url}/headers", params=[("X-A", "1"), ("x-b", "2"), ("x-a", "3")])
    assert response.headers.get_list("x-a") == ["1", "3"]
    assert response.headers["X-B"] == "2"


async def test_headers_that_are_not_ascii(client: aioxide.Client) -> None:
    with RawServer(
        reply(b"HTTP/1.1 200 OK\r\na: \xe4\r\nb: \xc3\xa4\r\ncontent-length: 0\r\n\r\n")
    ) as server:
        headers = (await client.get(server.url)).headers
    assert (headers["a"], headers["b"]) == ("ä", "ä")
    assert headers.raw[:2] == [(b"a", b"\xe4"), (b"b", b"\xc3\xa4")]


async def test_host_is_sent_first() -> None:
    with RawServer(reply(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        async with aioxide.Client(headers={"X-First": "1"}) as client:
            await client.get(server.url)
        line, first = server.received[0].split(b"\r\n")[:2]
    assert line == b"GET / HTTP/1.1"
    assert first.lower() == b"host: 127.0.0.1:%d" % server.port
