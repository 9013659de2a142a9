"""Cookies in a file, in the format that curl, wget and Python's own jar use."""

import os
import stat
import threading
import time
from http.cookiejar import MozillaCookieJar
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aioxide import Cookie, Cookies

LATER = int(time.time()) + 1_000_000


def load(tmp_path: Path, text: str | bytes) -> list[Cookie]:
    path = tmp_path / "given.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Cookies.load(path).all()


def some() -> Cookies:
    return Cookies(
        [
            Cookie("wide", "1", domain="site.test", expires=LATER),
            Cookie("narrow", "2", domain="site.test", path="/p", secure=True, host_only=True),
            Cookie("hidden", "3=4", domain="x.site.test", http_only=True, expires=LATER),
            Cookie("everywhere", "5"),
            Cookie("both", "6", http_only=True),
            Cookie("", "nameless", domain="site.test"),
            Cookie("empty", "", domain="site.test"),
            Cookie("v6", "7", domain="::1"),
            Cookie("bytes", b"\xe4", domain="site.test"),
        ]
    )


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    some().save(path)
    assert Cookies.load(path) == some()
    assert Cookies.load(str(path)).all() == some().all()


def test_the_lines_are_those_of_curl(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    some().save(path)
    lines = path.read_bytes().splitlines()
    assert lines[0] == b"# Netscape HTTP Cookie File"
    assert lines[lines.index(b"") + 1 :] == [
        f".site.test\tTRUE\t/\tFALSE\t{LATER}\twide\t1".encode(),
        b"site.test\tFALSE\t/p\tTRUE\t0\tnarrow\t2",
        f"#HttpOnly_.x.site.test\tTRUE\t/\tFALSE\t{LATER}\thidden\t3=4".encode(),
        b"#EveryHost_\tTRUE\t/\tFALSE\t0\teverywhere\t5",
        b"#EveryHost_#HttpOnly_\tTRUE\t/\tFALSE\t0\tboth\t6",
        b".site.test\tTRUE\t/\tFALSE\t0\t\tnameless",
        b".site.test\tTRUE\t/\tFALSE\t0\tempty\t",
        b"[::1]\tFALSE\t/\tFALSE\t0\tv6\t7",
        b".site.test\tTRUE\t/\tFALSE\t0\tbytes\t\xe4",
    ]


def test_pythons_own_jar_reads_and_writes_the_same(tmp_path: Path) -> None:
    path, other = tmp_path / "ours.txt", tmp_path / "theirs.txt"
    cookies = Cookies(
        [cookie for cookie in some().all() if cookie.name not in {"bytes", "v6"} and cookie.domain]
    )
    cookies.save(path)
    theirs = MozillaCookieJar(str(path))
    # It takes the 0 of a session cookie for 1970.
    theirs.load(ignore_discard=True, ignore_expires=True)
    assert {(cookie.domain, cookie.path, cookie.secure) for cookie in theirs} == {
        (".site.test", "/", False),
        ("site.test", "/p", True),
        (".x.site.test", "/", False),
    }
    theirs.save(str(other), ignore_discard=True, ignore_expires=True)
    assert Cookies.load(other) == cookies


def test_session_cookies_are_an_option(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    some().save(path, session=False)
    assert [cookie.name for cookie in Cookies.load(path).all()] == ["wide", "hidden"]


def test_the_file_is_for_its_owner_only_and_replaced_in_one_go(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text("old")
    path.chmod(0o644)
    link = tmp_path / "link.txt"
    link.symlink_to(path)
    with path.open() as before:
        some().save(link)
        assert before.read() == "old"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert link.is_symlink()
    assert Cookies.load(path) == some()
    assert sorted(os.listdir(tmp_path)) == ["cookies.txt", "link.txt"]


def test_threads_that_save_leave_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    jars = [Cookies([Cookie(f"c{n}", str(n), domain="site.test") for n in range(size)]) for size in (1, 500)]

    def work(jar: Cookies) -> None:
        for _ in range(20):
            jar.save(path)
            assert Cookies.load(path) in jars

    threads = [threading.Thread(target=work, args=(jar,)) for jar in jars * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.listdir(tmp_path) == ["cookies.txt"]


def test_what_the_format_cannot_hold_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    cookies = Cookies([Cookie("a\tb", "1", domain="site.test"), Cookie("c", "2\t3", domain="site.test")])
    cookies.extract("http://site.test/", ["d=4; Path=/\t"[:-1], "e=5; SameSite=Lax; Path=/a\tb"])
    cookies.save(path)
    assert [cookie.name for cookie in Cookies.load(path).all()] == ["d"]


@pytest.mark.parametrize(
    ("line", "cookie"),
    [
        ("site.test\tFALSE\t/\tFALSE\t0\ta\t1", Cookie("a", "1", domain="site.test", host_only=True)),
        ("site.test\tTRUE\t/\tFALSE\t0\ta\t1", Cookie("a", "1", domain="site.test")),
        (
            ".site.test\tfalse\t/\ttrue\t0\ta\t1\r",
            Cookie("a", "1", domain="site.test", secure=True, host_only=True),
        ),
        ("Site.Test\tTRUE\tp\tFALSE\t\ta", Cookie("a", "", domain="site.test")),
        (
            f".site.test\tTRUE\t/\tFALSE\t{LATER}.75\ta\t1",
            Cookie("a", "1", domain="site.test", expires=LATER),
        ),
        (".site.test\tTRUE\t/\tFALSE\t-1\ta\t1", Cookie("a", "1", domain="site.test")),
        (
            "#HttpOnly_site.test\tTRUE\t/\tFALSE\t0\ta\t1",
            Cookie("a", "1", domain="site.test", http_only=True),
        ),
        (".localhost\tTRUE\t/\tFALSE\t0\ta\t1", Cookie("a", "1", domain="localhost", host_only=True)),
        ("# a comment", None),
        ("#HttpOnly", None),
        ("  ", None),
        (".site.test\tTRUE\t/\tFALSE\t1\ta\t1", None),
        (".co.uk\tTRUE\t/\tFALSE\t0\ta\t1", None),
    ],
)
def test_lines_that_others_write(tmp_path: Path, line: str, cookie: Cookie | None) -> None:
    found = load(tmp_path, f"\ufeff{line}\n\n{line}")
    assert found == ([] if cookie is None else [cookie])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('[{"name": "hunter2"}]', "1 fields"),
        ("site.test\tTRUE\t/\tFALSE\thunter2", "5 fields"),
        ("site.test TRUE / FALSE 0 hunter2 1", "1 fields"),
        ("site.test\tTRUE\t/\tFALSE\thunter2\ta\t1", "expiry"),
        ("site.test\tTRUE\t/\tFALSE\tnan\ta\t1", "expiry"),
        ("\tTRUE\t/\tFALSE\t0\ta\thunter2", "domain"),
        ("a b\tTRUE\t/\tFALSE\t0\ta\thunter2", "domain"),
        ("site.test\tTRUE\t/\tFALSE\t0\ta\thunter2;", "cookie 'a'"),
        ("site.test\tTRUE\t/\tFALSE\t0\t\t", "name or a value"),
    ],
)
def test_a_line_of_another_format_is_named_and_not_shown(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"given.txt, line 3: .*{why}") as caught:
        load(tmp_path, f"# Netscape HTTP Cookie File\n\n{line}\n")
    assert "hunter2" not in str(caught.value)


def test_errors_of_the_system_are_those_of_open(tmp_path: Path) -> None:
    missing = tmp_path / "none" / "cookies.txt"
    for refused in [lambda: Cookies.load(missing), lambda: Cookies().save(missing)]:
        with pytest.raises(FileNotFoundError) as caught:
            refused()
        assert (caught.value.filename, caught.value.strerror) == (str(missing), "No such file or directory")
    with pytest.raises(IsADirectoryError):
        Cookies().save(tmp_path)
    assert os.listdir(tmp_path) == []
    with pytest.raises(TypeError):
        Cookies().save(3)  # type: ignore[arg-type]


texts = st.text(
    st.characters(codec="utf-8", exclude_characters=";=", exclude_categories=["Cc", "Zs"]), max_size=6
)
cookies = st.builds(
    Cookie,
    texts.map(lambda text: "n" + text),
    texts,
    domain=st.sampled_from(["", "site.test", "x.site.test", "localhost", "127.0.0.1", "bücher.test"]),
    path=st.sampled_from(["/", "/p", "/p q/ä"]),
    expires=st.sampled_from([None, LATER, LATER + 0.5]),
    secure=st.booleans(),
    http_only=st.booleans(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(cookies, max_size=6))
def test_any_cookies_come_back(tmp_path: Path, cookies: list[Cookie]) -> None:
    path = tmp_path / "cookies.txt"
    Cookies(cookies).save(path)
    assert Cookies.load(path) == Cookies(cookies)
