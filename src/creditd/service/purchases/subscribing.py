"""What a provider says of subscriptions, applied: they decide the account's unlimited plan (requirement E6)."""

from collections.abc import Callable

from creditd.domain.account import Account
from creditd.domain.instant import Instant
from creditd.domain.subscription import Entitlement, Subscription, entitlement, newer
from creditd.domain.wallet import Origin
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.critical import CriticalLedger, Transaction
from creditd.payments.provider import Unfit
from creditd.service.purchases.settling import Applied, NotYetKnown
from creditd.storage import accounts, outbox, payment_references, subscriptions
from creditd.storage.database import Connection
from creditd.storage.outbox import OutboxKind


class Subscribing:
    """Applies what is said of subscriptions."""

    def __init__(self, ledger: CriticalLedger, accounts: AccountLedger, make_id: Callable[[], str]) -> None:
        """Change plans through ``accounts``, in transactions of ``ledger``."""
        self._ledger = ledger
        self._accounts = accounts
        self._make_id = make_id

    def apply(self, said: Subscription, actor: str, reason: str) -> Applied:
        """Take over a description unless a newer one is known, and switch the plan if what it entitles to changes.

        A plan that staff has set stays until a subscription changes what it entitles to. Raises AccountClosed, and
        NotYetKnown for one that does not say whose it is while nothing said so before.
        """
        return self._ledger.transact(lambda transaction: self._apply(transaction, said, Origin(actor, reason=reason)))

    def _apply(self, transaction: Transaction, said: Subscription, origin: Origin) -> Applied:
        connection, now = transaction.connection, transaction.now
        said = _with_account(connection, said)
        account = self._locked_account(transaction, said.account_id, origin)
        ours = subscriptions.of_account(connection, account.account_id)
        # Test and live mode never mix, not even in a database that has seen both.
        known = {_name(one): one for one in ours if one.live == said.live}
        described = newer(known.get(_name(said)), said)
        if described == known.get(_name(said)):
            return Applied(account.account_id, "", changed=False)
        subscriptions.write(connection, described, now)
        before = entitlement(known.values(), now)
        after = entitlement((known | {_name(said): described}).values(), now)
        if after != before:
            self._switch(transaction, account, after, origin, now)
        return Applied(account.account_id, "", changed=True)

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
        payload = {"unlimited": unlimited, "until": until}
        outbox.announce(
            transaction.connection,
            account.account_id,
            self._make_id(),
            OutboxKind.PLAN_CHANGED,
            payload,
            changed.update_time,
        )


def _with_account(connection: Connection, said: Subscription) -> Subscription:
    """Return a description with its account, by what was known of the subscription before if it says nothing itself."""
    reference = f"subscription:{said.subscription_id}"
    if said.account_id:
        name = f"accounts/{said.account_id}"
        if payment_references.refer(connection, said.provider, name, [reference], live=said.live):
            raise Unfit("the subscription was another account's before")
        return said
    known = payment_references.referred(connection, said.provider, [reference], live=said.live)
    if reference not in known:
        raise NotYetKnown((reference,), names_ours=False)
    return said._replace(account_id=known[reference].removeprefix("accounts/"))


def _name(subscription: Subscription) -> tuple[int, bool, str]:
    return subscription.provider, subscription.live, subscription.subscription_id
