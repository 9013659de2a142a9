import gzip
import http.client
import json
import re
import zlib
from urllib.parse import quote

import pytest

from aioxide.testing import LocalSite, pattern

from .conftest import Get


@pytest.mark.parametrize("length", [0, 1, 1024, 256 * 1024, 1_000_001])
def test_bytes_are_the_pattern(get: Get, length: int) -> None:
    answer = get(f"/bytes/{length}")
    assert answer.headers["content-length"] == str(length)
    assert answer.body == pattern(length)


def test_pattern_repeats_64_bytes_without_a_seam() -> None:
    alphabet = pattern(64)
    assert len(set(alphabet)) == 64
    assert pattern(300_000) == (alphabet * 5000)[:300_000]


def test_head_has_the_length_and_no_body(get: Get) -> None:
    answer = get("/bytes/1000", "HEAD")
    assert (answer.headers["content-length"], answer.body) == ("1000", b"")


def test_json(get: Get) -> None:
    assert get("/json").json()["tags"] == ["tin", "naïve", "日本"]
    assert [item["id"] for item in get("/json/3").json()] == [0, 1, 2]


@pytest.mark.parametrize("path", ["/chunked/5/1000", "/stream/5/1000/1"])
def test_pieces_have_no_content_length(get: Get, path: str) -> None:
    answer = get(path)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.body == pattern(1000) * 5


def test_truncated_sends_half(site: LocalSite, get: Get) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        get("/truncated/1000")
    assert caught.value.partial == pattern(500)


@pytest.mark.parametrize("code", [200, 204, 304, 404, 418, 503, 599])
def test_status_with_headers(get: Get, code: int) -> None:
    answer = get(f"/status/{code}?retry-after=1&x-one=a&x-one=b")
    assert answer.status == code
    assert answer.headers["retry-after"] == "1"
    assert answer.headers.get_all("x-one") == ["a", "b"]


def test_flaky_fails_so_often_for_each_name(get: Get) -> None:
    assert [get("/flaky/a/2?status=500").status for _ in range(4)] == [500, 500, 200, 200]
    failure = get("/flaky/b/1?retry-after=7")
    assert (failure.status, failure.headers["retry-after"]) == (503, "7")


def test_redirects(get: Get) -> None:
    hops = [get(f"/redirect/{left}") for left in (2, 1, 0)]
    assert [hop.status for hop in hops] == [302, 302, 200]
    assert [hop.headers["location"] for hop in hops] == ["/redirect/1", "/redirect/0", None]
    assert get("/redirect/loop").headers["location"] == "/redirect/loop"
    there = get(f"/redirect/to?status=308&url={quote('http://example.test/ä?b=c', safe='')}")
    assert there.status == 308
    assert there.headers["location"].encode("latin-1").decode() == "http://example.test/ä?b=c"


@pytest.mark.parametrize(("coding", "decode"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)])
def test_compressed(get: Get, coding: str, decode: object) -> None:
    answer = get(f"/{coding}/600000")
    assert answer.headers["content-encoding"] == coding
    assert decode(answer.body) == pattern(600_000)  # type: ignore[operator]


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_compressed_by_what_the_standard_library_lacks(get: Get, coding: str) -> None:
    answer = get(f"/{coding}/600000")
    assert answer.headers["content-encoding"] == coding
    assert 0 < len(answer.body) < 10_000


@pytest.mark.parametrize("path", ["/broken/gzip", "/gzip/broken"])
def test_broken_coding(get: Get, path: str) -> None:
    answer = get(path)
    assert answer.headers["content-encoding"] == "gzip"
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(answer.body)


@pytest.mark.parametrize(
    ("label", "codec", "word"),
    [
        ("utf-8", "utf-8", "мир"),
        ("utf-16le", "utf-16le", "мир"),
        ("iso-8859-1", "cp1252", "Déjà"),
        ("windows-1251", "cp1251", "Привет"),
        ("shift_jis", "cp932", "日本語"),
        ("euc-jp", "euc_jp", "日本語"),
        ("iso-8859-7", "iso8859_7", "Καλημέρα"),
    ],
)
def test_charset(get: Get, label: str, codec: str, word: str) -> None:
    answer = get(f"/charset/{label}")
    assert answer.headers["content-type"] == f"text/plain; charset={label}"
    assert word in answer.body.decode(codec)


def test_charset_of_a_given_text(get: Get) -> None:
    assert get("/charset/latin1?text=" + quote("été")).body == "été".encode("latin-1")
    assert get("/charset/latin1?text=" + quote("мир")).status == 400


def test_echo(get: Get) -> None:
    headers = {"X-Who": "me", "Content-Type": "text/x"}
    answer = get("/echo?a=1&b=%C3%A9&a=", "PUT", body="naïve".encode(), headers=headers).json()
    assert answer["method"] == "PUT"
    assert answer["target"] == "/echo?a=1&b=%C3%A9&a="
    assert answer["path"] == "/echo"
    assert answer["query"] == [["a", "1"], ["b", "é"], ["a", ""]]
    assert ["x-who", "me"] in answer["headers"]
    assert (answer["body"], answer["body_encoding"], answer["length"]) == ("naïve", "utf-8", 6)
    assert answer["version"] == "HTTP/1.1"
    assert get("/echo", "POST", body=b"\xff\xfe").json()["body"] == "//4="


def test_bodies_come_back_or_are_measured(get: Get) -> None:
    body = bytes(range(256)) * 1000
    answer = get("/echo/body", "POST", body=body, headers={"content-type": "application/x-thing"})
    assert (answer.body, answer.headers["content-type"]) == (body, "application/x-thing")
    # An iterable body goes out chunked.
    assert get("/upload", "POST", body=iter([body] * 4)).json() == {"length": 4 * len(body)}


def test_headers_and_cookies(get: Get) -> None:
    assert get("/headers?x-fruit=apple&x-fruit=pear").headers.get_all("x-fruit") == ["apple", "pear"]
    answer = get("/cookies/set?a=1&b=2")
    assert answer.headers.get_all("set-cookie") == ["a=1; Path=/", "b=2; Path=/"]
    assert get("/cookies", headers={"cookie": "a=1; b=2"}).json() == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/bytes/many", 400),
        ("/bytes/-1", 400),
        ("/status/99", 400),
        ("/site/page/200", 404),
    ],
)
def test_a_wrong_path_is_told_why(get: Get, path: str, status: int) -> None:
    answer = get(path)
    assert answer.status == status
    assert len(answer.body) > 10


def test_a_walk_reaches_every_page_of_the_shop(get: Get) -> None:
    todo, seen, items = ["/site/"], {"/site/"}, 0
    for path in todo:
        page = get(path)
        assert page.status == 200
        for link in re.findall(rb'href="([^"]+)"', page.body):
            link = link.decode()
            if "/api/" in link:
                assert path == json.loads(get(link).body)["page"]
                items += 1
            elif link not in seen:
                seen.add(link)
                todo.append(link)
    assert seen == {"/site/"} | {f"/site/page/{index}" for index in range(200)}
    assert items == 200


def test_the_shop_is_the_same_at_every_start(get: Get) -> None:
    with LocalSite(pages=200) as other:
        client = http.client.HTTPConnection(other.host, other.port)
        client.request("GET", "/site/page/17")
        assert client.getresponse().read() == get("/site/page/17").body
        client.close()


def test_a_file_is_had_in_parts(site: LocalSite, get: Get) -> None:
    whole = get("/file/300000")
    assert (whole.status, whole.body) == (200, pattern(300_000))
    assert (whole.headers["etag"], whole.headers["accept-ranges"]) == ('"300000"', "bytes")
    for asked, start, end in [
        ("1000-", 1000, 300_000),
        ("0-0", 0, 1),
        ("77-299999", 77, 300_000),
        ("299999-400000", 299_999, 300_000),
        ("-100", 299_900, 300_000),
    ]:
        part = get("/file/300000", headers={"Range": f"bytes={asked}", "If-Range": '"300000"'})
        assert (part.status, part.body) == (206, pattern(300_000)[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/300000"
    nothing = get("/file/300000", headers={"Range": "bytes=300000-"})
    assert (nothing.status, nothing.headers["content-range"]) == (416, "bytes */300000")
    changed = get("/file/300000?etag=%22new%22", headers={"Range": "bytes=1-", "If-Range": '"300000"'})
    assert (changed.status, changed.headers["etag"]) == (200, '"new"')
    with pytest.raises(http.client.IncompleteRead) as caught:
        get("/file/300000?cut=1000")
    assert caught.value.partial == pattern(1000)
