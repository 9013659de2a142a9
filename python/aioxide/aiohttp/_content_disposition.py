"""What a Content-Disposition header says (RFC 6266), read as leniently as aiohttp reads it.

Servers write names of files in many ways. What is wrong in one parameter costs that parameter and a warning;
what is wrong in the header as a whole costs the header.
"""

from __future__ import annotations

import builtins
import re
import string
import warnings
from collections import deque
from collections.abc import Mapping
from urllib.parse import unquote

from ._installed import or_theirs

__all__ = [
    "BadContentDispositionHeader",
    "BadContentDispositionParam",
    "content_disposition_filename",
    "parse_content_disposition",
]

_or_theirs = or_theirs("aiohttp.multipart")

#: RFC 9110, section 5.6.2.
_TOKEN = re.compile(f"[{re.escape('!#$%&' + chr(39) + '*+-.^_`|~' + string.digits + string.ascii_letters)}]+")
#: A part of a value that was cut into several: ``name*0``, or ``name*0*`` (RFC 2231, section 3).
_NUMBERED = re.compile(r"[^*]*\*(\d+)\*?")
#: A quoted pair in ASCII.
_ESCAPED = re.compile(r"\\([\x00-\x7f])")


@_or_theirs
class BadContentDispositionHeader(RuntimeWarning):
    """The header cannot be read, or not all of it."""


@_or_theirs
class BadContentDispositionParam(RuntimeWarning):
    """A parameter of it cannot be read."""


def _is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def _is_quoted(text: str) -> bool:
    return len(text) >= 2 and text.startswith('"') and text.endswith('"')


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _decoded(charset: str, value: str) -> str | None:
    """Undo percent-encoding; None if it is of no charset that is known, or wrong in it."""
    try:
        return unquote(value, charset or "utf-8", "strict")
    except (builtins.LookupError, UnicodeDecodeError):
        return None


class _UnreadableError(Exception):
    """The header as a whole is wrong."""


def parse_content_disposition(header: str | None) -> tuple[str | None, dict[str, str]]:
    """Give the type in lower case and the parameters; None and none if it cannot be read.

    What is wrong is a warning: ``BadContentDispositionHeader`` or ``BadContentDispositionParam``.
    """
    if not header:
        return None, {}
    kind, *items = header.split(";")
    kind = kind.strip()
    try:
        if not _is_token(kind):
            raise _UnreadableError
        return kind.lower(), _parameters(header, deque(items))
    except _UnreadableError:
        warnings.warn(BadContentDispositionHeader(header), stacklevel=2)
        return None, {}


def _parameters(header: str, items: deque[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    while items:
        item = items.popleft()
        if not item:
            warnings.warn(BadContentDispositionHeader(header), stacklevel=3)
            continue
        name, equals, value = item.partition("=")
        name, value = name.lower().strip(), value.lstrip()
        if not equals or name in found:
            raise _UnreadableError
        if not _is_token(name):
            read = None
        elif _NUMBERED.fullmatch(name):
            read = _numbered(value)
        elif name.endswith("*"):
            read = _encoded(value)
        else:
            read = _plain(value, items)
        if read is None:
            warnings.warn(BadContentDispositionParam(item), stacklevel=3)
        else:
            found[name] = read
    return found


def _numbered(value: str) -> str | None:
    if _is_quoted(value):
        return _unescaped(value[1:-1])
    return value if _is_token(value) else None


def _encoded(value: str) -> str | None:
    """Read what has its charset in it (RFC 8187)."""
    if not _is_token(value) or value.count("'") != 2:
        return None
    charset, _, encoded = value.split("'")
    return _decoded(charset, encoded)


def _plain(value: str, items: deque[str]) -> str:
    if _is_token(value):
        return value
    quoted = value.rstrip()
    if not _is_quoted(quoted) and items:
        # There may be a semicolon between the quotes.
        quoted = f"{value};{items[0]}"
        if _is_quoted(quoted):
            items.popleft()
    if not _is_quoted(quoted):
        raise _UnreadableError
    # A name that begins so would lead out of its folder.
    return _unescaped(quoted[1:-1].lstrip("\\/"))


def content_disposition_filename(params: Mapping[str, str], name: str = "filename") -> str | None:
    """Give the parameter ``name``, in whichever of the ways it is written; None if it is not there."""
    for key in (f"{name}*", name):
        if key in params:
            return params[key]
    pieces: list[str] = []
    # In the order of their names, as aiohttp has them: the eleventh is the end.
    for key in sorted(key for key in params if key.startswith(f"{name}*")):
        number = key.partition("*")[2].removesuffix("*")
        if number != str(len(pieces)):
            break
        pieces.append(params[key])
    if not pieces:
        return None
    whole = "".join(pieces)
    if "'" not in whole:
        return whole
    charset, _, rest = whole.partition("'")
    return _decoded(charset, rest.partition("'")[2]) if "'" in rest else None
