"""A download: a long file to disk, told how far it is, cancelled in the middle, gone on with.

The body goes from the socket to the disk in Rust: neither the event loop nor the memory notices how long it
is. The file appears under its name when it is complete. asyncio has nothing of the kind; with other clients
it is a loop over chunks, a thread for the disk, and a file that may be half of one.
"""

import asyncio
import os
import tempfile
from pathlib import Path

import aioxide
from aioxide.testing import LocalSite

SIZE = 30_000_000
HALF = SIZE // 2


async def interrupted(client: aioxide.Client, url: str, path: Path) -> None:
    """Download until half of it is here, and have enough then."""
    enough = asyncio.Event()

    def progress(done: int, total: int | None) -> None:
        if done >= HALF:
            enough.set()

    async with aioxide.TaskGroup() as group:
        download = group.create_task(client.download(url, path, progress=progress))
        await enough.wait()
        download.cancel()
    print(f"cancelled; there is now: {', '.join(sorted(os.listdir(path.parent)))}")


async def main(site: LocalSite, folder: Path) -> None:
    """Download a file in two goes, and another one from a server that breaks off all the time."""
    path = folder / "film.bin"
    # After half of it, the server has no more to say.
    url = f"/file/{SIZE}?stall={HALF}"
    # A bar on stderr is progress=True.
    async with aioxide.Client(base_url=site.url) as client:
        await interrupted(client, url, path)
        download = await client.download(url, path)
        print(f"gone on with: {download.size} bytes, of which {download.resumed_from} were here")

        # Every answer breaks off; each attempt asks for what is missing.
        retries = aioxide.Retry(total=10, backoff=0.01)
        download = await client.download("/file/1000000?cut=300000", folder / "other.bin", retries=retries)
        print(f"in pieces: {download.size} bytes, more than one attempt: {download.response.attempts > 1}")

        try:
            await client.download("/status/404", path)
        except aioxide.HTTPStatusError as error:
            print(f"{error.response.status_code}; what was there is there: {path.stat().st_size == SIZE}")


if __name__ == "__main__":
    with LocalSite() as site, tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(site, Path(folder)))
