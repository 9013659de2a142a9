"""What the headers of a response say, in aiohttp's types, and what a response gives beside."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping
from email.message import Message
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from multidict import MultiDict, MultiDictProxy
from yarl import URL

from aioxide._core import Response as _Response

from ._content_disposition import content_disposition_filename, parse_content_disposition

__all__ = [
    "RELEASED",
    "Connection",
    "ContentDisposition",
    "content_disposition",
    "content_type",
    "is_expected",
    "links",
]

_json_type = re.compile(r"^application/(?:[\w.+-]+?\+)?json$", re.IGNORECASE)
_link_param = re.compile(r'^\s*(\S*)\s*=\s*(?:"(.*)"|([^\s"]*))\s*$')


class ContentDisposition(NamedTuple):
    """What a Content-Disposition header says (RFC 6266)."""

    type: str | None
    parameters: Mapping[str, str]
    filename: str | None


class _Released:
    """What ``release()`` gives: it was done at once, and may be awaited."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


RELEASED = _Released()


class Connection:
    """A connection that a response has: what programs ask of it is whether it is there, and its addresses."""

    __slots__ = ("_native",)

    def __init__(self, native: _Response) -> None:
        self._native = native

    @property
    def transport(self) -> Connection:
        """Itself, for ``transport.get_extra_info``."""
        return self

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """``"peername"`` and ``"sockname"``, an address and a port; other things are not known."""
        known = {"peername": self._native.remote_address, "sockname": self._native.local_address}
        value = known.get(name)
        return default if value is None else value


def content_disposition(raw: str) -> ContentDisposition:
    """Read a Content-Disposition header."""
    kind, parameters = parse_content_disposition(raw)
    return ContentDisposition(kind, MappingProxyType(parameters), content_disposition_filename(parameters))


def links(url: URL, values: Iterable[str]) -> MultiDictProxy[MultiDictProxy[str | URL]]:
    """Read Link headers, by their relation; ``url`` is that of the response."""
    found_links: MultiDict[MultiDictProxy[str | URL]] = MultiDict()
    for value in re.split(r",(?=\s*<)", ", ".join(values)):
        found = re.match(r"\s*<(.*)>(.*)", value)
        if found is None:
            continue
        target, rest = found.groups()
        link: MultiDict[str | URL] = MultiDict()
        for parameter in rest.split(";")[1:]:
            said = _link_param.match(parameter.strip())
            if said is not None:
                name, quoted, bare = said.groups()
                link.add(name, bare if quoted is None else quoted)
        relation = str(link.get("rel", target))
        link.add("url", url.join(URL(target)))
        found_links.add(relation, MultiDictProxy(link))
    return MultiDictProxy(found_links)


@lru_cache(maxsize=256)
def content_type(value: str | None) -> tuple[str, str | None]:
    """Take media type and charset out of a Content-Type; one that is no media type is none."""
    if not value or "/" not in value.partition(";")[0]:
        return "application/octet-stream", None
    message = Message()
    message["Content-Type"] = value
    charset = message.get_param("charset")
    return message.get_content_type(), charset if isinstance(charset, str) else None


def is_expected(given: str, expected: str) -> bool:
    """Whether a Content-Type is the one that ``json()`` expects."""
    if expected == "application/json":
        return _json_type.match(given.partition(";")[0].strip()) is not None
    return expected in given
