"""A part that was received, sent on: the payload of a ``BodyPartReader``."""

from __future__ import annotations

from typing import Any

from . import hdrs
from ._body_part import BodyPartReader
from ._installed import module
from ._payload_registry import Order, Payload, payload_type

__all__ = ["BodyPartReaderPayload"]

# A server's parts are aiohttp's, and ours derive from them where it is installed.
_theirs = module("aiohttp.multipart")


@payload_type(BodyPartReader if _theirs is None else _theirs.BodyPartReader, order=Order.try_first)
class BodyPartReaderPayload(Payload):
    """A part that was received, without its codings, sent on as it comes."""

    def __init__(self, value: BodyPartReader, *args: Any, **kwargs: Any) -> None:
        super().__init__(value, *args, **kwargs)
        said = {"name": value.name, "filename": value.filename}
        known = {name: text for name, text in said.items() if text is not None}
        if known:
            self.set_content_disposition("attachment", True, "utf-8", **known)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Refuse: it can be read once, by ``write``.

        Raises:
            TypeError: Always.
        """
        raise TypeError("Unable to decode.")

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """Refuse: it can be read once, by ``write``.

        Raises:
            TypeError: Always.
        """
        raise TypeError("Unable to read body part as bytes. Use write() to consume.")

    async def write(self, writer: Any) -> None:
        """Write all of it by ``await writer.write(chunk)``."""
        self._consumed = True
        part = self._value
        coded = any(name in part.headers for name in (hdrs.CONTENT_ENCODING, hdrs.CONTENT_TRANSFER_ENCODING))
        if coded:
            # Only what is whole can be decoded: a line of quoted-printable, a stream of gzip.
            async for piece in part.decode_iter(await part.read()):
                await writer.write(piece)
            return
        while chunk := await part.read_chunk(2**18):
            await writer.write(chunk)
