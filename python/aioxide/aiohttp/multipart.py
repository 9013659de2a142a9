"""Bodies of several parts (RFC 2046, section 5.1; RFC 7578 for forms): written here, part by part.

They are read in ``_multipart_reader`` and ``_body_part``.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlencode

from multidict import CIMultiDict

from . import hdrs
from ._body_part import BodyPartReader
from ._content_disposition import (
    BadContentDispositionHeader,
    BadContentDispositionParam,
    content_disposition_filename,
    parse_content_disposition,
)
from ._multipart_reader import MultipartReader, MultipartResponseWrapper
from ._part_payload import BodyPartReaderPayload
from .payload import JsonPayload, LookupError, Payload, StringPayload, get_payload  # noqa: A004

__all__ = [
    "BadContentDispositionHeader",
    "BadContentDispositionParam",
    "BodyPartReader",
    "BodyPartReaderPayload",
    "MultipartReader",
    "MultipartResponseWrapper",
    "MultipartWriter",
    "content_disposition_filename",
    "parse_content_disposition",
]

_log = logging.getLogger("aiohttp.internal")
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~\w]+")
_UNQUOTABLE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# RFC 7578, sections 4.7 and 4.8: a part of a form has none of these.
_NOT_OF_FORMS: Final = (hdrs.CONTENT_ENCODING, hdrs.CONTENT_LENGTH, hdrs.CONTENT_TRANSFER_ENCODING)

# A payload, and how it is encoded: its coding and its transfer coding.
_Part = tuple[Any, str | None, str | None]


class MultipartWriter(Payload):
    """A body of several parts, each a payload of ours or of aiohttp, or what one can be made of.

    Args:
        subtype: ``"mixed"``, ``"form-data"``, ``"related"`` or another.
        boundary: What stands between the parts, in ASCII; a new random one if it is not given.

    Raises:
        ValueError: The boundary cannot be one.
    """

    _autoclose = True

    def __init__(self, subtype: str = "mixed", boundary: str | None = None) -> None:
        try:
            self._boundary = (uuid.uuid4().hex if boundary is None else boundary).encode("ascii")
        except UnicodeEncodeError:
            raise ValueError("boundary should contain ASCII only chars") from None
        super().__init__(None, content_type=f"multipart/{subtype}; boundary={self._boundary_value}")
        self._parts: list[_Part] = []
        self._is_form = subtype == "form-data"

    def __enter__(self) -> MultipartWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def __iter__(self) -> Iterator[_Part]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __bool__(self) -> bool:
        return True

    @property
    def boundary(self) -> str:
        """What stands between the parts."""
        return self._boundary.decode("ascii")

    @property
    def _boundary_value(self) -> str:
        """The boundary as a parameter (RFC 9110, section 5.6.6), in quotes if it needs them."""
        if _TOKEN.fullmatch(self._boundary):
            return self.boundary
        if _UNQUOTABLE.search(self._boundary):
            raise ValueError("boundary value contains invalid characters")
        escaped = self.boundary.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    @property
    def consumed(self) -> bool:
        """Whether it or one of its parts cannot be written again."""
        return self._consumed or any(part.consumed for part, _, _ in self._parts)

    def append(self, obj: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Add a part and return its payload.

        Raises:
            TypeError: No payload can be made of ``obj``.
        """
        if hasattr(obj, "write_with_length") and hasattr(obj, "headers"):
            # A payload, of ours or of aiohttp.
            obj.headers.update(headers or {})
            return self.append_payload(obj)
        try:
            payload = get_payload(obj, headers=CIMultiDict() if headers is None else headers)
        except LookupError:
            raise TypeError(f"Cannot create payload from {obj!r}") from None
        return self.append_payload(payload)

    def append_payload(self, payload: Any) -> Any:
        """Add a payload as a part and return it.

        Raises:
            RuntimeError: Its ``Content-Encoding`` or ``Content-Transfer-Encoding`` is not known.
            ValueError: It has a header that a part of a form has not.
        """
        headers = payload.headers
        if self._is_form:
            if any(name in headers for name in _NOT_OF_FORMS):
                raise ValueError(f"a part of a form has none of {', '.join(_NOT_OF_FORMS)} (RFC 7578)")
            if hdrs.CONTENT_DISPOSITION not in headers:
                payload.set_content_disposition("form-data", name=f"section-{len(self._parts)}")
            self._parts.append((payload, None, None))
            return payload
        coding = headers.get(hdrs.CONTENT_ENCODING, "").lower()
        if coding not in ("", "deflate", "gzip", "identity"):
            raise RuntimeError(f"unknown content encoding: {coding}")
        transfer = headers.get(hdrs.CONTENT_TRANSFER_ENCODING, "").lower()
        if transfer not in ("", "base64", "quoted-printable", "binary"):
            raise RuntimeError(f"unknown content transfer encoding: {transfer}")
        coding = "" if coding == "identity" else coding
        transfer = "" if transfer == "binary" else transfer
        if payload.size is not None and not coding and not transfer:
            headers[hdrs.CONTENT_LENGTH] = str(payload.size)
        self._parts.append((payload, coding or None, transfer or None))
        return payload

    def append_json(self, obj: Any, headers: Mapping[str, str] | None = None) -> Any:
        """Add a value as JSON and return its payload."""
        return self.append_payload(JsonPayload(obj, headers=CIMultiDict() if headers is None else headers))

    def append_form(
        self,
        obj: Sequence[tuple[str, str]] | Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Add the fields of a form, urlencoded, and return their payload."""
        if not isinstance(obj, (Sequence, Mapping)):
            raise TypeError(f"the fields must be a mapping or a sequence of pairs, not {type(obj).__name__}")
        fields = list(obj.items()) if isinstance(obj, Mapping) else obj
        return self.append_payload(
            StringPayload(
                urlencode(fields, doseq=True),
                headers=CIMultiDict() if headers is None else headers,
                content_type="application/x-www-form-urlencoded",
            )
        )

    @property
    def size(self) -> int | None:
        """How many bytes will be written; None if that is not known."""
        total = len(self._boundary) + 6
        for part, coding, transfer in self._parts:
            size = part.size
            if coding or transfer or size is None:
                return None
            total += len(self._boundary) + 6 + len(part._binary_headers) + size
        return total

    @property
    def content(self) -> bytes | None:
        """All of it, if all of it is in memory."""
        whole = bytearray()
        for part, coding, transfer in self._parts:
            content = getattr(part, "content", None)
            if coding or transfer or not isinstance(content, bytes):
                return None
            whole += self._opening(part) + content + b"\r\n"
        return bytes(whole + self._closing)

    def _opening(self, part: Any) -> bytes:
        opening: bytes = b"--" + self._boundary + b"\r\n" + part._binary_headers
        return opening

    @property
    def _closing(self) -> bytes:
        return b"--" + self._boundary + b"--\r\n"

    async def write(self, writer: Any, close_boundary: bool = True) -> None:
        """Write all of it by ``await writer.write(chunk)``."""
        for part, coding, transfer in self._parts:
            await writer.write(self._opening(part))
            if coding or transfer:
                encoder = _Encoder(writer, coding, transfer)
                await part.write(encoder)
                await encoder.write_eof()
            else:
                await part.write(writer)
            await writer.write(b"\r\n")
        if close_boundary:
            await writer.write(self._closing)

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Give all of it, its parts not encoded."""
        whole = bytearray()
        for part, _, _ in self._parts:
            whole += self._opening(part) + await part.as_bytes(encoding, errors) + b"\r\n"
        return bytes(whole + self._closing)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Give the parts as text, not encoded. Blocks if there are files among them."""
        return "".join(
            self._opening(part).decode(encoding, errors) + part.decode() for part, _, _ in self._parts
        )

    async def close(self) -> None:
        """Close the files in its parts."""
        if self._consumed:
            return
        self._consumed = True
        for number, (part, _, _) in enumerate(self._parts):
            if not part.autoclose and not part.consumed:
                try:
                    await part.close()
                except Exception as error:
                    # The others are closed all the same.
                    _log.error("Failed to close multipart part %d: %s", number, error, exc_info=True)


class _Encoder:
    """A writer that encodes what one part writes."""

    def __init__(self, writer: Any, coding: str | None, transfer: str | None) -> None:
        self._writer = writer
        self._transfer = transfer
        self._left = b""
        # Deflate is raw here, as aiohttp has it, and unlike a body's.
        self._compressor = zlib.compressobj(wbits=31 if coding == "gzip" else -15) if coding else None

    async def write(self, chunk: bytes) -> None:
        if self._compressor is not None:
            chunk = self._compressor.compress(chunk)
        if chunk:
            await self._pass_on(chunk)

    async def write_eof(self) -> None:
        if self._compressor is not None:
            await self._pass_on(self._compressor.flush())
        if self._left:
            await self._writer.write(base64.b64encode(self._left))

    async def _pass_on(self, chunk: bytes) -> None:
        if self._transfer == "base64":
            # Three bytes make four letters.
            whole = self._left + chunk
            end = len(whole) - len(whole) % 3
            self._left, chunk = whole[end:], base64.b64encode(whole[:end])
        elif self._transfer == "quoted-printable":
            chunk = binascii.b2a_qp(chunk)
        if chunk:
            await self._writer.write(chunk)
