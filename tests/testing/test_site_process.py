import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from aioxide.testing import site_process

COMMAND = [sys.executable, "-m", "aioxide.testing"]


def test_it_serves_until_the_block_ends() -> None:
    with site_process(workers=2, pages=10) as site:
        assert site.pid != os.getpid()
        assert site.certificate is site.certificate_path is None
        with urllib.request.urlopen(f"{site.url}/site/page/9") as answer:
            assert answer.status == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", site.port))


def test_with_tls() -> None:
    with site_process(tls=True, http2=False) as site:
        path = Path(site.certificate_path or "")
        assert path.read_text() == site.certificate
        context = ssl.create_default_context(cadata=site.certificate)
        with urllib.request.urlopen(f"{site.url}/json", context=context) as answer:
            assert answer.status == 200
    assert not path.exists()


def test_a_site_that_does_not_start_says_why() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(RuntimeError, match="cannot listen"),
        site_process(port=taken.getsockname()[1]),
    ):
        pass


def test_a_site_that_dies_is_reported() -> None:
    with pytest.raises(RuntimeError, match="ended with status -9"), site_process() as site:
        os.kill(site.pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_well(number: signal.Signals) -> None:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"url", "port", "certificate"}
        process.send_signal(number)
        assert process.wait(timeout=10) == 0
