"""A customer of the service, and what is done for one, in a word each; in chat credits unless stated otherwise."""

from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import account_pb2, balance_alert_pb2, balance_pb2, entry_pb2, limits_pb2, reservation_pb2, source_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from creditd.domain.resource_names import account_name
from tests.support.service import RunningService

CHAT = "chat"


@dataclass
class Customer:
    """An account, the application that spends its credits, and the staff that look after it."""

    service: RunningService
    app: SimpleNamespace
    staff: SimpleNamespace
    account_id: str
    numbers: "count[int]" = field(default_factory=count)

    def request_id(self) -> str:
        """Return an idempotency key that was never used."""
        return f"{self.account_id[:200]}-{next(self.numbers)}"

    def another(self, name: str) -> "Customer":
        """Return another customer of the same test."""
        return Customer(self.service, self.app, self.staff, f"{self.account_id[:100]}.{name}")

    def after(self, seconds: float) -> Timestamp:
        """Return the instant that comes so long after now, on the service's clock."""
        instant = self.service.clock.now() + int(seconds * 1_000_000)
        return Timestamp(seconds=instant // 1_000_000, nanos=instant % 1_000_000 * 1_000)

    def top_up(
        self,
        amount: int,
        source: source_pb2.Source = source_pb2.SOURCE_PURCHASED,
        *,
        credit_type: str = CHAT,
        seconds: float | None = None,
    ) -> entry_pb2.Entry:
        """Add credits, for good or for so many seconds; return the ledger's row."""
        request = admin.AddCreditsRequest(
            account_id=self.account_id,
            amounts=[admin.CreditAmount(credit_type=credit_type, amount=amount)],
            source=source,
            expire_time=None if seconds is None else self.after(seconds),
            reason="test",
            request_id=self.request_id(),
        )
        answer: admin.AddCreditsResponse = self.staff.admin.AddCredits(request)
        return answer.entries[0]

    def reserving(self, amount: int, *, seconds: int | None = None, **fields: Any) -> credit.ReserveRequest:
        """Return the request to hold credits."""
        fields = {"credit_type": CHAT, "request_id": self.request_id()} | fields
        if seconds is not None:
            fields["ttl"] = Duration(seconds=seconds)
        return credit.ReserveRequest(account_id=self.account_id, amount=amount, **fields)

    def reserve(self, amount: int, *, seconds: int | None = None, **fields: Any) -> credit.ReserveResponse:
        """Hold credits."""
        answer: credit.ReserveResponse = self.app.credit.Reserve(self.reserving(amount, seconds=seconds, **fields))
        return answer

    def hold(self, amount: int, *, seconds: int | None = None) -> str:
        """Hold credits; return the reservation's name."""
        return self.reserve(amount, seconds=seconds).reservation.name

    def confirming(self, reservation: str, amount: int | None = None, **fields: Any) -> credit.ConfirmRequest:
        """Return the request to spend what is held."""
        fields = {"request_id": self.request_id()} | fields
        return credit.ConfirmRequest(name=reservation, amount=amount, **fields)

    def confirm(self, reservation: str, amount: int | None = None, **fields: Any) -> credit.ConfirmResponse:
        """Spend what is held, or part of it."""
        answer: credit.ConfirmResponse = self.app.credit.Confirm(self.confirming(reservation, amount, **fields))
        return answer

    def refunding(self, reservation: str, amount: int | None = None, **fields: Any) -> credit.RefundRequest:
        """Return the request to give credits back."""
        fields = {"request_id": self.request_id()} | fields
        return credit.RefundRequest(name=reservation, amount=amount, **fields)

    def refund(self, reservation: str, amount: int | None = None, **fields: Any) -> credit.RefundResponse:
        """Give back what is left of a reservation, or part of it."""
        answer: credit.RefundResponse = self.app.credit.Refund(self.refunding(reservation, amount, **fields))
        return answer

    def deducting(self, amount: int, **fields: Any) -> credit.DeductRequest:
        """Return the request to spend in one step."""
        fields = {"credit_type": CHAT, "request_id": self.request_id()} | fields
        return credit.DeductRequest(account_id=self.account_id, amount=amount, **fields)

    def deduct(self, amount: int, **fields: Any) -> credit.DeductResponse:
        """Spend in one step."""
        answer: credit.DeductResponse = self.app.credit.Deduct(self.deducting(amount, **fields))
        return answer

    def extending(self, reservation: str, seconds: int, **fields: Any) -> credit.ExtendReservationRequest:
        """Return the request for more time."""
        fields = {"request_id": self.request_id()} | fields
        return credit.ExtendReservationRequest(name=reservation, ttl=Duration(seconds=seconds), **fields)

    def extend(self, reservation: str, seconds: int) -> credit.ExtendReservationResponse:
        """Give a hold so much time from now."""
        request = self.extending(reservation, seconds)
        answer: credit.ExtendReservationResponse = self.app.credit.ExtendReservation(request)
        return answer

    def adding(self, amount: int, **fields: Any) -> admin.AddCreditsRequest:
        """Return the request to give credits."""
        amounts = [admin.CreditAmount(credit_type=fields.pop("credit_type", CHAT), amount=amount)]
        fields = {"reason": "test", "request_id": self.request_id()} | fields
        return admin.AddCreditsRequest(account_id=self.account_id, amounts=amounts, **fields)

    def removing(self, amount: int, **fields: Any) -> admin.RemoveCreditsRequest:
        """Return the request to take credits away."""
        amounts = [admin.CreditAmount(credit_type=fields.pop("credit_type", CHAT), amount=amount)]
        fields = {"reason": "test", "request_id": self.request_id()} | fields
        return admin.RemoveCreditsRequest(account_id=self.account_id, amounts=amounts, **fields)

    def remove(self, amount: int, **fields: Any) -> admin.RemoveCreditsResponse:
        """Take credits away."""
        answer: admin.RemoveCreditsResponse = self.staff.admin.RemoveCredits(self.removing(amount, **fields))
        return answer

    def alerting(self, **below: int) -> balance_alert_pb2.SetBalanceAlertsRequest:
        """Return the request to be told when credits fall below figures, by credit type."""
        alerts = [balance_alert_pb2.BalanceAlert(credit_type=name, below=figure) for name, figure in below.items()]
        name, request_id = account_name(self.account_id), self.request_id()
        return balance_alert_pb2.SetBalanceAlertsRequest(name=name, alerts=alerts, reason="test", request_id=request_id)

    def planning(self, kind: account_pb2.PlanKind, seconds: float | None = None, **fields: Any) -> admin.SetPlanRequest:
        """Return the request to change the plan."""
        plan = account_pb2.Plan(kind=kind, end_time=None if seconds is None else self.after(seconds))
        fields = {"reason": "test", "request_id": self.request_id()} | fields
        return admin.SetPlanRequest(name=account_name(self.account_id), plan=plan, **fields)

    def go_unlimited(self, seconds: float | None = None) -> account_pb2.Account:
        """Start the unlimited plan, for good or for so many seconds."""
        request = self.planning(account_pb2.PLAN_KIND_UNLIMITED, seconds)
        answer: admin.SetPlanResponse = self.staff.admin.SetPlan(request)
        return answer.account

    def go_standard(self) -> account_pb2.Account:
        """End the unlimited plan."""
        answer: admin.SetPlanResponse = self.staff.admin.SetPlan(self.planning(account_pb2.PLAN_KIND_STANDARD))
        return answer.account

    def limiting(self, *limits: limits_pb2.Limit, **fields: Any) -> limits_pb2.SetLimitsRequest:
        """Return the request to put limits in the place of those that there are."""
        fields = {"reason": "test", "request_id": self.request_id()} | fields
        return limits_pb2.SetLimitsRequest(name=account_name(self.account_id), limits=limits, **fields)

    def limit(self, *limits: limits_pb2.Limit) -> limits_pb2.SetLimitsResponse:
        """Put limits in the place of those that there are."""
        answer: limits_pb2.SetLimitsResponse = self.staff.admin.SetLimits(self.limiting(*limits))
        return answer

    def becoming(self, status: account_pb2.AccountStatus, **fields: Any) -> admin.SetAccountStatusRequest:
        """Return the request to change the status."""
        fields = {"reason": "test", "request_id": self.request_id()} | fields
        return admin.SetAccountStatusRequest(name=account_name(self.account_id), status=status, **fields)

    def become(self, status: account_pb2.AccountStatus, **fields: Any) -> account_pb2.Account:
        """Change the status."""
        answer: admin.SetAccountStatusResponse = self.staff.admin.SetAccountStatus(self.becoming(status, **fields))
        return answer.account

    def account_balance(self, *credit_types: str) -> balance_pb2.AccountBalance:
        """Return all that there is, or that in some credit types."""
        request = credit.GetBalanceRequest(account_id=self.account_id, credit_types=credit_types)
        answer: credit.GetBalanceResponse = self.app.credit.GetBalance(request)
        return answer.account_balance

    def balance(self, credit_type: str = CHAT) -> balance_pb2.Balance:
        """Return the balance in one credit type."""
        return self.wallet(credit_type).balance

    def wallet(self, credit_type: str = CHAT) -> balance_pb2.Wallet:
        """Return the wallet in one credit type."""
        return self.account_balance(credit_type).wallets[0]

    def figures(self, credit_type: str = CHAT) -> tuple[int, int]:
        """Return what is available and what is reserved."""
        balance = self.balance(credit_type)
        return balance.available, balance.reserved

    def by_source(self, credit_type: str = CHAT) -> dict[str, int]:
        """Return what is available by source, in spend order."""
        return summed(self.wallet(credit_type).grants)

    def reservation(self, name: str) -> reservation_pb2.Reservation:
        """Return a reservation."""
        answer: credit.GetReservationResponse = self.app.credit.GetReservation(credit.GetReservationRequest(name=name))
        return answer.reservation

    def page(self, **fields: Any) -> credit.ListTransactionsResponse:
        """Return a page of the ledger."""
        request = credit.ListTransactionsRequest(account_id=self.account_id, **fields)
        answer: credit.ListTransactionsResponse = self.app.credit.ListTransactions(request)
        return answer

    def entries(self, credit_type: str = CHAT, **fields: Any) -> list[entry_pb2.Entry]:
        """Return the whole ledger in one credit type, newest first."""
        found: list[entry_pb2.Entry] = []
        token: str | None = ""
        while token is not None:
            page = self.page(credit_type=credit_type, page_size=100, page_token=token, **fields)
            found += page.entries
            token = page.next_page_token or None
        return found

    def kinds(self, credit_type: str = CHAT) -> list[str]:
        """Return what happened, newest first."""
        return [kind_of(entry) for entry in self.entries(credit_type)]


def kind_of(entry: entry_pb2.Entry) -> str:
    """Return what a movement was."""
    return entry_pb2.EntryKind.Name(entry.kind).removeprefix("ENTRY_KIND_")


def state_of(reservation: reservation_pb2.Reservation) -> str:
    """Return where a reservation stands."""
    return reservation_pb2.ReservationState.Name(reservation.state).removeprefix("RESERVATION_STATE_")


def source_of(part: source_pb2.Slice | balance_pb2.GrantBalance) -> str:
    """Return where credits came from."""
    return source_pb2.Source.Name(part.source).removeprefix("SOURCE_")


def slices_of(moved: reservation_pb2.Reservation | entry_pb2.Entry) -> list[tuple[str, int]]:
    """Return the parts of grants that moved, as pairs of source and amount, in their order."""
    return [(source_of(part), part.amount) for part in moved.slices]


def summed(grants: Any) -> dict[str, int]:
    """Return what grants hold by source, in the order in which the sources come."""
    sums: dict[str, int] = {}
    for grant in grants:
        sums[source_of(grant)] = sums.get(source_of(grant), 0) + grant.available
    return sums
