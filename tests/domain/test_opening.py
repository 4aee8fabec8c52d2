"""An account is opened by its first use, with the configured sign-up credits as free grants."""

from collections.abc import Mapping
from itertools import count

from creditd.domain.account import Account, AccountStatus
from creditd.domain.adjustments import open_account
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.wallet import Movement
from tests.domain.books import WalletBooks
from tests.domain.wallets import RULES, START, by_source


def opened(sign_up_credits: Mapping[str, int]) -> tuple[Account, tuple[Movement, ...]]:
    names = (f"grant-{number}" for number in count())
    return open_account("alice", sign_up_credits, lambda: next(names), START, RULES)


def test_a_new_account_is_active_on_the_standard_plan_and_at_version_1() -> None:
    account, _ = opened({"spec": 1})
    assert account == Account("alice", 1, AccountStatus.ACTIVE, False, None, START, START)  # noqa: FBT003 - a row.
    assert not account.has_unlimited_plan(START)


def test_sign_up_credits_are_free_never_expire_and_come_with_an_entry() -> None:
    _, (movement,) = opened({"spec": 1})
    assert by_source(movement.wallet) == {Source.FREE: 1}
    assert movement.granted == ("grant-0", Source.FREE, 1, None)
    entry = movement.entry
    assert (entry.account_id, entry.credit_type, entry.version, entry.kind) == ("alice", "spec", 1, EntryKind.GRANT)
    assert (entry.actor, entry.request_id, entry.reason) == ("system", None, "sign-up credits")


def test_each_credit_type_has_a_wallet_and_a_grant_of_its_own() -> None:
    _, movements = opened({"spec": 1, "chat": 20})
    assert [(m.entry.credit_type, m.wallet.available, m.wallet.version) for m in movements] == [
        ("chat", 20, 1),
        ("spec", 1, 1),
    ]
    assert len({m.granted.grant_id for m in movements if m.granted}) == 2


def test_a_credit_type_without_sign_up_credits_gets_no_movement() -> None:
    account, movements = opened({"spec": 0})
    assert (account.version, movements) == (1, ())


def test_sign_up_credits_are_spendable_at_once() -> None:
    _, (movement,) = opened({"spec": 1})
    books = WalletBooks(movement.wallet)
    assert books.reserve(1).amount == 1
    assert books.wallet.version == 2
