"""`Set-Cookie` headers as `http.cookies` has them, read as leniently as aiohttp reads them.

A header gives one cookie, or none if it breaks a rule; none is an error, since a page must not fail for a
cookie.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http.cookies import CookieError, Morsel, SimpleCookie
from typing import Any, Final

__all__ = ["morsel", "quoted", "response_cookies", "unquoted"]

# How many cookies a response may set, how long their parts may be in bytes, how many attributes are read.
_MOST: Final = 50
_LONGEST_PAIR: Final = 4096
_LONGEST_ATTRIBUTE: Final = 1024
_MOST_ATTRIBUTES: Final = 32

_FLAGS: Final = frozenset({"httponly", "partitioned", "secure"})
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")
_CONTROLS_BUT_TAB: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NAME: Final = re.compile(r"[!#-+\--:<-\[\]-~]+")
_ESCAPE: Final = re.compile(r"\\(?:([0-3][0-7][0-7])|(.))")

# Attributes may be parted by blanks; so a date, which has some, has to be known by its form.
_WORD: Final = r"[\w!#%&'~`><@,:/$*+\-.^|)(?}{\[\]"
_DAY: Final = r"(?:\w{3,6}day|\w{3}),\s[\w\s-]{9,11}\s[\d:]{8}\s(?:GMT|[+-]\d{4})"
_OLD_DAY: Final = r"\w{3}\s+\w{3}\s+[\s\d]\d\s+\d{2}:\d{2}:\d{2}\s+\d{4}"
_ATTRIBUTE: Final = re.compile(
    rf"""\s*(?P<name>{_WORD}]+)
    (?:\s*=\s*(?P<value>"(?:[^\\"]|\\.)*"|"[^";]*|{_DAY}|{_OLD_DAY}|{_WORD}=]*))?
    \s*(?:\s+|;|$)""",
    re.VERBOSE | re.ASCII,
)
_START: Final = re.compile(r"[^;\s]", re.ASCII)


def response_cookies(headers: Iterable[str]) -> SimpleCookie:
    """Give the cookies of the ``Set-Cookie`` headers of a response; of those with one name the last."""
    cookies = SimpleCookie()
    count = 0
    for header in headers:
        if count == _MOST:
            break
        cookie = _parse(header)
        if cookie is not None:
            count += 1
            # `SimpleCookie.__setitem__` would refuse names that servers use.
            dict.__setitem__(cookies, cookie.key, cookie)
    return cookies


def _parse(header: str) -> Morsel[str] | None:
    if not header or _CONTROLS_BUT_TAB.search(header):
        return None
    pair, _, attributes = header.partition(";")
    if '"' in pair and (whole := _quoted_pair(header)):
        name, coded, attributes = whole
    else:
        name, equals, coded = pair.partition("=")
        if not equals:
            return None
    name, coded = name.strip(" \t"), coded.strip(" \t")
    length = _length(name + coded)
    if not _NAME.fullmatch(name) or length is None or length > _LONGEST_PAIR:
        return None
    value = unquoted(coded)
    if _CONTROLS.search(value):
        return None
    cookie = morsel(name, value, coded)
    if cookie is not None:
        _add_attributes(cookie, attributes)
    return cookie


def _quoted_pair(header: str) -> tuple[str, str, str] | None:
    """Take a pair apart whose value has a ``;`` within its quotes."""
    found = _ATTRIBUTE.match(header)
    value = found and found["value"]
    if not found or not value or ";" not in value or not value.endswith('"'):
        return None
    rest = header[found.end("value") :].lstrip(" \t")
    return None if rest and rest[0] != ";" else (found["name"], value, rest[1:])


def _add_attributes(cookie: Morsel[str], text: str) -> None:
    at = 0
    for _ in range(_MOST_ATTRIBUTES):
        if at >= len(text):
            return
        found = _ATTRIBUTE.match(text, at)
        if found is None:
            # What is none ends at the next `;`.
            end = text.find(";", at)
            start = _START.search(text, end + 1) if end >= 0 else None
            if start is None:
                return
            at = start.start()
            continue
        at = found.end()
        name = found["name"].lower()
        # Python before 3.14 has no Partitioned.
        if name not in cookie:
            continue
        if name in _FLAGS:
            dict.__setitem__(cookie, name, True)
            continue
        given = found["value"] or ""
        length = _length(given)
        value = unquoted(given)
        if length is not None and length <= _LONGEST_ATTRIBUTE and not _CONTROLS.search(value):
            dict.__setitem__(cookie, name, value)


def _length(text: str) -> int | None:
    """How many bytes it is in UTF-8; None if it cannot be."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return None


def morsel(name: str, value: str, coded: str) -> Morsel[str] | None:
    """Make a Morsel of what a server sent, with a name that ``Morsel.set`` may refuse.

    None where Python refuses it.
    """
    cookie: Any = Morsel()
    try:
        cookie.__setstate__({"key": name, "value": value, "coded_value": coded})
    except CookieError:
        return None
    made: Morsel[str] = cookie
    return made


def unquoted(text: str) -> str:
    """Take off the quotes around it, and the escapes within them; without quotes it stays."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)) if found[1] else found[2], text[1:-1])


def quoted(text: str) -> str:
    """Put it in quotes, if it needs them, as `http.cookies` does."""
    coded: str = SimpleCookie().value_encode(text)[1]
    return coded
