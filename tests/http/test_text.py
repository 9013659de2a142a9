"""Which characters the bytes of a body are."""

# ruff: noqa: RUF001

import codecs
import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aioxide
from aioxide import Response
from aioxide.testing import LocalSite


def response(content: bytes, content_type: str | None = None, url: str = "") -> Response:
    headers = {"content-type": content_type} if content_type else None
    return Response(200, headers=headers, content=content, url=url)


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
        (b"\xe4bc", None, "äbc", "windows-1252", None),
        (b"\xe4bc", "text/html; charset=utf-8", "\ufffdbc", "utf-8", "utf-8"),
        # What browsers refuse to decode is looked at as if it had no label.
        ("ä".encode(), "text/plain; charset=iso-2022-kr", "ä", "utf-8", "iso-2022-kr"),
        (b"~{VPND~}", "text/plain; charset=hz-gb-2312", "~{VPND~}", "utf-8", "hz-gb-2312"),
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


# ---- What the program says ----


def test_the_encoding_can_be_chosen() -> None:
    got = response("Привет".encode("koi8-r"), "text/html; charset=utf-8")
    wrong = got.text
    got.encoding = "KOI8-R"
    assert (got.text, got.encoding, got.charset) == ("Привет", "koi8-r", "utf-8")
    assert got.text is got.text
    got.encoding = None
    assert (got.text, got.encoding) == (wrong, "utf-8")


@pytest.mark.parametrize(
    ("label", "encoding"),
    [
        ("latin-1", "windows-1252"),
        ("latin_1", "windows-1252"),
        ("utf8", "utf-8"),
        ("utf_8", "utf-8"),
        ("U8", "utf-8"),
        ("sjis", "shift_jis"),
        ("gb2312", "gbk"),
        ("cp1251", "windows-1251"),
        ("cp874", "cp874"),
        ("mac_roman", "macintosh"),
        ("utf-32-le", "utf-32le"),
        ("utf_32_be", "utf-32be"),
        ("utf-16-be", "utf-16be"),
        ("eucjp", "euc-jp"),
        ("cp932", "shift_jis"),
        ("ms949", "euc-kr"),
        ("big5-hkscs", "big5"),
        ("iso2022jp", "iso-2022-jp"),
        ("latin10", "iso-8859-16"),
    ],
)
def test_names_of_browsers_and_of_python(label: str, encoding: str) -> None:
    got = response(b"")
    got.encoding = label
    assert got.encoding == encoding
    twin = pickle.loads(pickle.dumps(got))
    assert twin.encoding == encoding


@pytest.mark.parametrize("label", ["unheard-of", "", "cp437", "hz", "iso-2022-kr", "base64", "\0"])
def test_an_encoding_that_is_none_is_refused(label: str) -> None:
    got = response(b"abc", "text/plain; charset=koi8-r")
    with pytest.raises((LookupError, ValueError)):
        got.encoding = label
    with pytest.raises(TypeError):
        got.encoding = 8  # type: ignore[assignment]
    assert got.encoding == "koi8-r"


def test_a_chosen_encoding_is_kept_by_copies_and_may_be_given() -> None:
    got = response("日本".encode("euc_jp"), "text/html; charset=utf-8")
    got.encoding = "euc-jp"
    for twin in [pickle.loads(pickle.dumps(got)), copy.copy(got)]:
        assert (twin.text, twin.encoding) == ("日本", "euc-jp")
    made = Response(200, content="日本".encode("euc_jp"), encoding="euc-jp")
    assert made.text == "日本"
    with pytest.raises(LookupError):
        Response(200, encoding="unheard-of")


def test_a_mark_of_the_chosen_encoding_is_no_text() -> None:
    got = response(codecs.BOM_UTF8 + b"a", "text/plain; charset=latin1")
    got.encoding = "utf-8"
    assert got.text == "a"


def test_an_error_shows_the_body_in_the_chosen_encoding() -> None:
    got = Response(
        500, headers={"content-type": "text/plain; charset=utf-8"}, content="Привет".encode("koi8-r")
    )
    got.encoding = "koi8-r"
    with pytest.raises(aioxide.HTTPStatusError, match="Привет"):
        got.raise_for_status()


async def test_a_stream_goes_by_the_chosen_encoding(site: LocalSite, client: aioxide.Client) -> None:
    words = "één\r\ntwee\n".encode("utf-16-le")
    headers = {"content-type": "text/plain; charset=utf-8"}
    async with client.post(f"{site.url}/echo/body", content=words, headers=headers) as got:
        got.encoding = "utf-16-le"
        # There is no need to read for it.
        assert got.encoding == "utf-16le"
        assert [line async for line in got.aiter_lines()] == ["één", "twee"]
    async with client.post(f"{site.url}/echo/body", content=words, headers=headers) as got:
        got.encoding = "utf-16-le"
        assert "".join([piece async for piece in got.aiter_text()]) == "één\r\ntwee\n"


# ---- What a document says of itself ----


@pytest.mark.parametrize(
    ("document", "encoding"),
    [
        (b"<meta charset=iso-8859-5>", "iso-8859-5"),
        (b'<meta charset="iso-8859-5">', "iso-8859-5"),
        (b"<meta charset='iso-8859-5'/>", "iso-8859-5"),
        (b"<META CHARSET = ISO-8859-5 >", "iso-8859-5"),
        (b"<meta/charset=iso-8859-5>", "iso-8859-5"),
        (b"<meta\ncharset\t=\r\x0ciso-8859-5>", "iso-8859-5"),
        (b"<meta charset=' iso-8859-5 '>", "iso-8859-5"),
        (b"<!doctype html><html lang=ru><head><title>x</title><meta charset=iso-8859-5>", "iso-8859-5"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-5">', "iso-8859-5"),
        (b"<meta content='text/html;charset=iso-8859-5' http-equiv=content-type>", "iso-8859-5"),
        (b"<meta http-equiv=content-type content='charset iso charset = \"iso-8859-5\"'>", "iso-8859-5"),
        (b"<meta http-equiv=content-type content='charset=iso-8859-5;x'>", "iso-8859-5"),
        (b"<meta http-equiv=content-type content=\"charset='iso-8859-5' x\">", "iso-8859-5"),
        # Only a pragma has a `content` that counts, and only that pragma.
        (b"<meta content='text/html; charset=iso-8859-5'>", "utf-8"),
        (b"<meta http-equiv=refresh content='text/html; charset=iso-8859-5'>", "utf-8"),
        (b"<meta http-equiv=content-type content='charset=\"iso-8859-5'>", "utf-8"),
        (b"<meta http-equiv=content-type content='charset'>", "utf-8"),
        # The attribute of that name counts more than the pragma, and a name counts once.
        (b"<meta http-equiv=content-type content='charset=koi8-r' charset=iso-8859-5>", "iso-8859-5"),
        (b"<meta charset=iso-8859-5 http-equiv=content-type content='charset=koi8-r'>", "iso-8859-5"),
        (b"<meta charset=iso-8859-5 charset=koi8-r>", "iso-8859-5"),
        # The first that names an encoding counts.
        (b"<meta charset=unheard-of><meta charset=iso-8859-5><meta charset=koi8-r>", "iso-8859-5"),
        (b"<meta name=x content=y><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"<meta charset><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"<meta charset=><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"<meta =charset=koi8-r><meta charset=iso-8859-5>", "iso-8859-5"),
        # What was read as ASCII is not UTF-16.
        (b"<meta charset=utf-16>", "utf-8"),
        (b"<meta charset=utf-16be>", "utf-8"),
        (b"<meta charset=x-user-defined>", "windows-1252"),
        # Not in comments, in other elements' attributes, in the middle of a name.
        (b"<!-- <meta charset=koi8-r> --><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"<!--><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"<!---><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"<!-- <meta charset=koi8-r>", "utf-8"),
        (b"<p title='<meta charset=koi8-r>'><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"</p title='<meta charset=koi8-r>'><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"<p><b a = '>' c/d><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"<!x <meta charset=koi8-r><?y <meta charset=koi8-r></ <meta charset=koi8-r>", "utf-8"),
        (b"<metal charset=koi8-r>", "utf-8"),
        (b"< meta charset=koi8-r>", "utf-8"),
        (b"<3 <meta charset=iso-8859-5>", "iso-8859-5"),
        # Half a tag says nothing.
        (b"<meta charset=koi8-r", "utf-8"),
        (b"<meta charset='koi8-r>", "utf-8"),
        (b"<meta charset='koi8-r'", "utf-8"),
        (b"<meta", "utf-8"),
        # Declarations of XML.
        (b"<?xml version='1.0' encoding='iso-8859-5'?><p/>", "iso-8859-5"),
        (b'<?xml version="1.0" encoding = "iso-8859-5" ?>', "iso-8859-5"),
        (b"<?xml version='1.0'?><a encoding='koi8-r'/>", "utf-8"),
        (b"<?xml encoding=koi8-r?>", "utf-8"),
        (b"<?xml encoding='koi8-r?>", "utf-8"),
        (b"<?xml encoding='koi8-r ' ?>", "utf-8"),
        (b"<?xml encoding 'koi8-r'?>", "utf-8"),
        (b"<?xml encoding='utf-16'?>", "utf-8"),
        (b" <?xml encoding='koi8-r'?>", "utf-8"),
        (b"<?xml encoding='koi8-r'", "utf-8"),
        ("<?xml version='1.0'?><p>ä".encode("utf-16-le"), "utf-16le"),
        ("<?xml version='1.0'?><p>ä".encode("utf-16-be"), "utf-16be"),
        # A meta element counts more than a declaration, in HTML.
        (b"<?xml encoding='koi8-r'?><meta charset=iso-8859-5>", "iso-8859-5"),
        (b"<?xml encoding='iso-8859-5'?><meta charset=nonsense>", "iso-8859-5"),
    ],
)
def test_html_says_its_encoding(document: bytes, encoding: str) -> None:
    assert response(document, "text/html").encoding == encoding
    assert response(document, "Text/HTML ; foo=bar").encoding == encoding
    assert response(document, "application/xhtml+xml").encoding == encoding
    # Without a type, what begins as markup is looked at.
    assert response(document).encoding == encoding


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/xml", "iso-8859-5"),
        ("application/xml", "iso-8859-5"),
        ("application/rss+xml", "iso-8859-5"),
        ("image/svg+xml; x=y", "iso-8859-5"),
        ("text/html", "koi8-r"),
        ("text/plain", "utf-8"),
        ("application/json", "utf-8"),
        ("text/xml; charset=windows-1251", "windows-1251"),
        ("text/html; charset=windows-1251", "windows-1251"),
    ],
)
def test_what_is_looked_for_depends_on_the_type(content_type: str, encoding: str) -> None:
    document = b"<?xml version='1.0' encoding='iso-8859-5'?><meta charset=koi8-r>"
    assert response(document, content_type).encoding == encoding


def test_a_mark_counts_more_than_the_header_and_that_more_than_the_document() -> None:
    document = "<meta charset=koi8-r>ä"
    marked = codecs.BOM_UTF8 + document.encode()
    assert response(marked, "text/html; charset=iso-8859-5").encoding == "utf-8"
    assert response(document.encode(), "text/html; charset=iso-8859-5").encoding == "iso-8859-5"
    assert response(document.encode(), "text/html").encoding == "koi8-r"


@given(st.integers(0, 1100))
def test_only_the_first_1024_bytes_are_looked_at(before: int) -> None:
    meta = b"<meta charset=koi8-r>"
    got = response(b" " * before + meta, "text/html").encoding
    assert got == ("koi8-r" if before + len(meta) <= 1024 else "utf-8")


PIECES = [
    b"<meta ",
    b"charset",
    b"=",
    b"koi8-r",
    b"'",
    b'"',
    b">",
    b"/",
    b"<!--",
    b"-->",
    b"<?xml ",
    b"encoding=",
    b"http-equiv=content-type",
    b" content=",
    b"<p",
    b" ",
    b"\xe4",
    b"\0",
]


@given(st.lists(st.sampled_from(PIECES)), st.sampled_from(["text/html", "text/xml", None]))
def test_no_markup_raises(pieces: list[bytes], content_type: str | None) -> None:
    got = response(b"".join(pieces), content_type)
    assert isinstance(got.text, str)
    assert codecs.lookup(got.encoding)


# ---- JSON ----


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/problem+json", "text/json", "Application/JSON; a=b"]
)
@pytest.mark.parametrize("text", ['{"a": "ä"}', '["日本"]', "1", '"x', "[]", "", '"日本"'])
def test_json_is_in_a_utf_that_its_zeros_tell(content_type: str, text: str) -> None:
    for encoding in ["utf-8", "utf-16le", "utf-16be", "utf-32le", "utf-32be"]:
        got = response(text.encode(encoding), content_type)
        assert got.text == text
        assert got.encoding == (encoding if text else "utf-8")
        assert codecs.lookup(got.encoding)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_json_may_have_a_mark(encoding: str) -> None:
    assert response('{"a": "日本"}'.encode(encoding), "application/json").text == '{"a": "日本"}'
    big = "\ufeff[1]".encode("utf-32-be")
    assert response(big, "application/json").text == "[1]"


def test_json_is_not_guessed() -> None:
    got = response('{"a": "Привет, мир"}'.encode("windows-1251"), "application/json")
    assert got.encoding == "utf-8"
    assert got.text == '{"a": "Привет, мир"}'.encode("windows-1251").decode(errors="replace")
    assert response(b'{"a": "\xe4"}', "application/json; charset=latin1").text == '{"a": "ä"}'


def test_broken_utf_32_is_replaced() -> None:
    broken = "[1]".encode("utf-32-le") + b"\0\xd8\0\0" + b"\xff\xff\xff\xff" + b"\0"
    assert response(broken, "application/json").text == "[1]\ufffd\ufffd\ufffd"


# ---- Guessing ----

# The first article of the Universal Declaration of Human Rights, in the encodings of its languages.
SAMPLES = [
    (
        ["shift_jis", "euc-jp"],
        "すべての人間は、生れながらにして自由であり、かつ、尊厳と権利とについて平等である。"
        "人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
    ),
    (["gbk"], "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。"),
    (["big5"], "人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心，並應以兄弟關係的精神相對待。"),
    (
        ["euc-kr"],
        "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. "
        "인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
    ),
    (
        ["windows-1251", "koi8-u"],
        "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и "
        "совестью и должны поступать в отношении друг друга в духе братства.",
    ),
    (
        ["windows-1252"],
        "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen "
        "begabt und sollen einander im Geiste der Brüderlichkeit begegnen.",
    ),
    (
        ["windows-1252"],
        "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison "
        "et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
    ),
    (
        ["windows-1250", "iso-8859-2"],
        "Všichni lidé rodí se svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím "
        "a mají spolu jednat v duchu bratrství.",
    ),
    (
        ["windows-1253"],
        "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.",
    ),
    (
        ["windows-1255"],
        "כל בני אדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, לפיכך חובה עליהם "
        "לנהוג איש ברעהו ברוח של אחווה.",
    ),
    (["cp874"], "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม"),
]
ENCODED = [(encoding, text) for encodings, text in SAMPLES for encoding in encodings]


@pytest.mark.parametrize(("encoding", "text"), ENCODED, ids=[encoding for encoding, _ in ENCODED])
@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "text/html; charset=none-such", None])
def test_text_without_a_label_is_guessed(encoding: str, text: str, content_type: str | None) -> None:
    got = response(text.encode(encoding), content_type)
    assert (got.text, got.encoding) == (text, encoding)
    # However much of it is ASCII before.
    page = "<!doctype html>" + "<p>x</p>\n" * 20_000 + text + "\n" + "<p>y</p>\n" * 20_000
    got = response(page.encode(encoding), content_type)
    assert (got.text, got.encoding) == (page, encoding)


@pytest.mark.parametrize("text", [text for _, text in SAMPLES])
def test_utf8_is_never_guessed_to_be_another(text: str) -> None:
    # Enough of it that one bad character is few.
    content = (text * 3).encode()
    assert response(content, "text/html").text == text * 3
    # Nor if a character of it was cut in two, in the middle or at the end.
    cut = content[: len(content) // 2].decode(errors="ignore").encode()
    for damaged in [cut + b"\xe4" + content[len(cut) :], *(content[:-n] for n in (1, 2, 3, 4, 5))]:
        got = response(damaged, "text/html")
        assert (got.text, got.encoding) == (damaged.decode(errors="replace"), "utf-8")


def test_a_little_damage_late_in_a_long_text_does_not_matter() -> None:
    text = SAMPLES[0][1] * 1000
    damaged = text.encode() + b"\xff" + text.encode()
    assert response(damaged, "text/html").text == text + "\ufffd" + text


@pytest.mark.parametrize(
    ("url", "encoding"),
    [
        ("http://host.com/", "gbk"),
        ("", "gbk"),
        ("http://192.0.2.1/", "gbk"),
        ("http://[2001:db8::1]/", "gbk"),
        ("no url at all", "gbk"),
        ("http://host.cn/", "gbk"),
        ("http://host.jp/", "euc-jp"),
        ("http://HOST.JP./path?x=host.cn", "euc-jp"),
        ("http://user@host.co.jp:8080/", "euc-jp"),
        ("http://host.kr/", "euc-kr"),
        ("http://пример.рф/", "windows-1251"),
        ("odd://HOST.JP/", "euc-jp"),
        ("odd://ho_st.J%50/", "gbk"),
        ("odd://%41.%C3%A4/", "gbk"),
        ("http://jp/", "euc-jp"),
    ],
)
def test_the_top_level_domain_is_a_hint(url: str, encoding: str) -> None:
    assert response("中国".encode("gbk"), "text/html", url).encoding == encoding


@given(
    st.binary(max_size=100),
    st.sampled_from(["", "http://x.jp/", "http://x.рф/", "odd://X.Jp", "http://x.com.", "http://.../"]),
    st.sampled_from(
        [None, "", ";", "text/html", "text/plain", "application/json", "image/png", "a/b; charset"]
    ),
)
def test_no_bytes_raise(content: bytes, url: str, content_type: str | None) -> None:
    got = response(content, content_type, url)
    assert isinstance(got.text, str)
    assert codecs.lookup(got.encoding)


def test_bytes_that_are_no_text_are_not_guessed() -> None:
    image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe"
    got = response(image, "image/png")
    assert (got.text, got.encoding) == (image.decode(errors="replace"), "utf-8")


def test_the_start_of_a_body_in_an_error_is_decoded_as_the_whole_is() -> None:
    text = SAMPLES[0][1]
    for encoding in ["utf-8", "shift_jis"]:
        with pytest.raises(aioxide.HTTPStatusError) as caught:
            Response(500, content=(text * 50).encode(encoding)).raise_for_status()
        assert text in str(caught.value)


# ---- Whatever the bytes ----


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
        got = response(content, "text/plain; charset=utf-8").text
        assert got == content.decode(errors="replace")


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
    got = response(b"", f"text/plain; charset={label}")
    name = got.encoding
    assert codecs.lookup(name)
    got.encoding = name
    assert got.encoding == name


@pytest.mark.parametrize("label", ["utf-8", "iso-8859-1", "shift_jis", "windows-1251", "utf-16le"])
async def test_text_from_a_site(site: LocalSite, client: aioxide.Client, label: str) -> None:
    text: Any = {"shift_jis": "日本", "windows-1251": "Привет"}.get(label, "äöü")
    got = await client.get(f"{site.url}/charset/{label}", params={"text": text})
    assert got.text == text
