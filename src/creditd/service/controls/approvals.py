"""Approvals: acts of staff asked for, and decided by a second person (requirement D4)."""

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeVar

from creditd.domain.controls.access import SERVICE, SUPER_ADMIN, counted, grantee_of
from creditd.domain.controls.approval import (
    PARTIES,
    Approval,
    ApprovalKey,
    ApprovalState,
    Decision,
    Party,
    Thresholds,
    WantedAct,
    approval_name,
    needs_second_person,
    require_maker,
    require_pending,
    require_second,
    told,
)
from creditd.domain.controls.approval_errors import ApprovalNotFound, RoleLost
from creditd.domain.controls.audit_event import Act
from creditd.domain.errors import RequestIdReused
from creditd.domain.instant import SECOND, Instant
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.controls.approved_acts import ApprovedActs, DoneAct, act_of
from creditd.service.credits import require_each_once
from creditd.service.pages import SCANNED_ROWS, Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.controls import access, approvals, audit
from creditd.storage.controls.approvals import AFTER_ALL, ApprovalFilter, ApprovalPlace
from creditd.storage.database import Connection, Database
from creditd.storage.payments import purchases
from creditd.storage.requests import ClaimKind, RequestKey, is_repeat

Answer = TypeVar("Answer")


class ApprovalTerms(NamedTuple):
    """What is configured: above what an administrator needs a second person, and how long an approval can be given.

    ``mfa_seconds`` is how recent a second factor has to be for what the role SUPER_ADMIN alone allows.
    """

    thresholds: Thresholds
    lifetime_seconds: int
    mfa_seconds: float


class Approvals:
    """Has acts of staff wait for a second person, and does them once they are approved.

    All raise DatabaseUnavailable, Overloaded, ShuttingDown.
    """

    def __init__(
        self,
        database: Database,
        ledger: TransactionLedger,
        acts: ApprovedActs,
        terms: ApprovalTerms,
        catalogue: Catalogue,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        threads: Threads,
        tokens: PageTokens,
    ) -> None:
        """Do ``acts`` in transactions of ``ledger``."""
        self._database = database
        self._ledger = ledger
        self._acts = acts
        self._terms = terms
        self._catalogue = catalogue
        self._clock = clock
        self._make_id = make_id
        self._threads = threads
        self._tokens = tokens

    @property
    def now(self) -> Instant:
        """The instant that approvals are shown at."""
        return self._clock.now()

    async def perform(
        self, call: Call, act: Act, wanted: WantedAct, alone: Callable[[], Awaitable[Answer]], *, dry_run: bool
    ) -> Answer | Approval:
        """Do an act by ``alone``, or have it wait for a second person: then return its approval.

        It is tried first, for the preview: what would be refused is refused at once. A ``dry_run`` keeps nothing.
        A request that is repeated is answered as it was the first time, whatever its caller may do alone by now.
        Raises the refusals of the act, and RequestIdReused, CreditTypeNotFound, VersionConflict, RecordBusy.
        """
        roles = self._roles_alone(call)
        if needs_second_person(roles, await self._with_currency(wanted), self._terms.thresholds):
            await require_each_once(self._catalogue, [one.credit_type for one in wanted.amounts])
            asked = await self._threads.changes.submit(
                lambda: self._ledger.transact(
                    lambda t: self._ask(t, call, act, wanted, dry_run=dry_run), dry_run=dry_run
                ),
                owner=wanted.account_id,
            )
            if asked is not None:
                approval, call.replayed = asked
                return approval
            # It was done before, so that this does nothing any more but repeat the answer.
        try:
            return await alone()
        except RequestIdReused:
            if known := await self._asked_before(call, act, wanted.account_id):
                return known
            raise

    def _roles_alone(self, call: Call) -> AbstractSet[str]:
        """Return the roles that a caller acts alone by: SUPER_ADMIN is one with a recent second factor only (D5).

        Without it a call is let in if FINANCE may make it too, and then counts as one of FINANCE.
        """
        is_recent = call.mfa_time and self._clock.now() < (call.mfa_time + self._terms.mfa_seconds) * SECOND
        return call.roles if is_recent else call.roles - {SUPER_ADMIN}

    async def _with_currency(self, wanted: WantedAct) -> WantedAct:
        """Return an act with the currency that a threshold in money goes by, if there is one."""
        if not wanted.purchase_id or not self._terms.thresholds.money:
            return wanted
        purchase = await self._threads.lookups.submit(
            lambda: self._read(lambda connection: purchases.find(connection, wanted.purchase)), owner=wanted.account_id
        )
        return wanted._replace(currency=purchase.currency) if purchase else wanted

    async def _asked_before(self, call: Call, act: Act, account_id: str) -> Approval | None:
        """Return the approval that a request has asked for before, which is the answer to its repeat; or None."""
        request_id, fingerprint = act.origin.request_id or "", act.origin.fingerprint
        known = await self._threads.lookups.submit(
            lambda: self._read(lambda connection: approvals.find_by_request(connection, account_id, request_id)),
            owner=account_id,
        )
        if known is None or known.fingerprint != fingerprint:
            return None
        call.replayed = True
        return known

    def _ask(
        self, transaction: Transaction, call: Call, act: Act, wanted: WantedAct, *, dry_run: bool
    ) -> tuple[Approval, bool] | None:
        """Keep an act that is to be approved; tell whether its request had been kept before. None if it was done."""
        connection, origin = transaction.connection, act.origin
        account = self._acts.hold(transaction, wanted)
        known = approvals.find_by_request(connection, wanted.account_id, origin.request_id or "")
        if known and known.fingerprint == origin.fingerprint:
            return known, True
        if self._acts.was_done(transaction, wanted, origin):
            return None
        transaction.claim(account, origin.request_id or "", ClaimKind.APPROVAL)
        approval_id, now = self._make_id(), transaction.now
        name = approval_name(wanted.account_id, approval_id)
        preview = transaction.tried(lambda: self._acts.do(transaction, wanted, act, name))
        approval = self._approval(call, act, preview, "" if dry_run else approval_id, now)
        if not dry_run:
            approvals.add(connection, approval)
            asking = act._replace(kind="approval.request")
            event = asking.done(self._make_id(), now, name, account_id=wanted.account_id, after=told(approval, now))
            audit.append(connection, event)
        return approval, False

    def _approval(self, call: Call, act: Act, preview: DoneAct, approval_id: str, now: Instant) -> Approval:
        origin = act.origin
        return Approval(
            approval_id=approval_id,
            act=preview.act,
            maker=Party(origin.actor, act.person, frozenset(act.roles)),
            role_is_stored=PARTIES.isdisjoint(call.stated_roles),
            reason=origin.reason,
            metadata=origin.metadata,
            request_id=origin.request_id or "",
            fingerprint=origin.fingerprint,
            preview=preview.balances,
            create_time=now,
            expire_time=Instant(now + self._terms.lifetime_seconds * SECOND),
            note=act.note,
        )

    async def approve(self, call: Call, act: Act, key: ApprovalKey, *, dry_run: bool) -> Approval:
        """Do what was asked for, and approve it: both are committed, or neither. A ``dry_run`` keeps nothing.

        Raises ApprovalNotFound, OwnApproval, ApprovalDecided, ApprovalExpired, RoleLost, RequestIdReused, the refusals
        of what was asked for, VersionConflict, RecordBusy. It stays as it was then.
        """
        return await self._decided(call, act, key, ApprovalState.APPROVED, dry_run=dry_run)

    async def reject(self, call: Call, act: Act, key: ApprovalKey) -> Approval:
        """Reject it for good. Raises as ``approve`` does, but for the refusals of what was asked for."""
        return await self._decided(call, act, key, ApprovalState.REJECTED)

    async def cancel(self, call: Call, act: Act, key: ApprovalKey) -> Approval:
        """Take it back, by its maker. Raises NotOwnApproval, and as ``reject`` does, but not OwnApproval."""
        return await self._decided(call, act, key, ApprovalState.CANCELLED)

    async def _decided(
        self, call: Call, act: Act, key: ApprovalKey, state: ApprovalState, *, dry_run: bool = False
    ) -> Approval:
        decider, stated = Party(call.subject, call.person, frozenset(call.roles)), call.stated_roles
        approval, call.replayed = await self._threads.changes.submit(
            lambda: self._ledger.transact(lambda t: self._decide(t, act, key, decider, stated, state), dry_run=dry_run),
            owner=key.account_id,
        )
        return approval

    def _decide(
        self,
        transaction: Transaction,
        act: Act,
        key: ApprovalKey,
        decider: Party,
        stated: AbstractSet[str],
        state: ApprovalState,
    ) -> tuple[Approval, bool]:
        connection, origin = transaction.connection, act.origin
        known = _find(connection, key)
        by_maker = act_of(known, act.correlation_id)
        is_approved = state is ApprovalState.APPROVED
        account = self._acts.hold(transaction, known.act, by_maker.origin if is_approved else None)
        # Once more, now that nobody else can decide on it.
        approval = _find(connection, key)
        request = RequestKey(key.account_id, origin.request_id or "")
        if is_repeat(connection, request, origin.fingerprint):
            return approval, True
        now = transaction.now
        self._require_decidable(connection, approval, decider, stated, state, now)
        transaction.claim(account, request.request_id, ClaimKind.APPROVAL_DECISION, origin.fingerprint)
        done = self._acts.do(transaction, approval.act, by_maker, approval.name) if is_approved else None
        balances = done.balances if done else ()
        decision = Decision(state, decider.subject, decider.person, origin.reason, now, balances)
        approvals.decide(connection, key, decision)
        after = approval._replace(decision=decision)
        before_and_after = {"before": told(approval, now), "after": told(after, now)}
        event = act.done(self._make_id(), now, approval.name, account_id=key.account_id, **before_and_after)
        audit.append(connection, event)
        return after, False

    def _require_decidable(
        self,
        connection: Connection,
        approval: Approval,
        decider: Party,
        stated: AbstractSet[str],
        state: ApprovalState,
        now: Instant,
    ) -> None:
        if state is ApprovalState.CANCELLED:
            require_maker(approval, decider)
        else:
            require_second(approval, decider)
        require_pending(approval, now)
        _require_role(connection, decider, stated, now)
        if state is ApprovalState.APPROVED:
            maker = approval.maker
            _require_role(connection, maker, frozenset() if approval.role_is_stored else maker.roles, now)

    async def get(self, key: ApprovalKey) -> Approval:
        """Return an approval. Raises ApprovalNotFound."""
        return await self._threads.lookups.submit(
            lambda: self._read(lambda connection: _find(connection, key)), owner=key.account_id
        )

    async def page(
        self, call: Call, wanted: ApprovalFilter, asked: Asked, show: Callable[[Approval, Instant], Shown]
    ) -> Page[Shown]:
        """Return a page of approvals, newest first, each as ``show`` writes it at the instant that states go by.

        A page for which SCANNED_ROWS were looked at ends there, with a token to go on from. Raises PageTokenInvalid.
        """
        return await self._threads.surveys.submit(lambda: self._page(wanted, asked, show), owner=call.subject)

    def _page(self, wanted: ApprovalFilter, asked: Asked, show: Callable[[Approval, Instant], Shown]) -> Page[Shown]:
        query = query_of(
            "approvals", account=wanted.account_id, state=wanted.state, kind=wanted.kind, maker=wanted.maker
        )
        before = ApprovalPlace(*self._tokens.open(query, asked.page_token)) if asked.page_token else AFTER_ALL
        with self._database.listing() as connection:
            now = self._clock.now()
            look = approvals.page(connection, wanted, before, now, count=asked.size + 1, rows=SCANNED_ROWS)
        page = self._tokens.page(query, look.approvals, asked.size, lambda approval: show(approval, now), _place_of)
        if look.end is not None and not page.next_page_token:
            return page._replace(next_page_token=self._tokens.seal(query, list(look.end)))
        return page

    def _read(self, read: Callable[[Connection], Answer]) -> Answer:
        with self._database.autocommit() as connection:
            return read(connection)


def _place_of(approval: Approval) -> list[object]:
    return [approval.create_time, approval.approval_id]


def _find(connection: Connection, key: ApprovalKey) -> Approval:
    found = approvals.find(connection, key)
    if found is None:
        raise ApprovalNotFound(approval=approval_name(*key))
    return found


def _require_role(connection: Connection, party: Party, stated: AbstractSet[str], now: Instant) -> None:
    """Raise RoleLost unless a party has a role for it at this moment, whatever a server still has in memory.

    ``stated`` are the roles that its token stated, which nobody but their issuer takes back.
    """
    is_service = SERVICE in party.roles
    account = access.find_service_account(connection, party.subject) if is_service else None
    held = access.held_by(connection, grantee_of(party.subject, is_service=is_service), now)
    stored = {one.role for one in counted(held, account, party.subject, party.person, now, is_service=is_service)}
    if (account is not None and account.disabled) or PARTIES.isdisjoint(stored | stated):
        raise RoleLost(subject=party.subject)
