"""fsspec's HTTP file system on our session, which it is given by `get_client`."""

import asyncio
import gc
from collections.abc import Iterator

import fsspec
import pytest
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.http import HTTPFileSystem

from aioxide.testing import LocalSite, pattern


@pytest.fixture
def get_client(aiohttp):
    async def get_client(*, loop=None, **kwargs):
        return aiohttp.ClientSession(loop=loop, **kwargs)

    return get_client


@pytest.fixture
def site() -> Iterator[LocalSite]:
    with LocalSite() as site:
        yield site


@pytest.fixture
def files(get_client) -> Iterator[AsyncFileSystem]:
    """For plain code: its requests are done on a loop in a thread of fsspec's."""
    files = HTTPFileSystem(get_client=get_client, skip_instance_cache=True)
    yield files
    if files._session is not None:
        fsspec.asyn.sync(files.loop, files._session.close)


def test_read_in_one_go_and_by_ranges(site, files):
    url = f"{site.url}/file/100000"
    assert files.cat(url) == pattern(100_000)
    assert files.cat_file(url, start=10, end=20) == pattern(100_000)[10:20]
    assert files.cat_ranges([url, url], [0, 50], [5, 60]) == [pattern(100)[:5], pattern(100)[50:60]]
    assert files.cat([url, f"{site.url}/bytes/5"]) == {
        url: pattern(100_000),
        f"{site.url}/bytes/5": pattern(5),
    }


def test_a_file_that_is_read_and_sought_in(site, files):
    with files.open(f"{site.url}/file/100000", block_size=1000) as file:
        assert file.size == 100_000
        assert file.read(10) == pattern(10)
        file.seek(90_000)
        assert file.read(64) == pattern(100_000)[90_000:90_064]
        assert file.seek(0, 2) == 100_000


def test_a_stream(site, files):
    with files.open(f"{site.url}/chunked/5/1000", block_size=0) as stream:
        assert stream.read(10) == pattern(10)
        assert stream.read() == (pattern(1000) * 5)[10:]


def test_what_there_is_to_know(site, files):
    info = files.info(f"{site.url}/file/1000")
    assert (info["size"], info["type"]) == (1000, "file")
    assert files.size(f"{site.url}/bytes/77") == 77
    assert files.exists(f"{site.url}/bytes/1")
    assert not files.exists(f"{site.url}/status/404")
    assert files.isfile(f"{site.url}/bytes/1")
    with pytest.raises(FileNotFoundError):
        files.cat(f"{site.url}/status/404")
    with pytest.raises(FileNotFoundError):
        files.info(f"{site.url}/status/404")


def test_links_are_a_listing(site, files):
    names = files.ls(f"{site.url}/site/", detail=False)
    assert f"{site.url}/site/page/0" in names or len(names) > 1
    assert files.glob(f"{site.url}/site/page/*") or files.ls(f"{site.url}/site/")


def test_up_and_down(site, files, tmp_path):
    (tmp_path / "up").write_bytes(pattern(300_000))
    files.put_file(str(tmp_path / "up"), f"{site.url}/upload", method="put")
    files.get_file(f"{site.url}/bytes/300000", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == pattern(300_000)
    uploaded = [seen for seen in site.requests() if seen.target == "/upload"]
    assert [(seen.method, seen.body_length) for seen in uploaded] == [("PUT", 300_000)]


def test_client_settings_and_options_of_requests(site, get_client):
    files = HTTPFileSystem(
        get_client=get_client,
        skip_instance_cache=True,
        client_kwargs={"headers": {"x-client": "1"}},
        headers={"x-request": "2"},
    )
    echoed = files.cat(f"{site.url}/echo").decode()
    fsspec.asyn.sync(files.loop, files._session.close)
    assert '"x-client"' in echoed
    assert '"x-request"' in echoed


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_asynchronous(site, get_client):
    files = HTTPFileSystem(asynchronous=True, get_client=get_client, skip_instance_cache=True)
    session = await files.set_session()
    try:
        assert await files._cat_file(f"{site.url}/bytes/1000") == pattern(1000)
        assert await files._exists(f"{site.url}/bytes/1")
        assert (await files._info(f"{site.url}/file/10"))["size"] == 10
        many = await asyncio.gather(*[files._cat_file(f"{site.url}/bytes/{n}") for n in range(20)])
        assert many == [pattern(n) for n in range(20)]
        async with session.get(f"{site.url}/json") as response:
            assert (await response.json())["tags"]
        file = await files.open_async(f"{site.url}/file/1000", size=1000)
        async with file:
            assert await file.read(10) == pattern(10)
    finally:
        await session.close()


def test_a_file_system_that_goes_away_closes_its_session(site, get_client):
    files = HTTPFileSystem(get_client=get_client, skip_instance_cache=True)
    files.cat(f"{site.url}/bytes/1")
    session = files._session
    del files
    gc.collect()
    assert session.closed


def test_ours_is_closed_though_its_loop_has_ended(site):
    """Of aiohttp's the socket stays open."""
    from aioxide import aiohttp

    async def use():
        session = aiohttp.ClientSession()
        async with session.get(f"{site.url}/bytes/1") as response:
            await response.read()
        return session

    session = asyncio.run(use())
    HTTPFileSystem.close_session(None, session)
    assert session.closed


def test_by_its_protocol(site, get_client):
    with fsspec.open(
        f"{site.url}/bytes/10",
        get_client=get_client,
        skip_instance_cache=True,
    ) as file:
        assert file.read() == pattern(10)
        fsspec.asyn.sync(file.fs.loop, file.fs._session.close)
