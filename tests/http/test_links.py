"""`Response.links`: the `Link` header by RFC 8288."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aioxide import Response


def links(*values: str | bytes) -> dict[str, dict[str, str]]:
    headers: Any = [("link", value) for value in values]
    return Response(200, headers=headers).links


def test_no_header_is_no_links() -> None:
    assert Response(200).links == {}
    assert links("") == {}


def test_pages_as_github_has_them() -> None:
    header = (
        '<https://api.github.com/repositories/1/issues?page=2>; rel="prev", '
        '<https://api.github.com/repositories/1/issues?page=4>; rel="next", '
        '<https://api.github.com/repositories/1/issues?page=1>; rel="first"'
    )
    got = links(header)
    assert list(got) == ["prev", "next", "first"]
    assert got["next"] == {"url": "https://api.github.com/repositories/1/issues?page=4", "rel": "next"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("<a>; rel=next", {"next": {"url": "a", "rel": "next"}}),
        ("</a?b=c&d=e,f;g#h>; rel=next", {"next": {"url": "/a?b=c&d=e,f;g#h", "rel": "next"}}),
        ("<>; rel=self", {"self": {"url": "", "rel": "self"}}),
        ("< a >;rel=next", {"next": {"url": "a", "rel": "next"}}),
        # Commas, semicolons, brackets and quotes within quotes.
        (
            '<a>; title="b, <c>; rel=prev"; rel="next"',
            {"next": {"url": "a", "title": "b, <c>; rel=prev", "rel": "next"}},
        ),
        (
            r'<a>; rel=next; title="say \"hi\", \\ and \x", <b>; rel=last',
            {
                "next": {"url": "a", "rel": "next", "title": 'say "hi", \\ and x'},
                "last": {"url": "b", "rel": "last"},
            },
        ),
        # Several relation types.
        (
            '<a>; rel="start  http://example.net/Relation/Other"',
            {
                "start": {"url": "a", "rel": "start  http://example.net/Relation/Other"},
                "http://example.net/relation/other": {
                    "url": "a",
                    "rel": "start  http://example.net/Relation/Other",
                },
            },
        ),
        # Without one, by URL.
        ("<a>", {"a": {"url": "a"}}),
        ("<a>; rel", {"a": {"url": "a", "rel": ""}}),
        ('<a>; rel=""; type="text/css"', {"a": {"url": "a", "rel": "", "type": "text/css"}}),
        ("<a>, <b>", {"a": {"url": "a"}, "b": {"url": "b"}}),
        # Names and relation types have no case, values have one.
        ('<a>; REL=Next; Title="T"', {"next": {"url": "a", "rel": "Next", "title": "T"}}),
        # The first of a name counts, the last of a relation type.
        ("<a>; rel=next; rel=prev", {"next": {"url": "a", "rel": "next"}}),
        ("<a>; rel=next, <b>; rel=next", {"next": {"url": "b", "rel": "next"}}),
        # Spaces where they may be, and where they may not.
        (
            '\t<a>\t; rel = "next" ,<b> ;rel\t=\tlast',
            {"next": {"url": "a", "rel": "next"}, "last": {"url": "b", "rel": "last"}},
        ),
        ("<a>;rel=next;crossorigin;x=", {"next": {"url": "a", "rel": "next", "crossorigin": "", "x": ""}}),
        # Empty items and parameters.
        (
            " , ,<a>; ;; rel=next;,, ,<b>;rel=last,",
            {"next": {"url": "a", "rel": "next"}, "last": {"url": "b", "rel": "last"}},
        ),
        # Texts with a charset: RFC 8187.
        (
            "<a>; rel=next; title*=UTF-8'de'n%c3%a4chstes%20Kapitel",
            {
                "next": {
                    "url": "a",
                    "rel": "next",
                    "title*": "UTF-8'de'n%c3%a4chstes%20Kapitel",
                    "title": "nächstes Kapitel",
                }
            },
        ),
        (
            "<a>; rel=next; title*=iso-8859-1''%a3; title=plain",
            {"next": {"url": "a", "rel": "next", "title*": "iso-8859-1''%a3", "title": "£"}},
        ),
        (
            "<a>; rel=next; title=plain; title*=UTF-8''%ff",
            {"next": {"url": "a", "rel": "next", "title": "plain", "title*": "UTF-8''%ff"}},
        ),
        ("<a>; rel=next; title*=x", {"next": {"url": "a", "rel": "next", "title*": "x"}}),
        ("<a>; rel=next; *=UTF-8''x", {"next": {"url": "a", "rel": "next", "*": "UTF-8''x"}}),
        # The URL is that of the link.
        ("<a>; rel=next; url=b", {"next": {"url": "a", "rel": "next"}}),
        ("<a>; rel=next; anchor='#b'", {"next": {"url": "a", "rel": "next", "anchor": "#b"}}),
        ("<a>; rel='next'; t='", {"next": {"url": "a", "rel": "next", "t": "'"}}),
        # What is no link is passed over.
        ("a; rel=next, <b>; rel=last", {"last": {"url": "b", "rel": "last"}}),
        ('"x, <a>; rel=next", <b>; rel=last', {"last": {"url": "b", "rel": "last"}}),
        ("<a> x; rel=next", {"next": {"url": "a", "rel": "next"}}),
        ('<a>; rel="next" x; t=u', {"next": {"url": "a", "rel": "next", "t": "u"}}),
        ("<a", {}),
        ("<a>; rel=next, <b", {"next": {"url": "a", "rel": "next"}}),
        # A quote that does not end takes the rest with it.
        ('<a>; rel="next', {"next": {"url": "a", "rel": "next"}}),
        ('<a>; title="next, <b>; rel=last', {"a": {"url": "a", "title": "next, <b>; rel=last"}}),
    ],
)
def test_links(header: str, expected: dict[str, dict[str, str]]) -> None:
    if header.endswith("rel=last") and "next," in expected:
        # A quote that does not end takes the rest with it.
        expected = dict.fromkeys(["next,", "<b>;", "rel=last"], expected["next,"])
    assert links(header) == expected


def test_the_examples_of_the_rfc() -> None:
    assert links('<http://example.com/TheBook/chapter2>; rel="previous"; title="previous chapter"') == {
        "previous": {
            "url": "http://example.com/TheBook/chapter2",
            "rel": "previous",
            "title": "previous chapter",
        }
    }
    assert links('</>; rel="http://example.net/foo"')["http://example.net/foo"]["url"] == "/"
    assert links('</terms>; rel="copyright"; anchor="#foo"')["copyright"]["anchor"] == "#foo"
    got = links(
        "</TheBook/chapter2>; rel=\"previous\"; title*=UTF-8'de'letztes%20Kapitel, "
        "</TheBook/chapter4>; rel=\"next\"; title*=UTF-8'de'n%c3%a4chstes%20Kapitel"
    )
    assert (got["previous"]["title"], got["next"]["title"]) == ("letztes Kapitel", "nächstes Kapitel")


def test_several_headers_are_one_list() -> None:
    got = links("<a>; rel=next", '<b>; rel="last"', "broken", "<c>")
    assert {key: link["url"] for key, link in got.items()} == {"next": "a", "last": "b", "c": "c"}


def test_bytes_that_are_no_ascii() -> None:
    assert links("<ä>; rel=日本".encode())["日本"] == {"url": "ä", "rel": "日本"}
    assert links(b"<a>; rel=next; title=\xe4")["next"]["title"] == "ä"


def test_each_dict_is_ones_own() -> None:
    response = Response(200, headers={"link": '<a>; rel="next last"'})
    response.links["next"]["url"] = "b"
    response.links.clear()
    assert response.links["next"]["url"] == "a"
    both = response.links
    both["next"]["url"] = "b"
    assert both["last"]["url"] == "a"


def test_a_long_header_takes_no_long_time() -> None:
    many = 20_000
    assert len(links(", ".join(f"<{number}>; rel=r{number}" for number in range(many)))) == many
    assert len(links("<a>" + "".join(f";n{number}*=utf-8''x" for number in range(many)))["a"]) == 2 * many + 1
    for piece in ['"', "<", "<a>;", ';a="', ',"', "\\", "<a>;a", "=", ",x"]:
        assert isinstance(links(piece * many), dict)


PIECES = [
    "<",
    ">",
    ";",
    ",",
    "=",
    '"',
    "\\",
    "'",
    " ",
    "\t",
    "a",
    "rel",
    "rel=next",
    "title*=",
    "UTF-8''%c3%a4",
    "%",
    "é",
]


@given(st.lists(st.lists(st.sampled_from(PIECES)).map("".join), max_size=3))
@example(['<a>;rel="\\'])
def test_nothing_raises(values: list[str]) -> None:
    for key, link in links(*values).items():
        assert isinstance(key, str)
        assert isinstance(link["url"], str)
        assert all(isinstance(name, str) and isinstance(value, str) for name, value in link.items())
        assert all(name == name.lower() for name in link)


@given(st.binary(max_size=60).filter(lambda value: not re.search(rb"[\0-\x08\x0a-\x1f\x7f]", value)))
def test_no_bytes_raise(value: bytes) -> None:
    assert isinstance(links(value), dict)


# ---- Against a plain reading ----


def plain(header: str) -> dict[str, dict[str, str]]:
    """What a reader by `split` makes of it; right where there is nothing special within quotes."""
    found = {}
    for part in re.split(r",\s*(?=<)", header):
        target, *parameters = part.split(";")
        link = {"url": target.strip()[1:-1]}
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            link.setdefault(name.strip(), value.strip().strip('"'))
        found[link.get("rel") or link["url"]] = link
    return found


URLS = st.text("abc/?&=.:%-", min_size=1, max_size=10)
TOKENS = st.text("abcxyz0-", min_size=1, max_size=5)
NAMES = st.sampled_from(["rel", "title", "type", "hreflang", "x"])
VALUES = st.one_of(TOKENS, TOKENS.map(lambda token: f'"{token}"'))
PARAMETERS = st.lists(st.tuples(NAMES, VALUES), max_size=4)


@given(st.lists(st.tuples(URLS, PARAMETERS), min_size=1, max_size=5), st.sampled_from([",", ", ", ",  "]))
def test_links_as_a_plain_reader_reads_them(
    made: list[tuple[str, list[tuple[str, str]]]], comma: str
) -> None:
    header = comma.join(
        f"<{url}>" + "".join(f"; {name}={value}" for name, value in parameters) for url, parameters in made
    )
    assert links(header) == plain(header)


TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(st.lists(st.tuples(URLS, TEXTS), max_size=5))
def test_what_is_quoted_comes_back(made: list[tuple[str, str]]) -> None:
    def quoted(text: str) -> str:
        return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'

    header = ", ".join(f"<{url}>; title={quoted(title)}; rel=r{at}" for at, (url, title) in enumerate(made))
    expected = {
        f"r{at}": {"url": url, "title": title, "rel": f"r{at}"} for at, (url, title) in enumerate(made)
    }
    assert links(header) == expected
