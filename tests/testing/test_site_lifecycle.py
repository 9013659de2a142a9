import asyncio
import gc
import http.client
import os
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from aioxide.testing import LocalSite

from .conftest import Get


async def settled_fds() -> int:
    """How many descriptors are open, once the threads that are ending have closed theirs."""
    gc.collect()
    last = -1
    while (now := len(os.listdir("/proc/self/fd"))) != last:
        last = now
        await asyncio.sleep(0.05)
    return now


def thread_names() -> list[str]:
    return [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]


def test_attributes_need_a_running_site() -> None:
    site = LocalSite()
    for name in ("url", "host", "port", "certificate", "certificate_path"):
        with pytest.raises(RuntimeError, match="not running"):
            getattr(site, name)
    assert "not running" in repr(site)
    site.stop()


def test_options_that_could_never_be_right() -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        LocalSite(workers=0)
    with pytest.raises(ValueError, match="one page"):
        LocalSite(pages=0)


async def test_async_with() -> None:
    async with LocalSite() as site:
        reader, writer = await asyncio.open_connection(site.host, site.port)
        writer.write(b"GET /bytes/10 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"0123456789")
        writer.close()


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_other_hosts(host: str) -> None:
    with LocalSite(host=host) as site:
        socket.create_connection((site.host, site.port)).close()


def test_stop_frees_the_port_and_keeps_the_counts() -> None:
    site = LocalSite()
    site.start()
    site.start()
    port = site.port
    socket.create_connection((site.host, port)).close()
    site.stop()
    site.stop()
    assert site.statistics()["requests_begun"] == 0
    with LocalSite(port=port) as again:
        assert again.port == port


def test_a_port_in_use_is_an_os_error() -> None:
    with LocalSite() as site, pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{site.port}"):
        LocalSite(port=site.port).start()


async def test_stop_waits_for_no_request() -> None:
    site = LocalSite()
    site.start()
    idle, *busy = [await asyncio.open_connection(site.host, site.port) for _ in range(4)]
    for (_, writer), path in zip(busy, ("/hang", "/delay/600000", "/hang/body"), strict=True):
        writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    await site.wait_begun(3)
    await site.wait_open(4)
    began = time.perf_counter()
    site.stop()
    assert time.perf_counter() - began < 1
    counts = site.statistics()
    assert (counts["requests_aborted"], counts["connections_open"]) == (3, 0)
    assert await idle[0].read() == b""
    for _, writer in (idle, *busy):
        writer.close()
        await writer.wait_closed()


async def test_a_forgotten_site_warns_and_stops() -> None:
    site = LocalSite()
    site.start()
    reader, writer = await asyncio.open_connection(site.host, site.port)
    await site.wait_open(1)
    with pytest.warns(ResourceWarning, match="LocalSite was never stopped"):
        del site
    assert await reader.read() == b""
    writer.close()


async def test_descriptors_and_threads_stay_flat() -> None:
    async def cycle(times: int) -> None:
        for _ in range(times):
            async with LocalSite() as site:
                reader, writer = await asyncio.open_connection(site.host, site.port)
                writer.write(b"GET /bytes/10 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                await reader.read()
                writer.close()
                await writer.wait_closed()

    await cycle(3)
    before = await settled_fds()
    await cycle(100)
    assert await settled_fds() == before
    assert "aioxide-site" not in thread_names()


@pytest.mark.parametrize("http2", [True, False])
def test_tls_verifies_by_its_certificate(http2: bool) -> None:
    with LocalSite(tls=True, http2=http2) as site:
        assert site.url == f"https://localhost:{site.port}"
        path = Path(site.certificate_path or "")
        assert path.read_text() == site.certificate
        assert site.certificate_path == str(path)
        context = ssl.create_default_context(cafile=path)
        context.set_alpn_protocols(["h2", "http/1.1"])
        for name in ("localhost", "127.0.0.1", "::1"):
            with (
                socket.create_connection((site.host, site.port)) as plain,
                context.wrap_socket(plain, server_hostname=name) as secured,
            ):
                assert secured.selected_alpn_protocol() == ("h2" if http2 else "http/1.1")
        context = ssl.create_default_context(cafile=path)
        client = http.client.HTTPSConnection("localhost", site.port, context=context)
        client.request("GET", "/echo")
        assert client.getresponse().status == 200
        client.close()
    assert not path.exists()


async def test_what_clients_do_wrong_is_no_fault_of_the_site() -> None:
    with LocalSite(tls=True) as site:
        context = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("localhost", site.port, ssl=context)
        for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b""):
            _, writer = await asyncio.open_connection(site.host, site.port)
            writer.write(nonsense)
            writer.close()
        await site.wait_open(0)
    with LocalSite() as site:
        http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        for nonsense in (b"\x00\x01\x02\r\n\r\n", b"GET / HT", http2 + b"nonsense" * 9):
            _, writer = await asyncio.open_connection(site.host, site.port)
            writer.write(nonsense)
            writer.close()
        await site.wait_open(0)


async def test_failures_of_the_site_are_raised_by_stop() -> None:
    """Out of descriptors, accepting fails: the client's connect succeeds and nobody would know why."""
    import resource

    site = LocalSite()
    site.start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = socket.socket()
    spare.setblocking(False)
    last = max(int(fd) for fd in os.listdir("/proc/self/fd"))
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (last + 1, hard))
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            pass
        spare.connect_ex((site.host, site.port))
        await asyncio.sleep(0.1)
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        spare.close()
    with pytest.raises(RuntimeError, match="accepting failed"):
        site.stop()
    site.stop()


def test_sites_are_safe_to_share_by_threads(site: LocalSite, get: Get) -> None:
    errors = []

    def look() -> None:
        try:
            for _ in range(200):
                site.statistics()
                site.requests()
                repr(site)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        get("/bytes/1")
    for thread in threads:
        thread.join()
    assert errors == []
