"""A naive model of a wallet: every credit is a coin with the name of its grant, moved about one by one.

It is told what was done and how much, and finds out by itself which grants were touched.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from creditd.domain.entry import EntryKind
from creditd.domain.grants import Grant, Slice, Source
from creditd.domain.reservation import ReservationState
from creditd.domain.wallet import Movement, Rules

PLAN = "plan"
"""The coin that an unlimited plan pays with: it comes from nowhere and goes nowhere."""


class Coins:
    """Coins left to spend by grant, and those that each reservation took, in the order taken."""

    def __init__(self, grants: Iterable[Grant], debt: int, unit: int, rules: Rules) -> None:
        """Start with what is live; a coin stands for ``unit`` credits."""
        self.grants = {grant.grant_id: grant for grant in grants}
        self.live = Counter({grant.grant_id: grant.remaining // unit for grant in grants})
        self.taken: dict[str, list[str]] = {}
        self.debt = debt // unit
        self._unit = unit
        self._rules = rules

    def follow(self, movement: Movement, *, unlimited: bool, first: Collection[str] = ()) -> None:
        """Do what a movement did; ``unlimited`` says whether a plan was in force, ``first`` what a clawback named."""
        entry = movement.entry
        amount = entry.amount // self._unit
        name = movement.reservation.reservation_id if movement.reservation else ""
        self.grants.update((grant.grant_id, grant) for grant in movement.changed)
        match entry.kind:
            case EntryKind.RESERVE | EntryKind.DEDUCT:
                self.taken[name] = self._take(amount, unlimited=unlimited)
                assert self._coins(entry.slices) == _credits(self.taken[name])
            case EntryKind.CONFIRM:
                excess = amount - len(self.taken[name])
                self._unwind(name, -excess)
                self.taken[name] += self._take(excess, unlimited=unlimited)
                assert self._coins(entry.slices) == _credits(self.taken[name])
            case EntryKind.REFUND | EntryKind.RELEASE:
                assert self._coins(entry.slices) == _credits(self._unwind(name, amount))
            case EntryKind.CLAWBACK:
                self.debt += amount
                assert self._coins(entry.slices) == self._pay_debt(first)
            case EntryKind.WRITE_OFF:
                self.debt -= amount
            case EntryKind.ADMIN_REMOVE:
                self._take(amount, unlimited=False)
            case EntryKind.EXPIRE:
                assert {part.grant_id: self.live.pop(part.grant_id) for part in entry.slices} == {
                    part.grant_id: part.amount // self._unit for part in entry.slices
                }
            case EntryKind.GRANT | EntryKind.TOP_UP | EntryKind.PROMO | EntryKind.ADMIN_ADD | EntryKind.RESTORE:
                assert movement.granted is not None
                self.live[movement.granted.grant_id] = amount
        self._pay_debt()
        if movement.reservation and movement.reservation.state in {
            ReservationState.PENDING,
            ReservationState.CONFIRMED,
        }:
            assert self._coins(movement.reservation.slices) == _credits(self.taken[name])

    def _coins(self, slices: Iterable[Slice]) -> list[str]:
        return [part.grant_id for part in slices for _ in range((part.amount - part.returned) // self._unit)]

    def _spend_order(self) -> list[str]:
        def rank(grant: Grant) -> tuple[int, float, str]:
            expires = float("inf") if grant.expire_time is None else grant.expire_time
            return (self._rules.order.index(grant.source), expires, grant.grant_id)

        return [grant.grant_id for grant in sorted(self.grants.values(), key=rank) if self.live[grant.grant_id]]

    def _take(self, amount: int, *, unlimited: bool) -> list[str]:
        if unlimited:
            return [PLAN] * amount
        coins = [name for name in self._spend_order() for _ in range(self.live[name])]
        self.live.subtract(coins[: max(amount, 0)])
        return coins[: max(amount, 0)]

    def _unwind(self, name: str, amount: int) -> list[str]:
        coins = [self.taken[name].pop() for _ in range(amount)]
        self.live.update(_credits(coins))
        return coins

    def _pay_debt(self, first: Collection[str] = ()) -> list[str]:
        bought = [name for name in self._spend_order() if self.grants[name].source == Source.PURCHASED]
        own, others = [name for name in bought if name in first], [name for name in bought if name not in first]
        coins = [name for name in own + others for _ in range(self.live[name])][: self.debt]
        self.live.subtract(coins)
        self.debt -= len(coins)
        return coins

    def left(self) -> dict[str, int]:
        """Return the credits that are left to spend, by grant."""
        return {name: coins * self._unit for name, coins in self.live.items() if coins}

    def held(self, names: Iterable[str]) -> int:
        """Return the credits that these reservations took."""
        return sum(len(_credits(self.taken[name])) for name in names) * self._unit

    def owed(self) -> int:
        """Return the debt."""
        return self.debt * self._unit


def _credits(coins: Iterable[str]) -> list[str]:
    return [coin for coin in coins if coin != PLAN]
