"""``ClientSession``: aiohttp's client, on native connections.

A request that needs no Python in its course is done by the native class under it. All others are done here, hop by
hop, as aiohttp does them: what traces, middlewares and cookie jars of the program's own must see is in Python.
"""

from __future__ import annotations

import asyncio
import io
import json as _json
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from multidict import CIMultiDict, MultiDict, MultiDictProxy, getversion, istr
from yarl import URL

from aioxide._core import AiohttpSession, Proxy, __version__ as _version
from aioxide.exceptions import HTTPError as _HTTPError

from . import client_ws, hdrs
from ._failures import translate
from ._installed import module, or_theirs
from .abc import AbstractCookieJar
from .client_exceptions import (
    ClientError,
    ClientPayloadError,
    InvalidURL,
    InvalidUrlClientError,
    InvalidUrlRedirectClientError,
    NonHttpUrlClientError,
    NonHttpUrlRedirectClientError,
    TooManyRedirects,
)
from .client_reqrep import ClientRequest, ClientResponse, RequestInfo
from .connector import BaseConnector, TCPConnector, adopted, merged_ssl
from .cookiejar import CookieJar, DummyCookieJar
from .helpers import BasicAuth
from .http import HttpVersion, HttpVersion11
from ._bodies import body_of
from .tracing import Trace

__all__ = ["ClientSession", "ClientTimeout", "failure", "in_context", "request"]

_T = TypeVar("_T")

#: What stands for an argument that was not given.
_UNSET: Any = object()

#: What a session sends unless it is told otherwise. Of these `skip_auto_headers` takes away.
_AUTO = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "User-Agent": f"Python/{sys.version_info[0]}.{sys.version_info[1]} aioxide/{_version}",
}

#: The longest head that the native client takes, in bytes, and how many headers.
_LONGEST_HEAD = 262144
_MOST_HEADERS = 256

_SCHEMES = frozenset({"http", "https", ""})


@or_theirs("aiohttp.client")
@dataclass(frozen=True)
class ClientTimeout:
    """Limits on the time of a request, in seconds; None, and 0, are no limit.

    Attributes:
        total: From the call to the last byte of the body.
        connect: For a connection: the wait for leave to make one, and making it.
        sock_read: For each wait for something from the server.
        sock_connect: For making a connection.
        ceil_threshold: Without effect: timeouts are not rounded up.
    """

    total: float | None = None
    connect: float | None = None
    sock_read: float | None = None
    sock_connect: float | None = None
    ceil_threshold: float = 5


DEFAULT_TIMEOUT = ClientTimeout(total=5 * 60, sock_connect=30)


class _Times:
    """A ClientTimeout of which some time is gone."""

    __slots__ = ("connect", "sock_connect", "sock_read", "total")

    def __init__(self, timeout: ClientTimeout, begin: float) -> None:
        total = timeout.total
        if total:
            # A hop that begins too late fails at once.
            total = max(total - (time.monotonic() - begin), 1e-9)
        self.total = total
        self.connect = timeout.connect
        self.sock_connect = timeout.sock_connect
        self.sock_read = timeout.sock_read


class _Entered(Protocol):
    async def __aenter__(self) -> Any: ...
    async def __aexit__(self, *exception: Any) -> None: ...


_R = TypeVar("_R", bound=_Entered)


class _RequestContextManager(Generic[_R]):
    """A request that Python has a part in: to be awaited, or used with ``async with``."""

    __slots__ = ("_coro", "_resp")

    def __init__(self, coro: Coroutine[Any, Any, _R]) -> None:
        self._coro = coro

    def send(self, arg: None) -> Any:
        """As a coroutine's."""
        return self._coro.send(arg)

    def throw(self, *arguments: Any, **more: Any) -> Any:
        """As a coroutine's."""
        return self._coro.throw(*arguments, **more)

    def close(self) -> None:
        """As a coroutine's."""
        self._coro.close()

    def __await__(self) -> Generator[Any, None, _R]:
        return self._coro.__await__()

    def __iter__(self) -> Generator[Any, None, _R]:
        return self.__await__()

    async def __aenter__(self) -> _R:
        self._resp = await self._coro
        await self._resp.__aenter__()
        return self._resp

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._resp.__aexit__(exc_type, exc, tb)


in_context = _RequestContextManager


def failure(error: BaseException) -> BaseException:
    """What aiohttp raises where the native client has raised ``error`` and no more is known of the request."""
    if not isinstance(error, _HTTPError) or error.request is None:
        return error
    url = URL(error.request.url, encoded=True)
    headers: CIMultiDict[str] = CIMultiDict(error.request.headers.multi_items())
    info = RequestInfo(url.with_fragment(None), error.request.method, CIMultiDict(headers), url)  # type: ignore[arg-type]
    return translate(error, info)


_theirs = module("aiohttp.client")
#: aiohttp's class, and its own `_request`: who mocks aiohttp puts another in its place, and means ours too.
_PATCHED = None if _theirs is None else (_theirs.ClientSession, _theirs.ClientSession._request)


class ClientSession(AiohttpSession):
    """A client that keeps connections and cookies between requests.

    The arguments are aiohttp's. Those that ask for what is not done here are refused with NotImplementedError or ValueError:
    ``request_class``, a ``version`` other than HTTP/1.1, and limits on heads that are tighter than aiohttp's.
    """

    _connector: BaseConnector | None = None
    _foreign: Any = None
    _retry_connection = True

    def __init__(
        self,
        base_url: str | URL | None = None,
        *,
        connector: Any = None,
        loop: asyncio.AbstractEventLoop | None = None,
        cookies: Any = None,
        headers: Any = None,
        proxy: str | URL | None = None,
        proxy_auth: BasicAuth | None = None,
        skip_auto_headers: Iterable[str] | None = None,
        auth: BasicAuth | None = None,
        json_serialize: Callable[[Any], str] = _json.dumps,
        json_serialize_bytes: Callable[[Any], bytes] | None = None,
        request_class: Any = ClientRequest,
        response_class: type[ClientResponse] = ClientResponse,
        ws_response_class: Any = None,
        version: HttpVersion = HttpVersion11,
        cookie_jar: AbstractCookieJar | None = None,
        connector_owner: bool = True,
        raise_for_status: bool | Callable[[ClientResponse], Awaitable[None]] = False,
        read_timeout: float | None = _UNSET,
        conn_timeout: float | None = None,
        timeout: ClientTimeout | None = _UNSET,
        auto_decompress: bool = True,
        trust_env: bool = False,
        requote_redirect_url: bool = True,
        trace_configs: list[Any] | None = None,
        read_bufsize: int = 2**16,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
        fallback_charset_resolver: Callable[[ClientResponse, bytes], str] = lambda response, body: "utf-8",
        middlewares: Sequence[Any] = (),
        ssl_shutdown_timeout: float | None = _UNSET,
    ) -> None:
        self._base_url, self._base_origin = _base(base_url)
        self._timeout = _session_timeout(timeout, read_timeout, conn_timeout)
        if request_class is not ClientRequest:
            raise NotImplementedError("request_class is not supported: see middlewares")
        if tuple(version) != tuple(HttpVersion11):
            raise NotImplementedError(f"HTTP/{version[0]}.{version[1]} is not supported, only HTTP/1.1")
        _check_sizes(max_line_size, max_field_size, max_headers)
        self._loop = loop or asyncio._get_running_loop()
        if connector is None:
            connector = TCPConnector()
        ours = adopted(connector)
        self._foreign = None if ours is connector else connector
        self._connector_owner = connector_owner
        if cookie_jar is None:
            cookie_jar = CookieJar()
        self._cookie_jar = cookie_jar
        if cookies:
            cookie_jar.update_cookies(cookies)
        for given, name in ((auth, "auth"), (proxy_auth, "proxy_auth")):
            if given is not None:
                _warn_of_auth(name, 3)
        self._default_auth = auth
        self._default_proxy = proxy
        self._default_proxy_auth = proxy_auth
        self._version = version
        self._json_serialize = json_serialize
        self._json_serialize_bytes = json_serialize_bytes
        self._raise_for_status = raise_for_status
        self._auto_decompress = auto_decompress
        self._trust_env = trust_env
        self._requote_redirect_url = requote_redirect_url
        self._read_bufsize = read_bufsize
        self._default_headers: CIMultiDict[str] = CIMultiDict(headers or ())
        self._skip_auto_headers = frozenset(istr(name) for name in skip_auto_headers or ())
        self._response_class = response_class
        self._ws_response_class = ws_response_class
        self._trace_configs = trace_configs or []
        for trace_config in self._trace_configs:
            trace_config.freeze()
        self._resolve_charset = fallback_charset_resolver
        self._middlewares = middlewares
        self._connector = ours
        self._set_up_native()

    def _set_up_native(self) -> None:
        """Tell the native class what it needs to do requests, unless each must come by Python."""
        connector, jar = self._connector, self._cookie_jar
        native_jar = isinstance(jar, CookieJar) and type(jar) is CookieJar
        needs_python = (
            self._trace_configs
            or self._middlewares
            or self._default_auth is not None
            or self._default_proxy is not None
            or self._json_serialize_bytes is not None
            or callable(self._raise_for_status)
            or "Content-Type" in self._skip_auto_headers
            or not (native_jar or type(jar) is DummyCookieJar)
        )
        if needs_python or connector is None:
            return
        self._set_up(
            connector=connector,
            connections=connector._connections(),
            jar=jar._native if isinstance(jar, CookieJar) else None,
            timeout=self._timeout,
            decompress=self._auto_decompress,
            trust_env=self._trust_env,
            raise_for_status=bool(self._raise_for_status),
            auto=self._auto(frozenset()),
            headers=self._default_headers,
            version=getversion,
            serialize=self._json_serialize,
            response_class=self._response_class,
            own=ClientSession._request,
            theirs=_PATCHED,
        )

    def _auto(self, skip: frozenset[str]) -> dict[str, str]:
        """What is sent unless a request says otherwise, without the names in ``skip`` and those that the session skips."""
        without = {name.lower() for name in skip | self._skip_auto_headers}
        auto = {name: value for name, value in _AUTO.items() if name.lower() not in without}
        if self._connector is not None and self._connector.force_close:
            auto["Connection"] = "close"
        return auto

    # ---- requests ----

    async def _request(self, method: str, str_or_url: str | URL, **kwargs: Any) -> ClientResponse:
        """Make a request and give its response; what ``get`` and its like come to.

        The keyword arguments are those of aiohttp.

        Raises:
            RuntimeError: The session is closed.
            ClientError: What can go wrong, as in aiohttp; also TimeoutError and ValueError.
        """
        if _PATCHED is not None and _PATCHED[0]._request is not _PATCHED[1]:
            response: ClientResponse = await _PATCHED[0]._request(self, method, str_or_url, **kwargs)
            return response
        asked = _Asked(self, method, str_or_url, **kwargs)
        if self.closed:
            raise RuntimeError("Session is closed")
        operation = None
        try:
            operation = self._native_request(method, str_or_url, **kwargs)
        except Exception:  # noqa: BLE001, S110 - it is said below, as aiohttp says it
            pass
        if operation is not None:
            return await operation
        return await asked.response()

    def _build_url(self, str_or_url: str | URL) -> URL:
        url = URL(str_or_url)
        if self._base_url is not None and not url.absolute:
            return self._base_url.join(url)
        return url

    def _prepare_headers(self, headers: Any) -> CIMultiDict[str]:
        """The session's headers, and in their places those of the request."""
        result = CIMultiDict(self._default_headers)
        if headers:
            if not isinstance(headers, (MultiDictProxy, MultiDict)):
                headers = CIMultiDict(headers)
            seen: set[str] = set()
            for name, value in headers.items():
                if name in seen:
                    result.add(name, value)
                else:
                    result[name] = value
                    seen.add(name)
        return result

    async def _chunk_received(self, response: ClientResponse, body: bytes) -> None:
        for trace in getattr(response, "_traces", ()):
            await trace.send_response_chunk_received(response.method, response.url, body)

    def ws_connect(self, url: str | URL, **kwargs: Any) -> Any:
        """Open a WebSocket, to be awaited or used with ``async with``; the arguments are those of aiohttp."""
        return _RequestContextManager(self._ws_connect(url, **kwargs))

    async def _ws_connect(
        self,
        url: str | URL,
        *,
        method: str = "GET",
        headers: Any = None,
        params: Any = None,
        auth: BasicAuth | None = None,
        ssl: Any = True,
        verify_ssl: bool | None = None,
        fingerprint: bytes | None = None,
        ssl_context: Any = None,
        proxy: str | URL | None = None,
        proxy_auth: BasicAuth | None = None,
        proxy_headers: Any = None,
        **options: Any,
    ) -> Any:
        if self.closed:
            raise RuntimeError("Session is closed")
        if method.upper() != "GET":
            raise NotImplementedError("a WebSocket is asked for with GET (RFC 6455, section 4.1)")
        asked = _Asked(
            self,
            "GET",
            url,
            params=params,
            headers=headers,
            auth=auth,
            ssl=merged_ssl(ssl, verify_ssl, ssl_context, fingerprint),
            proxy=proxy,
            proxy_auth=proxy_auth,
            proxy_headers=proxy_headers,
        )
        asked.settle()
        asked.add_cookies()
        connector = self._connector
        return await client_ws.connect(
            str(asked.url),
            headers=list(asked.headers.items()),
            ssl=connector._ssl if asked.ssl is True and connector is not None else asked.ssl,
            proxy=asked.native_proxy(),
            trust_env=self._trust_env,
            response_class=self._ws_response_class,
            **options,
        )

    # ---- its end ----

    async def close(self) -> None:
        """Close the session, and the connector if that is its own."""
        connector, foreign = self._connector, self._foreign
        self._connector = self._foreign = None
        if connector is not None and (self._connector_owner or foreign is not None):
            connector.close()
        if foreign is not None and self._connector_owner:
            await foreign.close()

    def detach(self) -> None:
        """Leave the connector to others; the session is closed."""
        self._connector = self._foreign = None

    @property
    def closed(self) -> bool:
        """Whether it was closed, or its connector was."""
        return self._connector is None or self._connector.closed

    def __enter__(self) -> None:
        raise TypeError("Use async with instead")

    def __exit__(self, *exception: object) -> None:
        pass

    async def __aenter__(self) -> ClientSession:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if self._connector is None or self._connector.closed:
            return
        _warn(f"Unclosed client session {self!r}", ResourceWarning, source=self)
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_exception_handler({"client_session": self, "message": "Unclosed client session"})
        if self._connector_owner:
            self._connector.close()

    # ---- what it was told ----

    @property
    def connector(self) -> Any:
        """The connector; None once the session is closed."""
        return self._connector if self._foreign is None else self._foreign

    @property
    def cookie_jar(self) -> AbstractCookieJar:
        """The cookies."""
        return self._cookie_jar

    @property
    def version(self) -> HttpVersion:
        """HTTP/1.1."""
        return self._version

    @property
    def requote_redirect_url(self) -> bool:
        """Whether the URLs of redirects are quoted anew."""
        return self._requote_redirect_url

    @requote_redirect_url.setter
    def requote_redirect_url(self, value: bool) -> None:
        warnings.warn(
            "session.requote_redirect_url modification is deprecated #2778", DeprecationWarning, stacklevel=2
        )
        self._requote_redirect_url = value

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that it was made in."""
        warnings.warn("client.loop property is deprecated", DeprecationWarning, stacklevel=2)
        return self._loop

    @property
    def timeout(self) -> ClientTimeout:
        """The limits of requests that do not say their own."""
        return self._timeout

    @property
    def headers(self) -> CIMultiDict[str]:
        """What is sent with every request; it may be changed."""
        return self._default_headers

    @property
    def skip_auto_headers(self) -> frozenset[istr]:
        """The headers that are not sent unless a request says them."""
        return self._skip_auto_headers

    @property
    def auth(self) -> BasicAuth | None:
        """Who proves to servers who we are."""
        return self._default_auth

    @property
    def json_serialize(self) -> Callable[[Any], str]:
        """What makes JSON of a value."""
        return self._json_serialize

    @property
    def connector_owner(self) -> bool:
        """Whether the connector is closed with the session."""
        return self._connector_owner

    @property
    def raise_for_status(self) -> bool | Callable[[ClientResponse], Awaitable[None]]:
        """Whether ``raise_for_status`` is called for each response, or what is called in its place."""
        return self._raise_for_status

    @property
    def auto_decompress(self) -> bool:
        """Whether content codings are undone."""
        return self._auto_decompress

    @property
    def trust_env(self) -> bool:
        """Whether proxies and netrc are taken from the environment."""
        return self._trust_env

    @property
    def trace_configs(self) -> list[Any]:
        """Who is told what happens."""
        return self._trace_configs


class _Asked:
    """One request as it was asked for, and the hops that it takes."""

    def __init__(
        self,
        session: ClientSession,
        method: str,
        str_or_url: str | URL,
        *,
        params: Any = None,
        data: Any = None,
        json: Any = None,
        cookies: Any = None,
        headers: Any = None,
        skip_auto_headers: Iterable[str] | None = None,
        auth: BasicAuth | None = None,
        allow_redirects: bool = True,
        max_redirects: int = 10,
        compress: str | bool | None = None,
        chunked: bool | None = None,
        expect100: bool = False,
        raise_for_status: bool | Callable[[ClientResponse], Awaitable[None]] | None = None,
        read_until_eof: bool = True,
        proxy: str | URL | None = None,
        proxy_auth: BasicAuth | None = None,
        timeout: ClientTimeout | float | None = _UNSET,
        verify_ssl: bool | None = None,
        fingerprint: bytes | None = None,
        ssl_context: Any = None,
        ssl: Any = True,
        server_hostname: str | None = None,
        proxy_headers: Any = None,
        trace_request_ctx: Any = None,
        read_bufsize: int | None = None,
        auto_decompress: bool | None = None,
        max_line_size: int | None = None,
        max_field_size: int | None = None,
        max_headers: int | None = None,
        middlewares: Sequence[Any] | None = None,
        upload_tracker: Any = None,
    ) -> None:
        self.session = session
        self.method = method.upper()
        self.given_url = str_or_url
        self.params = params
        self.data = data
        self.json = json
        self.cookies = cookies
        self.given_headers = headers
        self.skip = frozenset(skip_auto_headers or ())
        self.auth = auth
        self.allow_redirects = allow_redirects
        self.max_redirects = max_redirects
        self.compress = compress
        self.chunked = chunked
        self.expect100 = expect100
        self.raise_for_status = raise_for_status
        self.read_until_eof = read_until_eof
        self.proxy = proxy
        self.proxy_auth = proxy_auth
        self.timeout = timeout
        self.ssl = merged_ssl(ssl, verify_ssl, ssl_context, fingerprint)
        self.server_hostname = server_hostname
        self.proxy_headers = proxy_headers
        self.trace_request_ctx = trace_request_ctx
        self.auto_decompress = auto_decompress
        self.sizes = (max_line_size, max_field_size, max_headers)
        self.middlewares = middlewares
        self.upload_tracker = upload_tracker
        self.url = URL()
        self.headers: CIMultiDict[str] = CIMultiDict()
        self.history: list[ClientResponse] = []
        self.traces: list[Trace] = []
        self.content: Any = None
        self.start: int | None = None

    # ---- what is sent ----

    def settle(self) -> None:
        """Find out what is to be sent, and refuse what cannot be."""
        session = self.session
        for given, name in ((self.auth, "auth"), (self.proxy_auth, "proxy_auth")):
            if given is not None:
                _warn_of_auth(name, 6)
        if self.upload_tracker is not None:
            raise NotImplementedError("upload_tracker is not supported")
        if not self.read_until_eof:
            raise NotImplementedError("read_until_eof=False is not supported")
        line, field, count = self.sizes
        _check_sizes(line or 8190, field or 8190, count or 128)
        self.headers = session._prepare_headers(self.given_headers)
        try:
            url = session._build_url(self.given_url)
        except ValueError as error:
            raise InvalidUrlClientError(self.given_url) from error
        connector = session._connector
        if connector is not None and url.scheme not in connector.allowed_protocol_schema_set:
            raise NonHttpUrlClientError(url)
        if self.params:
            url = url.extend_query(self.params)
        self.url, from_url = _without_credentials(url)
        if not self.url.raw_host:
            raise InvalidUrlClientError(self.url)
        if self.auth and from_url:
            raise ValueError("Cannot combine AUTH argument with credentials encoded in URL")
        self.authorize(self.auth or from_url)
        self._settle_proxy()
        self._settle_body()
        for name, value in session._auto(self.skip).items():
            self.headers.setdefault(name, value)
        if self.expect100:
            self.headers["Expect"] = "100-continue"

    def _settle_proxy(self) -> None:
        session = self.session
        if self.proxy is None:
            self.proxy = session._default_proxy
        if self.proxy_auth is None:
            self.proxy_auth = session._default_proxy_auth
        if self.proxy is None:
            return
        try:
            proxy = URL(self.proxy)
        except ValueError as error:
            raise InvalidURL(self.proxy) from error
        if self.proxy_auth is not None:
            if not isinstance(self.proxy_auth, tuple):
                raise ValueError("proxy_auth must be None or BasicAuth() tuple")
            proxy = proxy.with_user(self.proxy_auth.login).with_password(self.proxy_auth.password)
        self.proxy = proxy

    def native_proxy(self) -> Proxy | None:
        """The proxy, as the native client takes it."""
        if self.proxy is None:
            return None
        headers = list(CIMultiDict(self.proxy_headers or ()).items())
        return Proxy(str(self.proxy), headers=headers or None)

    def _settle_body(self) -> None:
        data, session = self.data, self.session
        if data is not None and self.json is not None:
            raise ValueError("data and json parameters can not be used at the same time")
        if self.json is not None:
            if session._json_serialize_bytes is not None:
                data = session._json_serialize_bytes(self.json)
            else:
                data = session._json_serialize(self.json).encode("utf-8")
            if "Content-Type" not in self.headers and "content-type" not in self._skipped():
                self.headers["Content-Type"] = "application/json"
        self.content = self._body_of(data, self.headers)
        if isinstance(self.content, io.IOBase) and self.content.seekable():
            self.start = self.content.tell()

    def _body_of(self, data: Any, headers: CIMultiDict[str]) -> Any:
        skip: CIMultiDict[None] = CIMultiDict((name, None) for name in self._skipped())
        return body_of(
            data,
            headers=headers,
            method=self.method,
            chunked=self.chunked,
            compress=self.compress,
            skip_auto_headers=skip,
        )

    def _skipped(self) -> set[str]:
        return {name.lower() for name in self.skip | self.session._skip_auto_headers}

    def authorize(self, auth: BasicAuth | None) -> None:
        """Let ``auth``, or what the session has, prove who we are."""
        session = self.session
        if auth is None and session._default_auth is not None:
            if session._base_origin is None or session._base_origin == self.url.origin():
                auth = session._default_auth
        if auth is None:
            return
        if hdrs.AUTHORIZATION in self.headers and not self.history:
            raise ValueError(
                "Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded in URL"
            )
        if not isinstance(auth, tuple):
            raise TypeError("BasicAuth() tuple is required instead")
        self.headers[hdrs.AUTHORIZATION] = auth.encode()

    def add_cookies(self) -> CIMultiDict[str]:
        """The headers with the cookies that Python has to find: the request's own, and those of a jar that is not ours."""
        session, headers = self.session, self.headers.copy()
        jar = session._cookie_jar
        found: list[str] = []
        if not _is_native(jar):
            found += _pairs(jar.filter_cookies(self.url))
        if self.cookies is not None:
            own = CookieJar(unsafe=True, quote_cookie=getattr(jar, "quote_cookie", True))
            own.update_cookies(self.cookies)
            found += _pairs(own.filter_cookies(self.url))
        if found:
            before = headers.popall(hdrs.COOKIE, [])
            headers[hdrs.COOKIE] = "; ".join([*before, *found])
        return headers

    # ---- the hops ----

    async def response(self) -> ClientResponse:
        """The answer, after all redirects."""
        session = self.session
        self.settle()
        timeout = self._timeout()
        begin = time.monotonic()
        response = None
        try:
            await self._begin_traces()
            while True:
                response = await self._hop(_Times(timeout, begin))
                self._keep_cookies(response)
                if not (self.allow_redirects and await self._follows(response)):
                    break
            response._history = tuple(self.history)
            check = session._raise_for_status if self.raise_for_status is None else self.raise_for_status
            if callable(check):
                await check(response)
            elif check:
                response.raise_for_status()
            for trace in self.traces:
                await trace.send_request_end(self.method, self.url, self.headers, response)
        except BaseException as error:
            if response is not None:
                response.close()
            for trace in self.traces:
                await trace.send_request_exception(self.method, self.url, self.headers, error)
            raise
        return response

    def _timeout(self) -> ClientTimeout:
        timeout = self.timeout
        if timeout is _UNSET:
            return self.session._timeout
        if timeout is None or isinstance(timeout, (int, float)):
            return ClientTimeout(total=timeout)
        if hasattr(timeout, "sock_read"):
            return timeout
        if type(timeout).__name__ in ("_SENTINEL", "sentinel"):
            return self.session._timeout
        raise TypeError(f"timeout must be a ClientTimeout, a number or None, not {type(timeout).__name__}")

    async def _begin_traces(self) -> None:
        for config in self.session._trace_configs:
            context = config.trace_config_ctx(trace_request_ctx=self.trace_request_ctx)
            trace = Trace(self.session, config, context)
            await trace.send_request_start(self.method, self.url, self.headers)
            self.traces.append(trace)

    async def _hop(self, times: _Times) -> ClientResponse:
        if self.start is not None:
            self.content.seek(self.start)
        request = ClientRequest(
            self.method,
            self.url,
            headers=self.add_cookies(),
            body=self.content,
            session=self.session,
            chunked=self.chunked,
            compress=self.compress,
            ssl=self.ssl,
            proxy=self.proxy,  # type: ignore[arg-type]
            proxy_headers=self.proxy_headers,
            server_hostname=self.server_hostname,
        )

        async def send(request: ClientRequest) -> ClientResponse:
            return await self._send(request, times)

        handler = send
        middlewares = self.session._middlewares if self.middlewares is None else self.middlewares
        for middleware in reversed(tuple(middlewares)):
            handler = _through(middleware, handler)
        return await handler(request)

    async def _send(self, request: ClientRequest, times: _Times) -> ClientResponse:
        session = self.session
        connector = session._connector
        if connector is None:
            raise RuntimeError("Session is closed")
        jar, body = session._cookie_jar, request.body
        if body is not self.content:
            body = self._body_of(body, request.headers)
        terms = {
            "headers": request.headers,
            "content": body,
            "limits": times,
            "jar": jar._native if isinstance(jar, CookieJar) and _is_native(jar) else None,
            "proxy": self.native_proxy(),
            "trust_env": session._trust_env,
            "decompress": session._auto_decompress if self.auto_decompress is None else self.auto_decompress,
            "server_hostname": request.server_hostname,
            "trace": bool(self.traces),
        }
        for trace in self.traces:
            await trace.send_request_headers(request.method, request.url, request.headers)
        try:
            native = await connector._connections(request.ssl).open(
                request.method, str(request.original_url), terms
            )
        except _HTTPError as error:
            raise translate(
                error,
                request.request_info,
                history=tuple(self.history),
                ssl=request.ssl,
                proxy=self.proxy,  # type: ignore[arg-type]
                server_hostname=request.server_hostname,
            ) from error
        response = session._response_class(native, session)
        response._history = ()
        if self.traces:
            response._traces = self.traces
            for event in native.trace:
                await _tell(self.traces, event, request.host)
        return response

    def _keep_cookies(self, response: ClientResponse) -> None:
        jar = self.session._cookie_jar
        if not _is_native(jar):
            values = response._native.headers.get_list("set-cookie")
            if values:
                jar.update_cookies_from_headers(values, response.url)

    async def _follows(self, response: ClientResponse) -> bool:
        """Whether the response leads elsewhere; the request is the next one then."""
        if response.status not in (301, 302, 303, 307, 308):
            return False
        for trace in self.traces:
            await trace.send_request_redirect(self.method, self.url, self.headers, response)
        self.history.append(response)
        if self.max_redirects and len(self.history) >= self.max_redirects:
            response.close()
            raise TooManyRedirects(self.history[0].request_info, tuple(self.history))
        if (response.status == 303 and self.method != "HEAD") or (
            response.status in (301, 302) and self.method == "POST"
        ):
            self.method = "GET"
            self.content = self.start = None
            for name in (hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING):
                self.headers.popall(name, None)
        elif self.content is not None and self.start is None and not isinstance(self.content, bytes):
            response.close()
            raise ClientPayloadError(
                "Cannot follow redirect with a consumed request body. "
                "Use bytes, a seekable file-like object, or set allow_redirects=False."
            )
        target = response.headers.get(hdrs.LOCATION) or response.headers.get("URI")
        if target is None:
            self.history.pop()
            return False
        response.release()
        self._go_to(target)
        return True

    def _go_to(self, target: str) -> None:
        why = "Server attempted redirecting to a location that does not look like a URL"
        try:
            url = URL(target, encoded=not self.session._requote_redirect_url)
        except ValueError as error:
            raise InvalidUrlRedirectClientError(target, why) from error
        if url.scheme not in _SCHEMES:
            raise NonHttpUrlRedirectClientError(target)
        if not url.scheme:
            url = self.url.join(url)
        try:
            origin = url.origin()
        except ValueError as error:
            raise InvalidUrlRedirectClientError(url, "Invalid redirect URL origin") from error
        elsewhere = self.url.origin() != origin
        if elsewhere:
            self.cookies = None
            for name in (hdrs.AUTHORIZATION, hdrs.COOKIE, hdrs.PROXY_AUTHORIZATION):
                self.headers.popall(name, None)
        self.url, from_url = _without_credentials(url)
        if not self.url.raw_host:
            raise InvalidUrlRedirectClientError(self.url)
        if from_url is not None or (elsewhere and self.session._default_auth is not None):
            self.authorize(from_url)


def _base(given: str | URL | None) -> tuple[URL | None, URL | None]:
    if given is None:
        return None, None
    base = given if isinstance(given, URL) else URL(given)
    origin = base.origin()
    if not base.path.endswith("/"):
        raise ValueError("base_url must have a trailing '/'")
    return base, origin


def _session_timeout(timeout: Any, read: Any, connect: float | None) -> ClientTimeout:
    if timeout is not _UNSET and timeout is not None and type(timeout).__name__ not in ("_SENTINEL", "sentinel"):
        if not hasattr(timeout, "sock_read"):
            raise ValueError(
                f"timeout parameter cannot be of {type(timeout)} type, please use 'timeout=ClientTimeout(...)'"
            )
        for given, name in ((read is not _UNSET, "read"), (connect is not None, "conn")):
            if given:
                raise ValueError(f"{name}_timeout and timeout parameters conflict, please setup timeout")
        chosen: ClientTimeout = timeout
        return chosen
    total, for_connect = DEFAULT_TIMEOUT.total, None
    if read is not _UNSET:
        warnings.warn("read_timeout is deprecated, use timeout argument instead", DeprecationWarning, stacklevel=3)
        total = read
    if connect is not None:
        warnings.warn("conn_timeout is deprecated, use timeout argument instead", DeprecationWarning, stacklevel=3)
        for_connect = connect
    return ClientTimeout(total=total, connect=for_connect, sock_connect=DEFAULT_TIMEOUT.sock_connect)


def _check_sizes(line: int, field: int, count: int) -> None:
    """ValueError for limits on heads that are not kept to: here a head has 256 KiB at most, and 256 headers."""
    if not (8190 <= line <= _LONGEST_HEAD and 8190 <= field <= _LONGEST_HEAD):
        raise ValueError(f"max_line_size and max_field_size must be from 8190 to {_LONGEST_HEAD} bytes")
    if not 128 <= count <= _MOST_HEADERS:
        raise ValueError(f"max_headers must be from 128 to {_MOST_HEADERS}")


def _warn_of_auth(name: str, stacklevel: int) -> None:
    headers, header = ("headers", "Authorization") if name == "auth" else ("proxy_headers", "Proxy-Authorization")
    warnings.warn(
        f"The '{name}' parameter is deprecated and will be removed in v4;"
        f" pass {headers}={{'{header}': aiohttp.encode_basic_auth(login, password)}} instead",
        DeprecationWarning,
        stacklevel=stacklevel,
    )


def _without_credentials(url: URL) -> tuple[URL, BasicAuth | None]:
    if url.raw_user is None and url.raw_password is None:
        return url, None
    return url.with_user(None), BasicAuth(url.user or "", url.password or "")


def _is_native(jar: AbstractCookieJar) -> bool:
    """Whether the native client applies the cookies of this jar, or it has none."""
    return type(jar) is CookieJar or type(jar) is DummyCookieJar


def _pairs(cookies: Any) -> list[str]:
    return [f"{morsel.key}={morsel.coded_value}" for morsel in cookies.values()]


def _through(middleware: Any, handler: Any) -> Any:
    async def handle(request: ClientRequest) -> ClientResponse:
        response: ClientResponse = await middleware(request, handler)
        return response

    return handle


async def _tell(traces: list[Trace], event: Any, host: str) -> None:
    """Tell of one thing that happened to the connection."""
    names = {
        "pool.wait": ("send_connection_queued_start", "send_connection_queued_end"),
        "connection.created": ("send_connection_create_start", "send_connection_create_end"),
        "connection.reused": ("send_connection_reuseconn",),
    }
    for trace in traces:
        for name in names.get(event.name, ()):
            await getattr(trace, name)()
        if event.name == "dns.begin":
            await trace.send_dns_resolvehost_start(host)
        elif event.name == "dns.end":
            await trace.send_dns_resolvehost_end(host)


class _SessionRequestContextManager:
    """A request with a session of its own, which is closed with it."""

    __slots__ = ("_coro", "_resp", "_session")

    def __init__(self, coro: Coroutine[Any, Any, ClientResponse], session: ClientSession) -> None:
        self._coro = coro
        self._session = session

    async def __aenter__(self) -> ClientResponse:
        try:
            self._resp = await self._coro
        except BaseException:
            await self._session.close()
            raise
        return self._resp

    async def __aexit__(self, *exception: object) -> None:
        self._resp.close()
        await self._session.close()


def request(
    method: str,
    url: str | URL,
    *,
    version: HttpVersion = HttpVersion11,
    connector: Any = None,
    loop: asyncio.AbstractEventLoop | None = None,
    **kwargs: Any,
) -> _SessionRequestContextManager:
    """Make one request with a session of its own; to be used with ``async with``.

    The arguments are those of ``ClientSession.request``.
    """
    owner = connector is None
    session = ClientSession(
        cookies=kwargs.pop("cookies", None),
        version=version,
        timeout=kwargs.pop("timeout", _UNSET),
        connector=TCPConnector(force_close=True) if owner else connector,
        connector_owner=owner,
    )
    return _SessionRequestContextManager(session._request(method, url, **kwargs), session)
