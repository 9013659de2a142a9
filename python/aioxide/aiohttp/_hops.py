"""The way of a request to its answer, hop by hop: what traces, middlewares and jars in Python have to see."""

from __future__ import annotations

import time
from typing import Any

from yarl import URL

from aioxide._core import AiohttpConnections, AiohttpTrace, Operation, Response
from aioxide.exceptions import HTTPError as _HTTPError

from . import hdrs
from ._asked import Asked, is_native_jar, without_credentials
from ._failures import not_found, translate, unsent
from ._telling import Telling, told
from .client_exceptions import (
    ClientPayloadError,
    InvalidUrlClientError,
    InvalidUrlRedirectClientError,
    NonHttpUrlRedirectClientError,
    TooManyRedirects,
)
from .client_reqrep import ClientRequest, ClientResponse
from .client_timeout import Times, call_timeout
from .cookiejar import native_jar
from .helpers import is_no_canonical_address
from .streams import EMPTY_PAYLOAD
from .tracing import Trace

__all__ = ["Course"]

#: What a request without a body does not say: as the native client has it.
_OF_BODIES = (
    hdrs.CONTENT_ENCODING,
    hdrs.CONTENT_LANGUAGE,
    hdrs.CONTENT_LENGTH,
    hdrs.CONTENT_LOCATION,
    hdrs.CONTENT_TYPE,
    hdrs.TRANSFER_ENCODING,
)
_SCHEMES = frozenset({"http", "https", ""})
_FRAMING = ("content-length", "transfer-encoding")


class Course(Asked):
    """A request on its way."""

    async def response(self) -> ClientResponse:
        """Give the answer, after all redirects."""
        session = self.session
        self.settle()
        timeout = call_timeout(self.timeout, session._timeout)
        begin = time.monotonic()
        response = None
        try:
            await self._begin_traces()
            while True:
                response = await self._hop(Times(timeout, begin))
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

    async def _begin_traces(self) -> None:
        for config in self.session._trace_configs:
            context = config.trace_config_ctx(trace_request_ctx=self.trace_request_ctx)
            trace = Trace(self.session, config, context)
            await trace.send_request_start(self.method, self.url, self.headers)
            self.traces.append(trace)

    async def _hop(self, times: Times) -> ClientResponse:
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

    async def _send(self, request: ClientRequest, times: Times) -> ClientResponse:
        session = self.session
        connector = session._connector
        if connector is None:
            raise RuntimeError("Session is closed")
        jar, body = session._cookie_jar, request._sent
        if body is not self.content:
            body = self._body_of(body, request.headers)
        terms = {
            "headers": request.headers,
            "content": body,
            "limits": times,
            "jar": native_jar(jar),
            "proxy": self.native_proxy(),
            "trust_env": session._trust_env,
            "decompress": session._auto_decompress if self.auto_decompress is None else self.auto_decompress,
            "server_hostname": request.server_hostname,
            "once_more": session._retry_connection,
        }
        telling = None
        if self.traces:
            keeps = bool(getattr(connector, "_use_dns_cache", False))
            resolves = connector._finds_addresses()
            telling = Telling(self.traces, request, keeps=keeps, resolves=resolves)
            terms["content"] = await telling.body(body)
        pool = connector._connections(request.ssl)
        if is_no_canonical_address(request.host):
            raise InvalidUrlClientError(request.host, "is not a canonical IPv4 address")
        try:
            await connector._resolve(request.proxy or request.url, pool)
        except OSError as error:
            raise not_found(error, request.url, request.ssl) from error
        try:
            native = await _opened(pool, request, terms, telling)
        except _HTTPError as error:
            failed = translate(
                error,
                request.request_info,
                history=tuple(self.history),
                ssl=request.ssl,
                proxy=self.proxy,  # type: ignore[arg-type]
                server_hostname=request.server_hostname,
            )
            raise failed from failed.__cause__
        response = session._response_class(native, session)
        response._history = ()
        response._read_bufsize = self.read_bufsize
        response._traces = self.traces
        if not self.read_until_eof and not any(name in native.headers for name in _FRAMING):
            # Its end would be that of the connection.
            native.close()
            response._body, response._content = b"", EMPTY_PAYLOAD
        return response

    def _keep_cookies(self, response: ClientResponse) -> None:
        jar = self.session._cookie_jar
        if not is_native_jar(jar):
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
            for name in _OF_BODIES:
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
        if not url.scheme or (url.scheme == self.url.scheme and _is_of_same_host(target, url.scheme)):
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
        self.url, from_url = without_credentials(url)
        if not self.url.raw_host:
            raise InvalidUrlRedirectClientError(self.url)
        if from_url is not None or (elsewhere and self.session._default_auth is not None):
            self.authorize(from_url)


#: What a browser strips from a URL, and what it takes out of it (https://url.spec.whatwg.org).
_AROUND = "".join(map(chr, range(0x21)))
_WITHIN = str.maketrans("", "", "\t\r\n")


def _is_of_same_host(target: str, scheme: str) -> bool:
    """Whether it is ``http:/path`` or ``http:path``, which is relative where the scheme is the same."""
    rest = target.strip(_AROUND).translate(_WITHIN)[len(scheme) + 1 : len(scheme) + 3]
    return rest.replace("\\", "/") != "//"


def _through(middleware: Any, handler: Any) -> Any:
    async def handle(request: ClientRequest) -> ClientResponse:
        response: ClientResponse = await middleware(request, handler)
        return response

    return handle


async def _opened(
    pool: AiohttpConnections, request: ClientRequest, terms: dict[str, Any], telling: Telling | None
) -> Response:
    url = str(request._goes_to())
    if telling is None:
        return await _answer(pool.open(request.method, url, terms), request)
    events = AiohttpTrace()
    opening = pool.open(request.method, url, {**terms, "trace": events})
    return await told(_answer(opening, request), events, telling)


async def _answer(opening: Operation[Response], request: ClientRequest) -> Response:
    try:
        return await opening
    except _HTTPError:
        raise
    except Exception as error:
        # What reads the body, which is the program's, has raised it.
        unread = unsent(error, request.url)
        if unread is error:
            raise
        raise unread from error
