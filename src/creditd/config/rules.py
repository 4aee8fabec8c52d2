"""Rules for the value of one setting."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from math import inf
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from creditd.addresses import Listener, is_address, is_loopback
from creditd.config import executor_rules, velocity_rules
from creditd.domain.grants import Source
from creditd.domain.limits import MAX_LIMITS
from creditd.server.redis_connection import redis_place


class ConfigError(Exception):
    """A setting that cannot be used; the message names it and says what is expected."""


MAX_KEY_LENGTH: Final = 64
"""Of metadata, as in the protos."""


class ValueRule(NamedTuple):
    """Which values a setting may have, as a test and in words; ``known`` are all of its words, if they are few."""

    is_fit: Callable[[Any], bool]
    expected: str
    known: tuple[str, ...] = ()

    def hint(self, value: Any) -> str:
        """Return what was meant by a value that is not fit, to go on with; empty if nothing is near."""
        words = value if isinstance(value, tuple) else (value,)
        slips = (word for word in words if self.known and word not in self.known)
        return next(filter(None, (meant(slip, self.known) for slip in slips)), "")


MIN_KEY_CHARACTERS: Final = 32
"""Keys are derived from it: as many characters at random as 128 bits have in hexadecimal."""

MAX_DECIMALS: Final = 9
"""As the column that keeps them has it."""

MAX_AMOUNT: Final = 2**63 - 1

MIN_SECRET_CHARACTERS: Final = 16
"""Of a secret that nobody else has chosen for us; 16 characters at random are beyond guessing."""

CREDIT_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
"""As in the protos: a type of another form could be named by no request."""

EACH_SPENDER: Final = "/*"
"""At the end of a credit type's name: the limit is not on an account's wallet but on each spender within it."""

METHOD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.]*/[A-Za-z][A-Za-z0-9]*")
"""The full name of a service, and of an RPC of it."""

_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")
"""Before the console's own paths."""

_SOURCES: Final = tuple(sorted(source.name.lower() for source in Source))

_LAYOUTS: Final = ("plain", "citus")
_TRANSPORTS: Final = ("auto", "queue", "aio")
_LISTENERS: Final = tuple(sorted(Listener))
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
"""Each once: the logging library has further names for some of them, and NOTSET, which is none."""


def _is_readable(path: str) -> bool:
    return not path or (os.access(path, os.R_OK) and not os.path.isdir(path))  # noqa: PTH112 - a pasted key is too long.


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _is_provider_url(url: str) -> bool:
    if not _is_url(url):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(f"{parts.hostname}:0")


def _is_console_url(url: str) -> bool:
    return _is_provider_url(url) and not urlsplit(url).query and bool(_PATH.fullmatch(urlsplit(url).path))


def _is_redis_url(url: str) -> bool:
    try:
        redis_place(url)
    except ValueError:
        return False
    return True


def _are_credit_types(decimals: Mapping[str, int]) -> bool:
    return all(CREDIT_TYPE.fullmatch(code) and 0 <= count <= MAX_DECIMALS for code, count in decimals.items())


def at_least(least: int) -> ValueRule:
    """Return the rule for a number of ``least`` or more."""
    return ValueRule(lambda value: least <= value < inf, f"{least} or more")


ANY: Final = ValueRule(lambda _: True, "")
POSITIVE: Final = ValueRule(lambda value: 0 < value < inf, "more than 0")
ADDRESS: Final = ValueRule(is_address, "host:port")
LOOPBACK: Final = ValueRule(
    lambda address: is_address(address) and is_loopback(address), "host:port on this machine, such as 127.0.0.1:8082"
)
ADDRESS_OR_SOCKET: Final = ValueRule(
    lambda address: address.startswith("unix:") or is_address(address), "host:port or unix:/path"
)
ADDRESS_OR_NOTHING: Final = ValueRule(lambda address: not address or is_address(address), "host:port, or nothing")
FILE: Final = ValueRule(_is_readable, "a file that this user may read")
FOLDER: Final = ValueRule(lambda path: not path or os.path.isdir(path), "a folder that is there")  # noqa: PTH112 - as above.
FILES: Final = ValueRule(lambda paths: all(map(_is_readable, paths)), "files that this user may read")
PROVIDER_URL: Final = ValueRule(_is_provider_url, "a URL such as https://host; http on loopback only")
"""Keys and payments go there."""

URL_OR_NOTHING: Final = ValueRule(lambda url: not url or _is_url(url), "a URL such as http://host:4317, or nothing")
CONSOLE_URL: Final = ValueRule(
    lambda url: not url or _is_console_url(url),
    "a URL such as https://host/path, http on loopback only, or nothing",
)
REDIS_URL: Final = ValueRule(
    lambda url: not url or _is_redis_url(url),
    "rediss://user:password@host:port/database, redis:// on loopback only, or nothing",
)
LOG_LEVEL: Final = ValueRule(_LEVELS.__contains__, f"{', '.join(_LEVELS[:-1])} or {_LEVELS[-1]}", _LEVELS)
LAYOUT: Final = ValueRule(_LAYOUTS.__contains__, "plain or citus", _LAYOUTS)
TRANSPORT: Final = ValueRule(_TRANSPORTS.__contains__, "auto, queue or aio", _TRANSPORTS)
LISTENERS: Final = ValueRule(
    lambda listeners: set(listeners) <= set(_LISTENERS), f"some of {', '.join(_LISTENERS)}", _LISTENERS
)
SPEND_ORDER: Final = ValueRule(
    lambda order: tuple(sorted(order)) == _SOURCES, f"each of {', '.join(_SOURCES)} once", _SOURCES
)
LONG_SECRET: Final = ValueRule(
    lambda secret: not secret or len(secret) >= MIN_SECRET_CHARACTERS,
    f"{MIN_SECRET_CHARACTERS} characters or more, or nothing",
)
ENCRYPTION_KEY: Final = ValueRule(
    lambda secret: not secret or len(secret) >= MIN_KEY_CHARACTERS,
    f"{MIN_KEY_CHARACTERS} characters or more, at random, or nothing",
)
METADATA_KEY: Final = ValueRule(lambda key: len(key) <= MAX_KEY_LENGTH, "a key of metadata, up to 64 characters")
NOT_EMPTY: Final = ValueRule(bool, "a text")
CREDIT_TYPES: Final = ValueRule(
    _are_credit_types, f"codes of letters, digits and _, each with 0 to {MAX_DECIMALS} decimals"
)
AMOUNTS: Final = ValueRule(
    lambda amounts: all(0 < amount <= MAX_AMOUNT for amount in amounts.values()),
    "credit types, each with an amount of 1 or more",
)
THRESHOLDS: Final = ValueRule(
    lambda amounts: all(CREDIT_TYPE.fullmatch(name) and 0 <= most <= MAX_AMOUNT for name, most in amounts.items()),
    "credit types or currencies, each with an amount of 0 or more",
)
METHOD_LIMITS: Final = ValueRule(
    lambda limits: all(METHOD.fullmatch(method) and limit > 0 for method, limit in limits.items()),
    "RPCs such as credit.v1.CreditService/GetBalance, each with a limit of 1 or more",
)


LIMITS: Final = ValueRule(
    lambda limits: (
        len(limits) <= MAX_LIMITS
        and all(
            CREDIT_TYPE.fullmatch(name.removesuffix(EACH_SPENDER)) and 0 < amount <= MAX_AMOUNT
            for name, amount in limits.items()
        )
    ),
    f"at most {MAX_LIMITS} credit types, or credit types with /* for each spender, each with an amount of 1 or more",
)

EXECUTORS: Final = ValueRule(executor_rules.are_executors, executor_rules.EXPECTED)

VELOCITY_RULES: Final = ValueRule(velocity_rules.are_velocity_rules, velocity_rules.EXPECTED)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint for a name that is none of those known: the nearest one, else all of them."""
    names = sorted(known)
    return meant(name, names) or f"known are {', '.join(names)}"


def meant(name: str, known: Iterable[str]) -> str:
    """Return a question for the known name that is nearest, in any case of letters; empty if none is near."""
    names = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), names, 1, cutoff=0.7)
    return f"did you mean {names[near[0]]}?" if near else ""
