"""The digest server of the tests, asked by another client than ours."""

import shutil
import subprocess
from typing import Any

import pytest

from tests.servers.digest import BadResponseError, Digest, DigestServer, hashed


def curl(server: DigestServer, password: str, *urls: str) -> str:
    if not (program := shutil.which("curl")):
        pytest.skip("curl is not installed")
    done = subprocess.run(
        [program, "-sS", "--noproxy", "*", "--digest", "-u", f"{server.user}:{password}", *urls],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    "options",
    [
        {"algorithms": [None]},
        {"algorithms": ["MD5"]},
        {"algorithms": ["MD5-sess"]},
        {"algorithms": ["SHA-256"]},
        {"algorithms": ["SHA-256-sess"]},
        {"qop": None},
        {"qop": "auth,auth-int"},
    ],
)
def test_a_right_password(options: dict[str, Any]) -> None:
    with DigestServer(**options) as server:
        assert curl(server, server.password, server.url + "/a?b=c") == "hello"
    assert server.verdicts == ["challenge", "ok"]


def test_a_wrong_password() -> None:
    with DigestServer() as server:
        assert curl(server, "wrong", server.url + "/") == "wrong"
    assert server.verdicts == ["challenge", "wrong"]


def test_what_is_no_response() -> None:
    for header in ["Basic abc", "Digest a", 'Digest a="', "Digest a=1, a=2"]:
        with pytest.raises(BadResponseError):
            Digest.read(header)


def test_the_hash_of_rfc_2617() -> None:
    key = hashed("MD5", "Mufasa", "testrealm@host.com", "Circle Of Life")
    about = hashed("MD5", "GET", "/dir/index.html")
    nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    response = hashed("MD5", key, nonce, "00000001", "0a4f113b", "auth", about)
    assert response == "6629fae49393a05397450978507c4ef1"


@pytest.mark.parametrize(
    ("part", "other"),
    [("realm", '"x"'), ("uri", '"/y"'), ("qop", '"auth"'), ("nc", "1"), ("opaque", '"x"'), ("cnonce", None)],
)
def test_each_part_is_looked_at(part: str, other: str | None) -> None:
    server = DigestServer()
    parts = {
        "username": '"user"',
        "realm": r'"the \"realm\", \\ 1"',
        "uri": '"/x"',
        "nonce": '"n"',
        "nc": "00000001",
        "cnonce": '"c"',
        "qop": "auth",
        "response": '"r"',
        "opaque": f'"{server.opaque}"',
    }

    def header() -> str:
        return "Digest " + ", ".join(f"{name}={value}" for name, value in parts.items() if value)

    with server:
        assert server.judge(header(), "GET", "/x", b"") == ("stale", None)
        parts[part] = other
        with pytest.raises(BadResponseError, match=part):
            server.judge(header(), "GET", "/x", b"")


def test_counts_must_rise_and_nonces_end() -> None:
    server = DigestServer(uses=3)
    nonce = server._new_nonce("MD5")

    def verdict(count: int) -> str:
        parts = {"nonce": nonce, "nc": f"{count:08x}", "cnonce": "c", "qop": "auth", "uri": "/x"}
        response, _ = (
            server._expected(server._nonces[nonce], parts, "GET", b"") if server._nonces else ("r", "")
        )
        header = (
            'Digest username="user", realm="the \\"realm\\", \\\\ 1", uri="/x", algorithm=MD5, qop=auth, '
            f'nonce="{nonce}", nc={count:08x}, cnonce="c", response="{response}", opaque="{server.opaque}"'
        )
        return server.judge(header, "GET", "/x", b"")[0]

    with server:
        assert [verdict(count) for count in (1, 1, 2, 1, 3, 4)] == [
            "ok",
            "replayed",
            "ok",
            "replayed",
            "ok",
            "stale",
        ]
