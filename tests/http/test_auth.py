"""The settings of authentication: what they take, what they show, and what survives a pickle."""

import copy
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide import BasicAuth, BearerAuth, DigestAuth, NetRCAuth

SECRET = "correct horse"


@pytest.fixture
def netrc(tmp_path: Path) -> Path:
    path = tmp_path / "netrc"
    path.write_text(f'machine example.com login user password "{SECRET}"\n')
    return path


@pytest.fixture
def no_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a netrc file."""
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def each(netrc: Path) -> list[Any]:
    return [
        BasicAuth("user", SECRET),
        DigestAuth("user", SECRET),
        BearerAuth("token-" + SECRET.replace(" ", "-")),
        NetRCAuth(netrc),
    ]


def test_no_repr_shows_a_secret(netrc: Path) -> None:
    for auth in each(netrc):
        for shown in (repr(auth), str(auth), f"{auth}"):
            assert "correct" not in shown
            assert "horse" not in shown


def test_reprs(netrc: Path) -> None:
    assert repr(BasicAuth("user", "x")) == "<BasicAuth 'user'>"
    assert repr(BasicAuth("o'neil \u2028", "x")) == '<BasicAuth "o\'neil \\u2028">'
    assert repr(BasicAuth(b"b\xff", "x")) == "<BasicAuth 'b\ufffd'>"
    assert repr(DigestAuth("user", "x")) == "<DigestAuth 'user'>"
    assert repr(BearerAuth("abc")) == "<BearerAuth>"
    assert repr(NetRCAuth(netrc)) == f"<NetRCAuth {str(netrc)!r}>"


@pytest.mark.parametrize("cls", [BasicAuth, DigestAuth])
def test_a_name_without_a_password_is_a_key(cls: Any) -> None:
    assert repr(cls("sk_live_123", "")) == f"<{cls.__name__}>"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(netrc: Path, protocol: int) -> None:
    for auth in [*each(netrc), BasicAuth(b"\xff", b"\xfe"), DigestAuth("ü:", "")]:
        for twin in (pickle.loads(pickle.dumps(auth, protocol)), copy.copy(auth), copy.deepcopy(auth)):
            assert type(twin) is type(auth)
            assert twin == auth
            assert hash(twin) == hash(auth)
            assert repr(twin) == repr(auth)


def test_a_pickle_of_netrc_has_no_password(netrc: Path) -> None:
    assert b"horse" not in pickle.dumps(NetRCAuth(netrc))


def test_equality(netrc: Path, tmp_path: Path) -> None:
    assert BasicAuth("a", "b") == BasicAuth(b"a", b"b")
    assert BasicAuth("a", "b") != BasicAuth("a", "c")
    assert BasicAuth("a", "b") != BasicAuth("b", "b")
    assert BasicAuth("a", "b") != DigestAuth("a", "b")
    assert BasicAuth("a", "b") != ("a", "b")
    assert BearerAuth("a") == BearerAuth(b"a")
    assert BearerAuth("a") != BearerAuth("b")
    assert len({DigestAuth("a", "b"), DigestAuth("a", "b"), DigestAuth("a", "c")}) == 2
    before = NetRCAuth(netrc)
    netrc.write_text("machine other login a password b")
    assert NetRCAuth(netrc) != before


@pytest.mark.parametrize("cls", [BasicAuth, DigestAuth])
@pytest.mark.parametrize(
    ("username", "password"),
    [(None, "x"), ("x", None), (1, "x"), ("x", 1.5), (bytearray(b"x"), "x"), (("a", "b"), "x")],
)
def test_what_is_neither_text_nor_bytes(cls: Any, username: Any, password: Any) -> None:
    with pytest.raises(TypeError, match="must be str or bytes, not "):
        cls(username, password)


@pytest.mark.parametrize("cls", [BasicAuth, DigestAuth])
@pytest.mark.parametrize("bad", ["\n", "a\r\nb", "\0", "\x7f", b"\t", "\ud800"])
def test_control_characters(cls: Any, bad: Any) -> None:
    for arguments, what in (((bad, SECRET), "the user name"), ((SECRET, bad), "the password")):
        with pytest.raises(ValueError, match=what) as caught:
            cls(*arguments)
        assert SECRET not in repr(caught.value)
        # Python's own error for surrogates would hold the text.
        assert not isinstance(caught.value, UnicodeError)


def test_colons() -> None:
    with pytest.raises(ValueError, match="colon"):
        BasicAuth("us:er", "x")
    BasicAuth("user", "pass:word")
    DigestAuth("us:er", "pass:word")


@pytest.mark.parametrize("token", ["", " ", "a b", "Bearer abc", "abc\n", "tökén", b"\xff", "\ud800"])
def test_what_is_no_token(token: Any) -> None:
    with pytest.raises(ValueError, match="the token"):
        BearerAuth(token)


@pytest.mark.parametrize("token", [None, 1, bytearray(b"a")])
def test_tokens_are_text_or_bytes(token: Any) -> None:
    with pytest.raises(TypeError, match="the token must be str or bytes"):
        BearerAuth(token)


def test_tokens_as_they_are_given_out() -> None:
    for token in ["abc-._~+/==", "12|abcDEF", "a:b", b"bytes"]:
        assert BearerAuth(token) == BearerAuth(token)


# ---- netrc ----


def test_netrc_of_the_environment(
    netrc: Path, no_netrc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileNotFoundError, match="NETRC"):
        NetRCAuth()
    monkeypatch.setenv("NETRC", str(netrc))
    named = NetRCAuth()
    assert repr(named) == "<NetRCAuth>"
    monkeypatch.delenv("NETRC")
    (no_netrc / ".netrc").write_text(netrc.read_text())
    assert NetRCAuth() == named == pickle.loads(pickle.dumps(named))
    monkeypatch.setenv("NETRC", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError, match="missing"):
        NetRCAuth()


def test_netrc_by_any_path(netrc: Path) -> None:
    assert NetRCAuth(str(netrc)) == NetRCAuth(netrc) == NetRCAuth(file=netrc)


@pytest.mark.parametrize("file", [1, 1.5, object(), ["a"]])
def test_netrc_of_what_is_no_path(file: Any) -> None:
    with pytest.raises(TypeError, match="file must be the path"):
        NetRCAuth(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        NetRCAuth(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError):
        NetRCAuth(tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("machine h login me\npassword correct horse", 2, "expected machine"),
        ("password horse", 1, "before the first machine"),
        ("machine h\n\npassword", 3, "nothing follows password"),
        ('machine h password "horse', 1, "quote"),
        ("\n\nmachine h login a:horse", 3, "colon"),
    ],
)
def test_a_bad_file_is_named_with_its_line(netrc: Path, text: str, line: int, what: str) -> None:
    netrc.write_text(text)
    with pytest.raises(ValueError, match=what) as caught:
        NetRCAuth(netrc)
    assert str(caught.value).startswith(f"{os.fspath(netrc)}, line {line}: ")
    assert "horse" not in str(caught.value)


def test_names(netrc: Path) -> None:
    for auth in each(netrc):
        assert type(auth).__module__ == "aioxide"
        assert getattr(aioxide, type(auth).__name__) is type(auth)
        assert not hasattr(auth, "password")
        assert not hasattr(auth, "token")
