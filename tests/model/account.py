"""The reference's commands: each refuses, or does one movement and returns the parts that it moved."""

from dataclasses import dataclass, field

from tests.model.reference import DEFAULT_TTL, MAX_TTL, NEVER, Grant, Hold, Limit, Part, Wallet, refuse_if


@dataclass
class Account:
    """An account, its wallets, and what time it is."""

    now: float = 0.0
    status: str = "ACTIVE"
    plan_ends: float = 0.0
    wallets: dict[str, Wallet] = field(default_factory=lambda: {"chat": Wallet(), "spec": Wallet()})

    def settle(self, *names: str) -> None:
        """Write down what is due in some wallets, or in all."""
        for name in names or self.wallets:
            self.wallets[name].settle(self.now)
            self.wallets[name].recorded = self.wallets[name].version

    def require_open(self) -> None:
        """Refuse what a closed account refuses: all but reads (C1)."""
        refuse_if(self.status == "CLOSED", "ACCOUNT_CLOSED")

    def require_spending(self) -> None:
        """Refuse spending unless the account is active (C1)."""
        self.require_open()
        refuse_if(self.status != "ACTIVE", "ACCOUNT_SUSPENDED")

    def require_end(self, ends: float, *, lifetime: bool) -> None:
        """Refuse a hold that would have ended, or that lives too long (A2); a lifetime is in no past."""
        refuse_if(ends <= self.now and not lifetime, "EXPIRY_IN_PAST")
        refuse_if(not self.now < ends <= self.now + MAX_TTL, "EXPIRY_OUT_OF_RANGE")

    def require_version(self, name: str, stated: int | None) -> None:
        """Refuse if the balance has moved since the version that the caller decided on (A14)."""
        refuse_if(stated not in (None, self.wallets[name].version), "VERSION_MISMATCH")

    def _hold(self, name: str, number: int) -> Hold:
        refuse_if(number >= len(self.wallets[name].holds), "RESERVATION_NOT_FOUND")
        return self.wallets[name].holds[number]

    def _take(self, name: str, amount: int) -> list[Part]:
        return self.wallets[name].take(amount, covered=self.now < self.plan_ends)

    def _spend(self, name: str, amount: int, total: int, who: str) -> list[Part]:
        self.wallets[name].require_allowed(who, amount, total, self.now)
        return self._take(name, amount)

    def _count(self, name: str, hold: Hold, amount: int) -> None:
        if self.wallets[name].counts:
            hold.spent.append((self.now, amount))

    def _move(self, name: str, parts: list[Part]) -> list[Part]:
        self.wallets[name].version += 1
        self.wallets[name].recorded = self.wallets[name].version
        return [part for part in parts if part.grant]

    def reserve(
        self,
        name: str,
        amount: int,
        ends: float | None = None,
        stated: int | None = None,
        *,
        lifetime: bool = False,
        who: str = "",
    ) -> list[Part]:
        """A1, A2, A10, C7."""
        self.require_spending()
        self.require_version(name, stated)
        ends = self.now + DEFAULT_TTL if ends is None else ends
        self.require_end(ends, lifetime=lifetime)
        hold = Hold(amount, ends, self._spend(name, amount, amount, who), who=who)
        self._count(name, hold, amount)
        self.wallets[name].holds.append(hold)
        return self._move(name, hold.parts)

    def deduct(self, name: str, amount: int, stated: int | None = None, who: str = "") -> list[Part]:
        """A5."""
        self.require_spending()
        self.require_version(name, stated)
        hold = Hold(amount, NEVER, self._spend(name, amount, amount, who), "CONFIRMED", amount, who=who)
        self._count(name, hold, amount)
        self.wallets[name].holds.append(hold)
        return self._move(name, hold.parts)

    def confirm(
        self, name: str, number: int, amount: int | None, stated: int | None = None, *, allow_excess: bool = False
    ) -> list[Part]:
        """A3."""
        hold = self._hold(name, number)
        self.require_open()
        hold.require_pending()
        self.require_version(name, stated)
        hold.confirmed = hold.amount if amount is None else amount
        excess = hold.confirmed - hold.amount
        if excess > 0:
            refuse_if(not allow_excess, "AMOUNT_EXCEEDS_RESERVATION")
            self.require_spending()
            hold.parts += self._spend(name, excess, hold.confirmed, hold.who)
            self._count(name, hold, excess)
        else:
            self.wallets[name].give_back(hold, -excess, self.now)
        hold.state = "CONFIRMED"
        return self._move(name, hold.parts)

    def refund(self, name: str, number: int, amount: int | None, stated: int | None = None) -> list[Part]:
        """A4."""
        hold = self._hold(name, number)
        self.require_open()
        if hold.state == "CONFIRMED":
            self.require_version(name, stated)
            refundable = hold.confirmed - hold.refunded
            amount = refundable if amount is None else amount
            refuse_if(not 0 < amount <= refundable, "AMOUNT_EXCEEDS_CONFIRMED")
            hold.refunded += amount
        else:
            hold.require_pending()
            self.require_version(name, stated)
            refuse_if(amount not in (None, hold.amount), "RESERVATION_PENDING")
            amount, hold.state = hold.amount, "REFUNDED"
        return self._move(name, self.wallets[name].give_back(hold, amount, self.now))

    def extend(self, name: str, number: int, ends: float, *, lifetime: bool = False) -> list[Part]:
        """A2."""
        hold = self._hold(name, number)
        self.require_spending()
        hold.require_pending()
        self.require_end(ends, lifetime=lifetime)
        hold.ends = max(hold.ends, ends)
        return self._move(name, hold.parts)

    def add(self, name: str, amount: int, source: str, expires: float = NEVER) -> list[Part]:
        """D1."""
        self.require_open()
        refuse_if(expires <= self.now, "EXPIRY_IN_PAST")
        grant = Grant(source, amount, expires, len(self.wallets[name].grants))
        self.wallets[name].grants.append(grant)
        return self._move(name, [Part(grant, amount)])

    def remove(self, name: str, amount: int) -> list[Part]:
        """D1: never below zero, and whatever the plan."""
        self.require_open()
        return self._move(name, self.wallets[name].take(amount, covered=False))

    def set_plan(self, ends: float | None) -> None:
        """A10; the plan ends at once with None."""
        self.require_open()
        refuse_if(ends is not None and ends <= self.now, "EXPIRY_IN_PAST")
        self.plan_ends = 0.0 if ends is None else ends

    def set_limits(self, name: str, limits: dict[str, Limit]) -> None:
        """C7: in the place of all that there are."""
        self.require_open()
        for wallet in self.wallets.values():
            wallet.limits = {}
        self.wallets[name].limits = limits

    def set_status(self, status: str, *, allow_balance: bool) -> None:
        """C1: closing needs a zero balance or an explicit word."""
        for wallet in self.wallets.values():
            wallet.settle(self.now)
        holds_any = any(wallet.available or wallet.reserved for wallet in self.wallets.values())
        refuse_if(status == "CLOSED" and holds_any and not allow_balance, "ACCOUNT_NOT_EMPTY")
        self.status = status
