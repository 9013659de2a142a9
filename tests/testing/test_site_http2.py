import asyncio

import pytest

from aioxide import Client, RemoteProtocolError
from aioxide.testing import LocalSite, pattern


@pytest.mark.parametrize("tls", [True, False])
async def test_requests_share_one_connection(tls: bool) -> None:
    with LocalSite(tls=tls) as site:
        # Without TLS there is nothing to settle the version by: the client has to know.
        async with Client(http1=tls, verify=site.certificate or True) as client:
            for length in (10, 1_000_000):
                response = await client.get(f"{site.url}/bytes/{length}")
                assert (response.http_version, response.content) == ("HTTP/2", pattern(length))
            await client.get(f"{site.url}/echo?a=1")
        seen = site.requests()[-1]
        assert (seen.version, seen.target) == ("HTTP/2.0", "/echo?a=1")
        assert seen.authority == f"{'localhost' if tls else site.host}:{site.port}"
        assert site.statistics()["connections_opened"] == 1


@pytest.mark.parametrize("path", ["/delay/600000", "/hang", "/hang/body"])
async def test_streams_that_are_reset_abort(path: str) -> None:
    with LocalSite() as site:
        async with Client(http1=False) as client:
            await client.get(f"{site.url}/bytes/1")
            pending = [asyncio.ensure_future(client.get(site.url + path)) for _ in range(150)]
            await site.wait_begun(151)
            for task in pending:
                task.cancel()
            await asyncio.wait(pending)
            await asyncio.wait_for(site.wait_aborted(150), 10)
            # The connection has outlived them.
            assert (await client.get(f"{site.url}/bytes/1")).content == b"0"
        assert site.statistics()["connections_opened"] == 1


async def test_http2_can_be_left_out() -> None:
    with LocalSite(tls=True, http2=False) as site:
        async with Client(verify=site.certificate or True) as client:
            assert (await client.get(f"{site.url}/json")).http_version == "HTTP/1.1"


async def test_truncated_resets_the_stream_alone() -> None:
    with LocalSite() as site:
        async with Client(http1=False) as client:
            with pytest.raises(RemoteProtocolError):
                await client.get(f"{site.url}/truncated/1000")
            assert (await client.get(f"{site.url}/bytes/1")).content == b"0"
        assert site.statistics()["connections_opened"] == 1
