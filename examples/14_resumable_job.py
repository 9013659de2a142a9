"""A job of many URLs that may be killed at any moment, and goes on where it stopped.

What a run has written tells which URLs it had: the next one with ``resume=True`` fetches the others, and each
is in the file exactly once. Here a process is killed again and again until it has come through.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import aioxide
from aioxide.testing import LocalSite

URLS = 3000


async def job(site: str, path: str) -> None:
    """Fetch everything that is not in the file yet."""
    urls = (f"{site}/bytes/{number}" for number in range(URLS))
    await aioxide.fetch_all(urls, concurrency=20, retries=2).save(path, resume=True)


def main(path: Path) -> None:
    """Run the job, and kill it whenever it has got a bit further."""
    killed = 0
    with LocalSite() as site:
        while True:
            process = subprocess.Popen([sys.executable, __file__, site.url, str(path)])
            goal = site.statistics()["requests_finished"] + URLS // 4
            while process.poll() is None and site.statistics()["requests_finished"] < goal:
                pass
            if process.poll() is not None:
                break
            process.kill()
            process.wait()
            killed += 1
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    print(f"killed {killed} times; {len(lines)} lines, {len({line['url'] for line in lines})} URLs")
    print(f"all there, and none twice: {sorted(line['length'] for line in lines) == list(range(URLS))}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(job(*sys.argv[1:]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder, "results.jsonl"))
