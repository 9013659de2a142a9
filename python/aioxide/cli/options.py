"""What the values of options may be, for ``argparse``; ArgumentTypeError says what they may not."""

import argparse
import math
from typing import TypeAlias

from aioxide._core import Headers

#: What a command adds its parser to.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


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
