"""`response.text()`: by which encoding, and what becomes of bytes that are no text."""

from typing import Any

import pytest

from tests.servers.answering import Answering, answer

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio"])


def typed(content_type: str | None, body: bytes) -> bytes:
    return answer(headers=[] if content_type is None else [("Content-Type", content_type)], body=body)


@pytest.mark.parametrize(
    ("content_type", "body", "text", "encoding"),
    [
        (None, "\xe9".encode(), "\xe9", "utf-8"),
        ("text/html", "\xe9".encode(), "\xe9", "utf-8"),
        ("text/html; charset=latin-1", b"\xe9", "\xe9", "iso8859-1"),
        ("text/html; charset=ISO-8859-1", b"\x80", "\x80", "iso8859-1"),
        ("text/html; charset=windows-1252", b"\x80", "\u20ac", "cp1252"),
        ("text/html; charset=shift_jis", "\u3042".encode("shift_jis"), "\u3042", "shift_jis"),
        ("text/html; charset=utf-16", "\xe9".encode("utf-16"), "\xe9", "utf-16"),
        ("text/html; charset=koi8-r", "\u0434".encode("koi8-r"), "\u0434", "koi8-r"),
        ('text/html; charset="utf-8"', "\xe9".encode(), "\xe9", "utf-8"),
        ("text/html; charset=unknown", "\xe9".encode(), "\xe9", "utf-8"),
        ("application/json", "\xe9".encode(), "\xe9", "utf-8"),
        ("text/html", b"\xef\xbb\xbfa", "\ufeffa", "utf-8"),
        ("text/html", b'<meta charset="latin-1">', '<meta charset="latin-1">', "utf-8"),
    ],
)
async def test_by_what_is_said(
    session: Any, server: Answering, content_type: str | None, body: bytes, text: str, encoding: str
) -> None:
    server.on("/x", typed(content_type, body))
    async with session.get(f"{server.url}/x") as response:
        assert await response.text() == text
        assert response.get_encoding() == encoding


async def test_nothing_is_guessed(session: Any, server: Answering) -> None:
    server.on("/x", typed("text/html", "\u0434\u0430".encode("cp1251")))
    async with session.get(f"{server.url}/x") as response:
        with pytest.raises(UnicodeDecodeError):
            await response.text()
        assert await response.text(errors="replace") == "\ufffd\ufffd"
        assert await response.text(errors="ignore") == ""
        assert await response.text("cp1251") == "\u0434\u0430"
        assert await response.text(encoding="cp1251", errors="strict") == "\u0434\u0430"
        with pytest.raises(LookupError):
            await response.text("no-such-encoding")


async def test_by_a_resolver(aiohttp: Any, server: Answering) -> None:
    asked: list[tuple[int, bytes]] = []

    def resolve(response: Any, body: bytes) -> str:
        asked.append((response.status, body))
        return "cp1251"

    server.on("/x", typed("text/html", "\u0434".encode("cp1251")))
    server.on("/y", typed("text/html; charset=utf-8", b"y"))
    async with aiohttp.ClientSession(fallback_charset_resolver=resolve) as session:
        async with session.get(f"{server.url}/x") as response:
            assert await response.text() == "\u0434"
        async with session.get(f"{server.url}/y") as response:
            assert await response.text() == "y"
    assert asked == [(200, b"\xe4")]


async def test_before_it_is_read(session: Any, server: Answering) -> None:
    server.on("/x", typed("text/html", b"x"))
    server.on("/y", typed("text/html; charset=latin-1", b"x"))
    async with session.get(f"{server.url}/x") as response:
        with pytest.raises(RuntimeError, match="fallback encoding"):
            response.get_encoding()
    async with session.get(f"{server.url}/y") as response:
        assert response.get_encoding() == "iso8859-1"


async def test_nothing_is_no_text(session: Any, server: Answering) -> None:
    server.on("/x", typed(None, b""))
    async with session.get(f"{server.url}/x") as response:
        assert await response.text() == ""
