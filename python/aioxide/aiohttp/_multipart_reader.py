"""A body of several parts (RFC 2046, section 5.1), read part by part: ``MultipartReader``.

::

    reader = aiohttp.MultipartReader.from_response(response)
    async for part in reader:
        print(part.name, await part.read(decode=True))

Invariant: between two parts the stream stands at the line with the boundary.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from multidict import CIMultiDict, CIMultiDictProxy

from . import hdrs
from ._body_part import BodyPartReader
from ._content_disposition import parse_content_disposition
from ._installed import base
from .helpers import parse_mimetype
from .http_exceptions import BadHttpMessage, InvalidHeader

if TYPE_CHECKING:
    from .client_reqrep import ClientResponse

__all__ = ["MultipartReader", "MultipartResponseWrapper"]

#: The longest boundary (RFC 2046, section 5.1.1).
_LONGEST = 70
#: The longest name of a charset is 19 letters; <https://encoding.spec.whatwg.org/>.
_LONGEST_CHARSET = 31

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
#: Which of two is meant cannot be told.
_ONCE = frozenset({"content-length", "content-location", "content-range", "content-type", "etag", "host"})


class MultipartResponseWrapper:
    """The parts of a response, which is released behind the last.

    Args:
        resp: The response.
        stream: What reads its body.
    """

    def __init__(self, resp: ClientResponse, stream: MultipartReader) -> None:
        self.resp = resp
        self.stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MultipartReader | BodyPartReader:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    def at_eof(self) -> bool:
        """Whether all of the response was read."""
        return self.resp.content.at_eof()

    async def next(self) -> MultipartReader | BodyPartReader | None:
        """Give the next part; None behind the last."""
        part = await self.stream.next()
        if self.stream.at_eof():
            await self.release()
        return part

    async def release(self) -> None:
        """Release the response; what was not read is dropped."""
        await self.resp.release()


if TYPE_CHECKING:

    class _Theirs: ...

else:
    _Theirs = base("aiohttp.multipart", "MultipartReader")


class MultipartReader(_Theirs):
    """The parts of a body, or of a part of one.

    Args:
        headers: Those of the body, whose Content-Type names the boundary.
        content: The stream, at the beginning of the body.
        client_max_size: How long a part may be, in bytes.
        max_field_size: How long one header of a part may be, in bytes.
        max_headers: How many headers a part may have.
        max_size_error_cls: What is raised for a longer part.

    Raises:
        ValueError: The Content-Type is no ``multipart/*``, has no boundary, or one that is too long.
    """

    #: What ``from_response`` gives.
    response_wrapper_cls = MultipartResponseWrapper
    #: What reads a part that has parts itself; None: the same class.
    multipart_reader_cls: type[MultipartReader] | None = None
    #: What reads any other part.
    part_reader_cls = BodyPartReader

    def __init__(
        self,
        headers: Mapping[str, str],
        content: Any,
        *,
        client_max_size: int = sys.maxsize,
        max_field_size: int = 8190,
        max_headers: int = 128,
        max_size_error_cls: type[Exception] = ValueError,
    ) -> None:
        said = headers[hdrs.CONTENT_TYPE]
        self._mimetype = parse_mimetype(said)
        if self._mimetype.type != "multipart":
            raise ValueError(f"multipart/* content type expected, not {said}")
        boundary = self._mimetype.parameters.get("boundary")
        if boundary is None:
            raise ValueError(f"boundary missed for Content-Type: {said}")
        if len(boundary) > _LONGEST:
            raise ValueError(f"boundary {boundary!r} is too long ({_LONGEST} chars max)")
        self.headers = headers
        self._boundary = b"--" + boundary.encode()
        self._content = content
        self._client_max_size = client_max_size
        self._max_field_size = max_field_size
        self._max_headers = max_headers
        self._max_size_error_cls = max_size_error_cls
        self._default_charset: str | None = None
        self._last_part: MultipartReader | BodyPartReader | None = None
        self._begun = False
        self._at_eof = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MultipartReader | BodyPartReader:
        part = await self.next()
        if part is None:
            raise StopAsyncIteration
        return part

    @classmethod
    def from_response(cls, response: ClientResponse) -> MultipartResponseWrapper:
        """Read the body of a response.

        Raises:
            KeyError: It has no Content-Type.
            ValueError: Its Content-Type is another than ``multipart/*``, or has no boundary.
        """
        return cls.response_wrapper_cls(response, cls(response.headers, response.content))

    def at_eof(self) -> bool:
        """Whether the last boundary was read."""
        return self._at_eof

    async def next(self) -> MultipartReader | BodyPartReader | None:
        """Give the next part; None behind the last. What was not read of the one before is dropped.

        Raises:
            ValueError: There is no boundary where one must be.
            BadHttpMessage: A header of the part is none, is too long, or there are too many.
        """
        last, self._last_part = self._last_part, None
        if self._at_eof:
            return None
        if last is not None and not last.at_eof():
            await last.release()
        # Before the first part there may be other text, and behind the parts of a part.
        if not await self._pass_boundary(anywhere=not self._begun or isinstance(last, MultipartReader)):
            return None
        part = await self.fetch_next_part()
        if not self._begun and isinstance(part, BodyPartReader) and await self._is_charset(part):
            if not await self._pass_boundary():
                return None
            part = await self.fetch_next_part()
        self._begun = True
        self._last_part = part
        return part

    async def _pass_boundary(self, *, anywhere: bool = False) -> bool:
        """Read the line of the boundary; whether a part follows it."""
        while line := await self._content.readline():
            found = line.rstrip()
            if found == self._boundary:
                return True
            if found == self._boundary + b"--":
                self._at_eof = True
                return False
            if not anywhere:
                raise ValueError(f"Invalid boundary {found!r}, expected {self._boundary!r}")
        if self._begun:
            raise ValueError(f"Invalid boundary b'', expected {self._boundary!r}")
        raise ValueError(f"Could not find starting boundary {self._boundary!r}")

    async def _is_charset(self, part: BodyPartReader) -> bool:
        """Whether a form begins by naming its charset (RFC 7578, section 4.6), which is taken then."""
        if self._mimetype.subtype != "form-data":
            return False
        _, parameters = parse_content_disposition(part.headers.get(hdrs.CONTENT_DISPOSITION))
        if parameters.get("name") != "_charset_":
            return False
        charset = b""
        while chunk := await part.read_chunk(_LONGEST_CHARSET + 1):
            charset += chunk
            if len(charset) > _LONGEST_CHARSET:
                raise RuntimeError("Invalid default charset")
        self._default_charset = charset.strip().decode()
        return True

    async def fetch_next_part(self) -> MultipartReader | BodyPartReader:
        """Read the headers of a part, and give what reads the rest of it."""
        return self._get_part_reader(await self._read_headers())

    def _get_part_reader(self, headers: CIMultiDictProxy[str]) -> MultipartReader | BodyPartReader:
        if parse_mimetype(headers.get(hdrs.CONTENT_TYPE, "")).type == "multipart":
            return (self.multipart_reader_cls or type(self))(
                headers,
                self._content,
                client_max_size=self._client_max_size,
                max_field_size=self._max_field_size,
                max_headers=self._max_headers,
                max_size_error_cls=self._max_size_error_cls,
            )
        return self.part_reader_cls(
            self._boundary,
            headers,
            self._content,
            subtype=self._mimetype.subtype,
            default_charset=self._default_charset,
            client_max_size=self._client_max_size,
            max_size_error_cls=self._max_size_error_cls,
        )

    async def _read_headers(self) -> CIMultiDictProxy[str]:
        headers: CIMultiDict[str] = CIMultiDict()
        while True:
            line = await self._content.readline(max_line_length=self._max_field_size)
            line = line.rstrip(b"\r\n")
            if not line:
                return CIMultiDictProxy(headers)
            if len(headers) >= self._max_headers:
                raise BadHttpMessage("Too many headers received")
            raw, colon, value = line.partition(b":")
            value = value.strip(b" \t")
            if not colon or not _NAME.fullmatch(raw) or _CONTROL.search(value):
                raise InvalidHeader(line)
            name = raw.decode("ascii")
            if name.lower() in _ONCE and name in headers:
                raise BadHttpMessage(f"Duplicate '{name}' header found.")
            headers.add(name, value.decode("utf-8", "surrogateescape"))

    async def release(self) -> None:
        """Read all parts that are left, and drop them."""
        while (part := await self.next()) is not None:
            await part.release()
