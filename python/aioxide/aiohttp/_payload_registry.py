"""What a payload is, and which kind is made of which type of value."""

from __future__ import annotations

import enum
import mimetypes
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from multidict import CIMultiDict

from . import hdrs
from .helpers import content_disposition_header, safe_header

__all__ = [
    "PAYLOAD_REGISTRY",
    "LookupError",
    "Order",
    "Payload",
    "PayloadRegistry",
    "get_payload",
    "payload_type",
    "register_payload",
]

_UNSAID: Final[Any] = object()

_Factory = TypeVar("_Factory", bound="type[Payload]")


class LookupError(Exception):  # noqa: A001
    """No payload can be made of a value of this type."""


class Order(enum.StrEnum):
    """When a kind of payload is asked whether a value is its own."""

    normal = "normal"
    try_first = "try_first"
    try_last = "try_last"


class Payload(ABC):
    """A body, or a part of one, with its headers.

    Args:
        value: What it is made of.
        headers: Headers of its own; they win over what is said otherwise.
        content_type: Its media type. None for the kind's, or the one that ``filename`` suggests.
        filename: The name of its file.
        encoding: The encoding of its text.
    """

    _default_content_type: str = "application/octet-stream"
    _size: int | None = None
    _consumed: bool = False
    _autoclose: bool = False

    def __init__(
        self,
        value: Any,
        headers: CIMultiDict[str] | dict[str, str] | Iterable[tuple[str, str]] | None = None,
        content_type: str | None = _UNSAID,
        filename: str | None = None,
        encoding: str | None = None,
        **_: Any,
    ) -> None:
        self._value = value
        self._encoding = encoding
        self._filename = filename
        self._headers: CIMultiDict[str] = CIMultiDict()
        if content_type is _UNSAID or content_type is None:
            content_type = self._default_content_type if filename is None else self._guessed(filename)
        self._headers[hdrs.CONTENT_TYPE] = content_type
        if headers:
            self._headers.update(headers)

    def _guessed(self, filename: str) -> str:
        # Before 3.13 there is only the one for URLs.
        guess = getattr(mimetypes, "guess_file_type", mimetypes.guess_type)
        return guess(filename)[0] or self._default_content_type

    @property
    def size(self) -> int | None:
        """How many bytes will be written; None if that is not known."""
        return self._size

    @property
    def filename(self) -> str | None:
        """The name of its file."""
        return self._filename

    @property
    def headers(self) -> CIMultiDict[str]:
        """Its headers, to be changed."""
        return self._headers

    @property
    def _binary_headers(self) -> bytes:
        lines = (f"{safe_header(name)}: {safe_header(value)}\r\n" for name, value in self._headers.items())
        return "".join(lines).encode() + b"\r\n"

    @property
    def encoding(self) -> str | None:
        """The encoding of its text."""
        return self._encoding

    @property
    def content_type(self) -> str:
        """Its media type."""
        return self._headers[hdrs.CONTENT_TYPE]

    @property
    def consumed(self) -> bool:
        """Whether it cannot be written again."""
        return self._consumed

    @property
    def autoclose(self) -> bool:
        """Whether there is nothing in it to close."""
        return self._autoclose

    @property
    def content(self) -> Any:
        """What a native client can send as it is: bytes or a file. None if it has to be written."""
        return None

    def set_content_disposition(
        self, disptype: str, quote_fields: bool = True, _charset: str = "utf-8", **params: str
    ) -> None:
        """Set its ``Content-Disposition`` header."""
        self._headers[hdrs.CONTENT_DISPOSITION] = content_disposition_header(
            disptype, quote_fields=quote_fields, _charset=_charset, **params
        )

    @abstractmethod
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Give it as text."""

    @abstractmethod
    async def write(self, writer: Any) -> None:
        """Write all of it by ``await writer.write(chunk)``."""

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        """Write so many bytes of it; None for all."""
        await self.write(writer if content_length is None else _Shortened(writer, content_length))

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Give all of it."""
        encoding = self._encoding or encoding
        return self.decode(encoding, errors).encode(encoding)

    async def close(self) -> None:  # noqa: B027
        """Close what is in it."""


class _Shortened:
    """A writer that passes on so many bytes and no more."""

    def __init__(self, writer: Any, left: int) -> None:
        self._writer = writer
        self._left = left

    async def write(self, chunk: bytes) -> None:
        if self._left > 0:
            await self._writer.write(chunk[: self._left])
            self._left -= len(chunk)


class PayloadRegistry:
    """Which kind of payload is made of which type of value."""

    def __init__(self) -> None:
        self._kinds: dict[Order, list[tuple[Callable[..., Payload], Any]]] = {order: [] for order in Order}
        self._exact: dict[type, Callable[..., Payload]] = {}

    def get(self, data: Any, *args: Any, **kwargs: Any) -> Payload:
        """Make a payload of ``data``; a payload is given back.

        Raises:
            LookupError: No kind takes it.
        """
        for factory, types in self._kinds[Order.try_first]:
            if isinstance(data, types):
                return factory(data, *args, **kwargs)
        exact = self._exact.get(type(data))
        if exact is not None:
            return exact(data, *args, **kwargs)
        if isinstance(data, Payload):
            return data
        for factory, types in self._kinds[Order.normal] + self._kinds[Order.try_last]:
            if isinstance(data, types):
                return factory(data, *args, **kwargs)
        raise LookupError(f"no payload can be made of {type(data).__name__}")

    def register(
        self,
        factory: Callable[..., Payload],
        type: Any,  # noqa: A002
        *,
        order: Order = Order.normal,
    ) -> None:
        """Let ``factory`` make the payloads of values of this type, or of these."""
        self._kinds[Order(order)].append((factory, type))
        if order is Order.normal:
            types = type if isinstance(type, tuple) else (type,)
            self._exact.update(dict.fromkeys(types, factory))


class payload_type:  # noqa: N801
    """A decorator: the class is the kind of payload for values of ``type``."""

    def __init__(self, type: Any, *, order: Order = Order.normal) -> None:  # noqa: A002
        self.type = type
        self.order = order

    def __call__(self, factory: _Factory) -> _Factory:
        register_payload(factory, self.type, order=self.order)
        return factory


PAYLOAD_REGISTRY = PayloadRegistry()


def get_payload(data: Any, *args: Any, **kwargs: Any) -> Payload:
    """Make a payload of ``data`` by ``PAYLOAD_REGISTRY``."""
    return PAYLOAD_REGISTRY.get(data, *args, **kwargs)


def register_payload(
    factory: type[Payload],
    type: Any,  # noqa: A002
    *,
    order: Order = Order.normal,
) -> None:
    """Register a kind of payload in ``PAYLOAD_REGISTRY``."""
    PAYLOAD_REGISTRY.register(factory, type, order=order)
