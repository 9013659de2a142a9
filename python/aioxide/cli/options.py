"""What the values of options may be, for ``argparse``; ArgumentTypeError says what they may not."""

import argparse
import math
from typing import Any, Literal, TypeAlias

from aioxide._core import Headers

#: What a command adds its parser to.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Parser(argparse.ArgumentParser):
    """One of whose commands options and URLs may be given in any order, as ``curl`` takes them."""

    _is_in_it = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse what it knows; the rest is given back. As a command it is asked in this way."""
        # Up to 3.12 the other way comes back here; and one that has commands has no other way.
        if self._is_in_it or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._is_in_it = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_in_it = False


# Seconds.
_PERIODS = {"s": 1, "m": 60, "h": 3600}


class UsageError(Exception):
    """The options make no sense, alone or together, on this machine; the message says why."""


def positive(text: str) -> int:
    """Take a whole number from 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return number


def positive_or_auto(text: str) -> int | Literal["auto"]:
    """Take a whole number from 1, or ``auto``."""
    if text == "auto":
        return "auto"
    try:
        return positive(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, or auto, not {text!r}") from None


def count(text: str) -> int:
    """Take a whole number from 0."""
    return 0 if text == "0" else positive(text)


def rate(text: str) -> float:
    """Take how many may begin in a time, ``10``, ``10/s``, ``600/m``, ``5/h``; that many a second."""
    number, slash, unit = text.partition("/")
    try:
        a_second = float(number) / _PERIODS[unit if slash else "s"]
    except (ValueError, KeyError):
        a_second = math.nan
    # The engine takes the time between two for no time if it is too short, and for too long if it is that.
    if not 1e-9 < a_second < 1e9:
        raise argparse.ArgumentTypeError(f"must be as 10, 10/s, 600/m or 5/h, not {text!r}")
    return a_second


def seconds(text: str) -> float:
    """Take a number of seconds above zero."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above zero, not {text!r}")
    return number


def header(text: str) -> tuple[str, str]:
    """Take a header, ``Name: value``, that may be sent."""
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"must be 'Name: value', not {text!r}")
    pair = (name.strip(), value.strip())
    try:
        Headers([pair])
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return pair
