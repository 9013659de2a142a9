"""Downloads: a file that is old or new, and never half."""

# ruff: noqa: ASYNC240 -- the files are small and local

import asyncio
import os
import pathlib
import signal
import stat
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite, pattern
from tests.http.downloads import Reached, asked, beside, part_of


@pytest.fixture(params=[True, False], ids=["HTTP/1.1", "HTTP/2"])
async def any_client(request: pytest.FixtureRequest) -> AsyncIterator[aioxide.Client]:
    async with aioxide.Client(http1=request.param) as client:
        yield client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.bin"


@pytest.mark.parametrize("length", [0, 1, 5_000_001])
async def test_a_whole_file(site: LocalSite, any_client: aioxide.Client, path: Path, length: int) -> None:
    url = f"{site.url}/file/{length}"
    path.write_bytes(b"old")
    download = await any_client.download(url, path)
    assert path.read_bytes() == pattern(length)
    assert isinstance(download, aioxide.Download)
    assert (download.path, download.size, download.resumed_from) == (path, length, 0)
    assert download.elapsed >= download.response.elapsed
    response = download.response
    assert (response.status_code, response.url, response.num_bytes_downloaded) == (200, url, length)
    assert response.content == b""
    assert repr(download) == f'<Download "{path}", {length} bytes>'
    assert beside(path) == ["file.bin"]
    assert (asked(site)[-1], asked(site, "accept-encoding")[-1]) == (None, "identity")


async def test_connections_are_used_again(
    fresh_site: LocalSite, client: aioxide.Client, tmp_path: Path
) -> None:
    for number in range(5):
        await client.download(f"{fresh_site.url}/file/100", str(tmp_path / f"{number}"))
    assert fresh_site.statistics()["connections_opened"] == 1
    urls = [f"{fresh_site.url}/file/{number}00000" for number in range(5)]
    done = await aioxide.gather(
        *(client.download(url, tmp_path / f"{index}") for index, url in enumerate(urls))
    )
    assert [download.size for download in done] == [number * 100_000 for number in range(5)]
    assert sorted(os.listdir(tmp_path)) == ["0", "1", "2", "3", "4"]


async def test_a_body_of_unknown_length(site: LocalSite, client: aioxide.Client, path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    await client.download(f"{site.url}/chunked/30/1000", path, progress=lambda *news: told.append(news))
    assert path.read_bytes() == pattern(1000) * 30
    assert told[-1] == (30_000, 30_000)
    assert {total for _, total in told[:-1]} <= {None}


@pytest.mark.skipif(os.name != "posix", reason="there is no umask")
async def test_permissions_are_those_of_a_new_file(
    site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    before = os.umask(0o027)
    try:
        await client.download(f"{site.url}/file/10", path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


async def test_a_coded_body_is_decoded(fresh_site: LocalSite, client: aioxide.Client, path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    url = f"{fresh_site.url}/gzip/700000"
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        download = await client.download(url, path, headers=headers, progress=lambda *news: told.append(news))
        assert path.read_bytes() == pattern(700_000)
        assert download.size == 700_000 > download.response.num_bytes_downloaded
        # The length is that of the coded body, and says nothing.
        assert {total for done, total in told if done < 700_000} <= {None}
    assert asked(fresh_site, "accept-encoding") == ["identity", "gzip"]


async def test_one_at_a_time(fresh_site: LocalSite, client: aioxide.Client, path: Path) -> None:
    url = f"{fresh_site.url}/file/150000?stall=100001"
    reached = Reached(100_001)
    first = asyncio.ensure_future(client.download(url, path, progress=reached))
    await reached.event.wait()
    for resume in (True, False):
        with pytest.raises(BlockingIOError, match="another download to it is under way") as caught:
            await client.download(url, path, resume=resume)
        assert caught.value.filename == str(path)
    assert len(asked(fresh_site)) == 1
    # Cancelled, it has let go when the await raises.
    first.cancel()
    await asyncio.wait([first])
    assert (await client.download(url, path)).resumed_from == 100_001


async def test_many_at_once_leave_one_file(site: LocalSite, client: aioxide.Client, path: Path) -> None:
    urls = [f"{site.url}/file/{length}" for length in range(300_000, 300_020)]
    outcomes = await asyncio.gather(*(client.download(url, path) for url in urls * 3), return_exceptions=True)
    assert any(isinstance(outcome, aioxide.Download) for outcome in outcomes)
    assert {type(outcome) for outcome in outcomes} <= {aioxide.Download, BlockingIOError}
    data = path.read_bytes()
    assert data == pattern(len(data))
    assert len(data) in range(300_000, 300_020)
    assert beside(path) == ["file.bin"]


async def test_the_target_is_old_or_new_and_never_half(
    site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    old, new = pattern(400_000), pattern(900_000)
    path.write_bytes(old)
    stop, seen = threading.Event(), set()

    def look() -> None:
        while not stop.is_set():
            data = path.read_bytes()
            seen.add(len(data) if data in (old, new) else -1)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for length in [900_000, 400_000] * 8:
            await client.download(f"{site.url}/file/{length}", path)
    finally:
        stop.set()
        thread.join()
    assert seen <= {400_000, 900_000}


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda folder: folder, IsADirectoryError),
        (lambda folder: f"{folder}/new/", IsADirectoryError),
        (lambda folder: folder / "missing" / "file", FileNotFoundError),
        (lambda folder: "", FileNotFoundError),
        (lambda folder: folder / "pipe", FileExistsError),
        (lambda folder: folder / "file" / "file", NotADirectoryError),
        (lambda folder: folder / "linked", OSError),
        (lambda folder: folder / ("x" * 300), OSError),
    ],
)
async def test_paths_that_are_none(
    fresh_site: LocalSite,
    client: aioxide.Client,
    tmp_path: Path,
    make: Callable[[Path], Any],
    error: type[OSError],
) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "secret").write_bytes(b"secret")
    os.mkfifo(tmp_path / "pipe")
    os.symlink(tmp_path / "secret", tmp_path / "linked.part")
    before = sorted(os.listdir(tmp_path))
    path = make(tmp_path)
    with pytest.raises(error) as caught:
        await client.download(f"{fresh_site.url}/file/100", path)
    assert caught.value.errno
    assert caught.value.strerror
    assert caught.value.filename.startswith(str(path))
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "secret").read_bytes() == b"secret"
    # Found out before anything was asked for.
    assert asked(fresh_site) == []


async def test_arguments_that_are_wrong(client: aioxide.Client, path: Path) -> None:
    url = "http://host/"
    for arguments, error in [
        ({"path": 3}, TypeError),
        ({"resume": 1}, TypeError),
        ({"progress": 1}, TypeError),
        ({"progress": "yes"}, TypeError),
        ({"content": b"x"}, TypeError),
        ({"files": {}}, TypeError),
        ({"method": "GET"}, TypeError),
        ({"headers": {"Range": "bytes=0-"}}, ValueError),
        ({"headers": {"If-Range": '"x"'}}, ValueError),
        ({"url": "ftp://host/"}, aioxide.UnsupportedProtocol),
    ]:
        with pytest.raises(error):
            client.download(**{"url": url, "path": path, **arguments})
    assert beside(path) == []


async def test_an_operation_as_any_other(client: aioxide.Client, path: Path) -> None:
    url = "http://127.0.0.1:9/"
    with pytest.warns(RuntimeWarning, match=r"Client\.download.*never awaited"):
        client.download(url, path)
    with pytest.raises(TypeError, match="async with"):
        async with client.download(url, path):
            pass
    with pytest.raises(aioxide.ConnectError):
        await client.download(url, path)
    # Nothing came, and nothing is left.
    assert beside(path) == []
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        client.download(url, path)


async def test_limits_on_time(site: LocalSite, client: aioxide.Client, path: Path) -> None:
    url = f"{site.url}/file/200000?stall=100001"
    with pytest.raises(aioxide.ReadTimeout, match="nothing came"):
        await client.download(url, path, timeout=aioxide.Timeout(read=0.05))
    with pytest.raises(aioxide.TimeoutException):
        await client.download(f"{url}&one", path, timeout=0.05)
    async with aioxide.Client(timeout=0.05) as hasty:
        with pytest.raises(aioxide.TimeoutException):
            await hasty.download(f"{url}&two", path)
        assert (await hasty.download(f"{url}&two", path, timeout=None)).size == 200_000


async def test_a_relative_path_is_of_the_directory_at_the_call(
    site: LocalSite, client: aioxide.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    operation = client.download(f"{site.url}/file/10", "file")
    monkeypatch.chdir(tmp_path / "there")
    assert (await operation).path == pathlib.Path("file")
    assert (tmp_path / "file").read_bytes() == pattern(10)


async def test_hooks_and_auth_and_trace(site: LocalSite, path: Path) -> None:
    seen: list[Any] = []
    events: list[str] = []
    async with aioxide.Client(
        event_hooks={"request": [lambda request: seen.append(request)], "response": [seen.append]},
        auth=lambda request: {"Authorization": "Bearer x"},
        trace=lambda news: events.extend(event.name for event in news),
    ) as client:
        download = await client.download(f"{site.url}/file/1000", path)
        assert (download.size, path.read_bytes()) == (1000, pattern(1000))
        assert [type(each) for each in seen] == [aioxide.Request, aioxide.Response]
        assert seen[1] is download.response
        assert asked(site, "authorization")[-1] == "Bearer x"
        assert "response.end" in events
        with pytest.raises(TypeError, match="async with"):
            async with client.download(f"{site.url}/file/1000", path):
                pass


def test_on_a_plain_thread(fresh_site: LocalSite, path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    threads = set()

    def progress(done: int, total: int | None) -> None:
        told.append((done, total))
        threads.add(threading.get_ident())
        if done == 100_001:
            raise ZeroDivisionError

    url = f"{fresh_site.url}/file/150000?stall=100001"
    with aioxide.BlockingClient() as client:
        with pytest.raises(ZeroDivisionError):
            client.download(url, path, progress=progress)
        assert part_of(path).stat().st_size == 100_001
        told.clear()
        download = client.download(url, path, progress=lambda *news: told.append(news))
        assert (download.size, download.resumed_from, told[-1]) == (150_000, 100_001, (150_000, 150_000))
        assert threads == {threading.get_ident()}
        with pytest.raises(IsADirectoryError):
            client.download(url, path.parent)
        with pytest.raises(aioxide.HTTPStatusError):
            client.download(f"{fresh_site.url}/status/500", path)
    assert path.read_bytes() == pattern(150_000)


def test_a_signal_stops_it_on_the_main_thread(fresh_site: LocalSite, path: Path) -> None:
    url = f"{fresh_site.url}/file/150000?stall=100001"
    stalled = threading.Event()

    def interrupt() -> None:
        stalled.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def progress(done: int, total: int | None) -> None:
        if done == 100_001:
            stalled.set()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with aioxide.BlockingClient() as client:
        with pytest.raises(KeyboardInterrupt):
            client.download(url, path, progress=progress)
        thread.join()
        assert client.download(url, path).resumed_from == 100_001


async def test_not_on_a_loops_thread(path: Path) -> None:
    with (
        aioxide.BlockingClient() as client,
        pytest.raises(RuntimeError, match="would block the event loop"),
        warnings.catch_warnings(),
    ):
        client.download("http://127.0.0.1:9/", path)
    assert beside(path) == []


async def test_over_and_over_nothing_stays_open(
    site: LocalSite, client: aioxide.Client, path: Path, until: Callable[..., Any]
) -> None:
    def is_open() -> int:
        links = []
        for number in os.listdir("/proc/self/fd"):
            try:
                links.append(os.readlink(f"/proc/self/fd/{number}"))
            except FileNotFoundError:
                continue
        return sum(link.startswith(str(path.parent)) for link in links)

    for _ in range(5):
        await client.download(f"{site.url}/file/1000", path)
        with pytest.raises(aioxide.HTTPStatusError):
            await client.download(f"{site.url}/status/404", path)
        assert is_open() == 0
    operation = client.download(f"{site.url}/hang", path)
    operation.send(None)
    await until(lambda: is_open() == 1)
    # Closed, it does not wait.
    operation.close()
    await until(lambda: is_open() == 0)
    assert beside(path) == ["file.bin"]
