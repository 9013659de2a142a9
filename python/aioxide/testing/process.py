"""The local site in a process of its own, so that it shares no interpreter and no CPU time with a client."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# How long a site may take to end, in seconds; it takes milliseconds.
_PATIENCE = 10.0


@dataclass(frozen=True)
class SiteProcess:
    """A site that runs in another process."""

    url: str
    port: int
    #: The authority to trust, in PEM, and the file that has it; None without TLS.
    certificate: str | None
    certificate_path: str | None
    #: The process's id.
    pid: int


@contextmanager
def site_process(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: bool = False,
    http2: bool = True,
    workers: int = 1,
    pages: int = 5000,
    log: bool = True,
) -> Iterator[SiteProcess]:
    """Serve the local site from a process of its own inside the ``with`` block.

    The options are those of ``LocalSite``. RuntimeError, with what the process had to say, if it does not
    start, dies before the block ends, or anything in it failed that was not the clients' doing.
    """
    command = [sys.executable, "-m", "aioxide.testing", "--host", host]
    command += ["--port", str(port), "--workers", str(workers), "--pages", str(pages)]
    command += ["--tls"] if tls else []
    command += ["--http2" if http2 else "--no-http2", "--log" if log else "--no-log"]
    # A file takes whatever is written; a pipe that nobody reads would stop the site when it is full.
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
        try:
            yield _greet(process)
        finally:
            _end(process)
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip()
            if process.returncode != 0:
                raise RuntimeError(f"the site's process ended with status {process.returncode}: {said}")


def _greet(process: subprocess.Popen[bytes]) -> SiteProcess:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        # `site_process` knows better why, once the process has ended.
        raise RuntimeError("the site's process did not start")
    ready = json.loads(line)
    path = ready["certificate"]
    return SiteProcess(
        url=ready["url"],
        port=ready["port"],
        certificate=Path(path).read_text() if path else None,
        certificate_path=path,
        pid=process.pid,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    # Closes its stdin, which is how it is told, and waits. A child that was forked meanwhile may have the
    # other end as well: then it is told in another way.
    for insist, patience in ((process.terminate, _PATIENCE / 4), (process.kill, _PATIENCE), (None, None)):
        try:
            process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            if insist is not None:
                insist()
        else:
            return
