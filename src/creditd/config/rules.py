"""Rules for the value of one setting."""

import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from math import inf
from typing import Any, Final, NamedTuple

from creditd.addresses import is_address
from creditd.domain.grants import Source


class ConfigError(Exception):
    """A setting that cannot be used; the message names it and says what is expected."""


class Rule(NamedTuple):
    """Which values a setting may have, as a test and in words."""

    is_fit: Callable[[Any], bool]
    expected: str


MAX_DECIMALS: Final = 9
"""As the column that keeps them has it."""

MAX_AMOUNT: Final = 2**63 - 1

MIN_SECRET_CHARACTERS: Final = 16
"""Whoever guesses the secret can make page tokens; 16 characters at random are beyond guessing."""

_CREDIT_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
"""As in the protos: a type of another form could be named by no request."""

_SOURCES: Final = sorted(source.name.lower() for source in Source)


def _is_readable(path: str) -> bool:
    return not path or os.access(path, os.R_OK)


def _are_credit_types(decimals: Mapping[str, int]) -> bool:
    return all(_CREDIT_TYPE.fullmatch(code) and 0 <= count <= MAX_DECIMALS for code, count in decimals.items())


def at_least(least: int) -> Rule:
    """Return the rule for a number of ``least`` or more."""
    return Rule(lambda value: least <= value < inf, f"{least} or more")


ANY: Final = Rule(lambda _: True, "")
POSITIVE: Final = Rule(lambda value: 0 < value < inf, "more than 0")
ADDRESS: Final = Rule(is_address, "host:port")
ADDRESS_OR_SOCKET: Final = Rule(
    lambda address: address.startswith("unix:") or is_address(address), "host:port or unix:/path"
)
ADDRESS_OR_NOTHING: Final = Rule(lambda address: not address or is_address(address), "host:port, or nothing")
FILE: Final = Rule(_is_readable, "a file that this user may read")
FILES: Final = Rule(lambda paths: all(map(_is_readable, paths)), "files that this user may read")
LOG_LEVEL: Final = Rule(lambda level: level in logging.getLevelNamesMapping(), "DEBUG, INFO, WARNING or ERROR")
SPEND_ORDER: Final = Rule(lambda order: sorted(order) == _SOURCES, f"each of {', '.join(_SOURCES)} once")
LONG_SECRET: Final = Rule(
    lambda secret: not secret or len(secret) >= MIN_SECRET_CHARACTERS,
    f"{MIN_SECRET_CHARACTERS} characters or more, or nothing",
)
CREDIT_TYPES: Final = Rule(_are_credit_types, f"codes of letters, digits and _, each with 0 to {MAX_DECIMALS} decimals")
AMOUNTS: Final = Rule(
    lambda amounts: all(0 < amount <= MAX_AMOUNT for amount in amounts.values()),
    "credit types, each with an amount of 1 or more",
)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for a name that is none of those known: the nearest one, else all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, 1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
