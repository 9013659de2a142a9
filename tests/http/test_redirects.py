"""Where redirects lead, and what goes along."""

import pickle
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.trust import authority
from tests.servers.raw import RawServer, reply


def to(url: str, status: int = 302) -> dict[str, Any]:
    return {"url": "/redirect/to", "params": {"url": url, "status": status}}


@pytest.fixture
async def here(site: LocalSite) -> Any:
    async with aioxide.Client(base_url=site.url) as client:
        yield client


async def test_redirects_are_followed(here: aioxide.Client, site: LocalSite) -> None:
    response = await here.get("/redirect/3")
    assert response.url == f"{site.url}/redirect/0"
    assert response.request is not None
    assert response.request.url == response.url
    assert response.text == "landed\n"


async def test_not_following_is_a_choice(here: aioxide.Client, site: LocalSite) -> None:
    response = await here.get("/redirect/3", follow_redirects=False)
    assert (response.status_code, response.is_redirect) == (302, True)
    assert response.headers["location"].endswith("/redirect/2")
    async with aioxide.Client(base_url=site.url, follow_redirects=False) as client:
        assert (await client.get("/redirect/1")).status_code == 302
        assert (await client.get("/redirect/1", follow_redirects=True)).status_code == 200


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "GET", "GET"),
        (301, "POST", "GET"),
        (301, "PUT", "PUT"),
        (302, "POST", "GET"),
        (302, "DELETE", "DELETE"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "DELETE", "GET"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (308, "PATCH", "PATCH"),
    ],
)
async def test_what_becomes_of_method_and_body(
    here: aioxide.Client, status: int, method: str, becomes: str
) -> None:
    """RFC 9110, sections 15.4.2 to 15.4.9."""
    response = await here.request(method, **to("/echo", status), json={"a": 1})
    answer = response.json()
    headers = dict(answer["headers"])
    assert answer["method"] == becomes
    assert response.request is not None
    assert response.request.method == becomes
    if becomes == "GET" != method:
        assert answer["body"] == ""
        assert "content-type" not in headers
        assert "content-length" not in headers
    else:
        assert answer["body"] == '{"a":1}'
        assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_head_stays_head(here: aioxide.Client, site: LocalSite, status: int) -> None:
    await here.head(**to("/echo", status))
    assert site.requests()[-1].method == "HEAD"


@pytest.mark.parametrize("status", [300, 304, 305])
async def test_other_statuses_are_answers(here: aioxide.Client, status: int) -> None:
    response = await here.get(f"/status/{status}", params={"location": "/echo"})
    assert response.status_code == status


async def test_a_redirect_without_a_target_is_an_answer(here: aioxide.Client) -> None:
    assert (await here.get("/status/302")).status_code == 302


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/echo?x=1", "/echo?x=1"),
        ("to/../../echo", "/echo"),
        ("?url=/echo&status=302", "/echo"),
        ("//127.0.0.1:{port}/echo", "/echo"),
        ("http://127.0.0.1:{port}/echo", "/echo"),
        ("/echo?q=ä b", "/echo?q=%C3%A4%20b"),
    ],
)
async def test_targets_are_resolved(here: aioxide.Client, site: LocalSite, location: str, path: str) -> None:
    response = await here.get(**to(location.format(port=site.port)))
    assert response.url == site.url + path


async def test_the_fragment_goes_along(here: aioxide.Client, site: LocalSite) -> None:
    """RFC 9110, section 10.2.2."""
    assert (await here.get("/redirect/1#part")).url == f"{site.url}/redirect/0#part"
    response = await here.get("/redirect/to?url=/echo%23own#part")
    assert response.url == f"{site.url}/echo#own"


@pytest.mark.parametrize("most", [0, 1, 5])
async def test_too_many(site: LocalSite, most: int) -> None:
    async with aioxide.Client(base_url=site.url, max_redirects=most) as client:
        assert (await client.get(f"/redirect/{most}")).ok
        with pytest.raises(aioxide.TooManyRedirects, match=f"more than {most} redirects") as caught:
            await client.get(f"/redirect/{most + 1}")
    assert caught.value.phase == "redirect"
    assert caught.value.url == f"{site.url}/redirect/1"


async def test_a_loop_ends(here: aioxide.Client) -> None:
    with pytest.raises(aioxide.TooManyRedirects, match="more than 20"):
        await here.get("/redirect/loop")


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("ftp://host/file", aioxide.UnsupportedProtocol),
        ("javascript:alert(1)", aioxide.UnsupportedProtocol),
        ("file:///etc/passwd", aioxide.UnsupportedProtocol),
        ("http://", aioxide.RemoteProtocolError),
        ("http://host:port/", aioxide.RemoteProtocolError),
        ("http://{x}/", aioxide.RemoteProtocolError),
    ],
)
async def test_a_target_that_cannot_be_requested(
    here: aioxide.Client, location: str, error: type[aioxide.RequestError]
) -> None:
    with pytest.raises(aioxide.RequestError) as caught:
        await here.get(**to(location))
    assert type(caught.value) is error
    assert caught.value.phase == "redirect"
    assert caught.value.url is not None
    assert "/redirect/to" in caught.value.url


async def test_secrets_stay_with_their_origin(here: aioxide.Client, site: LocalSite) -> None:
    secrets = {"Authorization": "Bearer x", "Cookie": "id=1", "X-Other": "1"}
    same = dict((await here.get(**to("/echo"), headers=secrets)).json()["headers"])
    assert same["authorization"] == "Bearer x"
    assert same["cookie"] == "id=1"
    with LocalSite() as other:
        for url in [f"{other.url}/echo", f"http://localhost:{site.port}/echo"]:
            response = await here.get(**to(url), headers=secrets | {"Host": f"127.0.0.1:{site.port}"})
            headers = dict(response.json()["headers"])
            assert "authorization" not in headers
            assert "cookie" not in headers
            assert headers["x-other"] == "1"
            assert headers["host"] == url.split("/")[2]


async def test_a_clients_own_authorization_stays_with_its_origin(site: LocalSite) -> None:
    with LocalSite() as other:
        async with aioxide.Client(headers={"authorization": "Bearer x"}, base_url=site.url) as client:
            headers = dict((await client.get(**to(f"{other.url}/echo"))).json()["headers"])
            assert "authorization" not in headers
            assert dict((await client.get("/echo")).json()["headers"])["authorization"] == "Bearer x"


async def test_credentials_of_a_target(here: aioxide.Client, site: LocalSite) -> None:
    response = await here.get(**to(f"http://user:password@127.0.0.1:{site.port}/echo"))
    assert dict(response.json()["headers"])["authorization"] == "Basic dXNlcjpwYXNzd29yZA=="
    assert response.url == f"{site.url}/echo"


async def test_a_redirect_with_a_big_body_costs_a_connection_and_no_time() -> None:
    head = b"HTTP/1.1 302 Found\r\nlocation: /next\r\ncontent-length: 1000000000\r\n\r\n"
    with RawServer(reply(head), reply(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as server:
        assert (await aioxide.fetch(server.url)).text == "ok"


async def test_the_history(here: aioxide.Client, site: LocalSite) -> None:
    response = await here.get("/redirect/3")
    history = response.history
    assert [each.url for each in history] == [f"{site.url}/redirect/{n}" for n in (3, 2, 1)]
    assert [each.status_code for each in history] == [302] * 3
    assert [each.headers["location"] for each in history] == [f"/redirect/{n}" for n in (2, 1, 0)]
    assert all(one is other for one, other in zip(history, response.history, strict=True))
    assert history[0].history == []
    # The list is the caller's.
    history.clear()
    assert len(response.history) == 3
    twin = pickle.loads(pickle.dumps(response))
    assert [(each.url, each.status_code) for each in twin.history] == [
        (each.url, each.status_code) for each in response.history
    ]
    assert twin.history[0] is twin.history[0]
    assert aioxide.Response(200).history == []
    assert aioxide.Response(200, history=[response]).history == [response]


async def test_the_next_request(here: aioxide.Client, site: LocalSite) -> None:
    response = await here.post(**to("/echo?a=1#f", 303), json=1, follow_redirects=False, headers={"x-a": "1"})
    following = response.next_request
    assert following is not None
    assert (following.method, following.url) == ("GET", f"{site.url}/echo?a=1#f")
    assert following.headers["x-a"] == "1"
    assert "content-type" not in following.headers
    kept = await here.post(**to("/echo", 307), json=1, follow_redirects=False)
    assert kept.next_request is not None
    assert (kept.next_request.method, kept.next_request.headers["content-type"]) == (
        "POST",
        "application/json",
    )
    secret = {"authorization": "x", "cookie": "a=1"}
    away = await here.get(**to("http://elsewhere/"), headers=secret, follow_redirects=False)
    assert away.next_request is not None
    assert not {"authorization", "cookie"} & set(away.next_request.headers)
    followed = await here.get("/redirect/1")
    assert followed.next_request is None
    assert followed.history[0].next_request is not None
    assert followed.history[0].next_request.url == followed.url


@pytest.mark.parametrize("location", ["ftp://host/", "http://", "http://host:port/"])
async def test_no_next_request(here: aioxide.Client, location: str) -> None:
    assert (await here.get(**to(location), follow_redirects=False)).next_request is None
    assert (await here.get("/status/302")).next_request is None
    assert (await here.get("/status/200?location=/")).next_request is None
    assert aioxide.Response(302, headers={"location": "/"}, url="http://host/").next_request is None


async def test_a_stream_has_no_next_request_with_its_body(here: aioxide.Client) -> None:
    stream = {"content": iter([b"x"]), "follow_redirects": False}
    assert (await here.post(**to("/echo", 307), **stream)).next_request is None


async def test_from_https_to_http(tls_site: LocalSite, site: LocalSite) -> None:
    down = {"url": f"{tls_site.url}/redirect/to", "params": {"url": f"{site.url}/echo"}}
    async with aioxide.Client(verify=authority(tls_site), auth=("user", "pass")) as client:
        with pytest.raises(aioxide.RemoteProtocolError, match="allow_downgrade=True allows it") as caught:
            await client.get(**down)
        assert caught.value.phase == "redirect"
        response = await client.get(**down, follow_redirects=False)
        assert response.next_request is not None
        assert response.next_request.url == f"{site.url}/echo"
    async with aioxide.Client(
        verify=authority(tls_site), auth=("user", "pass"), allow_downgrade=True
    ) as client:
        response = await client.get(**down)
        assert response.url == f"{site.url}/echo"
        assert "authorization" not in dict(response.json()["headers"])


async def test_an_empty_location_leads_nowhere() -> None:
    head = b"HTTP/1.1 302 Found\r\nLocation: \r\nContent-Length: 8\r\n\r\nno place"
    with RawServer(reply(head)) as server:
        async with aioxide.Client(follow_redirects=True) as client:
            response = await client.get(server.url)
    assert (response.status_code, response.text) == (302, "no place")
    assert not response.has_redirect_location
    assert response.history == []
