"""Files as bodies: read from where they stand, in the background, and left as they were."""

# ruff: noqa: ASYNC230, ASYNC240 -- the files are small and local

import asyncio
import contextlib
import io
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.servers.raw import Connection, RawServer

MIB = 1024 * 1024


@pytest.fixture(params=[True, False], ids=["HTTP/1.1", "HTTP/2"])
async def any_client(request: pytest.FixtureRequest) -> AsyncIterator[aioxide.Client]:
    async with aioxide.Client(http1=request.param) as client:
        yield client


async def echoed(site: LocalSite, client: aioxide.Client, content: Any) -> bytes:
    return (await client.put(f"{site.url}/echo/body", content=content)).content


def headers_seen(site: LocalSite) -> dict[str, str]:
    return dict(site.requests()[-1].headers)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(os.urandom(700_000))
    return path


@pytest.mark.parametrize("position", [0, 1, 300_000, 700_000, 800_000])
@pytest.mark.parametrize("buffering", [-1, 0], ids=["buffered", "raw"])
async def test_a_file_is_sent_from_its_position(
    site: LocalSite, any_client: aioxide.Client, path: Path, position: int, buffering: int
) -> None:
    with open(path, "rb", buffering=buffering) as file:
        file.seek(position)
        assert await echoed(site, any_client, file) == path.read_bytes()[position:]
        assert file.tell() == position
    headers = headers_seen(site)
    assert headers["content-length"] == str(max(700_000 - position, 0))
    assert "transfer-encoding" not in headers


async def test_a_file_may_be_closed_after_the_call(
    site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    with open(path, "rb") as file:
        request = client.put(f"{site.url}/echo/body", content=file)
    path_before = path.read_bytes()
    path.unlink()
    assert (await request).content == path_before


async def test_what_was_written_is_sent_too(site: LocalSite, client: aioxide.Client) -> None:
    with tempfile.TemporaryFile() as file, tempfile.NamedTemporaryFile() as named:
        for one in (file, named):
            one.write(b"written")
            one.seek(3)
            assert await echoed(site, client, one) == b"tten"
            assert headers_seen(site)["content-length"] == "4"


async def test_a_file_is_sent_again_after_a_redirect(
    site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    url = f"{site.url}/redirect/to?url=/echo/body&status=307"
    with open(path, "rb") as file:
        assert (await client.post(url, content=file)).content == path.read_bytes()


async def test_a_long_file_is_read_as_it_is_sent(
    client: aioxide.Client, tmp_path: Path, until: Callable[..., Any]
) -> None:
    """Of 64 MiB no more is read than a server lets go by that does not read; the rest is cut off."""
    path = tmp_path / "long"
    with open(path, "wb") as file:
        file.truncate(64 * MIB)
    cut = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        cut.wait()
        connection.hang()

    with RawServer(script) as server, open(path, "rb") as file:
        request = asyncio.ensure_future(client.post(server.url, content=file))
        await until(lambda: server.received and server.received[0])
        for _ in range(1000):
            await aioxide._core.noop()
        os.truncate(path, MIB)
        cut.set()
        with pytest.raises(aioxide.WriteError, match="shorter"):
            await request
        assert len(server.received[0]) < 40 * MIB


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="there is no /proc")
async def test_descriptors_are_given_back(
    site: LocalSite, client: aioxide.Client, path: Path, until: Callable[..., Any]
) -> None:
    def is_open() -> int:
        links = []
        for number in os.listdir("/proc/self/fd"):
            with contextlib.suppress(FileNotFoundError):
                links.append(os.readlink(f"/proc/self/fd/{number}"))
        return links.count(str(path))

    with open(path, "rb") as file:
        assert is_open() == 1
        responses = [await client.put(f"{site.url}/echo/body", content=file) for _ in range(10)]
        with pytest.warns(RuntimeWarning, match="never awaited"):
            client.put(f"{site.url}/echo/body", content=file)
        with pytest.raises(aioxide.ConnectError):
            await client.put("http://127.0.0.1:9/", content=file)
    await until(lambda: is_open() == 0)
    assert all(response.ok for response in responses)


@pytest.mark.parametrize("make", [io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data))])
async def test_files_in_memory_and_around_others(
    site: LocalSite, client: aioxide.Client, make: Callable[[bytes], Any]
) -> None:
    file = make(b"0123456789")
    file.seek(4)
    assert await echoed(site, client, file) == b"456789"


async def test_a_file_like_is_read_in_a_thread(site: LocalSite, client: aioxide.Client) -> None:
    threads = set()

    class Slow:
        left = 3

        def read(self, size: int) -> bytes:
            threads.add(threading.get_ident())
            self.left -= 1
            return b"x" * size if self.left >= 0 else b""

    assert await echoed(site, client, Slow()) == b"x" * (3 * 65536)
    assert threading.get_ident() not in threads


async def test_a_derived_file_reads_in_its_own_way(
    site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    class Counted(io.FileIO):
        count = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size) or b""
            self.count += len(data)
            return data

    with Counted(path) as file:
        assert await echoed(site, client, file) == path.read_bytes()
        assert file.count == 700_000


async def test_an_asynchronous_file(site: LocalSite, client: aioxide.Client) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"first")
    request = asyncio.ensure_future(echoed(site, client, reader))
    await asyncio.sleep(0)
    reader.feed_data(b" second")
    reader.feed_eof()
    assert await request == b"first second"


async def test_a_pipe(site: LocalSite, client: aioxide.Client) -> None:
    reads, writes = os.pipe()
    with open(reads, "rb") as file:
        request = asyncio.ensure_future(echoed(site, client, file))
        with open(writes, "wb") as end:
            end.write(b"through a pipe")
        assert await request == b"through a pipe"


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="there is no /proc")
async def test_a_file_that_does_not_know_its_length(site: LocalSite, client: aioxide.Client) -> None:
    with open("/proc/self/status", "rb") as file:
        assert b"VmRSS" in await echoed(site, client, file)


def test_files_that_cannot_be_sent(path: Path, tmp_path: Path) -> None:
    with open(path, encoding="utf-8") as text, pytest.raises(TypeError, match="open it in binary mode"):
        aioxide.fetch("http://host/", content=text)
    with pytest.raises(TypeError, match="open it in binary mode"):
        aioxide.fetch("http://host/", content=io.StringIO("text"))
    with open(tmp_path / "new", "wb") as written, pytest.raises(ValueError, match="not open for reading"):
        aioxide.fetch("http://host/", content=written)
    file = open(path, "rb")  # noqa: SIM115
    file.close()
    with pytest.raises(ValueError, match="closed file"):
        aioxide.fetch("http://host/", content=file)


@pytest.mark.parametrize("given", ["text", None, 3])
async def test_a_file_that_gives_no_bytes(site: LocalSite, client: aioxide.Client, given: Any) -> None:
    class Odd:
        def read(self, size: int) -> Any:
            return given

    with pytest.raises(TypeError, match=r"binary mode|must give bytes"):
        await echoed(site, client, Odd())
