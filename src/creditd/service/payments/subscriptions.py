"""Subscriptions recorded and listed. They decide whether an account's plan is unlimited (requirement E6)."""

from collections.abc import Callable

from creditd.domain.account import Account
from creditd.domain.errors import AccountClosed
from creditd.domain.events.outbox import OutboxEvent, OutboxKind, changed_plan
from creditd.domain.instant import Instant
from creditd.domain.payments.payment_event import PaymentEvent
from creditd.domain.payments.subscription import Entitlement, Subscription, entitlement, newer
from creditd.domain.wallet import Origin
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.transaction import Transaction
from creditd.payments.provider import ReportMismatch
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.payments.cases import Cases, Recorded, UnknownPayment, problem_of, references_of
from creditd.service.threads import Threads
from creditd.storage import accounts
from creditd.storage.database import Connection, Database
from creditd.storage.events import outbox
from creditd.storage.payments import payment_dues, payment_events, payment_references, subscriptions
from creditd.storage.payments.payment_dues import Due
from creditd.storage.payments.subscriptions import SubscriptionPlace


class SubscriptionRecorder:
    """Records what providers say of subscriptions."""

    def __init__(self, accounts: AccountLedger, make_id: Callable[[], str]) -> None:
        """Change plans through ``accounts``."""
        self._accounts = accounts
        self._make_id = make_id
        self._cases = Cases(make_id)

    def record(
        self, transaction: Transaction, said: Subscription, origin: Origin, event: PaymentEvent | None
    ) -> Recorded:
        """Record a description unless a newer one is known; switch the plan if the entitlement changes.

        The new state of the ``event`` is written too. A plan set by staff stays until the entitlement changes. For a
        closed account the description is recorded, and the plan is due: it is switched when the account is reopened.
        Raises UnknownPayment if neither the report nor an earlier one names the account; ReportMismatch if the
        subscription was another account's.
        """
        connection, now = transaction.connection, transaction.now
        said = _with_account(connection, said)
        account = self._locked_account(transaction, said.account_id, origin)
        ours = subscriptions.of_account(connection, account.account_id)
        # Test and live mode never mix, even in a database that has seen both.
        known = {_name(one): one for one in ours if one.live == said.live}
        described = newer(known.get(_name(said)), said)
        changed = described != known.get(_name(said))
        problem = ""
        if changed:
            subscriptions.write(connection, described, now)
            before = entitlement(known.values(), now)
            after = entitlement((known | {_name(said): described}).values(), now)
            due = Due(account.account_id, payment_dues.PLAN, said.live)
            if after != before or payment_dues.drop(connection, due):
                problem = self._switch_or_owe(transaction, account, after, origin, due)
        payment_events.wake(connection, said.provider, references_of(said), now)
        if problem:
            self._cases.record(connection, said, None, problem, now, event)
        elif event:
            payment_events.end_try(connection, event.applied(account.account_id, "", now))
        return Recorded(account.account_id, "", changed, problem)

    def resume(self, transaction: Transaction, due: Due, reason: str) -> Recorded:
        """Switch a due plan to what the account's subscriptions entitle it to, if that is possible by now."""
        connection, now, account_id = transaction.connection, transaction.now, due.account_id
        origin = Origin("subscriptions", reason=reason)
        account = self._locked_account(transaction, account_id, origin)
        if not payment_dues.drop(connection, due):
            return Recorded(account_id, "", changed=False)
        ours = [one for one in subscriptions.of_account(connection, account_id) if one.live == due.live]
        plan = entitlement(ours, now)
        problem = self._switch_or_owe(transaction, account, plan, origin, due)
        return Recorded(account_id, "", changed=not problem, problem=problem)

    def _switch_or_owe(
        self, transaction: Transaction, account: Account, plan: Entitlement, origin: Origin, due: Due
    ) -> str:
        """Switch a plan; for a closed account record that it is due, and return why."""
        connection, now = transaction.connection, transaction.now
        try:
            self._switch(transaction, account, plan, origin, now)
        except AccountClosed as refusal:
            problem = problem_of(refusal)
            payment_dues.put(connection, due, problem, now)
            # Somebody pays for a closed account: staff have to know. The end of a plan needs nobody.
            return problem if plan.unlimited else ""
        payment_events.end_recorded(connection, account.account_id, "", now)
        return ""

    def _locked_account(self, transaction: Transaction, account_id: str, origin: Origin) -> Account:
        account = accounts.lock(transaction.connection, account_id)
        if account is None:
            transaction.perform(account_id, origin, ())
            account = accounts.lock(transaction.connection, account_id)
        assert account is not None  # noqa: S101 - opened above if it was not there, and accounts are never deleted.
        return account

    def _switch(
        self, transaction: Transaction, account: Account, plan: Entitlement, origin: Origin, now: Instant
    ) -> None:
        origin = origin._replace(request_id=self._make_id())
        unlimited, until = plan
        changed = self._accounts.change_plan(
            transaction.connection, account, origin, now, unlimited=unlimited, until=until
        )
        payload = changed_plan(unlimited=unlimited, until=until)
        event = OutboxEvent(
            account.account_id, self._make_id(), OutboxKind.PLAN_CHANGED, "", payload, changed.update_time
        )
        outbox.announce(transaction.connection, event)


class SubscriptionReader:
    """Lists subscriptions."""

    def __init__(self, database: Database, tokens: PageTokens, threads: Threads) -> None:
        """Read through ``database``."""
        self._database = database
        self._tokens = tokens
        self._threads = threads

    async def page(self, account_id: str, asked: Asked, show: Callable[[Subscription], Shown]) -> Page[Shown]:
        """Return a page of an account's subscriptions, each as ``show`` writes it. Raises PageTokenInvalid.

        The order is not that of the descriptions: a new one would move a subscription to a page already seen.
        """
        return await self._threads.pages.submit(lambda: self._page(account_id, asked, show), owner=account_id)

    def _page(self, account_id: str, asked: Asked, show: Callable[[Subscription], Shown]) -> Page[Shown]:
        query = query_of("subscriptions", account=account_id)
        after = SubscriptionPlace(*self._tokens.open(query, asked.page_token)) if asked.page_token else None
        with self._database.listing() as connection:
            found = subscriptions.page(connection, account_id, after, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda item: list(_place(item)))


def _place(subscription: Subscription) -> SubscriptionPlace:
    return SubscriptionPlace(int(subscription.provider), subscription.live, subscription.subscription_id)


def _with_account(connection: Connection, said: Subscription) -> Subscription:
    """Return a description with its account: its own, else the one recorded before."""
    reference = f"subscription:{said.subscription_id}"
    if said.account_id:
        name = f"accounts/{said.account_id}"
        if payment_references.refer(connection, said.provider, name, [reference], live=said.live):
            raise ReportMismatch("the subscription was another account's before")
        return said
    known = payment_references.referred(connection, said.provider, [reference], live=said.live)
    if reference not in known:
        # It is for a plan of ours; one that entitles to nothing needs no account.
        is_over = not entitlement([said], said.provider_update_time).unlimited
        raise UnknownPayment((reference,), is_ours=True, is_over=is_over)
    return said._replace(account_id=known[reference].removeprefix("accounts/"))


def _name(subscription: Subscription) -> tuple[int, bool, str]:
    return subscription.provider, subscription.live, subscription.subscription_id
