"""Which characters the bytes of a body are."""

import codecs
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aioxide
from aioxide import Response
from aioxide.testing import LocalSite


def response(content: bytes, content_type: str | None = None) -> Response:
    return Response(200, headers={"content-type": content_type} if content_type else None, content=content)


@pytest.mark.parametrize(
    ("content", "content_type", "text", "encoding", "charset"),
    [
        ("ä".encode(), None, "ä", "utf-8", None),
        ("ä".encode(), "text/html", "ä", "utf-8", None),
        (b"\xe4", "text/html; charset=iso-8859-1", "ä", "windows-1252", "iso-8859-1"),
        (b"\x80", "text/html; charset=latin1", "€", "windows-1252", "latin1"),
        (b"\xe4", 'text/html; charset="ISO-8859-1"', "ä", "windows-1252", "iso-8859-1"),
        (b"\xe4", "text/html;charset=ISO-8859-15", "ä", "iso-8859-15", "iso-8859-15"),
        (b"\xe4", "text/html; foo=bar; Charset = iso-8859-15", "ä", "iso-8859-15", "iso-8859-15"),
        ("日本".encode("shift_jis"), "text/html; charset=Shift_JIS", "日本", "shift_jis", "shift_jis"),
        ("日本".encode("euc_jp"), "text/html; charset=EUC-JP", "日本", "euc-jp", "euc-jp"),
        ("中国".encode("gb18030"), "text/html; charset=gb18030", "中国", "gb18030", "gb18030"),
        ("Привет".encode("koi8-r"), "text/plain; charset=koi8-r", "Привет", "koi8-r", "koi8-r"),
        ("ä".encode("utf-16-le"), "text/plain; charset=utf-16", "ä", "utf-16le", "utf-16"),
        (codecs.BOM_UTF8 + "ä".encode(), None, "ä", "utf-8", None),
        (codecs.BOM_UTF8 + "ä".encode(), "text/plain; charset=latin1", "ä", "utf-8", "latin1"),
        ("\ufeffä".encode("utf-16-le"), None, "ä", "utf-16le", None),
        ("\ufeffä".encode("utf-16-be"), None, "ä", "utf-16be", None),
        ("ä".encode(), "text/plain; charset=unheard-of", "ä", "utf-8", "unheard-of"),
        ("ä".encode(), "text/plain; charset=", "ä", "utf-8", ""),
        (b"\xe4bc", None, "\ufffdbc", "utf-8", None),
        (b"\xe4bc", "charset=latin1", "äbc", "windows-1252", "latin1"),
        (b"", None, "", "utf-8", None),
    ],
)
def test_text(
    content: bytes, content_type: str | None, text: str, encoding: str, charset: str | None
) -> None:
    got = response(content, content_type)
    assert (got.text, got.encoding, got.charset) == (text, encoding, charset)
    assert codecs.lookup(got.encoding)


@given(
    st.binary(max_size=50),
    st.sampled_from([None, "utf-8", "utf-16", "gbk", "big5", "latin1", "x-user-defined"]),
)
def test_text_never_raises(content: bytes, charset: str | None) -> None:
    got = response(content, f"text/plain; charset={charset}" if charset else None)
    assert isinstance(got.text, str)
    assert isinstance(got.encoding, str)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50).filter(lambda text: text[:1] != "\ufeff")
)
def test_utf8_comes_back(text: str) -> None:
    assert response(text.encode()).text == text


@given(st.binary(max_size=50))
def test_bytes_that_are_no_utf8_are_replaced_as_python_does(content: bytes) -> None:
    if not content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        assert response(content).text == content.decode(errors="replace")


LABELS = [
    "utf-8",
    "iso-8859-2",
    "windows-1251",
    "windows-874",
    "koi8-u",
    "macintosh",
    "x-mac-cyrillic",
    "ibm866",
    "gbk",
    "big5",
    "euc-kr",
    "iso-2022-jp",
    "iso-8859-8-i",
]


@pytest.mark.parametrize("label", LABELS)
def test_each_encoding_has_a_name_that_python_knows(label: str) -> None:
    assert codecs.lookup(response(b"", f"text/plain; charset={label}").encoding)


@pytest.mark.parametrize("label", ["utf-8", "iso-8859-1", "shift_jis", "windows-1251", "utf-16le"])
async def test_text_from_a_site(site: LocalSite, client: aioxide.Client, label: str) -> None:
    text: Any = {"shift_jis": "日本", "windows-1251": "Привет"}.get(label, "äöü")
    got = await client.get(f"{site.url}/charset/{label}", params={"text": text})
    assert got.text == text
