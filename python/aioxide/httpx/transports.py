"""`AsyncTransport` and `Transport`: a carrier takes a request of httpx; its answer comes back as httpx's."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aioxide._core import Carrier, Limits, Proxy, Retry
from aioxide.exceptions import RequestError
from aioxide.httpx.libraries import Library, bases, library_of
from aioxide.httpx.settings import settings
from aioxide.httpx.tracing import Told

if TYPE_CHECKING:
    import ssl

    import httpx
    import httpx2

    class _AsyncBase(httpx.AsyncBaseTransport, httpx2.AsyncBaseTransport):  # type: ignore[misc]
        pass

    class _Base(httpx.BaseTransport, httpx2.BaseTransport):  # type: ignore[misc]
        pass

    _Verify = bool | str | os.PathLike[str] | ssl.SSLContext
    _Cert = str | tuple[str, str] | tuple[str, str, str]
    _Limits = httpx.Limits | httpx2.Limits | Limits
    _Proxy = str | httpx.URL | httpx.Proxy | httpx2.URL | httpx2.Proxy | Proxy
else:
    _AsyncBase = type("_AsyncBase", bases("AsyncBaseTransport"), {})
    _Base = type("_Base", bases("BaseTransport"), {})

__all__ = ["AsyncTransport", "Transport"]


class _Carrying:
    """What both faces are told, and what carries their requests."""

    def __init__(
        self,
        verify: _Verify = True,
        cert: _Cert | None = None,
        trust_env: bool = True,
        http1: bool = True,
        http2: bool = False,
        limits: _Limits | None = None,
        proxy: _Proxy | None = None,
        uds: str | None = None,
        local_address: str | None = None,
        retries: int | Retry = 0,
        socket_options: Iterable[Any] | None = None,
    ) -> None:
        self._carrier = Carrier(
            **settings(
                verify=verify,
                cert=cert,
                trust_env=trust_env,
                http1=http1,
                http2=http2,
                limits=limits,
                proxy=proxy,
                uds=uds,
                local_address=local_address,
                retries=retries,
                socket_options=socket_options,
            )
        )


class AsyncTransport(_Carrying, _AsyncBase):
    """What ``httpx.AsyncClient(transport=...)`` takes, in place of ``httpx.AsyncHTTPTransport``.

    It is not bound to a loop: several may use it, one after the other or at once. After ``aclose`` it can be
    used again, with new connections.

    Args:
        verify: True for the authorities that the system trusts, or those that ``SSL_CERT_FILE`` or
            ``SSL_CERT_DIR`` name; False for any certificate; the path of a PEM file, or of a folder of them;
            or an ``ssl.SSLContext``, of which the authorities, ``verify_mode``, ``check_hostname`` and
            ``minimum_version`` are read. A key in a context cannot be: give it as ``cert``.
        cert: Who we are: the path of a PEM file with certificate and key, or the paths of both.
        trust_env: Whether proxies and authorities are taken from the environment.
        http1: Whether to speak HTTP/1.1.
        http2: Whether to speak HTTP/2 with servers that choose it in the handshake; without ``http1``, with
            all of them.
        limits: On connections: an ``httpx.Limits`` or an ``aioxide.Limits``. None for those of aioxide: 100
            connections, each kept idle for 15 seconds.
        proxy: For every request: a URL, an ``httpx.Proxy`` or an ``aioxide.Proxy``. ``socks5`` means what it
            means to httpx: the proxy resolves names.
        uds: The path of a Unix socket to connect to, whatever the URL says.
        local_address: The address to connect from.
        retries: How often to try again to connect, or an ``aioxide.Retry``.
        socket_options: None; the sockets are opened in Rust.

    Raises:
        ValueError: For a proxy, a certificate, a context or a number that cannot be used, or no HTTP version.
        TypeError: For what is of another type.
        NotImplementedError: For ``socket_options``, and for an ``httpx.Proxy`` with an ``ssl_context``.
        OSError: A file cannot be read.
    """

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request, and give the response when its head is here.

        Each limit of the extension ``timeout`` is kept for itself. Cancel safety: the request is stopped,
        and its connection closed, or its HTTP/2 stream reset.

        Raises:
            httpx.TransportError: What went wrong, as one of its subclasses.
        """
        library = library_of(request)
        stream = request.stream
        body = b"".join(stream) if isinstance(stream, library.byte_stream) else aiter(stream)
        if "trace" in request.extensions:
            return await self._traced(library, request, body)
        try:
            status, headers, content, rest, extensions = await self._carrier.open(request, body)
        except RequestError as error:
            raise library.translated(error, request) from error
        return library.response(
            status,
            headers=headers,
            stream=library.byte_stream(content) if rest is None else library.async_body(rest, request),
            extensions=extensions,
        )

    async def _traced(self, library: Library, request: Any, body: Any) -> Any:
        """Do the same, and tell of it."""
        told, tell = Told(request), request.extensions["trace"]
        try:
            answer = await self._carrier.open(request, body, told.tracer)
        except BaseException as error:
            raised = library.translated(error, request) if isinstance(error, RequestError) else error
            for name, info in told.failed(raised):
                await tell(name, info)
            if raised is error:
                raise
            raise raised from error
        status, headers, content, rest, extensions = answer
        stream = library.byte_stream(content) if rest is None else library.async_body(rest, request)
        try:
            for name, info in told.head(status, headers, extensions):
                await tell(name, info)
        except BaseException:
            await stream.aclose()
            raise
        stream = library.async_traced(stream, told, tell)
        return library.response(status, headers=headers, stream=stream, extensions=extensions)

    async def aclose(self) -> None:
        """Close the connections; requests in flight fail with ``httpx.CloseError``."""
        self._carrier.close()


class Transport(_Carrying, _Base):
    """What ``httpx.Client(transport=...)`` takes, in place of ``httpx.HTTPTransport``.

    The arguments are those of `AsyncTransport`. Several threads may use it at once. After ``close`` it can be
    used again, with new connections. A thread whose event loop is running stands still while it waits, as
    with httpx's own.
    """

    def handle_request(self, request: Any) -> Any:
        """Send a request, and give the response when its head is here.

        Each limit of the extension ``timeout`` is kept for itself.

        Raises:
            httpx.TransportError: What went wrong, as one of its subclasses.
        """
        library = library_of(request)
        stream = request.stream
        body = b"".join(stream) if isinstance(stream, library.byte_stream) else iter(stream)
        if "trace" in request.extensions:
            return self._traced(library, request, body)
        try:
            status, headers, content, rest, extensions = self._carrier.wait(request, body)
        except RequestError as error:
            raise library.translated(error, request) from error
        return library.response(
            status,
            headers=headers,
            stream=library.byte_stream(content) if rest is None else library.body(rest, request),
            extensions=extensions,
        )

    def _traced(self, library: Library, request: Any, body: Any) -> Any:
        """Do the same, and tell of it."""
        told, tell = Told(request), request.extensions["trace"]
        try:
            answer = self._carrier.wait(request, body, told.tracer)
        except BaseException as error:
            raised = library.translated(error, request) if isinstance(error, RequestError) else error
            for name, info in told.failed(raised):
                tell(name, info)
            if raised is error:
                raise
            raise raised from error
        status, headers, content, rest, extensions = answer
        stream = library.byte_stream(content) if rest is None else library.body(rest, request)
        try:
            for name, info in told.head(status, headers, extensions):
                tell(name, info)
        except BaseException:
            stream.close()
            raise
        stream = library.traced(stream, told, tell)
        return library.response(status, headers=headers, stream=stream, extensions=extensions)

    def close(self) -> None:
        """Close the connections; requests in flight on other threads fail with ``httpx.CloseError``."""
        self._carrier.close()
