"""The fields of a form: urlencoded, or multipart where there is a file among them."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from multidict import MultiDict, MultiDictProxy

from . import hdrs
from .helpers import guess_filename, safe_header
from .multipart import MultipartWriter
from .payload import BytesPayload, Payload, get_payload

__all__ = ["FormData"]


class FormData:
    """The fields of a form.

    Args:
        fields: A mapping, pairs of a name and a value, or files.
        quote_fields: Whether names and file names that are not ASCII are percent-encoded.
        charset: The encoding of text; UTF-8 if it is not given.
        default_to_multipart: Whether the form is multipart although there is no file in it.
    """

    def __init__(
        self,
        fields: Iterable[Any] = (),
        quote_fields: bool = True,
        charset: str | None = None,
        *,
        default_to_multipart: bool = False,
    ) -> None:
        self._fields: list[tuple[MultiDict[str], dict[str, str], Any]] = []
        self._is_multipart = default_to_multipart
        self._quote_fields = quote_fields
        self._charset = charset
        self._writer: MultipartWriter | None = None
        if isinstance(fields, dict):
            fields = list(fields.items())
        elif not isinstance(fields, (list, tuple)):
            fields = (fields,)
        self.add_fields(*fields)

    @property
    def is_multipart(self) -> bool:
        """Whether it is sent as multipart: it has a file, a file name or a type in it."""
        return self._is_multipart

    def add_field(
        self,
        name: str,
        value: Any,
        *,
        content_type: str | None = None,
        filename: str | None = None,
        content_transfer_encoding: str | None = None,
    ) -> None:
        """Add a field.

        Args:
            name: The field's name.
            value: Text, bytes, a file, or what else a payload can be made of.
            content_type: The media type of the value.
            filename: The name of its file.
            content_transfer_encoding: Deprecated; it makes the form multipart, and no more.

        Raises:
            TypeError: An argument is no str.
            ValueError: An argument has a control character.
        """
        for given, what in (
            (filename, "filename"),
            (content_type, "content_type"),
            (content_transfer_encoding, "content_transfer_encoding"),
        ):
            if given is not None and not isinstance(given, str):
                raise TypeError(f"{what} must be an instance of str. Got: {given}")
        is_file = isinstance(value, io.IOBase)
        if (
            isinstance(value, (bytes, bytearray, memoryview))
            and filename is content_transfer_encoding is None
        ):
            warnings.warn(
                "In v4, passing bytes will no longer create a file field. "
                "Please explicitly use the filename parameter or pass a BytesIO object.",
                DeprecationWarning,
                stacklevel=2,
            )
            filename = name
        if content_transfer_encoding is not None:
            warnings.warn("content_transfer_encoding is deprecated.", DeprecationWarning, stacklevel=2)
        if filename is None and is_file:
            filename = guess_filename(value, name)
        said = (filename, content_type, content_transfer_encoding)
        if is_file or any(given is not None for given in said):
            self._is_multipart = True
        disposition: MultiDict[str] = MultiDict({"name": safe_header(name)})
        if filename is not None:
            disposition["filename"] = safe_header(filename)
        headers: dict[str, str] = {}
        if content_type is not None:
            headers[hdrs.CONTENT_TYPE] = safe_header(content_type)
        self._fields.append((disposition, headers, value))

    def add_fields(self, *fields: Any) -> None:
        """Add pairs of a name and a value, multidicts, or files, whose names are then the fields'.

        Raises:
            TypeError: It is none of them.
        """
        left = list(fields)
        while left:
            field = left.pop(0)
            if isinstance(field, io.IOBase):
                self.add_field(guess_filename(field, "unknown") or "unknown", field)
            elif isinstance(field, (MultiDict, MultiDictProxy)):
                left.extend(field.items())
            elif isinstance(field, (list, tuple)) and len(field) == 2:
                self.add_field(field[0], field[1])
            else:
                raise TypeError(
                    "Only io.IOBase, multidict and (name, file) pairs allowed, use .add_field() "
                    f"for passing more complex parameters, got {field!r}"
                )

    def __call__(self) -> Payload:
        """Give the form as a payload. A multipart form is made once, and then that is given again."""
        return self._multipart() if self._is_multipart else self._urlencoded()

    def _urlencoded(self) -> BytesPayload:
        charset = self._charset or "utf-8"
        fields = [(disposition["name"], value) for disposition, _, value in self._fields]
        content_type = "application/x-www-form-urlencoded"
        if charset != "utf-8":
            content_type += f"; charset={charset}"
        text = urlencode(fields, doseq=True, encoding=charset)
        return BytesPayload(text.encode(), content_type=content_type)

    def _multipart(self) -> MultipartWriter:
        if self._writer is None:
            self._writer = MultipartWriter("form-data")
        for disposition, headers, value in self._fields:
            part = self._part(headers, value)
            part.set_content_disposition("form-data", quote_fields=self._quote_fields, **disposition)
            # Readers of forms in chunks do not like it.
            part.headers.popall(hdrs.CONTENT_LENGTH, None)
            self._writer.append_payload(part)
        self._fields.clear()
        return self._writer

    def _part(self, headers: dict[str, str], value: Any) -> Any:
        said = {"content_type": headers[hdrs.CONTENT_TYPE]} if headers else {}
        if hasattr(value, "write_with_length") and hasattr(value, "headers"):
            # A payload, of ours or of aiohttp.
            return value
        try:
            return get_payload(value, headers=headers, encoding=self._charset, **said)
        except Exception as error:
            raise TypeError(
                f"Can not serialize value type: {type(value)!r}\n headers: {headers!r}\n value: {value!r}"
            ) from error
