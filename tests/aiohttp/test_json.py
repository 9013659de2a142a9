"""`response.json()`: content types, encodings, and what is no JSON."""

import json
import math
from typing import Any

import pytest

from tests.servers.answering import Answering, answer, redirect

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


def typed(content_type: str | None, body: bytes) -> bytes:
    return answer(headers=[] if content_type is None else [("Content-Type", content_type)], body=body)


async def load(session: Any, server: Answering, response: bytes, **options: Any) -> Any:
    server.on("/x", response)
    async with session.get(f"{server.url}/x") as answered:
        return await answered.json(**options)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/problem+json",
        "application/vnd.api+json; x=y",
        "application/geo+json",
    ],
)
async def test_types_that_are_json(session: Any, server: Answering, content_type: str) -> None:
    assert await load(session, server, typed(content_type, b'{"a": [1, 2.5, null]}')) == {"a": [1, 2.5, None]}


@pytest.mark.parametrize("content_type", [None, "text/html", "text/json", "application/x"])
async def test_types_that_are_not(
    aiohttp: Any, session: Any, server: Answering, content_type: str | None
) -> None:
    response = typed(content_type, b"[1]")
    with pytest.raises(aiohttp.ContentTypeError) as caught:
        await load(session, server, response)
    error = caught.value
    assert error.status == 200
    assert error.message == f"Attempt to decode JSON with unexpected mimetype: {content_type or ''}"
    assert error.request_info.method == "GET"
    assert await load(session, server, response, content_type=None) == [1]
    if content_type:
        assert await load(session, server, response, content_type=content_type) == [1]


@pytest.mark.parametrize("body", [b"", b" \r\n\t "])
async def test_nothing_is_none(session: Any, server: Answering, body: bytes) -> None:
    assert await load(session, server, typed("application/json", body)) is None


@pytest.mark.parametrize("body", [b"{", b"[1,]", b"nope", b"\xef\xbb\xbf[1]", b"[1] x", b"'a'"])
async def test_what_is_no_json(session: Any, server: Answering, body: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        await load(session, server, typed("application/json", body))


async def test_what_pythons_json_takes(session: Any, server: Answering) -> None:
    body = b'[NaN, Infinity, -Infinity, 1e400, "\\ud800", 123456789012345678901234567890]'
    found = await load(session, server, typed("application/json", body))
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf, math.inf, "\ud800", 123456789012345678901234567890]
    assert await load(session, server, typed("application/json", b'{"a": 1, "a": 2}')) == {"a": 2}


@pytest.mark.parametrize(
    ("content_type", "body", "options"),
    [
        ("application/json", '["\xe9"]'.encode(), {}),
        ("application/json; charset=latin-1", '["\xe9"]'.encode("latin-1"), {}),
        ("application/json; charset=utf-16", '["\xe9"]'.encode("utf-16"), {}),
        ("application/json", '["\xe9"]'.encode("latin-1"), {"encoding": "latin-1"}),
        ("application/json; charset=latin-1", '["\xe9"]'.encode(), {"encoding": "utf-8"}),
        ("application/json; charset=unknown", '["\xe9"]'.encode(), {}),
    ],
)
async def test_encodings(
    session: Any, server: Answering, content_type: str, body: bytes, options: dict[str, Any]
) -> None:
    assert await load(session, server, typed(content_type, body), **options) == ["\xe9"]


async def test_what_is_no_text(session: Any, server: Answering) -> None:
    with pytest.raises(UnicodeDecodeError):
        await load(session, server, typed("application/json", b'["\xff"]'))


async def test_read_by_what_one_says(session: Any, server: Answering) -> None:
    def loads(text: str) -> Any:
        assert isinstance(text, str)
        return ["loaded", text]

    assert await load(session, server, typed("application/json", b" {} "), loads=loads) == ["loaded", "{}"]


async def test_each_time_anew(session: Any, server: Answering) -> None:
    server.on("/x", typed("application/json", b'{"a": []}'))
    async with session.get(f"{server.url}/x") as response:
        first, second = await response.json(), await response.json()
    assert first == second == {"a": []}
    assert first is not second


async def test_an_error_has_a_document_too(session: Any, server: Answering) -> None:
    server.on("/x", answer(422, [("Content-Type", "application/json")], b'{"error": 1}'))
    async with session.get(f"{server.url}/x") as response:
        assert (response.status, await response.json()) == (422, {"error": 1})


# ---- of a request ----


class Serializer:
    """Makes JSON, and keeps of what."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def __call__(self, value: Any) -> str:
        self.made.append(value)
        return json.dumps(value)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"params": {"a": "1"}},
        # These go through Python.
        {"read_bufsize": 1000},
        {"skip_auto_headers": ["Accept"]},
        {"middlewares": ()},
    ],
)
async def test_it_is_made_once(aiohttp: Any, server: Answering, options: dict[str, Any]) -> None:
    serializer = Serializer()
    async with aiohttp.ClientSession(json_serialize=serializer) as session:
        async with session.post(f"{server.url}/a", json={"a": [1]}, **options) as response:
            assert response.status == 200
        await session._request("POST", f"{server.url}/b", json={"b": 2}, **options)
    assert serializer.made == [{"a": [1]}, {"b": 2}]
    assert [json.loads(seen.body) for seen in server.seen] == serializer.made


async def test_it_is_made_when_the_request_begins(aiohttp: Any, server: Answering) -> None:
    serializer = Serializer()
    value = {"a": 1}
    async with aiohttp.ClientSession(json_serialize=serializer) as session:
        request = session.post(server.url, json=value)
        assert serializer.made == []
        value["a"] = 2
        async with request as response:
            assert response.status == 200
    assert json.loads(server.seen[0].body) == {"a": 2}


@pytest.mark.parametrize("entered", [False, True])
async def test_what_cannot_be_made(aiohttp: Any, server: Answering, entered: bool) -> None:
    calls = []

    def fails(value: Any) -> str:
        calls.append(value)
        raise LookupError("a serializer's own")

    async with aiohttp.ClientSession(json_serialize=fails) as session:
        with pytest.raises(LookupError, match="a serializer's own"):
            await (
                session.post(server.url, json=[]).__aenter__()
                if entered
                else session.post(server.url, json=[])
            )
    assert calls == [[]]
    async with aiohttp.ClientSession(json_serialize=lambda value: b"[]") as session:
        with pytest.raises(AttributeError, match="encode"):
            await session.post(server.url, json=[])
    async with aiohttp.ClientSession(json_serialize=lambda value: "\ud800") as session:
        with pytest.raises(UnicodeEncodeError):
            await session.post(server.url, json=[])
    assert server.seen == []


async def test_it_is_sent_again_by_a_redirect(session: Any, server: Answering) -> None:
    server.on("/a", redirect("/b", 307))
    server.on("/c", redirect("/d", 303))
    for path in ("/a", "/c"):
        async with session.post(f"{server.url}{path}", json={"x": "\xe4"}) as response:
            assert response.status == 200
    assert [seen.body for seen in server.seen] == [b'{"x": "\\u00e4"}'] * 3 + [b""]
    assert [seen.one("content-length") for seen in server.seen] == ["15"] * 3 + [None]


async def test_a_length_that_the_session_says(aiohttp: Any, server: Answering) -> None:
    async with (
        aiohttp.ClientSession(headers={"Content-Length": "2"}) as session,
        session.post(server.url, json=[]) as response,
    ):
        assert response.status == 200
    assert (server.seen[0].one("content-length"), server.seen[0].body) == ("2", b"[]")
