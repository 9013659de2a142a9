"""The two halves of an exchange as aiohttp has them: ``ClientRequest`` and ``ClientResponse``.

A response is a thin shell around ``aioxide.Response``: what aiohttp gives in types of yarl, multidict and
``http.cookies`` is made when it is asked for, and kept.
"""

from __future__ import annotations

import codecs
import contextlib
import json as _json
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from multidict import CIMultiDict, CIMultiDictProxy, MultiDictProxy
from yarl import URL

from aioxide._core import BodyReader, asked_url, raw_headers, written_headers
from aioxide._core import Response as _Response
from aioxide.exceptions import HTTPError as _HTTPError

from . import hdrs
from ._failures import translate
from ._fingerprint import Fingerprint
from ._head import (
    RELEASED,
    Connection,
    ContentDisposition,
    content_disposition,
    content_type,
    is_expected,
    links,
)
from ._installed import base
from ._request import ClientRequest, with_host
from ._set_cookie import response_cookies
from .client_exceptions import ClientConnectionError, ClientResponseError, ContentTypeError
from .client_reqrep_types import ConnectionKey, RequestInfo
from .header_names import as_written
from .helpers import parse_mimetype
from .http import HttpVersion, HttpVersion10, HttpVersion11
from .streams import DEFAULT_LIMIT, StreamReader

if TYPE_CHECKING:
    from http.cookies import SimpleCookie

    from .client import ClientSession

__all__ = [
    "ClientRequest",
    "ClientResponse",
    "ConnectionKey",
    "ContentDisposition",
    "Fingerprint",
    "RequestInfo",
]

_VERSIONS = {
    "HTTP/1.0": HttpVersion10,
    "HTTP/1.1": HttpVersion11,
    "HTTP/2": HttpVersion(2, 0),
}


if TYPE_CHECKING:

    class _Theirs: ...

else:
    _Theirs = base("aiohttp.client_reqrep", "ClientResponse")

#: What aiohttp's class has already.
_KEPT = () if hasattr(_Theirs, "__weakref__") else ("__dict__", "__weakref__")


class ClientResponse(_Theirs):
    """The answer to a request: its head is here, and its body is read when it is asked for.

    Attributes:
        status: The number of the status.
        reason: What the server said beside it.
        method: The method of the request that was answered.
        url: The URL that was answered, without a fragment.
        ok: Whether the status is below 400.
    """

    #: Who is told of what comes.
    _traces: Any = ()

    __slots__ = (
        *_KEPT,
        "_body",
        "_closed",
        "_content",
        "_cookies",
        "_headers",
        "_history",
        "_in_context",
        "_native",
        "_read_bufsize",
        "_released",
        "_session",
        "_url",
        "status",
    )

    def __init__(self, native: _Response, session: ClientSession | None = None) -> None:
        self._native = native
        self._session = session
        self.status = native.status_code
        self._body: bytes | None = None
        self._closed = False
        self._released = False
        self._read_bufsize: int | None = None
        self._in_context = False
        self._content: StreamReader | None = None
        self._url: URL | None = None
        self._headers: CIMultiDictProxy[str] | None = None
        self._cookies: SimpleCookie | None = None
        self._history: tuple[ClientResponse, ...] | None = None

    # ---- the head ----

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status < 400

    @property
    def reason(self) -> str | None:
        """What the server said beside the status."""
        return self._native.reason_phrase

    @property
    def method(self) -> str:
        """The method of the request that was answered."""
        request = self._native.request
        return "GET" if request is None else request.method

    @property
    def version(self) -> HttpVersion | None:
        """The version of HTTP that it came by."""
        return _VERSIONS.get(self._native.http_version)

    @property
    def real_url(self) -> URL:
        """The URL that was answered, with its fragment."""
        url = self._url
        if url is None:
            url = self._url = URL(asked_url(self._native), encoded=True)
        return url

    @property
    def url(self) -> URL:
        """The URL that was answered, without a fragment."""
        url = self.real_url
        return url.with_fragment(None) if url.raw_fragment else url

    @property
    def host(self) -> str:
        """The host of the URL."""
        return self.real_url.host or ""

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers; those that ``hdrs`` names as it has them, others as the server wrote them."""
        headers = self._headers
        if headers is None:
            headers = CIMultiDictProxy(CIMultiDict(written_headers(self._native)))
            self._headers = headers
        return headers

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers as bytes."""
        return tuple(raw_headers(self._native))

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies that this response sets."""
        cookies = self._cookies
        if cookies is None:
            cookies = self._cookies = response_cookies(self._native.headers.get_list("set-cookie"))
        return cookies

    @cookies.setter
    def cookies(self, cookies: SimpleCookie) -> None:
        self._cookies = cookies

    @property
    def request_info(self) -> RequestInfo:
        """The request that was answered."""
        request = self._native.request
        pairs = () if request is None else request.headers.multi_items()
        headers: CIMultiDict[str] = CIMultiDict([(as_written(name), value) for name, value in pairs])
        return RequestInfo(
            self.url, self.method, CIMultiDictProxy(with_host(headers, self.url)), self.real_url
        )

    @property
    def history(self) -> tuple[ClientResponse, ...]:
        """The responses that led here by a redirect, the first first."""
        history = self._history
        if history is None:
            made = (type(self)(native, self._session) for native in self._native.history)
            history = self._history = tuple(made)
            for response in history:
                response.release()
        return history

    @property
    def connection(self) -> Any:
        """The connection, until the body is read or released; then None."""
        return None if self._closed or self._native.is_closed else Connection(self._native)

    @property
    def content_type(self) -> str:
        """The media type, without its parameters; ``application/octet-stream`` where none is said."""
        return content_type(self.headers.get(hdrs.CONTENT_TYPE))[0]

    @property
    def charset(self) -> str | None:
        """The charset of the Content-Type."""
        return content_type(self.headers.get(hdrs.CONTENT_TYPE))[1]

    @property
    def content_length(self) -> int | None:
        """What Content-Length says, in bytes."""
        value = self.headers.get(hdrs.CONTENT_LENGTH)
        return None if value is None else int(value)

    @property
    def content_disposition(self) -> ContentDisposition | None:
        """What Content-Disposition says."""
        raw = self.headers.get(hdrs.CONTENT_DISPOSITION)
        if raw is None:
            return None
        return content_disposition(raw)

    @property
    def links(self) -> MultiDictProxy[MultiDictProxy[str | URL]]:
        """What the Link headers say, by their relation (RFC 8288)."""
        return links(self.url, self.headers.getall(hdrs.LINK, []))

    def raise_for_status(self) -> None:
        """Raise ClientResponseError if the status is 400 or more."""
        if self.status < 400:
            return
        failure = ClientResponseError(
            self.request_info,
            self.history,
            status=self.status,
            message=self.reason or "",
            headers=self.headers,
        )
        if not self._in_context:
            self.release()
        raise failure

    # ---- the body ----

    @property
    def content(self) -> StreamReader:
        """The body, to be read piece by piece."""
        content = self._content
        if content is None:
            body = BodyReader(self._native)
            if self._body is not None:
                # It is at its end, as if the body had been read by it.
                body.skip()
            limit = self._read_bufsize
            if limit is None:
                limit = DEFAULT_LIMIT if self._session is None else self._session._read_bufsize
            content = StreamReader(body, limit, translate=self._translated)
            if self._released:
                content.set_exception(ClientConnectionError("Connection closed"))
            self._content = content
        return content

    @content.setter
    def content(self, content: Any) -> None:
        # Libraries that keep the body put another in its place.
        self._content = content

    def _translated(self, error: BaseException) -> BaseException:
        return translate(error, self.request_info, history=self.history)

    async def read(self) -> bytes:
        """Read the body, to its end.

        Raises:
            ClientPayloadError: The body is not complete, or cannot be decoded.
            TimeoutError: It did not come in time.
            ClientConnectionError: The response was released.
        """
        body = self._body
        if body is not None:
            if self._released:
                raise ClientConnectionError("Connection closed")
            return body
        try:
            if self._content is not None:
                body = await self._content.read()
            elif self._released:
                raise ClientConnectionError("Connection closed")
            else:
                body = await self._native.aread()
        except _HTTPError as error:
            failure = self._translated(error)
            # Who reads on hears the same.
            self.content.set_exception(failure)
            self.close()
            raise failure from error
        except BaseException:
            self.close()
            raise
        self._body = body
        session = self._session
        if session is not None and session._trace_configs:
            await session._chunk_received(self, body)
        return body

    def get_encoding(self) -> str:
        """Say the encoding of the body: that of its Content-Type, else UTF-8, or what the session resolves.

        Raises:
            RuntimeError: The resolver needs the body, and it was not read.
        """
        mimetype = parse_mimetype(self.headers.get(hdrs.CONTENT_TYPE, "").lower())
        encoding = mimetype.parameters.get("charset")
        if encoding:
            with contextlib.suppress(LookupError, ValueError):
                return codecs.lookup(encoding).name
        if mimetype.type == "application" and mimetype.subtype in ("json", "rdap"):
            return "utf-8"
        if self._body is None:
            raise RuntimeError("Cannot compute fallback encoding of a not yet read body")
        if self._session is None:
            return "utf-8"
        return self._session._resolve_charset(self, self._body)

    async def text(self, encoding: str | None = None, errors: str = "strict") -> str:
        """Read the body as text.

        Raises:
            UnicodeDecodeError: It is not text in that encoding, and ``errors`` is ``"strict"``.
        """
        body = self._body
        if body is None:
            body = await self.read()
        return body.decode(encoding or self.get_encoding(), errors)

    async def json(
        self,
        *,
        encoding: str | None = None,
        loads: Callable[[str], Any] = _json.loads,
        content_type: str | None = "application/json",
    ) -> Any:
        """Read the body as JSON; None if it is empty.

        Raises:
            ContentTypeError: The Content-Type is another than ``content_type``; with None it may be any.
            ValueError: It is no JSON.
        """
        body = self._body
        if body is None:
            body = await self.read()
        if content_type:
            given = self.headers.get(hdrs.CONTENT_TYPE, "").lower()
            if not is_expected(given, content_type):
                raise ContentTypeError(
                    self.request_info,
                    self.history,
                    status=self.status,
                    message=f"Attempt to decode JSON with unexpected mimetype: {given}",
                    headers=self.headers,
                )
        stripped = body.strip()
        if not stripped:
            return None
        return loads(stripped.decode(encoding or self.get_encoding()))

    # ---- its end ----

    @property
    def closed(self) -> bool:
        """Whether it was read to its end, released or closed."""
        return self._closed or self._native.is_closed

    def _let_go(self) -> None:
        self._closed = True
        if not self._released:
            self._released = True
            if self._content is not None and self._content.exception() is None:
                self._content.set_exception(ClientConnectionError("Connection closed"))
        self._native.close()

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        self._let_go()

    def release(self) -> Any:
        """Give the connection back if the body was read to its end, else close it. It may be awaited."""
        self._let_go()
        return RELEASED

    def aclose(self) -> Any:
        """Release it: what the end of ``async with session.get(...)`` does."""
        self._in_context = False
        self._let_go()
        return RELEASED

    async def wait_for_close(self) -> None:
        """Release it, and wait for nothing: it is done at once."""
        self._let_go()

    async def __aenter__(self) -> ClientResponse:
        self._in_context = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._in_context = False
        self._let_go()

    def __repr__(self) -> str:
        reason = (self.reason or "None").encode("ascii", "backslashreplace").decode("ascii")
        return f"<ClientResponse({self.url}) [{self.status} {reason}]>\n{self.headers}\n"
