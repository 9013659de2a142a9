"""``ClientSession``: aiohttp's client, on native connections.

A request that needs no Python in its course is done by the native class under it. All others are done in
Python, hop by hop, as aiohttp does them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json as _json
import sys
import warnings
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from multidict import CIMultiDict, MultiDict, MultiDictProxy, getversion, istr
from yarl import URL

from aioxide._core import AiohttpSession
from aioxide._core import __version__ as _version

from . import client_exceptions, client_ws
from ._adopted import adopted
from ._asked import Asked, base_of, check_sizes, warn_of_auth
from ._contexts import RequestContextManager, SessionRequestContextManager
from ._hops import Course
from ._installed import base
from ._mocks import PATCHED, let_through
from .abc import AbstractCookieJar
from .client_exceptions import *  # noqa: F403
from .client_reqrep import ClientRequest, ClientResponse, Fingerprint, RequestInfo
from .client_timeout import DEFAULT_TIMEOUT, UNSET, ClientTimeout, session_timeout
from .client_ws import ClientWebSocketResponse, ClientWSTimeout
from .connector import BaseConnector, NamedPipeConnector, TCPConnector, UnixConnector, merged_ssl
from .cookiejar import CookieJar, DummyCookieJar, native_jar
from .helpers import BasicAuth
from .http import HttpVersion, HttpVersion11
from .streams import DEFAULT_LIMIT

# Programs take most names of the client side from here.
__all__ = [
    "DEFAULT_TIMEOUT",
    "BaseConnector",
    "ClientRequest",
    "ClientResponse",
    "ClientSession",
    "ClientTimeout",
    "ClientWSTimeout",
    "ClientWebSocketResponse",
    "Fingerprint",
    "NamedPipeConnector",
    "RequestInfo",
    "TCPConnector",
    "UnixConnector",
    "request",
]
__all__ += client_exceptions.__all__

#: What a session sends unless it is told otherwise. Of these `skip_auto_headers` takes away.
_AUTO = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "User-Agent": f"Python/{sys.version_info[0]}.{sys.version_info[1]} aioxide/{_version}",
}

#: The names by which aiohttp has them.
if TYPE_CHECKING:
    _RequestContextManager = RequestContextManager[ClientResponse]
    _WSRequestContextManager = RequestContextManager[client_ws.ClientWebSocketResponse]
else:
    _RequestContextManager = _WSRequestContextManager = RequestContextManager


if TYPE_CHECKING:

    class _Theirs: ...

else:
    _Theirs = base("aiohttp.client", "ClientSession")


class ClientSession(AiohttpSession, _Theirs):
    """A client that keeps connections and cookies between requests.

    The arguments are aiohttp's. Those that ask for what is not done here are refused with NotImplementedError
    or ValueError: ``request_class``, a ``version`` other than HTTP/1.1, and limits on heads that are tighter
    than aiohttp's.
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
        read_timeout: float | None = UNSET,
        conn_timeout: float | None = None,
        timeout: ClientTimeout | None = UNSET,
        auto_decompress: bool = True,
        trust_env: bool = False,
        requote_redirect_url: bool = True,
        trace_configs: list[Any] | None = None,
        read_bufsize: int = DEFAULT_LIMIT,
        max_line_size: int = 8190,
        max_field_size: int = 8190,
        max_headers: int = 128,
        fallback_charset_resolver: Callable[[ClientResponse, bytes], str] = lambda response, body: "utf-8",
        middlewares: Sequence[Any] = (),
        ssl_shutdown_timeout: float | None = UNSET,
    ) -> None:
        self._base_url, self._base_origin = base_of(base_url)
        self._timeout = session_timeout(timeout, read_timeout, conn_timeout)
        if request_class is not ClientRequest:
            raise NotImplementedError("request_class is not supported: see middlewares")
        if tuple(version) != tuple(HttpVersion11):
            raise NotImplementedError(f"HTTP/{version[0]}.{version[1]} is not supported, only HTTP/1.1")
        check_sizes(max_line_size, max_field_size, max_headers)
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
                warn_of_auth(name, 3)
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

    def __init_subclass__(cls) -> None:
        warnings.warn(
            f"Inheritance class {cls.__name__} from ClientSession is discouraged",
            DeprecationWarning,
            stacklevel=2,
        )

    def _set_up_native(self) -> None:
        """Tell the native class what it needs to do requests, unless each must come by Python."""
        connector, jar = self._connector, self._cookie_jar
        native = native_jar(jar)
        needs_python = (
            self._trace_configs
            or (connector is not None and connector._finds_addresses())
            or self._middlewares
            or self._default_auth is not None
            or self._default_proxy is not None
            or self._json_serialize_bytes is not None
            or callable(self._raise_for_status)
            or "Content-Type" in self._skip_auto_headers
            or (native is None and type(jar) is not DummyCookieJar)
        )
        if needs_python or connector is None:
            return
        self._set_up(
            connector=connector,
            connections=connector._connections(),
            jar=native,
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
            theirs=PATCHED,
        )

    def _auto(self, skip: frozenset[str]) -> dict[str, str]:
        """Give what is sent unless a request says otherwise, without the headers to skip."""
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
        if PATCHED is not None and PATCHED[0]._request is not PATCHED[1]:
            let_through(PATCHED[1])
            mocked: ClientResponse = await PATCHED[0]._request(self, method, str_or_url, **kwargs)
            return mocked
        return await self._send(method, str_or_url, **kwargs)

    async def _send(self, method: str, str_or_url: str | URL, **kwargs: Any) -> ClientResponse:
        operation = None
        if not self.closed:
            # What is wrong with it is said below, as aiohttp says it.
            with contextlib.suppress(Exception):
                operation = self._native_request(method, str_or_url, **kwargs)
        if operation is not None:
            native: ClientResponse = await operation
            return native
        return await self._course(method, str_or_url, **kwargs)

    async def _course(self, method: str, str_or_url: str | URL, **kwargs: Any) -> ClientResponse:
        """Do what ``_request`` does with what the native class has left to Python."""
        asked = Course(self, method, str_or_url, **kwargs)
        if self.closed:
            raise RuntimeError("Session is closed")
        return await asked.response()

    def _build_url(self, str_or_url: str | URL) -> URL:
        url = URL(str_or_url)
        if self._base_url is not None and not url.absolute:
            return self._base_url.join(url)
        return url

    def _prepare_headers(self, headers: Any) -> CIMultiDict[str]:
        """Merge the session's headers with those of a request, which take their places."""
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

    def ws_connect(self, url: str | URL, **kwargs: Any) -> _WSRequestContextManager:
        """Open a WebSocket, to be awaited or used with ``async with``; the arguments are those of aiohttp."""
        return RequestContextManager(self._ws_connect(url, **kwargs))

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
    ) -> client_ws.ClientWebSocketResponse:
        if self.closed:
            raise RuntimeError("Session is closed")
        if method.upper() != "GET":
            raise NotImplementedError("a WebSocket is asked for with GET (RFC 6455, section 4.1)")
        asked = Asked(
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
        connector = self._connector
        settings = {} if connector is None else connector._settings
        opening = client_ws.connect(
            str(asked.url),
            headers=list(asked.all_cookies().items()),
            ssl=connector._ssl if asked.ssl is True and connector is not None else asked.ssl,
            proxy=asked.native_proxy() or settings.get("proxy"),
            trust_env=self._trust_env,
            response_class=self._ws_response_class,
            open_timeout=self._timeout.total,
            connector=connector,
            towards=URL(asked.proxy or asked.url),
            **options,
        )
        websocket = await (opening if connector is None else connector._open(opening))
        cookies = websocket.set_cookies()
        if cookies:
            self._cookie_jar.update_cookies_from_headers(cookies, asked.url)
        return websocket

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

    async def __aenter__(self) -> Self:
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


def request(
    method: str,
    url: str | URL,
    *,
    version: HttpVersion = HttpVersion11,
    connector: Any = None,
    loop: asyncio.AbstractEventLoop | None = None,
    **kwargs: Any,
) -> SessionRequestContextManager:
    """Make one request with a session of its own; to be used with ``async with``.

    The arguments are those of ``ClientSession.request``.
    """
    owner = connector is None
    session = ClientSession(
        cookies=kwargs.pop("cookies", None),
        version=version,
        timeout=kwargs.pop("timeout", UNSET),
        connector=TCPConnector(force_close=True) if owner else connector,
        connector_owner=owner,
    )
    return SessionRequestContextManager(session._request(method, url, **kwargs), session)
