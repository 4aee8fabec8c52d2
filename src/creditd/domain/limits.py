"""Limits: how much one movement may spend, and how much an hour and a day, in a wallet or by one of its spenders.

Hours and days are those of the clock, in UTC. So a window is one figure with the instant that it began at, exact at any
rate of calls, and everybody can tell in advance when it frees.

What is held counts from the moment it is held. What comes back of it, by whatever way, is given back to the windows
that it was counted in, as long as they last: each reservation remembers its part.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from creditd.domain import errors
from creditd.domain.instant import SECOND, Instant, instant_text

HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR

WHOLE: Final = ""
"""Stands for all of a wallet's movements where else a spender does; no spender has an empty id."""

EACH: Final = "*"
"""Stands for each spender that has no limit of its own; no spender's id has this character."""

MAX_COUNT: Final = 2**63 - 1
"""The most that is counted in a window: the largest int64, as for a balance."""

MAX_LIMITS: Final = 50
"""Of one account: as many as fit into a request about one thing. They stand in its row and with each copy in memory."""


class Limit(NamedTuple):
    """What bounds the movements of one credit type: all of them (``WHOLE``), or those of one spender or of ``EACH``.

    ``least`` and ``most`` bound one movement, ``hourly`` and ``daily`` what a window adds up to; None bounds nothing.
    """

    credit_type: str
    spender_id: str
    least: int | None = None
    most: int | None = None
    hourly: int | None = None
    daily: int | None = None

    @property
    def needs_count(self) -> bool:
        """Tell whether it depends on what was spent before."""
        return self.hourly is not None or self.daily is not None


class Count(NamedTuple):
    """What was spent in the hour and in the day that began at these instants."""

    hour: Instant
    in_hour: int
    day: Instant
    in_day: int

    def at(self, now: Instant) -> "Count":
        """Return the count at an instant: nothing yet, where a new window has begun."""
        hour, day = Instant(now - now % HOUR), Instant(now - now % DAY)
        return Count(hour, self.in_hour if self.hour == hour else 0, day, self.in_day if self.day == day else 0)

    def plus(self, in_hour: int, in_day: int) -> "Count":
        """Return the count with so much more, or less."""
        return self._replace(in_hour=self.in_hour + in_hour, in_day=self.in_day + in_day)


_UNBOUNDED: Final = Limit("", WHOLE)

NOTHING: Final = Count(Instant(0), 0, Instant(0), 0)

Usage = Mapping[str, Count]
"""The counts of a wallet: ``WHOLE``, and those of the spenders that are in memory."""

NO_USAGE: Final[Usage] = MappingProxyType({})


class Spending(NamedTuple):
    """A movement that is to be allowed: what it adds to the windows, and what the reservation then comes to."""

    credit_type: str
    spender_id: str
    amount: int
    total: int


class Counted(NamedTuple):
    """How a movement is counted: the wallet's counts after it, the reservation's part in them, and both differences."""

    usage: Usage
    part: Count
    hour_delta: int
    day_delta: int


def in_force(own: Sequence[Limit], defaults: Sequence[Limit], credit_type: str) -> dict[str, Limit]:
    """Return the limits on one credit type by whom they bind; an account's own take the place of the defaults."""
    return {limit.spender_id: limit for limit in (*defaults, *own) if limit.credit_type == credit_type}


def are_counted(own: Sequence[Limit], defaults: Sequence[Limit], credit_type: str) -> bool:
    """Tell whether movements of a credit type have to be counted."""
    return any(limit.needs_count for limit in in_force(own, defaults, credit_type).values())


def scopes_of(spender_id: str) -> tuple[str, ...]:
    """Return what a movement counts in: the whole wallet, and its spender if it names one."""
    return (WHOLE, spender_id) if spender_id else (WHOLE,)


def binding(limits: Mapping[str, Limit], scope: str) -> Limit:
    """Return which of the limits in force binds a scope; one of no credit type, that bounds nothing, if none does."""
    return limits.get(scope) or (limits.get(EACH) if scope else None) or _UNBOUNDED


class _Window(NamedTuple):
    """A window without room; it frees at ``end``, or never for so much at once if that is None."""

    which: str
    scope: str
    limit: int
    used: int
    end: Instant | None


def require_within(limits: Mapping[str, Limit], usage: Usage, spending: Spending, now: Instant) -> None:
    """Raise LimitExceeded unless all ``limits`` of a wallet allow a movement.

    ``usage`` holds the counts of the movement's scopes, where there is a limit that needs them. Of several windows
    without room the one is told that frees last.
    """
    _, spender_id, amount, _ = spending
    exceeded: list[_Window] = []
    for scope in scopes_of(spender_id):
        limit = binding(limits, scope)
        _require_size(limit, scope, spending)
        # What is counted at all has to fit into its column, also where an unlimited plan covers any amount.
        if usage or limit.needs_count:
            exceeded += _without_room(limit, scope, usage[scope].at(now), amount)
    if exceeded:
        raise _refusal(max(exceeded, key=lambda one: MAX_COUNT if one.end is None else one.end), spending, now)


def _require_size(limit: Limit, scope: str, spending: Spending) -> None:
    code, _, _, amount = spending
    if limit.least is not None and amount < limit.least:
        raise _exceeded("LEAST_PER_MOVEMENT", scope, limit.least, amount, credit_type=code)
    if limit.most is not None and amount > limit.most:
        raise _exceeded("MOST_PER_MOVEMENT", scope, limit.most, amount, credit_type=code)


def _without_room(limit: Limit, scope: str, count: Count, amount: int) -> list[_Window]:
    hour_end, day_end = Instant(count.hour + HOUR), Instant(count.day + DAY)
    windows = [
        ("MOST_PER_HOUR", limit.hourly, count.in_hour, hour_end),
        ("MOST_PER_DAY", MAX_COUNT if limit.daily is None else limit.daily, count.in_day, day_end),
    ]
    return [
        _Window(which, scope, most, used, end if amount <= most else None)
        for which, most, used, end in windows
        if most is not None and used + amount > most
    ]


def _refusal(window: _Window, spending: Spending, now: Instant) -> errors.LimitExceeded:
    which, scope, limit, used, end = window
    code, _, amount, _ = spending
    if end is None:
        return _exceeded(which, scope, limit, amount, credit_type=code, used=used)
    frees_time = instant_text(end)
    return _exceeded(which, scope, limit, amount, end - now, credit_type=code, used=used, frees_time=frees_time)


def _exceeded(
    which: str, scope: str, limit: int, amount: int, wait: int | None = None, **facts: int | str
) -> errors.LimitExceeded:
    if scope:
        facts["spender_id"] = scope
    return errors.LimitExceeded(wait, which=which, limit=limit, requested=amount, **facts)


def count(usage: Usage, spender_id: str, part: Count | None, amount: int, now: Instant) -> Counted:
    """Count an amount that is spent, or given back if it is negative, in the windows that ``now`` lies in.

    ``part`` is what the reservation has counted there so far, None for nothing. Never more is given back than that, nor
    than is counted: counts may have been pruned by a server whose clock was ahead, or lost. ``usage`` holds the counts
    of the movement's scopes.
    """
    known = (part or NOTHING).at(now)
    before = {scope: usage[scope].at(now) for scope in scopes_of(spender_id)}
    hour_delta, day_delta = _counted(amount, (known, *before.values())) if amount < 0 else (amount, amount)
    changed = {scope: one.plus(hour_delta, day_delta) for scope, one in before.items()}
    return Counted({**usage, **changed}, known.plus(hour_delta, day_delta), hour_delta, day_delta)


def _counted(amount: int, counts: Sequence[Count]) -> tuple[int, int]:
    """Return how much of a negative amount comes off each of the counts' hours and days.

    No hour comes below zero, and no day below its hour, which is part of it.
    """
    hour_delta = max(amount, *(-one.in_hour for one in counts))
    return hour_delta, max(amount, *(hour_delta + one.in_hour - one.in_day for one in counts))
