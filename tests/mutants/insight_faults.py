"""Faults in what staff look accounts up by, and in what they are shown of payments."""

from tests.mutants.fault import Fault

_LISTS = ("tests/contract/payments/test_account_lists.py",)

INSIGHT_FAULTS = (
    Fault(
        "an account listed once for each of its flags",
        "storage/account_lists.py",
        'AND account_id > {account_id} AND account_id >= :prefix ::text "',
        'AND account_id >= {account_id} AND account_id >= :prefix ::text "',
        _LISTS,
        "test_accounts_with_a_flag_are_listed_once_each_however_many_they_have",
    ),
    Fault(
        "who once owed credits listed for good",
        "storage/account_lists.py",
        "wallets WHERE debt > 0",
        "wallets WHERE debt >= 0",
        _LISTS,
        "test_who_owes_credits_is_listed_until_nothing_is_owed",
    ),
    Fault(
        "accounts listed by the day on which they moved first",
        "storage/account_lists.py",
        "ORDER BY move_day DESC, account_id DESC LIMIT :count",
        "ORDER BY move_day, account_id LIMIT :count",
        _LISTS,
        "test_accounts_are_listed_by_the_day_on_which_they_last_moved",
    ),
)
