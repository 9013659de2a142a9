"""Authentication as servers see it: what is sent when, and to whom."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide import BasicAuth, BearerAuth, DigestAuth, NetRCAuth
from aioxide.testing import LocalSite
from tests.servers.digest import DigestServer


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def seen(response: aioxide.Response) -> list[str]:
    """The values of Authorization that the site got."""
    return [value for name, value in response.json()["headers"] if name == "authorization"]


def digest(server: DigestServer, password: str | None = None) -> DigestAuth:
    return DigestAuth(server.user, server.password if password is None else password)


# ---- what goes unasked ----


@pytest.mark.parametrize(
    ("auth", "value"),
    [
        (BasicAuth("user", "pass"), basic("user", "pass")),
        (BasicAuth("ü", "p:ä"), basic("ü", "p:ä")),
        (BasicAuth(b"user", b""), basic("user", "")),
        (("user", "pass"), basic("user", "pass")),
        (BearerAuth("abc.def"), "Bearer abc.def"),
    ],
)
async def test_of_a_client_and_of_a_request(site: LocalSite, auth: Any, value: str) -> None:
    url = f"{site.url}/echo"
    async with aioxide.Client(auth=auth) as client:
        assert seen(await client.get(url)) == [value]
        assert seen(await client.get(url, auth=None)) == []
        assert seen(await client.get(url, auth=("a", "b"))) == [basic("a", "b")]
        assert seen(await client.post(url, json={})) == [value]
    async with aioxide.Client() as client:
        assert seen(await client.get(url, auth=auth)) == [value]
        assert seen(await client.get(url)) == []
    assert seen(await aioxide.fetch(url, auth=auth)) == [value]


@pytest.mark.parametrize(
    "auth", ["user:pass", b"user:pass", 1, ["user", "pass"], ("user",), ("a", "b", "c"), object(), BasicAuth]
)
async def test_what_is_no_authentication(client: aioxide.Client, auth: Any) -> None:
    with pytest.raises(TypeError, match="auth must be "):
        aioxide.Client(auth=auth)
    with pytest.raises(TypeError, match="auth must be "):
        client.get("http://host/", auth=auth)


async def test_a_tuple_is_checked(client: aioxide.Client) -> None:
    with pytest.raises(TypeError, match="the password must be str or bytes"):
        client.get("http://host/", auth=("user", None))
    with pytest.raises(ValueError, match="colon"):
        client.get("http://host/", auth=("us:er", "pass"))


async def test_a_refused_password_is_not_sent_again(fresh_site: LocalSite) -> None:
    with DigestServer() as server:
        response = await aioxide.fetch(server.url, auth=("user", "pass"))
        assert response.status_code == 400
    assert server.verdicts == ["scheme Basic"]


async def test_nothing_shows_secrets() -> None:
    for auth in (BasicAuth("user", "horse"), BearerAuth("horse")):
        with pytest.raises(aioxide.ConnectError) as caught:
            await aioxide.fetch("http://127.0.0.1:1/", auth=auth)
        assert caught.value.request is not None
        assert "authorization" not in caught.value.request.headers


# ---- redirects ----


@pytest.mark.parametrize("auth", [("user", "pass"), BearerAuth("abc")])
async def test_another_origin_sees_nothing(site: LocalSite, fresh_site: LocalSite, auth: Any) -> None:
    async with aioxide.Client(auth=auth) as client:
        away = {"url": f"{fresh_site.url}/echo"}
        assert seen(await client.get(f"{site.url}/redirect/to", params=away)) == []
        home = {"url": f"{site.url}/echo"}
        assert len(seen(await client.get(f"{site.url}/redirect/to", params=home))) == 1


async def test_another_origin_cannot_ask(site: LocalSite) -> None:
    """A hash of the password is worth a try to whoever gets it."""
    with DigestServer() as server:
        away = {"url": f"{server.url}/"}
        response = await aioxide.fetch(f"{site.url}/redirect/to", params=away, auth=digest(server))
        assert response.status_code == 401
    assert server.verdicts == ["challenge"]


# ---- netrc ----


async def test_netrc_goes_by_host(site: LocalSite, fresh_site: LocalSite, tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login user password pass")
    async with aioxide.Client(auth=NetRCAuth(path)) as client:
        assert seen(await client.get(f"{site.url}/echo")) == [basic("user", "pass")]
        # Also where a redirect leads: it is this host's password.
        away = {"url": f"{fresh_site.url}/echo"}
        response = await client.get(f"{site.url}/redirect/to", params=away)
        assert seen(response) == [basic("user", "pass")]
    path.write_text("machine other login user password pass")
    assert seen(await aioxide.fetch(f"{site.url}/echo", auth=NetRCAuth(path))) == []
    path.write_text("machine other login user password pass\ndefault login any password one")
    assert seen(await aioxide.fetch(f"{site.url}/echo", auth=NetRCAuth(path))) == [basic("any", "one")]
    path.write_text("machine 127.0.0.1\ndefault login any password one")
    assert seen(await aioxide.fetch(f"{site.url}/echo", auth=NetRCAuth(path))) == []


# ---- digest ----

ALGORITHMS = [None, "MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("qop", ["auth", "auth-int, auth", "auth-int"])
@pytest.mark.parametrize("next_nonce", [False, True])
async def test_digest(algorithm: str | None, qop: str, next_nonce: bool) -> None:
    """Asked once; after that the response goes along, the target and the body are vouched for."""
    with DigestServer(algorithms=[algorithm], qop=qop, next_nonce=next_nonce) as server:
        async with aioxide.Client(base_url=server.url, auth=digest(server)) as client:
            first = await client.get("/a%20b/ü", params={"q": 'x&"y"'})
            assert (first.status_code, first.text) == (200, "hello")
            assert (await client.get("/other?")).text == "hello"
            assert (await client.post("/", content=b"body")).text == "hello"
            assert (await client.put("/")).text == "hello"
    assert server.verdicts == ["challenge", "ok", "ok", "ok", "ok"]
    qops = {parts["qop"] for parts in server.responses}
    assert qops == {"auth-int" if qop == "auth-int" else "auth"}


@pytest.mark.parametrize("algorithm", [None, "MD5", "SHA-256"])
async def test_digest_of_rfc_2069(algorithm: str | None) -> None:
    with DigestServer(algorithms=[algorithm], qop=None) as server:
        async with aioxide.Client(base_url=server.url, auth=digest(server)) as client:
            for _ in range(2):
                assert (await client.get("/x")).text == "hello"
    assert server.verdicts == ["challenge", "ok", "ok"]


async def test_a_wrong_password_is_tried_once() -> None:
    with DigestServer() as server:
        async with aioxide.Client(base_url=server.url, auth=digest(server, "wrong")) as client:
            for _ in range(2):
                response = await client.get("/")
                assert (response.status_code, response.text) == (401, "wrong")
    assert server.verdicts == ["challenge", "wrong"] * 2


async def test_a_stale_nonce_is_replaced() -> None:
    with DigestServer(uses=2) as server:
        async with aioxide.Client(base_url=server.url, auth=digest(server)) as client:
            for _ in range(4):
                assert (await client.get("/")).text == "hello"
    assert server.verdicts == ["challenge", "ok", "ok", "stale", "ok", "ok"]


async def test_a_server_that_was_restarted() -> None:
    """It does not say stale, since it has forgotten everything."""
    with DigestServer(silent=True) as server:
        async with aioxide.Client(base_url=server.url, auth=digest(server)) as client:
            assert (await client.get("/")).text == "hello"
            server.forget_nonces()
            assert (await client.get("/")).text == "hello"
    assert server.verdicts == ["challenge", "ok", "challenge", "ok"]


async def test_the_strongest_is_taken() -> None:
    for one_header in (False, True):
        options: dict[str, Any] = {"also": ['Basic realm="x, y"', "Negotiate abc=="]}
        algorithms = ["MD5", "SHA-256", "SHA-256-sess", "MD5-sess"]
        with DigestServer(algorithms=algorithms, one_header=one_header, **options) as server:
            assert (await aioxide.fetch(server.url, auth=digest(server))).text == "hello"
        assert [parts["algorithm"] for parts in server.responses] == ["SHA-256"]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"extra": ", charset=UTF-8"}, "username*"),
        ({}, "username"),
        ({"userhash": True, "extra": ", charset=UTF-8"}, "username"),
    ],
)
async def test_names_beyond_ascii(options: dict[str, Any], name: str) -> None:
    with DigestServer(user='Jäsøn "Doe"', algorithms=["SHA-256"], **options) as server:
        assert (await aioxide.fetch(server.url, auth=digest(server))).text == "hello"
    assert [name in parts for parts in server.responses] == [True]


async def test_many_at_once() -> None:
    """No count of a nonce goes out twice, and none that comes late is refused for good."""
    with DigestServer() as server:
        async with aioxide.Client(base_url=server.url, auth=digest(server)) as client:
            assert (await client.get("/")).text == "hello"
            responses = await asyncio.gather(*[client.get(f"/{number}") for number in range(20)])
        assert {response.text for response in responses} == {"hello"}
    counts = [(parts["nonce"], parts["nc"]) for parts in server.responses]
    assert len(set(counts)) == len(counts)


async def test_clients_share_what_is_known() -> None:
    with DigestServer() as server:
        auth = digest(server)
        for _ in range(3):
            async with aioxide.Client(auth=auth) as client:
                assert (await client.get(server.url)).text == "hello"
    assert server.verdicts == ["challenge", "ok", "ok", "ok"]


async def test_no_password_for_a_server_that_would_rather_see_it() -> None:
    with DigestServer(algorithms=["SHA-9"], also=['Basic realm="x"']) as server:
        assert (await aioxide.fetch(server.url, auth=digest(server))).status_code == 401
    assert server.verdicts == ["challenge"]
