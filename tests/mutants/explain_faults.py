"""Faults in what staff are told: why a Reserve is refused, where credits went, what an id belongs to."""

from tests.mutants.fault import Fault

_DOMAIN = ("tests/domain/test_explanation.py",)
_WIRE = ("tests/contract/payments/test_explain_reserve.py",)
_GRANTS = ("tests/contract/payments/test_grants.py",)
_HISTORY = ("tests/contract/payments/test_account_history.py",)
_SEARCH = ("tests/contract/payments/test_search.py",)

EXPLAIN_FAULTS = (
    Fault(
        "an explanation stops at the first obstacle",
        "domain/explanation.py",
        "if lifted is None:",
        "if True:",
        _DOMAIN,
        "test_all_that_stands_in_the_way_is_told_in_the_order_in_which_it_would_be",
    ),
    Fault(
        "a limit lifted for the account and not for all",
        "domain/explanation.py",
        "rules._replace(limits=())",
        "rules",
        _DOMAIN,
        "test_a_limit_of_all_accounts_is_lifted_too",
    ),
    Fault(
        "the verdict is of an amount that is one less",
        "service/explanations.py",
        'return Reserve(Origin(""), _NOBODY, question.amount,',
        'return Reserve(Origin(""), _NOBODY, max(1, question.amount - 1),',
        _WIRE,
        "test_a_story_is_told_as_the_page_says[6 of 5 on a suspended account]",
    ),
    Fault(
        "an account of the past has the status of today",
        "service/explanations.py",
        "return then or account",
        "return account",
        _WIRE,
        "test_a_refusal_of_the_past_is_explained_by_its_time",
    ),
    Fault(
        "what was used in the past is that of the wallet for every spender",
        "storage/counts.py",
        "AND (:spender_id = '' OR spender_id = :spender_id)",
        "AND (:spender_id = '' OR true)",
        _WIRE,
        "test_what_a_spender_used_in_the_past_is_its_own",
    ),
    Fault(
        "holds told that end last",
        "storage/holds.py",
        "ORDER BY expire_time LIMIT :count",
        "ORDER BY expire_time DESC LIMIT :count",
        _WIRE,
        "test_holds_are_told_those_that_end_first_and_how_many_there_are",
    ),
    Fault(
        "a page of uses goes on after the entry and loses the rest of its slices",
        "service/grants.py",
        "lambda use: (use.version, use.place)",
        "lambda use: (use.version + 1, 0)",
        _GRANTS,
        "test_what_paid_for_a_reservation_is_told_slice_by_slice[1]",
    ),
    Fault(
        "a page of uses that has looked far enough is the last",
        "service/grants.py",
        "if below < whole.below and not page.next_page_token:",
        "if below > whole.below and not page.next_page_token:",
        _GRANTS,
        "test_a_page_that_has_looked_far_enough_goes_on_where_it_ended",
    ),
    Fault(
        "a grant in a reservation looked for among rows of others, so that a page is short and the last",
        "storage/grants.py",
        "(True, True): _OF_BOTH",
        "(True, True): _OF_RESERVATION",
        _GRANTS,
        "test_of_a_reservation_one_grant_is_followed_past_rows_of_others[1]",
    ),
    Fault(
        "a caller's labels taken for the cause of a movement",
        "server/history_messages.py",
        "if entry.metadata and not entry.request_id else {}",
        "if entry.metadata else {}",
        _HISTORY,
        "test_labels_of_a_caller_are_not_taken_for_a_cause",
    ),
    Fault(
        "a caller's labels taken for a purchase",
        "server/support_messages.py",
        "if not origin.request_id:",
        "if True:",
        _GRANTS,
        "test_labels_of_a_caller_are_not_taken_for_a_purchase",
    ),
    Fault(
        "what has lapsed still shown as available",
        "service/grants.py",
        "available = live[grant.grant_id].remaining if grant.grant_id in live else 0",
        "available = grant.remaining",
        _GRANTS,
        "test_what_has_lapsed_and_is_not_written_down_yet_is_not_available",
    ),
    Fault(
        "a search within an account finds what is another's",
        "service/search.py",
        'if account_id in ("", hit.account_id)',
        "if hit",
        _SEARCH,
        "test_a_purchase_is_found_by_all_that_it_is_called",
    ),
    Fault(
        "a page of history forgets where other kinds have ended",
        "service/account_history.py",
        "    moved = dict(places)\n",
        "    moved: dict[str, Any] = {}\n",
        _HISTORY,
        "test_pages_of_any_size_tell_all_of_it_once[1]",
    ),
    Fault(
        "history told kind by kind",
        "service/account_history.py",
        "sorted(keyed, key=lambda pair: -pair[0])",
        "keyed",
        _HISTORY,
        "test_kinds_stand_among_each_other_by_time",
    ),
)
