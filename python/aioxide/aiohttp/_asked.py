"""One request as it was asked for, and what is sent of it."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict
from yarl import URL

from aioxide._core import Proxy

from . import hdrs
from ._bodies import body_of
from .abc import AbstractCookieJar
from .client_exceptions import InvalidURL, InvalidUrlClientError, NonHttpUrlClientError
from .client_timeout import UNSET, ClientTimeout
from .connector import merged_ssl
from .cookiejar import CookieJar, DummyCookieJar, native_jar
from .helpers import BasicAuth, basic_auth

if TYPE_CHECKING:
    from .client import ClientSession
    from .client_reqrep import ClientResponse

__all__ = ["Asked", "base_of", "check_sizes", "is_native_jar", "warn_of_auth", "without_credentials"]

#: How many cookies a jar surely keeps for one domain.
_IN_A_JAR = 50
#: The longest head that the native client takes, in bytes, and how many headers.
_LONGEST_HEAD = 262144
_MOST_HEADERS = 256

#: What aiohttp says after the cookies, where it says it last.
_LAST = frozenset(
    {"authorization", "content-encoding", "content-length", "content-type", "expect", "transfer-encoding"}
)


class Asked:
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
        timeout: ClientTimeout | float | None = UNSET,
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
        self.read_bufsize = read_bufsize
        self.auto_decompress = auto_decompress
        self.sizes = (max_line_size, max_field_size, max_headers)
        self.middlewares = middlewares
        self.upload_tracker = upload_tracker
        self.url = URL()
        self.headers: CIMultiDict[str] = CIMultiDict()
        self.history: list[ClientResponse] = []
        self.traces: list[Any] = []
        self.content: Any = None
        self.start: int | None = None

    # ---- what is sent ----

    def settle(self) -> None:
        """Find out what is to be sent, and refuse what cannot be."""
        session = self.session
        for given, name in ((self.auth, "auth"), (self.proxy_auth, "proxy_auth")):
            if given is not None:
                warn_of_auth(name, 6)
        if self.upload_tracker is not None:
            raise NotImplementedError(
                "upload_tracker is not supported: see TraceConfig.on_request_chunk_sent"
            )
        if not isinstance(self.chunked, (bool, NoneType)):
            warnings.warn("Chunk size is deprecated #1615", DeprecationWarning, stacklevel=6)
        line, field, count = self.sizes
        check_sizes(line or 8190, field or 8190, count or 128)
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
        self.url, from_url = without_credentials(url)
        if not self.url.raw_host:
            raise InvalidUrlClientError(self.url)
        if self.auth and from_url:
            raise ValueError("Cannot combine AUTH argument with credentials encoded in URL")
        own = frozenset(self.headers)
        for name, value in session._auto(self.skip).items():
            self.headers.setdefault(name, value)
        self.authorize(self.auth or from_url)
        self._settle_proxy()
        self._settle_body(own)
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
        if not proxy:
            self.proxy = None
            return
        if not proxy.raw_host:
            raise InvalidURL(proxy)
        if self.proxy_auth is not None:
            if not isinstance(self.proxy_auth, BasicAuth):
                raise ValueError("proxy_auth must be None or BasicAuth() tuple")
            proxy = proxy.with_user(self.proxy_auth.login).with_password(self.proxy_auth.password)
        self.proxy = proxy

    def native_proxy(self) -> Proxy | None:
        """Give the proxy as the native client takes it."""
        if self.proxy is None:
            return None
        headers = list(CIMultiDict(self.proxy_headers or ()).items())
        return Proxy(str(self.proxy), headers=headers or None)

    def _settle_body(self, own: frozenset[str]) -> None:
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
        if own.isdisjoint((hdrs.CONTENT_LENGTH, hdrs.CONTENT_TYPE)) and hdrs.CONTENT_LENGTH in self.headers:
            # aiohttp's order, by which some servers know a client.
            kind = self.headers.popall(hdrs.CONTENT_TYPE, ())
            self.headers.extend((hdrs.CONTENT_TYPE, one) for one in kind)
        if isinstance(self.content, io.IOBase):
            # Some files do not even know whether they can: one in a tar file that is read as it comes.
            with contextlib.suppress(AttributeError, OSError, ValueError):
                self.start = self.content.tell() if self.content.seekable() else None

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
        if auth is None and session._base_origin in (None, self.url.origin()):
            auth = session._default_auth
        if auth is None:
            return
        if hdrs.AUTHORIZATION in self.headers and not self.history:
            raise ValueError(
                "Cannot combine AUTHORIZATION header with AUTH argument or credentials encoded in URL"
            )
        if not isinstance(auth, BasicAuth):
            raise TypeError("BasicAuth() tuple is required instead")
        self.headers[hdrs.AUTHORIZATION] = auth.encode()

    def add_cookies(self) -> CIMultiDict[str]:
        """Give the headers, with the request's own cookies and those of a foreign jar."""
        session, headers = self.session, self.headers.copy()
        jar = session._cookie_jar
        found: list[str] = []
        if not is_native_jar(jar):
            found += _pairs(jar.filter_cookies(self.url))
        if self.cookies is not None:
            own = self._own_cookies(jar)
            found = [pair for pair in found if pair.partition("=")[0] not in own] + list(own.values())
        return _joined(headers, found)

    def _own_cookies(self, jar: AbstractCookieJar) -> dict[str, str]:
        """Give those of the request's cookies that are for its URL, by name."""
        given = self.cookies.items() if isinstance(self.cookies, Mapping) else self.cookies
        cookies, sent = list(given), {}
        # A jar has no room for more, and all of these are sent.
        for begin in range(0, len(cookies), _IN_A_JAR):
            own = CookieJar(
                unsafe=True,
                quote_cookie=getattr(jar, "quote_cookie", True),
                treat_as_secure_origin=getattr(jar, "treat_as_secure_origin", ()),
            )
            own.update_cookies(cookies[begin : begin + _IN_A_JAR])
            for pair in _pairs(own.filter_cookies(self.url)):
                sent[pair.partition("=")[0]] = pair
        return sent

    def all_cookies(self) -> CIMultiDict[str]:
        """Give the headers with all cookies, for what the native client does not send: a WebSocket."""
        headers, jar = self.add_cookies(), self.session._cookie_jar
        found = _pairs(jar.filter_cookies(self.url)) if is_native_jar(jar) else []
        return _joined(headers, found)


# What a wrong argument is told of is what the program has called.
Asked.__init__.__qualname__ = "ClientSession._request"


def check_sizes(line: int, field: int, count: int) -> None:
    """Raise ValueError for limits on heads that are not kept to: one has 256 KiB and 256 headers at most."""
    if not (8190 <= line <= _LONGEST_HEAD and 8190 <= field <= _LONGEST_HEAD):
        raise ValueError(f"max_line_size and max_field_size must be from 8190 to {_LONGEST_HEAD} bytes")
    if not 128 <= count <= _MOST_HEADERS:
        raise ValueError(f"max_headers must be from 128 to {_MOST_HEADERS}")


def warn_of_auth(name: str, stacklevel: int) -> None:
    """Warn that ``auth`` or ``proxy_auth``, which ``name`` says, is deprecated."""
    headers, header = (
        ("headers", "Authorization") if name == "auth" else ("proxy_headers", "Proxy-Authorization")
    )
    warnings.warn(
        f"The '{name}' parameter is deprecated and will be removed in v4;"
        f" pass {headers}={{'{header}': aiohttp.encode_basic_auth(login, password)}} instead",
        DeprecationWarning,
        stacklevel=stacklevel,
    )


def without_credentials(url: URL) -> tuple[URL, BasicAuth | None]:
    """Part a URL from the user and password in it, which are None if there are none."""
    if url.raw_user is None and url.raw_password is None:
        return url, None
    return url.with_user(None), basic_auth(url.user or "", url.password or "")


def is_native_jar(jar: AbstractCookieJar) -> bool:
    """Whether the native client applies the cookies of this jar, or it has none."""
    return native_jar(jar) is not None or type(jar) is DummyCookieJar


def _pairs(cookies: Any) -> list[str]:
    return [f"{morsel.key}={morsel.coded_value}" for morsel in cookies.values()]


def _joined(headers: CIMultiDict[str], cookies: list[str]) -> CIMultiDict[str]:
    if not cookies:
        return headers
    before = headers.popall(hdrs.COOKIE, [])
    pairs = list(headers.items())
    place = len(pairs)
    while place and pairs[place - 1][0].lower() in _LAST:
        place -= 1
    pairs.insert(place, (hdrs.COOKIE, "; ".join([*before, *cookies])))
    return CIMultiDict(pairs)


def base_of(given: str | URL | None) -> tuple[URL | None, URL | None]:
    """Give the base of a session, and its origin.

    Raises:
        ValueError: It is no absolute URL, or does not end in a slash.
    """
    if given is None:
        return None, None
    base = given if isinstance(given, URL) else URL(given)
    origin = base.origin()
    if not base.path.endswith("/"):
        raise ValueError("base_url must have a trailing '/'")
    return base, origin
