"""How far a download is: told to a callable, or drawn."""

import threading
from pathlib import Path

import pytest

import aioxide
from aioxide.testing import LocalSite
from tests.http.downloads import break_off, part_of
from tests.terminal import drawn_by


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.bin"


async def test_progress_is_told_ten_times_a_second_and_at_the_end(
    site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    told: list[tuple[int, int | None]] = []
    threads = set()

    def progress(done: int, total: int | None) -> None:
        told.append((done, total))
        threads.add(threading.get_ident())

    download = await client.download(f"{site.url}/file/30000000", path, progress=progress)
    assert told == sorted(set(told))
    assert told[-1] == (30_000_000, 30_000_000)
    assert {total for _, total in told} == {30_000_000}
    assert len(told) <= download.elapsed.total_seconds() * 10 + 2
    assert threads == {threading.get_ident()}


async def test_progress_does_not_come_from_nothing(
    fresh_site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    """What is here from an earlier call is told at once."""
    url = f"{fresh_site.url}/file/150000?stall=100001"
    await break_off(client, url, path, 100_001)
    told: list[tuple[int, int | None]] = []
    await client.download(url, path, progress=lambda *news: told.append(news))
    assert (told[0], told[-1]) == ((100_001, 150_000), (150_000, 150_000))


async def test_what_progress_raises_stops_it(
    fresh_site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    url = f"{fresh_site.url}/file/150000?stall=100001"

    def progress(done: int, total: int | None) -> None:
        if done == 100_001:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await client.download(url, path, progress=progress)
    await fresh_site.wait_aborted(1)
    assert part_of(path).stat().st_size == 100_001
    assert (await client.download(url, path)).resumed_from == 100_001


async def test_progress_is_not_asynchronous(site: LocalSite, client: aioxide.Client, path: Path) -> None:
    async def progress(done: int, total: int | None) -> None: ...

    with pytest.raises(TypeError, match="must not be asynchronous"):
        await client.download(f"{site.url}/hang/body", path, progress=progress)


async def test_a_bar_without_a_terminal(
    site: LocalSite, client: aioxide.Client, path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    await client.download(f"{site.url}/file/1000", path, progress=True)
    await client.download(f"{site.url}/file/1000", path, progress=False)
    await client.download(f"{site.url}/file/1000", path, progress=None)
    assert tuple(capfd.readouterr()) == ("", "")


def test_a_bar_on_a_terminal(site: LocalSite, path: Path) -> None:
    source = (
        "import aioxide, sys\n"
        "with aioxide.BlockingClient() as client:\n"
        "    client.download(sys.argv[1], sys.argv[2], progress=True)\n"
    )
    drawn = drawn_by(source, f"{site.url}/file/3000000", str(path))
    assert b"3.00 MB/3.00 MB" in drawn
    assert drawn.endswith(b"\n")
