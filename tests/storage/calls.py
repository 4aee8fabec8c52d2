"""One call or more of each function that executes statements, so that all of them are seen at work.

``functions`` finds them all: one without a call here fails a test.
"""

import inspect
import pkgutil
import time
from collections.abc import Callable, Iterator
from importlib import import_module

from sqlalchemy import Connection

from creditd import storage
from creditd.domain.account import Account, AccountStatus
from creditd.domain.commands import Add, Deduct
from creditd.domain.controls.access import RoleGrant, ServiceAccount
from creditd.domain.controls.account_flag import AccountFlag, FlagKey
from creditd.domain.controls.approval import (
    Approval,
    ApprovalKey,
    ApprovalKind,
    ApprovalState,
    Decision,
    Party,
    WantedAct,
    WantedAmount,
)
from creditd.domain.controls.audit_event import AuditEvent, AuditOutcome
from creditd.domain.controls.seal import NO_HASH, NO_SEAL, EntrySeal
from creditd.domain.controls.velocity import VelocityAction, VelocityEvent, VelocityKind, VelocityRule
from creditd.domain.credit_type import CreditType
from creditd.domain.decide import decide
from creditd.domain.entry import EntryKind
from creditd.domain.events.event_endpoint import EventEndpoint
from creditd.domain.events.outbox import OutboxEvent, OutboxKind
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.limits import DAY, NOTHING, WHOLE, Limit
from creditd.domain.payments.package import Package
from creditd.domain.payments.payment_event import PaymentEvent, PaymentEventAct, PaymentEventState
from creditd.domain.payments.payment_facts import Fact, FactKind
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import Purchase, PurchaseKey, PurchaseState
from creditd.domain.payments.rejected_webhooks import RejectedWebhooks, RejectionReason
from creditd.domain.payments.subscription import Subscription, SubscriptionStatus
from creditd.domain.promo.promo_claim import PromoClaim
from creditd.domain.promo.promo_code import PromoCode, PromoCodeState, PromoKind, PromoTerms
from creditd.domain.reservation import ReservationKey, ReservationState
from creditd.domain.usage.usage_periods import Period, RankingSpan, segments, span_of
from creditd.domain.wallet import Origin, Rules, Wallet, WalletKey
from creditd.domain.workflows.execution import Progress
from creditd.domain.workflows.run import Run, RunKey, RunState
from creditd.domain.workflows.workflow import Workflow
from creditd.ledger.ids import uuid7
from creditd.storage import (
    account_labels,
    account_lists,
    account_locks,
    accounts,
    counts,
    credit_types,
    entries,
    grants,
    historical_balances,
    holds,
    locks,
    migrations,
    requests,
    reservations,
    save,
    save_of_one,
    search,
    shared_wallets,
    statements,
    verification,
    wallets,
)
from creditd.storage.accounts import AccountFilter
from creditd.storage.archive import archive_acts, archives
from creditd.storage.changes import Changes
from creditd.storage.controls import (
    access,
    account_flags,
    approvals,
    audit,
    seals,
    staff_notes,
    support_gifts,
    velocity,
)
from creditd.storage.controls.account_flags import FlagFilter
from creditd.storage.controls.approvals import ApprovalFilter
from creditd.storage.controls.audit import AuditFilter
from creditd.storage.controls.velocity import VelocityLook
from creditd.storage.entries import EntryFilter, Span
from creditd.storage.events import (
    delivery_attempts,
    event_deliveries,
    event_endpoints,
    expiry_notices,
    outbox,
    published_events,
)
from creditd.storage.events.expiry_notices import ExpiryPlace
from creditd.storage.events.published_events import Positions, PublishedFilter
from creditd.storage.grants import UseFilter
from creditd.storage.payments import (
    packages,
    payment_dues,
    payment_events,
    payment_hints,
    payment_references,
    purchases,
    reconciliations,
    rejected_webhooks,
    subscriptions,
)
from creditd.storage.payments.payment_dues import Due, Tried
from creditd.storage.payments.payment_events import EventFilter
from creditd.storage.payments.purchases import PurchaseFilter
from creditd.storage.payments.reconciliations import Day
from creditd.storage.promo import first_purchase_promos, promo_claims, promo_codes
from creditd.storage.promo.promo_codes import PromoFilter
from creditd.storage.reservations import ReservationFilter
from creditd.storage.usage import usage, usage_account_sums, usage_leaders, usage_moves, usage_rollups
from creditd.storage.usage.usage_contributions import Dimension
from creditd.storage.usage.usage_stretches import Unadded
from creditd.storage.verification import Stretch
from creditd.storage.workflows import run_leases, runs, workflows
from creditd.storage.workflows.run_leases import Lease, Room
from creditd.storage.workflows.runs import RunFilter
from tests.support.histories import id_of

Call = Callable[[Connection, str], object]
"""Of a function, about an account."""

NOW = Instant(time.time_ns() // 1_000)
LATER = Instant(NOW + 3_600 * SECOND)
RULES = Rules()
ROWS = 60
"""How many rows a page of a rare filter looks at here."""

PAGE = 21
STRIPE = Provider.STRIPE
LAST = "ffffffff-ffff-ffff-ffff-fffffffffffe"


def _account(account: str) -> Account:
    return Account(account, 10**9, AccountStatus.ACTIVE, unlimited=False, unlimited_until=None, create_time=NOW,
                   update_time=NOW)  # fmt: skip


def _keys(account: str) -> list[WalletKey]:
    return sorted(
        [
            WalletKey(account, "chat"),
            WalletKey(account, "spec"),
            *(WalletKey(f"account-{n}", "chat") for n in range(1, 33)),
        ]
    )


def _names(account: str) -> list[str]:
    return sorted({key.account_id for key in _keys(account)})


def _purchase(connection: Connection, account: str) -> Purchase:
    found = purchases.find(connection, PurchaseKey(account, id_of(account)))
    assert found is not None
    return found


def _event(connection: Connection, account: str) -> PaymentEvent:
    found = payment_events.find(connection, id_of(account))
    assert found is not None
    return found


def _audited(account: str) -> AuditEvent:
    return AuditEvent(uuid7(), NOW, "staff", "staff", ("ADMIN",), "credits.add", AuditOutcome.DONE, account)


def _stretch(account: str, first: int) -> EntrySeal:
    return EntrySeal(account, "chat", first, first + 19, NO_HASH, NO_HASH, 10**6)


def _hint(account: str) -> payment_hints.PaymentHint:
    return payment_hints.PaymentHint(STRIPE, True, f"{account}-1", "paid", "{}", 0, NOW, NOW)  # noqa: FBT003 - as a row is.


def _wallet(connection: Connection, account: str) -> Wallet:
    key = WalletKey(account, "chat")
    return wallets.load_wallets(connection, [key], NOW, RULES.order)[key].wallet


def _changes(connection: Connection, account: str) -> Changes:
    changes = Changes()
    add = Add(Origin("tests", uuid7(), 1), EntryKind.TOP_UP, uuid7(), Source.PURCHASED, 10, None)
    changes.add(decide(_wallet(connection, account), None, add, NOW, RULES))
    return changes


def _save(connection: Connection, account: str) -> object:
    return save.save(connection, _changes(connection, account))


def _save_of_one(connection: Connection, account: str) -> object:
    return save_of_one.save_of_one(connection, _changes(connection, account))


def _save_of_spenders(connection: Connection, account: str) -> object:
    changes = Changes()
    limited = _account(account)._replace(limits=(Limit("chat", WHOLE, daily=10**9),))
    wallet = _wallet(connection, account)._replace(account=limited, usage={WHOLE: NOTHING, "ann": NOTHING})
    spend = Deduct(Origin("tests", uuid7(), 1), uuid7(), 1, spender_id="ann")
    changes.add(decide(wallet, None, spend, NOW, RULES))
    return save.save(connection, changes)


def _entries(account: str, *kinds: EntryKind, reservation: bool = False, credit_type: str = "") -> EntryFilter:
    return EntryFilter(account, credit_type, kinds, id_of(account) if reservation else None, NOW, LATER)


def _listed(wanted: Callable[[str], EntryFilter]) -> Call:
    def call(connection: Connection, account: str) -> None:
        within = entries.spans(connection, wanted(account))
        looked_at = entries.newest(connection, wanted(account), within, ROWS)
        entries.page(connection, wanted(account), looked_at, PAGE)
        entries.count_all(connection, wanted(account), within, ROWS)

    return call


def _reserved(credit_type: str, state: ReservationState | None) -> Call:
    def call(connection: Connection, account: str) -> None:
        wanted = ReservationFilter(account, credit_type, state)
        reservations.page(connection, wanted, "", NOW, count=PAGE, rows=ROWS)

    return call


_DAY = Day(STRIPE, live=True, day=NOW)
_REJECTION = RejectedWebhooks(STRIPE, RejectionReason.MALFORMED, NOW, 1, NOW, "")
_SMALL = Package("small", "Small", 1000, "THB", "chat", 90, 10, NOW)
_FACT = Fact(FactKind.PAYMENT, "subject-1", 4, 1000)

_ACCOUNT_OF_SERVICE = ServiceAccount("service", "person", (), (), ("spiffe://service",), disabled=False)


def _role_grant(subject: str) -> RoleGrant:
    return RoleGrant(uuid7(), subject, "SUPPORT", "tests", "tests", "", NOW)


_REFUNDS = VelocityRule(VelocityKind.REFUNDS, 10, 86_400, VelocityAction.FLAG)
_REFUND = VelocityEvent(VelocityKind.REFUNDS, "subject-3", NOW)


def _flag(account: str, number: int = 0) -> AccountFlag:
    flag_id = id_of(account, number) if number else uuid7()
    return AccountFlag(account, flag_id, *_REFUNDS, 11, False, NOW)  # noqa: FBT003 - as a row is.


def _granted_and_revoked(connection: Connection, subject: str) -> None:
    grant = _role_grant(subject)
    access.add_grant(connection, grant)
    access.revoke(connection, grant._replace(revoke_time=NOW, revoked_by="tests"))


def _approval(account: str) -> Approval:
    wanted = WantedAct(ApprovalKind.REMOVE_CREDITS, account, (WantedAmount("chat", 1),))
    by = Party("tests", "tests", frozenset())
    return Approval(uuid7(), wanted, by, False, "", "", uuid7(), 1, (), NOW, LATER)  # noqa: FBT003 - as a row is.


def _decided(connection: Connection, account: str) -> None:
    approval = _approval(account)
    approvals.add(connection, approval)
    key = ApprovalKey(account, approval.approval_id)
    approvals.decide(connection, key, Decision(ApprovalState.REJECTED, "tests", "tests", "", NOW))


def _approved(wanted: ApprovalFilter) -> Call:
    return lambda c, a: approvals.page(
        c, wanted._replace(account_id=wanted.account_id and a), approvals.AFTER_ALL, NOW, count=PAGE, rows=ROWS
    )


_HOUR = Instant(NOW - NOW % (3_600 * SECOND))
_PERIODS = [
    Period(Instant(_HOUR + n * 3_600 * SECOND), Instant(_HOUR + (n + 1) * 3_600 * SECOND)) for n in range(-9, 3)
]
_RANKING = usage.Ranking(RankingSpan.MONTH, span_of(NOW, RankingSpan.MONTH))

_RANKINGS = [
    usage_leaders.RankingKey("chat", dimension, _RANKING.span, _RANKING.period.start) for dimension in usage.RANKED
]


def _moved(connection: Connection, _: str) -> None:
    usage_moves.go_by_indexes(connection)
    usage_moves.wallets_moved_since(connection, 1, LATER, PAGE)


def _tail(account: str) -> list[Unadded]:
    return [Unadded(WalletKey(account, code), 200, 100) for code in ("chat", "spec")]


_PROMO_TERMS = PromoTerms(
    PromoKind.BONUS_CREDITS, "chat", 1, None, 0, 0, "", 0, first_purchase_only=False, start_time=None,
    expire_time=None, total_limit=10**6, account_limit=100
)  # fmt: skip


def _promo_code() -> PromoCode:
    return PromoCode(uuid7()[-12:], "New", uuid7(), _PROMO_TERMS, 0, 0, NOW)


def _claim(account: str) -> PromoClaim:
    return PromoClaim("code1", account, 1, uuid7(), 1, "tests", 1, "chat", uuid7(), None, "", NOW, 0, LATER)


def _claimed(then: Callable[[Connection, PromoClaim], object]) -> Call:
    def call(connection: Connection, account: str) -> None:
        claimed = promo_claims.claim(connection, _claim(account), 100)
        assert claimed is not None
        then(connection, claimed)

    return call


def _used(by: str) -> Call:
    def call(connection: Connection, account: str) -> None:
        grant_id = id_of(account, 3) if by == "grant" else ""
        reservation_id = id_of(account) if by == "reservation" else ""
        wanted = UseFilter(WalletKey(account, "chat"), grant_id, reservation_id)
        grants.uses(connection, wanted, Span(100, 100 + ROWS), 0, PAGE)

    return call


def _coded(wanted: PromoFilter) -> Call:
    return lambda c, _a: promo_codes.page(c, wanted, promo_codes.AFTER_ALL, NOW, count=PAGE, rows=ROWS)


def _first_purchase(account: str) -> PurchaseKey:
    return PurchaseKey(account, id_of(account))


def _endpoint(key: str) -> EventEndpoint:
    return EventEndpoint(
        key, key, "https://shop.example", "", (), "", "", paused=False, position=0, version=1, create_time=NOW,
        update_time=NOW, active_time=NOW
    )  # fmt: skip


def _delivery_attempt(account: str) -> delivery_attempts.DeliveryAttempt:
    return delivery_attempts.DeliveryAttempt(id_of(account), uuid7(), 1, account, uuid7(), 4, 1, 200, "", NOW, 9)


def _delivered(connection: Connection, account: str) -> None:
    claimed = event_deliveries.claim(connection, {id_of(account): 2}, LATER, LATER)
    outcomes = zip(claimed, (True, False), strict=True)
    ended = [event_deliveries.Ended(one, is_delivered, None, "") for one, is_delivered in outcomes]
    event_deliveries.end(connection, ended, NOW)


def _pruned_deliveries(connection: Connection, account: str) -> None:
    event_endpoints.delete(connection, id_of(account), NOW)
    event_deliveries.prune(connection, PAGE)


def _archive(account: str) -> archives.EntryArchive:
    return archives.EntryArchive(account, "chat", 1, 50, 0, NOW, "", b"", "{}", NOW)


def _workflow(account: str, workflow_id: str) -> Workflow:
    return Workflow(
        account,
        workflow_id,
        version=1,
        display_name="Render",
        description="",
        executor="render",
        credit_type="chat",
        least_amount=1,
        most_amount=5,
        is_fixed=False,
        timeout_microseconds=SECOND,
        create_time=NOW,
        update_time=NOW,
    )


def _run(account: str, run_id: str) -> Run:
    return Run(
        account,
        run_id,
        workflow_id="workflow-7",
        executor="render",
        credit_type="chat",
        held_amount=1,
        least_amount=1,
        is_fixed=True,
        spender_id="",
        reason="",
        input="{}",
        state=RunState.RUNNING,
        version=1,
        attempts=0,
        lease=1,
        due_time=NOW,
        deadline=LATER,
        hold_expire_time=LATER,
        progress_percent=None,
        progress_message="",
        output="",
        used_amount=0,
        failure_reason="",
        failure_message="",
        create_time=NOW,
        update_time=NOW,
        end_time=None,
    )


def _leases(account: str) -> list[Lease]:
    """Return leases of runs that are open, and of some that are not."""
    return [
        Lease(
            RunKey(account, id_of(account, n)),
            1,
            ReservationKey(account, "chat", id_of(account, n)),
            Progress(n, "at it") if n % 2 else None,
        )
        for n in range(15, 25)
    ]


CALLS: dict[str, Call] = {
    "archives.archived_parts": lambda c, a: archives.archived_parts(c, a, ["chat", "quiz_gen"]),
    "archives.checkpoints": lambda c, a: archives.checkpoints(
        c, {WalletKey(a, "quiz_gen"): 0}, {WalletKey(a, "quiz_gen"): 10**9}
    ),
    "archives.archived_versions": lambda c, a: archives.archived_versions(c, [*_keys(a), WalletKey(a, "quiz_gen")]),
    "archives.has_archives": lambda c, _a: archives.has_archives(c),
    "archives.wallets_standing": lambda c, a: archives.wallets_standing(c, WalletKey(a, ""), PAGE),
    "archives.rows_between": lambda c, a: list(archives.rows_between(c, WalletKey(a, "chat"), 100, 150)),
    "archives.rows_left": lambda c, a: archives.rows_left(c, WalletKey(a, "chat"), 100, 150),
    "archives.archives_after": lambda c, a: archives.archives_after(c, WalletKey(a, "quiz_gen"), 3, 20),
    "archives.next_wallet": lambda c, a: archives.next_wallet(c, WalletKey(a, "")),
    "archives.newest_archives": lambda c, a: archives.newest_archives(c, WalletKey(a, "quiz_gen"), 2),
    "archive_acts.counted_version": lambda c, a: archive_acts.counted_version(c, WalletKey(a, "chat")),
    "archive_acts.usage_states": lambda c, _a: archive_acts.usage_states(c),
    "archive_acts.move": lambda c, a: archive_acts.move(c, _archive(a)),
    "archive_acts.put_back": lambda c, a: archive_acts.put_back(
        c, a, list(archives.rows_between(c, WalletKey(a, "chat"), 100, 150))
    ),
    "archive_acts.forget": lambda c, a: archive_acts.forget(c, _archive(a)),
    "support_gifts.given": lambda c, a: support_gifts.given(c, WalletKey(a, "chat"), NOW),
    "support_gifts.add": lambda c, a: support_gifts.add(c, WalletKey(a, "chat"), NOW, 1),
    "grants.end_of_look": lambda c, a: grants.end_of_look(c, a, id_of(a), 100, ROWS),
    "staff_notes.add": lambda c, a: staff_notes.add(c, [_audited(a)._replace(request_id=uuid7(), note="a note")]),
    "staff_notes.of_requests": lambda c, a: staff_notes.of_requests(c, a, [f"{a}-chat{n}" for n in range(1, 33)]),
    "account_lists.page_of_concern flagged": lambda c, _a: account_lists.page_of_concern(
        c, account_lists.Concern.FLAGGED, "", "", PAGE
    ),
    "account_lists.page_of_concern in debt": lambda c, _a: account_lists.page_of_concern(
        c, account_lists.Concern.IN_DEBT, "", "", PAGE
    ),
    "account_lists.page_of_concern disputed": lambda c, _a: account_lists.page_of_concern(
        c, account_lists.Concern.DISPUTED, "", "", PAGE
    ),
    "account_lists.page_by_movement": lambda c, _a: account_lists.page_by_movement(c, account_lists.AFTER_ALL, PAGE),
    "account_lists.last_movements": lambda c, a: account_lists.last_movements(c, _names(a)),
    "promo_codes.add": lambda c, _a: promo_codes.add(c, [_promo_code(), _promo_code()]),
    "promo_codes.find": lambda c, _a: promo_codes.find(c, "code7"),
    "promo_codes.end": lambda c, _a: promo_codes.end(c, "code7", NOW),
    "promo_codes.codes_of_series": lambda c, _a: promo_codes.codes_of_series(c, uuid7()),
    "promo_codes.page": _coded(PromoFilter()),
    "promo_codes.page of a series": _coded(PromoFilter(series_id="0a113ef6-b61f-4e1a-9eeb-0cbb4d4d1d0b")),
    "promo_codes.page of a rare state": _coded(PromoFilter(state=PromoCodeState.ENDED)),
    "promo_claims.claim": _claimed(lambda _c, _claimed: None),
    "promo_claims.find_by_request": lambda c, a: promo_claims.find_by_request(c, "code1", a, "promo-3"),
    "promo_claims.count": lambda c, a: promo_claims.count(c, "code1", a),
    "promo_claims.finish": _claimed(promo_claims.finish),
    "promo_claims.give_back": _claimed(promo_claims.give_back),
    "promo_claims.due": lambda c, _a: promo_claims.due(c, LATER, 10),
    "promo_claims.put_off": _claimed(lambda c, claimed: promo_claims.put_off(c, claimed.key, LATER)),
    "first_purchase_promos.has_paid": first_purchase_promos.has_paid,
    "first_purchase_promos.take": lambda c, a: first_purchase_promos.take(c, _first_purchase(a)),
    "first_purchase_promos.leave": lambda c, a: first_purchase_promos.leave(c, _first_purchase(a)),
    "velocity.last_times": lambda c, a: velocity.last_times(c, a, _REFUNDS.kind, Instant(NOW - DAY), PAGE),
    "approvals.add": lambda c, a: approvals.add(c, _approval(a)),
    "approvals.decide": _decided,
    "approvals.find": lambda c, a: approvals.find(c, ApprovalKey(a, id_of(a))),
    "approvals.find_by_request": lambda c, a: approvals.find_by_request(c, a, "approval-3"),
    "approvals.page": _approved(ApprovalFilter()),
    "approvals.page pending": _approved(ApprovalFilter(state=ApprovalState.PENDING)),
    "approvals.page of an account": _approved(ApprovalFilter("it")),
    "approvals.page of a rare maker": _approved(ApprovalFilter("it", maker="nobody")),
    "approvals.balance": lambda c, a: approvals.balance(c, WalletKey(a, "chat")),
    "access.version": lambda c, _a: access.version(c),
    "access.load": lambda c, _a: access.load(c, NOW),
    "access.lock": lambda c, _a: access.lock(c),
    "access.raise_version": lambda c, _a: access.raise_version(c),
    "access.held_by": lambda c, a: access.held_by(c, a, NOW),
    "access.live_grant": lambda c, a: access.live_grant(c, a, "SUPPORT", NOW),
    "access.remove_ended": lambda c, _a: access.remove_ended(c, NOW),
    "access.count_held": lambda c, _a: access.count_held(c),
    "access.holders": lambda c, _a: access.holders(c, "SUPER_ADMIN"),
    "access.note_person": lambda c, a: access.note_person(c, a, a),
    "access.add_grant": lambda c, a: access.add_grant(c, _role_grant(a)),
    "access.revoke": _granted_and_revoked,
    "access.grant_outside": lambda c, a: access.grant_outside(c, a, "ADMIN", NOW, uuid7, ""),
    "access.page_of_grants": lambda c, _a: access.page_of_grants(c, "", uuid7(), NOW, PAGE, ended=False),
    "access.page_of_grants of a subject": lambda c, a: access.page_of_grants(c, a, None, NOW, PAGE, ended=True),
    "access.find_service_account": access.find_service_account,
    "access.owner_of_certificate": lambda c, _a: access.owner_of_certificate(c, ["spiffe://service"], ""),
    "access.count_service_accounts": lambda c, _a: access.count_service_accounts(c),
    "access.add_service_account": lambda c, _a: access.add_service_account(c, _ACCOUNT_OF_SERVICE),
    "access.write_service_account": lambda c, _a: access.write_service_account(c, _ACCOUNT_OF_SERVICE),
    "access.page_of_service_accounts": lambda c, _a: access.page_of_service_accounts(c, "", PAGE),
    "velocity.record": lambda c, a: velocity.record(
        c, a, [VelocityEvent(_REFUNDS.kind, "subject-3", NOW), VelocityEvent(_REFUNDS.kind, "subject-new", NOW)]
    ),
    "velocity.lock": lambda c, a: velocity.lock(c, a, [_REFUNDS, _REFUNDS._replace(window_seconds=60)]),
    "velocity.times_around": lambda c, a: velocity.times_around(c, a, [VelocityLook(_REFUNDS, _REFUND, None)] * 2),
    "account_flags.add": lambda c, a: account_flags.add(c, _flag(a)),
    "account_flags.clear": lambda c, a: account_flags.clear(
        c, _flag(a, 3)._replace(clear_time=NOW), Origin("tests", uuid7(), 1)
    ),
    "account_flags.lock_states": account_flags.lock_states,
    "account_flags.find": lambda c, a: account_flags.find(c, FlagKey(a, id_of(a, 2))),
    "account_flags.page": lambda c, _a: account_flags.page(c, FlagFilter(), None, PAGE),
    "account_flags.page of a kind": lambda c, _a: account_flags.page(c, FlagFilter(kind=_REFUNDS.kind), LAST, PAGE),
    "account_flags.page of an account": lambda c, a: account_flags.page(c, FlagFilter(a), None, PAGE),
    "account_flags.page cleared too": lambda c, _a: account_flags.page(c, FlagFilter(cleared=True), LAST, PAGE),
    "account_flags.page cleared too of a kind": lambda c, _a: account_flags.page(
        c, FlagFilter("", _REFUNDS.kind, cleared=True), None, PAGE
    ),
    "account_flags.page cleared too of an account": lambda c, a: account_flags.page(
        c, FlagFilter(a, cleared=True), None, PAGE
    ),
    "account_flags.count_open": lambda c, _a: account_flags.count_open(c),
    "accounts.page": lambda c, _a: accounts.page(c, AccountFilter("", None), "", PAGE),
    "accounts.page by prefix": lambda c, _a: accounts.page(c, AccountFilter("account-1", None), "account-11", PAGE),
    "accounts.page by rare prefix": lambda c, _a: accounts.page(c, AccountFilter("account-999", None), "", PAGE),
    "accounts.page by status": lambda c, _a: accounts.page(c, AccountFilter("", AccountStatus.CLOSED), "", PAGE),
    "accounts.opened_among": lambda c, a: accounts.opened_among(c, _names(a)),
    "accounts.find": accounts.find,
    "accounts.lock": accounts.lock,
    "accounts.known_change": lambda c, a: accounts.known_change(c, _account(a), "change-3"),
    "accounts.raise_version": lambda c, a: accounts.raise_version(c, _account(a)),
    "accounts.change": lambda c, a: accounts.change(c, _account(a), Origin("tests", uuid7(), 1)),
    "accounts.changes_of": lambda c, a: accounts.changes_of(c, a, 10**9, PAGE),
    "accounts.as_it_was": lambda c, a: accounts.as_it_was(c, _account(a), LATER, ROWS),
    "accounts.as_it_was long ago": lambda c, a: accounts.as_it_was(c, _account(a), Instant(1), ROWS),
    "audit.page": lambda c, _a: audit.page(c, AuditFilter(), None, count=PAGE, rows=ROWS),
    "audit.page by account": lambda c, a: audit.page(c, AuditFilter("", a), LAST, count=PAGE, rows=ROWS),
    "audit.page by actor": lambda c, a: audit.page(c, AuditFilter(f"actor-{a}"), None, count=PAGE, rows=ROWS),
    "audit.page by kind": lambda c, _a: audit.page(c, AuditFilter("", "", "credits.add"), None, count=PAGE, rows=ROWS),
    "audit.page of refusals": lambda c, _a: audit.page(
        c, AuditFilter(outcome=AuditOutcome.REFUSED), None, count=PAGE, rows=ROWS
    ),
    "audit.page by all at once": lambda c, a: audit.page(
        c, AuditFilter(f"actor-{a}", a, "rare", AuditOutcome.DONE, NOW, LATER), None, count=PAGE, rows=ROWS
    ),
    "seals.take_turn": lambda c, _a: seals.take_turn(c, LATER),
    "seals.come_to": lambda c, a: seals.come_to(c, WalletKey(a, "chat"), NOW),
    "seals.head": lambda c, _a: seals.head(c),
    "seals.seals_after": lambda c, _a: seals.seals_after(c, 1, PAGE),
    "seals.events_between": lambda c, a: seals.events_between(c, id_of(a), LAST, PAGE),
    "seals.append_seal": lambda c, _a: seals.append_seal(c, NO_SEAL._replace(seal_number=10**6)),
    "seals.wallets_after": lambda c, a: seals.wallets_after(c, WalletKey(a, ""), PAGE),
    "seals.wallets_named": lambda c, a: seals.wallets_named(c, _keys(a)),
    "seals.seal_entries": lambda c, a: seals.seal_entries(c, [_stretch(a, 1_001)]),
    "seals.rehashed": lambda c, a: seals.rehashed(c, [_stretch(a, 1)]),
    "seals.entry_seals_after": lambda c, a: seals.entry_seals_after(c, WalletKey(a, "chat"), 5, PAGE),
    "seals.entry_seals_after of one": lambda c, a: seals.entry_seals_after(c, WalletKey(a, ""), 0, PAGE, of_one=True),
    "seals.held_by": lambda c, _a: seals.held_by(c, 7, PAGE),
    "audit.known": lambda c, a: audit.known(c, [id_of(a, n) for n in range(1, 33)]),
    "audit.append": lambda c, a: audit.append(c, _audited(a)),
    "credit_types.all_credit_types": lambda c, _a: credit_types.all_credit_types(c),
    "credit_types.page": lambda c, _a: credit_types.page(c, "", PAGE),
    "credit_types.declare": lambda c, _a: credit_types.declare(c, CreditType("new", "New", 0), NOW),
    "wallets.load_wallets": lambda c, a: wallets.load_wallets(c, _keys(a), NOW, RULES.order),
    "wallets.load_wallets late": lambda c, a: wallets.load_wallets(c, _keys(a), LATER, RULES.order),
    "wallets.load_light_wallets": lambda c, a: wallets.load_light_wallets(c, _keys(a), NOW, RULES.order),
    "wallets.load_accounts": lambda c, a: wallets.load_accounts(c, _names(a), NOW, RULES.order),
    "wallets.load_light_accounts": lambda c, a: wallets.load_light_accounts(c, _names(a), NOW, RULES.order),
    "grants.find": lambda c, a: grants.find(c, wallets.GrantKey(a, "chat", id_of(a, 3))),
    "grants.page": lambda c, a: grants.page(c, WalletKey(a, "chat"), LAST, PAGE),
    "grants.origins": lambda c, a: grants.origins(c, WalletKey(a, "chat"), [id_of(a, n) for n in range(1, PAGE)]),
    "grants.uses": _used(""),
    "grants.uses of a grant": _used("grant"),
    "grants.uses of a reservation": _used("reservation"),
    "holds.first_holds": lambda c, a: holds.first_holds(c, WalletKey(a, "chat"), NOW, PAGE),
    "holds.held": lambda c, a: holds.held(c, WalletKey(a, "chat"), NOW, ROWS),
    "search.purchases_by_id": lambda c, a: search.purchases_by_id(c, id_of(a)),
    "search.entries_by_correlation": lambda c, a: search.entries_by_correlation(c, f"{a}-7", ""),
    "search.entries_by_correlation of an account": lambda c, a: search.entries_by_correlation(c, f"{a}-7", a),
    "search.acts_by_correlation": lambda c, a: search.acts_by_correlation(c, f"{a}-7", a),
    "search.has_promo_code": lambda c, _a: search.has_promo_code(c, "code7"),
    "search.promo_uses": lambda c, _a: search.promo_uses(c, "code7", ""),
    "search.promo_uses of an account": lambda c, a: search.promo_uses(c, "code7", a),
    "account_labels.note": lambda c, a: account_labels.note(c, "email", _tail(a)),
    "account_labels.accounts_of": lambda c, a: account_labels.accounts_of(c, f"{a}@example.com"),
    "search.purchase_by_request": lambda c, a: search.purchase_by_request(c, a, "purchase-3"),
    "search.names_by_reference": lambda c, a: search.names_by_reference(c, f"pi_{a}_3"),
    "search.events_by_id": lambda c, a: search.events_by_id(c, id_of(a)),
    "search.events_by_key": lambda c, a: search.events_by_key(c, f"{a}-3"),
    "search.entries_by_request": lambda c, a: search.entries_by_request(c, a, f"{a}-chat3"),
    "search.is_archived": lambda c, a: search.is_archived(c, a, "claim-7"),
    "search.credit_types_of_reservation": lambda c, a: search.credit_types_of_reservation(c, a, id_of(a)),
    "search.credit_types_of_grant": lambda c, a: search.credit_types_of_grant(c, a, id_of(a, 3)),
    "locks.lock_free_wallets": lambda c, a: locks.lock_free_wallets(c, _keys(a)),
    "account_locks.hold_accounts": lambda c, a: account_locks.hold_accounts(c, [a]),
    "account_locks.lock_free_wallets": lambda c, a: account_locks.lock_free_wallets(c, _keys(a)),
    "account_locks.lock_wallets": lambda c, a: account_locks.lock_wallets(c, _keys(a)),
    "account_locks.open_account": lambda c, a: account_locks.open_account(c, _account(f"{a}-new")),
    "locks.lock_wallets_of": locks.lock_wallets_of,
    "locks.lock_wallets": lambda c, a: locks.lock_wallets(c, _keys(a)),
    "locks.open_accounts": lambda c, a: locks.open_accounts(c, [_account(a), _account(f"{a}-new")]),
    "locks.share_accounts": lambda c, a: locks.share_accounts(c, _names(a)),
    "reservations.load_reservations": lambda c, a: reservations.load_reservations(
        c, [ReservationKey(a, "chat", id_of(a, n)) for n in range(1, 33)]
    ),
    "wallets.load_graces": lambda c, a: wallets.load_graces(
        c, [wallets.GrantKey(a, "chat", id_of(a, n)) for n in range(1, 33)]
    ),
    "reservations.load_light_reservations": lambda c, a: reservations.load_light_reservations(
        c, [ReservationKey(a, "chat", id_of(a, n)) for n in range(1, 33)]
    ),
    "requests.load_light_requests": lambda c, a: requests.load_light_requests(
        c, [requests.RequestKey(a, f"{a}-chat{n}") for n in range(1, 33)]
    ),
    "requests.load_requests": lambda c, a: requests.load_requests(
        c, [requests.RequestKey(a, f"{a}-chat{n}") for n in range(1, 33)]
    ),
    "outbox.announce": lambda c, a: outbox.announce(
        c, *(OutboxEvent(a, uuid7(), OutboxKind.PLAN_CHANGED, "", {}, NOW) for _ in range(2))
    ),
    "outbox.oldest": lambda c, _a: outbox.oldest(c),
    "published_events.take_turn": lambda c, _a: published_events.take_turn(c),
    "published_events.positions": lambda c, _a: published_events.positions(c),
    "published_events.publish": lambda c, _a: published_events.publish(c, 10**9, NOW, PAGE),
    "published_events.page": lambda c, _a: published_events.page(c, PublishedFilter(), 100, 10**9, rows=PAGE),
    "published_events.page of an account": lambda c, a: published_events.page(
        c, PublishedFilter(a, (OutboxKind.PLAN_CHANGED,), "chat"), 100, 10**9, rows=PAGE
    ),
    "published_events.prune": lambda c, _a: published_events.prune(c, Positions(10**9, 0), NOW, 10**9, PAGE),
    "published_events.at": lambda c, _a: published_events.at(c, range(100, 132)),
    "runs.add": lambda c, a: runs.add(c, _run(a, uuid7())),
    "runs.find": lambda c, a: runs.find(c, RunKey(a, id_of(a, 7))),
    "runs.lock": lambda c, a: runs.lock(c, RunKey(a, id_of(a, 7))),
    "runs.write": lambda c, a: runs.write(c, _run(a, id_of(a, 7))),
    "runs.count_open": runs.count_open,
    "runs.versions": lambda c, a: runs.versions(c, [lease.key for lease in _leases(a)]),
    "runs.page": lambda c, a: runs.page(c, RunFilter(a, "", None), "", count=PAGE, rows=ROWS),
    "runs.page of a workflow": lambda c, a: runs.page(
        c, RunFilter(a, "workflow-7", RunState.SUCCEEDED), "", count=PAGE, rows=ROWS
    ),
    "run_leases.claim": lambda c, a: run_leases.claim(c, Room(10, ["render"], 32, {a: 2}), NOW, LATER),
    "run_leases.renew": lambda c, a: run_leases.renew(c, _leases(a), NOW, LATER),
    "run_leases.put_off": lambda c, a: run_leases.put_off(c, _leases(a)[0], LATER, NOW),
    "run_leases.release": lambda c, a: run_leases.release(c, _leases(a), NOW),
    "run_leases.claim_untold": lambda c, _a: run_leases.claim_untold(c, NOW, LATER, 10),
    "run_leases.note_telling": lambda c, a: run_leases.note_telling(c, RunKey(a, id_of(a, 30)), LATER),
    "run_leases.backlog": lambda c, _a: run_leases.backlog(c, NOW),
    "workflows.find": lambda c, a: workflows.find(c, a, "workflow-7"),
    "workflows.page": lambda c, a: workflows.page(c, a, "workflow-100", PAGE),
    "workflows.page of all": lambda c, a: workflows.page(c, a, "workflow-100", PAGE, with_archived=True),
    "workflows.count_live": workflows.count_live,
    "workflows.add": lambda c, a: workflows.add(c, _workflow(a, "new")),
    "workflows.write": lambda c, a: workflows.write(c, _workflow(a, "workflow-7")),
    "event_endpoints.add": lambda c, _a: event_endpoints.add(c, _endpoint(uuid7()), b"encrypted"),
    "event_endpoints.find": event_endpoints.find,
    "event_endpoints.lock": event_endpoints.lock,
    "event_endpoints.page": lambda c, _a: event_endpoints.page(c, "", PAGE),
    "event_endpoints.write": lambda c, a: event_endpoints.write(c, _endpoint(id_of(a))),
    "event_endpoints.rotate": lambda c, a: event_endpoints.rotate(c, id_of(a), b"encrypted"),
    "event_endpoints.delete": lambda c, a: event_endpoints.delete(c, id_of(a), NOW),
    "event_endpoints.look": lambda c, _a: event_endpoints.look(c, NOW),
    "event_endpoints.hold": lambda c, a: event_endpoints.hold(c, [id_of(a)]),
    "event_endpoints.lags": lambda c, _a: event_endpoints.lags(c, NOW),
    "event_endpoints.remove_deleted": lambda c, _a: event_endpoints.remove_deleted(c, PAGE),
    "event_deliveries.take_over": lambda c, a: event_deliveries.take_over(c, [id_of(a)], NOW, PAGE),
    "event_deliveries.add": lambda c, a: event_deliveries.add(c, id_of(a), range(100, 132), NOW),
    "event_deliveries.claim": lambda c, a: event_deliveries.claim(c, {id_of(a): 4}, LATER, LATER),
    "event_deliveries.end": _delivered,
    "event_deliveries.bury": lambda c, a: event_deliveries.bury(c, [id_of(a)], LATER, NOW, PAGE),
    "event_deliveries.prune": lambda c, _a: event_deliveries.prune(c, PAGE),
    "event_deliveries.prune of a deleted endpoint": _pruned_deliveries,
    "delivery_attempts.note": lambda c, a: delivery_attempts.note(c, [_delivery_attempt(a), _delivery_attempt(a)]),
    "delivery_attempts.page": lambda c, a: delivery_attempts.page(c, id_of(a), "", PAGE),
    "delivery_attempts.prune": lambda c, _a: delivery_attempts.prune(c, Instant(0), PAGE),
    "delivery_attempts.dead_letters": lambda c, a: delivery_attempts.dead_letters(c, id_of(a), 0, PAGE),
    "expiry_notices.take_turn": lambda c, _a: expiry_notices.take_turn(c),
    "expiry_notices.next_expiring": lambda c, _a: expiry_notices.next_expiring(c, ExpiryPlace(Instant(0)), NOW, PAGE),
    "expiry_notices.come_to": lambda c, _a: expiry_notices.come_to(c, ExpiryPlace(NOW)),
    "packages.declare": lambda c, _a: packages.declare(c, _SMALL),
    "packages.find": lambda c, _a: packages.find(c, "small"),
    "packages.page": lambda c, _a: packages.page(c, "", PAGE, retired=False),
    "packages.retire": lambda c, _a: packages.retire(c, "small", NOW),
    "payment_events.add": lambda c, a: payment_events.add(c, _event(c, a)._replace(delivery_key="new")),
    "payment_events.claim": lambda c, _a: payment_events.claim(c, STRIPE, LATER, LATER, 10),
    "payment_events.hint_again unsigned": lambda c, a: payment_events.hint_again(
        c, STRIPE, f"{a}-3", NOW, is_signed=False
    ),
    "payment_hints.add": lambda c, a: payment_hints.add(c, _hint(a)),
    "payment_hints.count": lambda c, _a: payment_hints.count(c, STRIPE),
    "payment_hints.claim": lambda c, _a: payment_hints.claim(c, STRIPE, LATER, 4),
    "payment_hints.drop": lambda c, a: payment_hints.drop(c, _hint(a)),
    "payment_events.show_again": lambda c, a: payment_events.show_again(c, _event(c, a)),
    "payment_events.hint_again": lambda c, a: payment_events.hint_again(c, STRIPE, f"{a}-3", NOW),
    "payment_events.end_recorded": lambda c, a: payment_events.end_recorded(c, a, f"accounts/{a}/purchases/3", NOW),
    "payment_events.end_unplaced": lambda c, a: payment_events.end_unplaced(c, STRIPE, [f"waits-{a}-1"], NOW),
    "payment_events.has_recorded": lambda c, a: payment_events.has_recorded(c, a, f"accounts/{a}/purchases/3"),
    "payment_events.shown": lambda c, a: payment_events.shown(c, STRIPE, [f"waits-{a}-1"]),
    "payment_events.end_try": lambda c, a: payment_events.end_try(c, _event(c, a)),
    "payment_events.write": lambda c, a: payment_events.write(c, _event(c, a)),
    "payment_events.wake": lambda c, a: payment_events.wake(c, STRIPE, [f"waits-{a}-1"], Instant(0)),
    "payment_events.find": lambda c, a: payment_events.find(c, id_of(a)),
    "payment_events.lock": lambda c, a: payment_events.lock(c, id_of(a)),
    "payment_events.page": lambda c, a: payment_events.page(c, EventFilter(None, None), id_of(a), PAGE),
    "payment_events.page by state": lambda c, _a: payment_events.page(
        c, EventFilter(PaymentEventState.PARKED, None), None, PAGE
    ),
    "payment_events.page by account": lambda c, a: payment_events.page(
        c, EventFilter(None, None, account=a), None, PAGE
    ),
    "payment_events.page by purchase": lambda c, a: payment_events.page(
        c, EventFilter(None, None, purchase=f"accounts/{a}/purchases/3"), None, PAGE
    ),
    "payment_events.count_by_state": lambda c, _a: payment_events.count_by_state(c),
    "payment_events.backlog": lambda c, _a: payment_events.backlog(c),
    "payment_dues.put": lambda c, a: payment_dues.put(c, Due(a, payment_dues.PLAN, live=True), "", NOW),
    "payment_dues.drop": lambda c, a: payment_dues.drop(c, Due(a, "purchase-3", live=True)),
    "payment_dues.drop_plans": payment_dues.drop_plans,
    "payment_dues.wake": lambda c, a: payment_dues.wake(c, a, NOW),
    "payment_dues.ready": lambda c, _a: payment_dues.ready(c, LATER, 10),
    "payment_dues.put_off": lambda c, a: payment_dues.put_off(c, Tried(Due(a, "purchase-3", live=True), 1), NOW),
    "payment_events.add_act": lambda c, a: payment_events.add_act(
        c, id_of(a), uuid7(), PaymentEventAct("REPLAY", "tests", "", NOW)
    ),
    "payment_events.acts_of": lambda c, a: payment_events.acts_of(c, id_of(a)),
    "payment_references.refer": lambda c, a: payment_references.refer(c, STRIPE, a, [f"pi_{a}_1", "new"], live=True),
    "payment_references.referred": lambda c, a: payment_references.referred(c, STRIPE, [f"pi_{a}_1", "x"], live=True),
    "requests.load_claims": lambda c, a: requests.load_claims(
        c, [requests.RequestKey(a, f"claim-{n}") for n in range(1, 33)]
    ),
    "requests.is_repeat": lambda c, a: requests.is_repeat(c, requests.RequestKey(a, "claim-3"), 7),
    "requests.known_answer": lambda c, a: requests.known_answer(c, requests.RequestKey(a, uuid7()), 7),
    "requests.once": lambda c, _a: requests.once(
        c,
        Origin("tests", uuid7(), 7),
        requests.ClaimKind.CREDIT_TYPE,
        NOW,
        lambda: CreditType("new", "New", 0),
        lambda fields: CreditType(**fields),
    ),
    "requests.claim": lambda c, a: requests.claim(c, requests.RequestKey(a, uuid7()), requests.ClaimKind.PURCHASE, NOW),
    "purchases.add": lambda c, a: purchases.add(c, _purchase(c, a)._replace(purchase_id=uuid7(), request_id=uuid7())),
    "purchases.find": lambda c, a: purchases.find(c, PurchaseKey(a, id_of(a))),
    "purchases.find_by_request": lambda c, a: purchases.find_by_request(c, a, "purchase-3"),
    "purchases.lock": lambda c, a: purchases.lock(c, PurchaseKey(a, id_of(a))),
    "purchases.page": lambda c, a: purchases.page(c, PurchaseFilter(a, None), id_of(a), PAGE),
    "purchases.page of a common state": lambda c, a: purchases.page(
        c, PurchaseFilter(a, PurchaseState.COMPLETED), None, PAGE
    ),
    "purchases.page of a rare state": lambda c, a: purchases.page(
        c, PurchaseFilter(a, PurchaseState.PENDING), None, PAGE
    ),
    "purchases.write": lambda c, a: purchases.write(c, _purchase(c, a)),
    "purchases.due": lambda c, _a: purchases.due(c, STRIPE, LATER, 10),
    "purchases.postpone": lambda c, a: purchases.postpone(c, PurchaseKey(a, id_of(a)), 1, LATER),
    "purchases.to_heed": lambda c, a: purchases.to_heed(c, _names(a)),
    "purchases.record": lambda c, a: purchases.record(c, _purchase(c, a)._replace(version=99), "tests", ""),
    "purchases.changes_of": lambda c, a: purchases.changes_of(c, PurchaseKey(a, id_of(a))),
    "purchases.changes_before": lambda c, a: purchases.changes_before(
        c, a, purchases.ChangePlace(LATER, id_of(a), 1), PAGE
    ),
    "purchases.facts_of": lambda c, a: purchases.facts_of(c, PurchaseKey(a, id_of(a))),
    "purchases.facts_about": lambda c, a: purchases.facts_about(c, a, FactKind.REFUND, "subject-3"),
    "purchases.write_facts": lambda c, a: purchases.write_facts(c, PurchaseKey(a, id_of(a)), [_FACT]),
    "reconciliations.begin": lambda c, _a: reconciliations.begin(c, _DAY, NOW, NOW),
    "reconciliations.end": lambda c, _a: reconciliations.end(c, _DAY, NOW),
    "reconciliations.last_start": lambda c, _a: reconciliations.last_start(c, STRIPE, live=True),
    "rejected_webhooks.add": lambda c, _a: rejected_webhooks.add(c, _REJECTION),
    "rejected_webhooks.page": lambda c, _a: rejected_webhooks.page(c, Instant(NOW - 3_600 * SECOND), None, PAGE),
    "reservations.page": _reserved("", None),
    "reservations.page of a type": _reserved("spec", None),
    "reservations.page of a common state": _reserved("", ReservationState.CONFIRMED),
    "reservations.page of a rare state": _reserved("", ReservationState.EXPIRED),
    "reservations.page pending": _reserved("", ReservationState.PENDING),
    "reservations.page pending of a type": _reserved("chat", ReservationState.PENDING),
    "save.save": _save,
    "save_of_one.postpone_one": lambda c, a: save_of_one.postpone_one(c, [_wallet(c, a)]),
    "save_of_one.save_of_one": _save_of_one,
    "save.postpone": lambda c, a: save.postpone(c, [_wallet(c, a)]),
    "subscriptions.of_account": subscriptions.of_account,
    "subscriptions.page": lambda c, a: subscriptions.page(c, a, None, PAGE),
    "subscriptions.page after another": lambda c, a: subscriptions.page(
        c,
        a,
        subscriptions.SubscriptionPlace(3, True, "sub-1"),  # noqa: FBT003
        PAGE,
    ),
    "subscriptions.write": lambda c, a: subscriptions.write(
        c,
        Subscription(Provider.LEMON_SQUEEZY, True, "sub-1", a, SubscriptionStatus.ACTIVE, True, None, NOW),  # noqa: FBT003
        NOW,
    ),
    "save.save of spenders": _save_of_spenders,
    "counts.load_counts": lambda c, a: counts.load_counts(
        c,
        [counts.CountKey(*key, who) for key in _keys(a) for who in ("", "spender-3")],
        [ReservationKey(a, "chat", id_of(a, n)) for n in range(1, 33)],
    ),
    "counts.counts_of": lambda c, a: counts.counts_of(c, a, PAGE),
    "counts.counted": lambda c, a: counts.counted(c, counts.CountKey(a, "chat", ""), 100, 100 + ROWS, NOW),
    "counts.prune": lambda c, _a: counts.prune(c, Instant(NOW + DAY)),
    "shared_wallets.share_wallets": lambda c, a: shared_wallets.share_wallets(
        c, _keys(a), _keys(a)[:1], NOW, RULES.order, takes_heavy=False
    ),
    "wallets.due_wallets": lambda c, _a: wallets.due_wallets(c, Instant(NOW + 60 * SECOND), 100),
    "entries.spans": lambda c, a: entries.spans(c, _entries(a)),
    "entries.newest": lambda c, a: entries.newest(
        c, _entries(a, EntryKind.RELEASE), entries.spans(c, _entries(a)), ROWS
    ),
    "entries.page": _listed(_entries),
    "entries.page of a type": _listed(lambda a: _entries(a, credit_type="chat")),
    "entries.page of a common kind": _listed(lambda a: _entries(a, EntryKind.RESERVE)),
    "entries.page of a kind that is rare here": _listed(lambda a: _entries(a, EntryKind.RELEASE)),
    "entries.page of rare kinds": _listed(lambda a: _entries(a, EntryKind.CLAWBACK, EntryKind.TOP_UP)),
    "entries.page of a reservation": _listed(lambda a: _entries(a, reservation=True, credit_type="chat")),
    "entries.page of a reservation and a kind": _listed(
        lambda a: _entries(a, EntryKind.CLAWBACK, reservation=True, credit_type="chat")
    ),
    "entries.count_all": _listed(lambda a: _entries(a, EntryKind.GRANT)),
    "entries.entries_after": lambda c, a: entries.entries_after(c, a, "chat", 10, 100),
    "entries.first_versions_at": lambda c, a: entries.first_versions_at(c, a, {"chat": 900}, NOW),
    "statements.stretch": lambda c, a: statements.stretch(c, a, "chat", 10, 900, 100),
    "historical_balances.versions_at": lambda c, a: historical_balances.versions_at(c, a, {"chat": 900}, NOW, 100),
    "historical_balances.untold": lambda c, a: historical_balances.untold(c, a, {"chat": 900, "quiz_gen": 3}),
    "historical_balances.balances_after": lambda c, a: historical_balances.balances_after(c, a, {"chat": 900}, NOW),
    "verification.next_accounts": lambda c, _a: verification.next_accounts(c, "account-5"),
    "verification.more_counts": lambda c, a: verification.more_counts(c, dict.fromkeys(_keys(a), "ann"), NOW, PAGE),
    "verification.kept_wallets": lambda c, a: verification.kept_wallets(c, _names(a), NOW, PAGE),
    "verification.entries_of": lambda c, a: verification.entries_of(
        c, {WalletKey(a, "chat"): Stretch(100, 900), WalletKey("account-1", "chat"): Stretch(0, 9)}, 500
    ),
    "wallets.versions": lambda c, a: wallets.versions(c, _keys(a)),
    "usage.wallets_of": lambda c, a: usage.wallets_of(c, 1, a, ["chat", "spec"]),
    "usage.sums_of_account": lambda c, a: usage.sums_of_account(c, 1, a, ["chat", "spec"], _PERIODS),
    "usage.sums_of_tail": lambda c, a: usage.sums_of_tail(c, _tail(a), _PERIODS),
    "usage.parts_of_account": lambda c, a: usage.parts_of_account(
        c, 1, "model", _tail(a), Period(_PERIODS[0].start, _PERIODS[-1].end), PAGE
    ),
    "usage.sums_of_all": lambda c, _a: usage.sums_of_all(c, 1, ["chat", "spec"], segments(_PERIODS)),
    "usage.top": lambda c, _a: usage.top(c, 1, ["chat", "spec"], _RANKING, PAGE),
    "usage.ranks_of": lambda c, a: usage.ranks_of(
        c, 1, _RANKING, [usage.PartUsage("chat", Dimension.ACCOUNT, name, 1, 0) for name in _names(a)]
    ),
    "usage.ranks_of_tail": lambda c, a: usage.ranks_of_tail(c, "model", _tail(a), _RANKING),
    "usage_rollups.rollup_of": lambda c, _a: usage_rollups.rollup_of(c, usage_rollups.SERVED),
    "usage_rollups.take_turn": lambda c, _a: usage_rollups.take_turn(c, usage_rollups.SERVED),
    "usage_rollups.write_rollup": lambda c, a: usage_rollups.write_rollup(
        c, usage_rollups.UsageRollup(1, "", WalletKey(a, "chat"), NOW, NOW)
    ),
    "usage_rollups.begin_rollup": lambda c, _a: usage_rollups.begin_rollup(c, 2, "model"),
    "usage_rollups.move_rollup": lambda c, _a: usage_rollups.move_rollup(c, 1, usage_rollups.RETIRED),
    "usage_rollups.editions": lambda c, _a: usage_rollups.editions(c, usage_rollups.RETIRED),
    "usage_rollups.lock_rollups": lambda c, _a: usage_rollups.lock_rollups(c),
    "usage_rollups.forget_rollup": lambda c, _a: usage_rollups.forget_rollup(c, 1),
    "usage_rollups.wallets_after": lambda c, a: usage_rollups.wallets_after(c, 1, WalletKey(a, ""), PAGE),
    "usage_moves.wallets_moved_since": _moved,
    "usage_rollups.add_up": lambda c, a: usage_rollups.add_up(c, 1, "model", _tail(a), 1_000),
    "usage_rollups.wallets_of": lambda c, a: usage_rollups.wallets_of(c, 1, _keys(a)),
    "usage.is_short_of": lambda c, _a: usage.is_short_of(c, 1, ["chat", "spec"], _RANKING, [], PAGE),
    "usage_account_sums.sum_up": lambda c, a: usage_account_sums.sum_up(c, 1, "model", _tail(a), 1_000),
    "usage_leaders.keep_leaders": lambda c, _a: usage_leaders.keep_leaders(c, 1, _RANKINGS),
    "usage_leaders.thin_rankings": lambda c, _a: usage_leaders.thin_rankings(c, 1, _RANKINGS),
    "usage_leaders.find_leaders": lambda c, _a: usage_leaders.find_leaders(c, 1, _RANKINGS),
    "usage_rollups.estimated_entries": lambda c, _a: usage_rollups.estimated_entries(c),
    "usage_rollups.delete_of_wallets": lambda c, a: usage_rollups.delete_of_wallets(c, 9, _keys(a)),
    "usage_rollups.delete_of_all": lambda c, _a: usage_rollups.delete_of_all(c, 1, PAGE),
}


def called(name: str) -> str:
    """Return which function a call is of."""
    return name.partition(" ")[0]


OF_NO_ROWS = {
    "archive_acts.may_move",
    "archive_acts.take_turn",
    "clock.read_clock",
    "distribution.cluster_of",
    "distribution.is_distributed",
    "distribution.steps",
    "layout.is_by_account",
    "locks.wait_briefly",
    "powers.login_of",
    "prepared.driver_of",
    "prepared.round_trip",
    "privileges.ensure_privileges",
    "privileges.require_privileges",
    "upgrade.heads",
    "usage_moves.go_by_indexes",
    "upgrade.upgrade",
}
"""What touches no rows of ours."""


LISTED = {
    "account_lists.page_by_movement",
    "account_lists.page_of_concern",
    "access.page_of_grants",
    "access.page_of_service_accounts",
    "account_flags.page",
    "accounts.page",
    "approvals.page",
    "archives.archives_after",
    "archives.newest_archives",
    "archives.next_wallet",
    "audit.page",
    "payment_events.count_by_state",
    "payment_events.page",
    "credit_types.page",
    "delivery_attempts.dead_letters",
    "delivery_attempts.page",
    "event_endpoints.page",
    "packages.page",
    "promo_codes.page",
    "purchases.page",
    "rejected_webhooks.page",
    "reservations.page",
    "runs.page",
    "subscriptions.page",
    "usage.parts_of_account",
    "usage.sums_of_account",
    "usage.wallets_of",
    "entries.count_all",
    "entries.first_versions_at",
    "entries.newest",
    "entries.page",
    "entries.spans",
    "accounts.as_it_was",
    "accounts.changes_of",
    "purchases.changes_before",
    "counts.counted",
    "grants.end_of_look",
    "grants.find",
    "grants.origins",
    "grants.page",
    "grants.uses",
    "holds.first_holds",
    "holds.held",
    "account_labels.accounts_of",
    "search.acts_by_correlation",
    "search.credit_types_of_grant",
    "search.entries_by_correlation",
    "search.has_promo_code",
    "search.promo_uses",
    "search.credit_types_of_reservation",
    "search.entries_by_request",
    "search.events_by_id",
    "search.is_archived",
    "search.events_by_key",
    "search.names_by_reference",
    "search.purchase_by_request",
    "search.purchases_by_id",
    "historical_balances.balances_after",
    "historical_balances.versions_at",
    "staff_notes.of_requests",
    "statements.stretch",
    "verification.entries_of",
    "verification.kept_wallets",
    "verification.more_counts",
    "verification.next_accounts",
    "workflows.page",
}
"""What the service calls on a connection that is lent for a listing."""


def functions() -> Iterator[str]:
    """Return every public function of the storage that takes a connection."""
    for path in _modules():
        module, short = import_module(path), path.rpartition(".")[2]
        for name, function in inspect.getmembers(module, inspect.isfunction):
            is_ours = function.__module__ == path and not name.startswith("_")
            is_ours = is_ours and f"{short}.{name}" not in OF_NO_ROWS
            if is_ours and next(iter(inspect.signature(function).parameters), "") == "connection":
                yield f"{short}.{name}"


def _modules() -> Iterator[str]:
    """Return the modules of the storage, but for those that Alembic runs."""
    of_alembic = (f"{migrations.__name__}.env", f"{migrations.__name__}.versions.")
    for info in pkgutil.walk_packages(storage.__path__, f"{storage.__name__}."):
        if not info.ispkg and not info.name.startswith(of_alembic):
            yield info.name
