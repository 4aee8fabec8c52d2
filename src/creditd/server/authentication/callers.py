"""Who calls, as the claims of a verified token say."""

from collections.abc import Mapping
from math import inf
from typing import Any, Final, NamedTuple

from creditd.server.refusals import TokenInvalid

ROLES: Final = frozenset({"USER", "PREMIUM", "SUPPORT", "FINANCE", "ADMIN", "SUPER_ADMIN", "SERVICE"})

SECOND_FACTORS: Final = frozenset({"otp", "mfa", "hwk"})
"""Values of `amr` (RFC 8176) that tell of a second factor: `mfa` by its meaning, a one-time password and a key in
hardware as proofs of what one has. Not `pwd`, `pin` and `kba`, which are what one knows; not `swk`, whose key can be
copied; not `sms` and `tel`, which can be taken over with a telephone number; not biometrics, which say nothing without
the device that looked."""

MAX_SUBJECT_LENGTH: Final = 255

MAX_ACCOUNTS: Final = 64
"""Of an allow list in a token: each call that names an account may have to look through them."""

LEEWAY_SECONDS: Final = 30
"""How far the issuer's clock and ours may be apart."""


class Caller(NamedTuple):
    """Who calls, as a verified token says. Roles that are none of ours are left out.

    ``person`` is who stands behind the subject, the same for all subjects of one human being. ``mfa_time`` is when a
    second factor was shown, in seconds since the Unix epoch; 0.0 if none was. ``accounts`` are those that the caller
    may touch: ids, and prefixes that end with ``*``; all if there are none.
    """

    subject: str
    roles: frozenset[str]
    scopes: frozenset[str]
    person: str
    mfa_time: float = 0.0
    accounts: tuple[str, ...] = ()


def caller_of(claims: Mapping[str, Any], now: float) -> Caller:
    """Return who calls, by claims that are verified. Raises TokenInvalid, naming the claim that does not fit.

    ``now`` is in seconds since the Unix epoch.
    """
    subject = _name(claims, "sub")
    roles = claims.get("roles", [])
    if not isinstance(roles, list):
        raise TokenInvalid(problem="roles")
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise TokenInvalid(problem="scope")
    return Caller(
        subject,
        frozenset(role for role in ROLES if role in roles),
        frozenset(scope.split()),
        _name(claims, "person") if "person" in claims else subject,
        _mfa_time(claims, now),
        _accounts(claims),
    )


def number(claims: Mapping[str, Any], name: str) -> float:
    """Return a claim that is a finite number. Raises TokenInvalid."""
    value = claims[name]
    # JSON as Python reads it knows Infinity and NaN, which would never be over; and a truth value is an int.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -inf < value < inf:
        raise TokenInvalid(problem=name)
    return value


def _mfa_time(claims: Mapping[str, Any], now: float) -> float:
    methods = claims.get("amr", [])
    if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
        raise TokenInvalid(problem="amr")
    time = number(claims, "auth_time") if "auth_time" in claims else 0.0
    # One in the future would be recent for longer than it may.
    if not 0 <= time <= now + LEEWAY_SECONDS:
        raise TokenInvalid(problem="auth_time")
    return 0.0 if SECOND_FACTORS.isdisjoint(methods) else float(time)


def _accounts(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the allow list. One that is there and empty is refused: whoever wrote it did not mean all accounts."""
    if "accounts" not in claims:
        return ()
    accounts = claims["accounts"]
    if not isinstance(accounts, list) or not 0 < len(accounts) <= MAX_ACCOUNTS or not all(map(_is_pattern, accounts)):
        raise TokenInvalid(problem="accounts")
    return tuple(accounts)


def _is_pattern(value: Any) -> bool:
    return _is_name(value) and "*" not in value[:-1]


def _name(claims: Mapping[str, Any], name: str) -> str:
    value = claims[name]
    if not _is_name(value):
        raise TokenInvalid(problem=name)
    return str(value)


def _is_name(value: Any) -> bool:
    """Tell whether a value can be stored and sent: JSON has escapes for NUL and for halves of surrogate pairs."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_SUBJECT_LENGTH
        and "\0" not in value
        and value.encode("utf-8", "ignore").decode() == value
    )
