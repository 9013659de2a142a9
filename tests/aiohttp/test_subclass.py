"""What programs derive from, override and put in its place."""

import warnings
from typing import Any
from unittest import mock

import pytest

from tests.servers.answering import Answering, answer

pytestmark = [
    pytest.mark.asyncio(loop_factories=["asyncio"]),
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),
]


async def test_a_session_of_ones_own(aiohttp: Any, server: Answering) -> None:
    class Mine(aiohttp.ClientSession):  # type: ignore[misc, name-defined]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.asked: list[tuple[str, str]] = []

        async def _request(self, method: str, url: Any, **kwargs: Any) -> Any:
            self.asked.append((method, str(url)))
            headers = {"X-Mine": "1"} | dict(kwargs.pop("headers", None) or {})
            return await super()._request(method, url, headers=headers, **kwargs)

    async with Mine(headers={"A": "1"}) as session:
        async with session.get(f"{server.url}/get", headers={"B": "2"}) as response:
            assert response.status == 200
        response = await session.post(f"{server.url}/post", data=b"x")
        await response.read()
        async with session.request("PUT", f"{server.url}/put"):
            pass
        assert session.asked == [
            ("GET", f"{server.url}/get"),
            ("POST", f"{server.url}/post"),
            ("PUT", f"{server.url}/put"),
        ]
    assert [seen.one("x-mine") for seen in server.seen] == ["1", "1", "1"]
    assert server.seen[0].one("b") == "2"
    assert server.seen[1].body == b"x"


async def test_a_method_of_ones_own(aiohttp: Any, server: Answering) -> None:
    class Mine(aiohttp.ClientSession):  # type: ignore[misc, name-defined]
        def get(self, url: Any, **kwargs: Any) -> Any:
            return super().get(f"{url}/more", **kwargs)

    async with Mine() as session, session.get(server.url) as response:
        assert response.url.path == "/more"


async def test_request_is_replaced(aiohttp: Any, session: Any, server: Answering) -> None:
    class Fake:
        status = 299

        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *exception: Any) -> None:
            pass

    async def fake(self: Any, method: str, url: Any, **kwargs: Any) -> Any:
        assert (method, kwargs["params"]) == ("GET", {"a": "1"})
        return Fake()

    with mock.patch(f"{aiohttp.__name__}.client.ClientSession._request", fake):
        async with session.get(server.url, params={"a": "1"}) as response:
            assert response.status == 299
        assert (await session.get(server.url, params={"a": "1"})).status == 299
    assert server.seen == []
    async with session.get(server.url) as response:
        assert response.status == 200


async def test_request_is_called(session: Any, server: Answering) -> None:
    response = await session._request("GET", server.url)
    assert (await response.json())["method"] == "GET"


async def test_a_response_of_ones_own(aiohttp: Any, server: Answering) -> None:
    class Mine(aiohttp.ClientResponse):  # type: ignore[misc, name-defined]
        async def json(self, **kwargs: Any) -> Any:
            return ["mine", await super().json(**kwargs)]

        @property
        def is_mine(self) -> bool:
            return True

    server.on("/", answer(headers=[("Content-Type", "application/json")], body=b"1"))
    async with aiohttp.ClientSession(response_class=Mine) as session, session.get(server.url) as response:
        assert isinstance(response, Mine)
        assert response.is_mine
        assert await response.json() == ["mine", 1]


async def test_attributes_of_ones_own(aiohttp: Any, server: Answering) -> None:
    async with aiohttp.ClientSession() as session:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            session.mine = 1
        assert session.mine == 1
        async with session.get(server.url) as response:
            response.mine = 2
            assert response.mine == 2


async def test_a_connector_of_ones_own(aiohttp: Any, server: Answering) -> None:
    class Mine(aiohttp.TCPConnector):  # type: ignore[misc, name-defined]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(limit=3, **kwargs)

    async with aiohttp.ClientSession(connector=Mine(ssl=False)) as session:
        assert session.connector.limit == 3
        async with session.get(server.url) as response:
            assert response.status == 200


async def test_what_is_told_to_request(aiohttp: Any) -> None:
    async with aiohttp.ClientSession() as session:
        session._request = mock.AsyncMock()
        for method in ("get", "options", "head", "post", "put", "patch", "delete"):
            await getattr(session, method)("http://a")
        await session.get("http://a", allow_redirects=False)
        await session.post("http://a", data=b"x")
        assert [(call.args[0], call.kwargs) for call in session._request.call_args_list] == [
            ("GET", {"allow_redirects": True}),
            ("OPTIONS", {"allow_redirects": True}),
            ("HEAD", {"allow_redirects": False}),
            ("POST", {"data": None}),
            ("PUT", {"data": None}),
            ("PATCH", {"data": None}),
            ("DELETE", {}),
            ("GET", {"allow_redirects": False}),
            ("POST", {"data": b"x"}),
        ]
