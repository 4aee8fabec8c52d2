"""An account as the requirements describe it (A1 to A14, C1): plain lists, no cleverness, nothing of the code's.

Times are in units of the machine's choice. What an unlimited plan covers is a part of a spending like any other, from
no grant.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

NEVER = float("inf")
ORDER = ["FREE", "PROMO", "ADMIN", "PURCHASED"]
DEFAULT_TTL, MAX_TTL, GRACE = 3.625, 10.0, 2.25
HOUR, DAY = 3.6, 86.4
HOUR_BEGAN = -0.02
"""A story begins right after the beginning of an hour and of a day, so that no whole unit falls on an end of one."""


class Refused(Exception):
    """The call is answered with this reason."""


def refuse_if(condition: object, reason: str) -> None:
    """Refuse what cannot be done."""
    if condition:
        raise Refused(reason)


@dataclass(eq=False)
class Grant:
    """Credits that came in together, until when what is left of them can be spent, and whether that is a grace."""

    source: str
    left: int
    expires: float
    number: int
    graced: bool = False


@dataclass(eq=False)
class Part:
    """Credits of one grant, or of the plan if it is None."""

    grant: Grant | None
    amount: int


class Limit(NamedTuple):
    """What bounds the movements of a wallet, or of a spender (C7); NEVER bounds nothing."""

    least: float = 0
    most: float = NEVER
    hourly: float = NEVER
    daily: float = NEVER

    @property
    def counts(self) -> bool:
        """Tell whether it goes by what was spent before."""
        return self.hourly < NEVER or self.daily < NEVER


def window_of(time: float, length: float) -> int:
    """Return the number of the hour or the day that a time lies in."""
    return int((time - HOUR_BEGAN) // length)


@dataclass(eq=False)
class Hold:
    """A reservation: its parts in the order taken, less what was given back.

    ``spent`` are the amounts that count for limits, each with its time, less what was given back, the last one first.
    """

    amount: int
    ends: float
    parts: list[Part]
    state: str = "PENDING"
    confirmed: int = 0
    refunded: int = 0
    who: str = ""
    spent: list[tuple[float, int]] = field(default_factory=list)

    def uncount(self, amount: int) -> None:
        """Take off what comes back."""
        while amount and self.spent:
            time, last = self.spent.pop()
            if last > amount:
                self.spent.append((time, last - amount))
            amount -= min(amount, last)

    def require_pending(self) -> None:
        """Refuse what only a pending reservation allows."""
        refuse_if(self.state == "EXPIRED", "RESERVATION_EXPIRED")
        refuse_if(self.state != "PENDING", f"RESERVATION_{self.state}")


@dataclass
class Wallet:
    """The balance in one credit type. ``recorded`` is the version of the last movement that was written down."""

    grants: list[Grant] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    version: int = 0
    recorded: int = 0
    limits: dict[str, Limit] = field(default_factory=dict)

    @property
    def spendable(self) -> list[Grant]:
        """The grants in the order in which they are spent (A9)."""
        live = [grant for grant in self.grants if grant.left]
        return sorted(live, key=lambda g: (ORDER.index(g.source), g.expires, g.number))

    @property
    def available(self) -> int:
        """What can be spent."""
        return sum(grant.left for grant in self.grants)

    @property
    def reserved(self) -> int:
        """What is held."""
        pending = [hold for hold in self.holds if hold.state == "PENDING"]
        return sum(part.amount for hold in pending for part in hold.parts if part.grant)

    def settle(self, now: float) -> None:
        """Let happen what is due, in the order of time; each is a movement (A2, A6)."""
        while True:
            lapsing = [(g.expires, 0, n) for n, g in enumerate(self.grants) if g.left and g.expires <= now]
            ending = [(h.ends, 1, n) for n, h in enumerate(self.holds) if h.state == "PENDING" and h.ends <= now]
            if not lapsing and not ending:
                return
            at, is_hold, number = min(lapsing + ending)
            self.version += 1
            if is_hold:
                self.holds[number].state = "EXPIRED"
                self.give_back(self.holds[number], self.holds[number].amount, at)
            else:
                self.grants[number].left = 0

    @property
    def counts(self) -> bool:
        """Tell whether what is spent is counted."""
        return any(limit.counts for limit in self.limits.values())

    def used(self, who: str, length: float, now: float) -> int:
        """Add up what was spent in the hour or the day, by a spender or, with an empty name, by all."""
        spent = [each for hold in self.holds if who in ("", hold.who) for each in hold.spent]
        return sum(amount for time, amount in spent if window_of(time, length) == window_of(now, length))

    def require_allowed(self, who: str, amount: int, total: int, now: float) -> None:
        """Refuse what a limit does not allow (C7)."""
        for name in {"", who}:
            limit = self.limits.get(name) or (self.limits.get("*") if name else None) or Limit()
            refuse_if(not limit.least <= total <= limit.most, "LIMIT_EXCEEDED")
            refuse_if(self.used(name, HOUR, now) + amount > limit.hourly, "LIMIT_EXCEEDED")
            refuse_if(self.used(name, DAY, now) + amount > limit.daily, "LIMIT_EXCEEDED")

    def take(self, amount: int, *, covered: bool) -> list[Part]:
        """Take credits in spend order, or none if a plan covers them (A8, A9, A10)."""
        if covered:
            return [Part(None, amount)]
        refuse_if(self.available < amount, "INSUFFICIENT_CREDIT")
        parts = []
        for grant in self.spendable:
            part = Part(grant, min(amount, grant.left))
            grant.left -= part.amount
            amount -= part.amount
            parts.append(part)
        return [part for part in parts if part.amount]

    def give_back(self, hold: Hold, amount: int, at: float) -> list[Part]:
        """Give back what was taken last, to where it came from; an expired grant gets its one grace (A3, A4)."""
        returned = []
        if self.counts:
            hold.uncount(amount)
        while amount:
            part = hold.parts.pop()
            back = Part(part.grant, min(amount, part.amount))
            amount -= back.amount
            if part.amount > back.amount:
                hold.parts.append(Part(part.grant, part.amount - back.amount))
            if back.grant:
                if back.grant.expires <= at and not back.grant.graced:
                    back.grant.expires, back.grant.graced = at + GRACE, True
                back.grant.left += back.amount
                returned.append(back)
        return returned
