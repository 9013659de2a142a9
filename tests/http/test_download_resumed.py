"""Downloads that break off, and what the next call, or the next attempt, makes of what is here."""

# ruff: noqa: ASYNC240 -- the files are small and local

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import aioxide
from aioxide.testing import LocalSite, pattern
from tests.http.downloads import Reached, answer, asked, beside, break_off, part_of
from tests.servers.raw import Connection, RawServer, Script, reply

SETTLED = "Sun, 06 Nov 1994 08:49:37 GMT"
AT_ONCE = aioxide.Retry(5, backoff=0)


@pytest.fixture(params=[True, False], ids=["HTTP/1.1", "HTTP/2"])
async def any_client(request: pytest.FixtureRequest) -> AsyncIterator[aioxide.Client]:
    async with aioxide.Client(http1=request.param) as client:
        yield client


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.bin"


async def test_a_cancelled_download_is_gone_on_with(
    fresh_site: LocalSite, any_client: aioxide.Client, path: Path
) -> None:
    url = f"{fresh_site.url}/file/150000?stall=100001"
    path.write_bytes(b"old")
    await break_off(any_client, url, path, 100_001)
    # Everything that came is there when the await has raised.
    assert part_of(path).read_bytes() == pattern(100_001)
    assert path.read_bytes() == b"old"
    await fresh_site.wait_aborted(1)
    download = await any_client.download(url, path)
    assert path.read_bytes() == pattern(150_000)
    assert (download.size, download.resumed_from) == (150_000, 100_001)
    assert download.response.status_code == 206
    assert download.response.num_bytes_downloaded == 49_999
    assert asked(fresh_site) == [None, "bytes=100001-"]
    assert asked(fresh_site, "if-range") == [None, '"150000"']
    assert beside(path) == ["file.bin"]


async def test_a_date_will_do(fresh_site: LocalSite, client: aioxide.Client, path: Path) -> None:
    url = f"{fresh_site.url}/file/150000?stall=100001&etag=&last-modified={SETTLED}"
    await break_off(client, url, path, 100_001)
    assert (await client.download(url, path)).resumed_from == 100_001
    assert path.read_bytes() == pattern(150_000)
    assert asked(fresh_site, "if-range") == [None, SETTLED]


@pytest.mark.parametrize("validator", ["etag=", 'etag=W/"1"', f'etag=W/"1"&last-modified={SETTLED}'])
async def test_without_a_validator_it_begins_anew(
    fresh_site: LocalSite, client: aioxide.Client, path: Path, validator: str
) -> None:
    url = f"{fresh_site.url}/file/150000?stall=100001&{validator}"
    await break_off(client, url, path, 100_001)
    # Nobody could go on from it.
    assert beside(path) == []
    await break_off(client, url, path, 100_001)
    assert asked(fresh_site) == [None, None]


async def test_a_part_of_another_url_is_not_gone_on_with(
    fresh_site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    await break_off(client, f"{fresh_site.url}/file/150000?stall=100001&etag=%22x%22", path, 100_001)
    download = await client.download(f"{fresh_site.url}/file/120000?etag=%22x%22", path)
    assert (download.size, download.resumed_from) == (120_000, 0)
    assert asked(fresh_site) == [None, None]
    assert path.read_bytes() == pattern(120_000)
    assert beside(path) == ["file.bin"]


async def test_without_resume(fresh_site: LocalSite, client: aioxide.Client, path: Path) -> None:
    url = f"{fresh_site.url}/file/150000?stall=100001"
    await break_off(client, url, path, 100_001, resume=False)
    assert beside(path) == []
    await break_off(client, url, path, 100_001)
    assert part_of(path).stat().st_size == 100_001
    await break_off(client, url, path, 100_001, resume=False)
    assert asked(fresh_site) == [None, None, None]
    assert beside(path) == []


def scripts(*answers: bytes) -> list[Script]:
    return [reply(data) for data in answers]


WHOLE = answer('etag: "b"\r\ncontent-length: 8', b"NEW FILE")
BROKEN = answer('etag: "a"\r\ncontent-length: 10', b"012345")
ALL_HERE = answer('etag: "a"\r\ntransfer-encoding: chunked', b"a\r\n0123456789\r\n")
REST = 'content-range: bytes 6-9/10\r\ncontent-length: 4\r\netag: "a"'


async def broken_off(client: aioxide.Client, server: RawServer, path: Path, length: int) -> None:
    """The first connection's answer, which is not complete."""
    with pytest.raises(aioxide.RemoteProtocolError):
        await client.download(server.url, path)
    assert part_of(path).stat().st_size == length
    assert not path.exists()


async def test_a_short_body_keeps_the_part(client: aioxide.Client, path: Path) -> None:
    with RawServer(*scripts(BROKEN, answer(REST, b"6789", "206 Partial Content"))) as server:
        await broken_off(client, server, path, 6)
        assert (await client.download(server.url, path)).resumed_from == 6
        assert path.read_bytes() == b"0123456789"
        head = server.received[1].lower()
        assert b"range: bytes=6-\r\n" in head
        assert b'if-range: "a"\r\n' in head


@pytest.mark.parametrize(
    "second",
    [
        WHOLE,
        # From a server that does not know If-Range, of the file that is there now.
        answer(REST.replace('"a"', '"b"'), b"FILE", "206 Partial Content"),
    ],
)
async def test_a_file_that_has_changed_begins_anew(client: aioxide.Client, path: Path, second: bytes) -> None:
    with RawServer(*scripts(BROKEN, second, WHOLE)) as server:
        await broken_off(client, server, path, 6)
        download = await client.download(server.url, path)
        assert (download.size, download.resumed_from, download.response.status) == (8, 0, 200)
        assert path.read_bytes() == b"NEW FILE"
        assert beside(path) == ["file.bin"]
        # What was asked for after the wrong part has no range.
        assert all(b"range:" not in head.lower() for head in server.received[2:])


@pytest.mark.parametrize(
    "wrong",
    [
        REST.replace("6-9/10", "5-9/10"),
        REST.replace("6-9/10", "6-10/10"),
        REST.replace("6-9/10", "6-8/10"),
        REST.replace("content-range", "x"),
        REST.replace("bytes 6", "lines 6"),
        f"{REST}\r\ncontent-encoding: gzip",
    ],
)
async def test_a_wrong_part_is_not_taken(client: aioxide.Client, path: Path, wrong: str) -> None:
    part = answer(wrong, b"6789", "206 Partial Content")
    with RawServer(*scripts(BROKEN, part, WHOLE)) as server:
        await broken_off(client, server, path, 6)
        assert (await client.download(server.url, path)).size == 8
        assert path.read_bytes() == b"NEW FILE"


async def test_a_part_that_nobody_asked_for(client: aioxide.Client, path: Path) -> None:
    with (
        RawServer(reply(answer(REST, b"6789", "206 Partial Content"))) as server,
        pytest.raises(aioxide.RemoteProtocolError, match="not asked for"),
    ):
        await client.download(server.url, path)
    assert beside(path) == []


async def test_a_part_that_ends_too_soon(client: aioxide.Client, path: Path) -> None:
    short = answer(
        'content-range: bytes 6-7/10\r\ncontent-length: 2\r\netag: "a"', b"67", "206 Partial Content"
    )
    rest = answer(
        'content-range: bytes 8-9/10\r\ncontent-length: 2\r\netag: "a"', b"89", "206 Partial Content"
    )
    with RawServer(*scripts(BROKEN, short, rest)) as server:
        await broken_off(client, server, path, 6)
        with pytest.raises(aioxide.RemoteProtocolError, match="ended after 8 of 10 bytes") as caught:
            await client.download(server.url, path)
        assert (caught.value.phase, caught.value.url) == ("body", f"{server.url}/")
        assert part_of(path).read_bytes() == b"01234567"
        assert (await client.download(server.url, path)).resumed_from == 8
        assert path.read_bytes() == b"0123456789"


async def test_what_is_all_here_is_put_in_its_place(client: aioxide.Client, path: Path) -> None:
    nothing = answer("content-range: bytes */10\r\ncontent-length: 0", b"", "416 Range Not Satisfiable")
    with RawServer(*scripts(ALL_HERE, nothing)) as server:
        await broken_off(client, server, path, 10)
        download = await client.download(server.url, path)
        assert (download.size, download.resumed_from, download.response.status) == (10, 10, 416)
        assert path.read_bytes() == b"0123456789"
        assert beside(path) == ["file.bin"]


@pytest.mark.parametrize(
    "said", ["content-range: bytes */9", "x: y", 'content-range: bytes */10\r\netag: "b"']
)
async def test_what_is_too_long_begins_anew(client: aioxide.Client, path: Path, said: str) -> None:
    nothing = answer(f"{said}\r\ncontent-length: 0", b"", "416 Range Not Satisfiable")
    with RawServer(*scripts(ALL_HERE, nothing, WHOLE)) as server:
        await broken_off(client, server, path, 10)
        assert (await client.download(server.url, path)).resumed_from == 0
        assert path.read_bytes() == b"NEW FILE"


async def test_an_answer_that_is_not_the_file_leaves_the_part(client: aioxide.Client, path: Path) -> None:
    missing = answer("content-length: 4\r\ncontent-type: text/plain", b"gone", "404 Not Found")
    elsewhere = answer("content-length: 0\r\nlocation: /there", b"", "302 Found")
    with RawServer(*scripts(BROKEN, missing, elsewhere)) as server:
        await broken_off(client, server, path, 6)
        with pytest.raises(aioxide.HTTPStatusError, match=r"404 Not Found for GET .*: gone") as caught:
            await client.download(server.url, path)
        assert caught.value.response.content == b"gone"
        with pytest.raises(aioxide.HTTPStatusError, match="302 Found"):
            await client.download(server.url, path, follow_redirects=False)
        assert part_of(path).read_bytes() == b"012345"


async def test_a_long_error_is_not_read_to_its_end(client: aioxide.Client, path: Path) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(answer(f"content-length: {10**12}", b"x" * 100_000, "500 Internal Server Error"))
        connection.hang()

    with RawServer(script) as server:
        with pytest.raises(aioxide.HTTPStatusError) as caught:
            await client.download(server.url, path)
        assert 65_536 <= len(caught.value.response.content) <= 100_000
    assert beside(path) == []


async def test_a_coded_body_is_not_gone_on_with(client: aioxide.Client, path: Path) -> None:
    head = 'etag: "a"\r\ncontent-encoding: gzip\r\ncontent-length: 1000000'
    # Whatever is not a multiple of the decoder's own sizes.
    coded = answer(head, gzip.compress(pattern(100_000), 0)[:70_000])
    with RawServer(*scripts(coded, WHOLE)) as server:
        with pytest.raises(aioxide.RemoteProtocolError):
            await client.download(server.url, path)
        assert beside(path) == []
        await client.download(server.url, path)
        assert b"range:" not in server.received[1].lower()


async def test_what_is_not_to_be_decoded_is_gone_on_with(path: Path) -> None:
    coding = "content-encoding: gzip\r\n"
    first = answer(f'{coding}etag: "a"\r\ncontent-length: 10', b"012345")
    second = answer(coding + REST, b"6789", "206 Partial Content")
    async with aioxide.Client(decompress=False) as client:
        with RawServer(*scripts(first, second)) as server:
            await broken_off(client, server, path, 6)
            assert (await client.download(server.url, path)).resumed_from == 6
    assert path.read_bytes() == b"0123456789"


async def test_redirects(fresh_site: LocalSite, client: aioxide.Client, path: Path) -> None:
    url = f"{fresh_site.url}/redirect/to?url=/file/150000?stall=100001"
    await break_off(client, url, path, 100_001)
    download = await client.download(url, path)
    assert (download.size, download.resumed_from) == (150_000, 100_001)
    assert [response.url for response in download.response.history] == [url]
    assert download.response.url == f"{fresh_site.url}/file/150000?stall=100001"
    assert path.read_bytes() == pattern(150_000)


async def test_retries_go_on_from_where_it_broke_off(
    fresh_site: LocalSite, any_client: aioxide.Client, path: Path
) -> None:
    url = f"{fresh_site.url}/file/100000?cut=30001"
    download = await any_client.download(url, path, retries=AT_ONCE)
    assert path.read_bytes() == pattern(100_000)
    # None of it is of an earlier call.
    assert (download.size, download.resumed_from, download.response.attempts) == (100_000, 0, 4)
    ranges = asked(fresh_site)
    # What had not left the server when it broke off is asked for again.
    starts = [0, *(int(str(each).removeprefix("bytes=").removesuffix("-")) for each in ranges[1:])]
    assert starts == sorted(starts)
    assert starts[-1] <= 90_003
    assert set(asked(fresh_site, "if-range")[1:]) == {'"100000"'}


async def test_retries_without_resume_go_on_too(
    fresh_site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    url = f"{fresh_site.url}/file/100000?cut=30001"
    await client.download(url, path, retries=AT_ONCE, resume=False)
    assert path.read_bytes() == pattern(100_000)
    assert asked(fresh_site) == [None, "bytes=30001-", "bytes=60002-", "bytes=90003-"]


async def test_retries_without_a_validator_begin_anew(client: aioxide.Client, path: Path) -> None:
    broken, whole = answer("content-length: 10", b"01234567"), answer("content-length: 4", b"whole"[:4])
    with RawServer(*scripts(broken, whole)) as server:
        download = await client.download(server.url, path, retries=AT_ONCE)
        assert (download.size, download.response.attempts) == (4, 2)
        assert path.read_bytes() == b"whol"


async def test_retries_of_a_refusal(fresh_site: LocalSite, client: aioxide.Client, path: Path) -> None:
    await client.download(f"{fresh_site.url}/flaky/download/2", path, retries=AT_ONCE)
    assert path.read_bytes() == b'{"attempt":3}'


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL")
def test_a_process_that_is_killed(fresh_site: LocalSite, path: Path) -> None:
    length, stall = 5_000_000, 4_000_001
    url = f"{fresh_site.url}/file/{length}?stall={stall}"
    source = (
        "import aioxide, sys\n"
        "with aioxide.BlockingClient() as client:\n"
        "    client.download(sys.argv[1], sys.argv[2], progress=lambda done, _: print(done, flush=True))\n"
    )
    with subprocess.Popen([sys.executable, "-c", source, url, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        while int(child.stdout.readline()) < stall:
            pass
        child.kill()
    left = part_of(path).stat().st_size
    # No more than some hundred kilobytes were in memory.
    assert left > stall - 2_000_000
    assert part_of(path).read_bytes() == pattern(left)
    with aioxide.BlockingClient() as client:
        download = client.download(url, path)
    assert download.resumed_from == left
    assert path.read_bytes() == pattern(length)
    assert beside(path) == ["file.bin"]


async def test_what_has_come_is_written_soon(site: LocalSite, client: aioxide.Client, path: Path) -> None:
    """However little it is, and though no more comes."""
    task = asyncio.ensure_future(client.download(f"{site.url}/file/1000?stall=1", path))

    def wait() -> None:
        while not part_of(path).exists() or not part_of(path).stat().st_size:
            time.sleep(0.01)

    await asyncio.to_thread(wait)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no limits on files")
def test_a_disk_that_is_full(site: LocalSite, path: Path, script: Any) -> None:
    source = """
        import aioxide, errno, resource, sys
        resource.setrlimit(resource.RLIMIT_FSIZE, (700_001, 700_001))
        with aioxide.BlockingClient() as client:
            try:
                client.download(sys.argv[1], sys.argv[2])
            except OSError as error:
                assert error.errno == errno.EFBIG, error
                print(error.filename)
    """
    url = f"{site.url}/file/3000000"
    assert script.works(source, url, str(path)).strip() == str(part_of(path))
    # What was written is the beginning, without a gap.
    assert part_of(path).read_bytes() == pattern(700_001)
    with aioxide.BlockingClient() as client:
        assert client.download(url, path).resumed_from == 700_001
    assert path.read_bytes() == pattern(3_000_000)


async def test_max_body_is_about_the_file(fresh_site: LocalSite, client: aioxide.Client, path: Path) -> None:
    url = f"{fresh_site.url}/file/150000?stall=100001"
    with pytest.raises(aioxide.BodyTooLarge):
        await client.download(url, path, max_body=149_999)
    await break_off(client, url, path, 100_001, max_body=150_000)
    # What is missing is shorter.
    with pytest.raises(aioxide.BodyTooLarge):
        await client.download(url, path, max_body=149_999)
    assert (await client.download(url, path, max_body=150_000)).resumed_from == 100_001
    with pytest.raises(aioxide.BodyTooLarge):
        await client.download(f"{fresh_site.url}/gzip/10000000", path, max_body=1_000_000)
    assert path.stat().st_size == 150_000


async def test_a_client_that_is_closed_meanwhile(
    fresh_site: LocalSite, client: aioxide.Client, path: Path
) -> None:
    url = f"{fresh_site.url}/file/150000?stall=100001"
    reached = Reached(100_001)
    task = asyncio.ensure_future(client.download(url, path, progress=reached))
    await reached.event.wait()
    await client.aclose()
    with pytest.raises(aioxide.CloseError):
        await task
    assert part_of(path).stat().st_size == 100_001
