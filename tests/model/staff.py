"""The rules of staff and of time: credits come and go, plans and statuses change, and what is due falls due."""

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1.limits_pb2 import SetLimitsRequest
from creditd.domain.resource_names import account_name
from tests.model.account import Account
from tests.model.asking import limit_message
from tests.model.machine import Machine, amounts, now_and_then, servers, wallets
from tests.model.reference import NEVER, Limit, Part

additions = st.integers(1, 14)
sources = st.sampled_from(["FREE", "PROMO", "PURCHASED", "PURCHASED", "ADMIN"])
lives = st.none() | st.sampled_from([0, 1, 2, 0, 1, 3, 5, 8, -1])
"""How many units credits or a plan live; none for good, less than none is in the past."""
statuses = st.sampled_from(["SUSPENDED", "ACTIVE", "ACTIVE", "ACTIVE", "CLOSED"])
NAMES = ("spec", "chat")
limit_sets = st.dictionaries(
    st.sampled_from(["", "*", "ann"]),
    st.builds(
        Limit,
        least=st.sampled_from([0, 0, 0, 3]),
        most=st.sampled_from([NEVER, NEVER, 7]),
        hourly=st.sampled_from([NEVER, 8, 14]),
        daily=st.sampled_from([NEVER, 12, 25]),
    ),
    max_size=3,
)


class StaffRules(Machine):
    """What AdminService offers, and the passing of time."""

    def _end_of(self, life: int | None) -> tuple[Timestamp | None, float]:
        if life is None:
            return None, NEVER
        end = round(self.comparison.account.now) + life + 0.5
        return self.comparison.calendar.timestamp(end), end

    @initialize(server=servers, gifts=st.lists(st.tuples(additions, sources, lives), max_size=4))
    def begin(self, server: int, gifts: list[tuple[int, str, int | None]]) -> None:
        """Begin with something to spend."""
        for amount, source, life in gifts:
            self.add_credits(server, ("chat",), amount, source, life)
        self.told("begin", server)

    @rule(server=servers, name=wallets, amount=additions, source=sources, life=lives, both=now_and_then)
    def add(self, server: int, name: str, amount: int, source: str, life: int | None, *, both: bool) -> None:
        """Add credits of one type, or of two, all or nothing."""
        self.add_credits(server, NAMES if both else (name,), amount, source, life)
        self.told("add", server)

    def add_credits(self, server: int, names: tuple[str, ...], amount: int, source: str, life: int | None) -> None:
        """Add the same amount of some types."""
        timestamp, end = self._end_of(life)
        request = admin.AddCreditsRequest(
            account_id=self.comparison.account_id,
            amounts=[admin.CreditAmount(credit_type=each, amount=amount) for each in names],
            source=f"SOURCE_{source}",
            expire_time=timestamp,
            reason="model",
        )

        def command(account: Account) -> list[list[Part]]:
            return [account.add(each, amount, source, end) for each in names]

        self.comparison.ask(server, "admin.AddCredits", request, names, command)

    @rule(server=servers, name=wallets, amount=amounts, both=now_and_then)
    def remove(self, server: int, name: str, amount: int, *, both: bool) -> None:
        """Remove credits of one type, or of two, all or nothing."""
        names = NAMES if both else (name,)
        request = admin.RemoveCreditsRequest(
            account_id=self.comparison.account_id,
            amounts=[admin.CreditAmount(credit_type=each, amount=amount) for each in names],
            reason="model",
        )

        def command(account: Account) -> list[list[Part]]:
            return [account.remove(each, amount) for each in names]

        self.comparison.ask(server, "admin.RemoveCredits", request, names, command)
        self.told("remove", server)

    @rule(server=servers, life=lives, unlimited=st.booleans())
    def set_plan(self, server: int, life: int | None, *, unlimited: bool) -> None:
        """Switch the unlimited plan on, for good or for a time, or off."""
        timestamp, end = self._end_of(life)
        plan = account_pb2.Plan(kind=account_pb2.PLAN_KIND_STANDARD)
        if unlimited:
            plan = account_pb2.Plan(kind=account_pb2.PLAN_KIND_UNLIMITED, end_time=timestamp)
        request = admin.SetPlanRequest(name=account_name(self.comparison.account_id), plan=plan, reason="model")
        self.comparison.ask(server, "admin.SetPlan", request, (), lambda a: a.set_plan(end if unlimited else None))
        self.told("set plan", server)

    @rule(server=servers, status=statuses, allow_balance=st.booleans())
    def set_status(self, server: int, status: str, *, allow_balance: bool) -> None:
        """Suspend, close or activate the account."""
        request = admin.SetAccountStatusRequest(
            name=account_name(self.comparison.account_id),
            status=f"ACCOUNT_STATUS_{status}",
            allow_balance=allow_balance,
            reason="model",
        )

        def command(account: Account) -> None:
            account.set_status(status, allow_balance=allow_balance)

        self.comparison.ask(server, "admin.SetAccountStatus", request, (), command)
        self.told("set status", server)

    @rule(server=servers, name=wallets, limits=limit_sets)
    def set_limits(self, server: int, name: str, limits: dict[str, Limit]) -> None:
        """Limit what is spent of one type by all, by each spender or by one; or lift all limits."""
        request = SetLimitsRequest(
            name=account_name(self.comparison.account_id),
            limits=[limit_message(name, who, limit) for who, limit in limits.items()],
            reason="model",
        )
        self.comparison.ask(server, "admin.SetLimits", request, (), lambda account: account.set_limits(name, limits))
        self.told("set limits", server)

    @rule(server=servers)
    def compare_usage(self, server: int) -> None:
        """Compare what is used of the limits, once all that is due is written down."""
        self.comparison.sweep(server)
        self.comparison.compare_usage(server)
        self.told("compare usage", server)

    @rule(server=servers, units=st.sampled_from([1, 1, 1, 2, 3, 11]), sweep=st.booleans())
    def pass_time(self, server: int, units: int, *, sweep: bool) -> None:
        """Let time pass, and the sweep come by or not."""
        self.comparison.pass_time(units)
        if sweep:
            self.comparison.sweep(server)
        self.told("pass time", server)
