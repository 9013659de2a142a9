"""How a WebSocket is reached: TLS, proxies, the environment; by the same rules as the client's."""

from pathlib import Path
from typing import Any

import pytest

import aioxide
from tests.servers.certificates import Authority
from tests.servers.proxies import PSEUDONYM, microsocks, tinyproxy
from tests.websocket.conftest import echo


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def speak(url: str, **options: Any) -> aioxide.WebSocket:
    async with aioxide.connect_ws(url, **options) as websocket:
        await websocket.send("over there")
        assert await websocket.receive() == "over there"
        await websocket.send(bytes(300_000))
        assert await websocket.receive() == bytes(300_000)
        return websocket


async def test_tls(authority: Authority) -> None:
    issued = authority.issue("localhost", "127.0.0.1")
    async with aioxide.serve_ws(echo, cert=(issued.certificate, issued.key)) as server:
        assert server.url.startswith("wss://")
        websocket = await speak(server.url, verify=authority.path)
        assert websocket.close_code == 1000
        with pytest.raises(aioxide.TLSError, match="certificate"):
            await aioxide.connect_ws(server.url)
        with pytest.warns(aioxide.InsecureWarning):
            insecure = aioxide.connect_ws(server.url, verify=False)
        async with insecure:
            pass
        options: Any = {"verify": authority.path, "server_hostname": "elsewhere.example"}
        with pytest.raises(aioxide.TLSError, match="certificate"):
            await aioxide.connect_ws(server.url, **options)
        # Without TLS it is not understood, and does no harm.
        with pytest.raises(aioxide.RequestError):
            await aioxide.connect_ws(server.url.replace("wss", "ws"))
        await speak(server.url, verify=authority.path)


@pytest.mark.parametrize("secure", [False, True], ids=["ws", "wss"])
async def test_an_http_proxy_is_asked_for_a_tunnel(
    authority: Authority, tmp_path: Path, secure: bool
) -> None:
    issued = authority.issue("localhost", "127.0.0.1")
    cert: Any = (issued.certificate, issued.key) if secure else None
    with tinyproxy(tmp_path, credentials=("me", "secret")) as proxy:
        async with aioxide.serve_ws(echo, cert=cert) as server:
            trust: Any = {"verify": authority.path}
            url = f"http://me:secret@127.0.0.1:{proxy.port}"
            websocket = await speak(server.url, proxy=url, **trust)
            assert websocket.remote_address == ("127.0.0.1", proxy.port)
            assert PSEUDONYM not in str(websocket.headers)
            with pytest.raises(aioxide.ProxyError, match="407") as caught:
                await aioxide.connect_ws(server.url, proxy=f"http://127.0.0.1:{proxy.port}", **trust)
            assert "secret" not in str(caught.value)


async def test_socks(tmp_path: Path) -> None:
    with microsocks(tmp_path) as proxy:
        async with aioxide.serve_ws(echo) as server:
            for scheme in ("socks5", "socks5h"):
                websocket = await speak(server.url, proxy=f"{scheme}://127.0.0.1:{proxy.port}")
                assert websocket.remote_address == ("127.0.0.1", proxy.port)


async def test_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tinyproxy(tmp_path) as proxy:
        async with aioxide.serve_ws(echo) as server:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
            through = ("127.0.0.1", proxy.port)
            assert (await speak(server.url)).remote_address == through
            for options in ({"trust_env": False}, {"proxy": False}):
                assert (await speak(server.url, **options)).remote_address != through
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            assert (await speak(server.url)).remote_address != through


async def test_a_proxy_that_is_not_there() -> None:
    with pytest.raises(aioxide.ProxyError, match=r"the proxy http://127\.0\.0\.1:1 cannot be used"):
        await aioxide.connect_ws("ws://localhost/", proxy="http://127.0.0.1:1")
