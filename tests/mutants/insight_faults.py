"""Faults in what staff look accounts up by, and in what they are shown of payments."""

from tests.mutants.fault import Fault

_FACTS = ("tests/contract/payments/test_payment_facts.py",)
_ACTS = ("tests/contract/payments/test_support_acts.py",)
_LABELS = ("tests/contract/test_search_labels.py",)
_NOTES = ("tests/contract/payments/test_staff_notes.py",)
_LISTS = ("tests/contract/payments/test_account_lists.py",)
_GRANTS = ("tests/contract/payments/test_grants.py",)

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
    Fault(
        "what was read in an event lost where it cannot be recorded",
        "service/payments/inbox_worker.py",
        "event = event.reading(said.facts, said.currency)",
        "event = event.reading((), said.currency)",
        _FACTS,
        "test_a_parked_event_tells_what_was_read_in_it_though_nothing_is_recorded",
    ),
    Fault(
        "a purchase that is paid polled for a month once somebody has asked",
        "service/payments/poller.py",
        "is_last = purchase.state not in PAYABLE or _is_over(purchase, now)",
        "is_last = _is_over(purchase, now)",
        _FACTS,
        "test_a_purchase_that_is_paid_is_looked_at_once_and_stays_as_it_is",
    ),
    Fault(
        "a purchase put off by whoever has it looked at",
        "service/payments/inspections.py",
        "Inspection(now if purchase.next_poll_time is None else min(now, purchase.next_poll_time))",
        "Inspection(Instant(now + 60_000_000))",
        _FACTS,
        "test_a_purchase_whose_webhook_was_lost_is_found_paid_at_once",
    ),
    Fault(
        "a note kept with no act",
        "storage/controls/audit.py",
        "noted = [event for event in events if event.note]",
        "noted = list(events)[:0]",
        _NOTES,
        "test_a_note_stands_in_the_history_and_never_where_the_owner_reads",
    ),
    Fault(
        "the note hidden from who has to approve",
        "storage/controls/approvals.py",
        'row[24] or ""',
        '""',
        _NOTES,
        "test_who_has_to_approve_reads_the_note_of_who_asks",
    ),
    Fault(
        "an address found only as it was written",
        "storage/account_labels.py",
        'f"left(lower({{}}), {VALUE_LENGTH})"',
        'f"left({{}}, {VALUE_LENGTH})"',
        _LABELS,
        "test_a_value_of_the_label_leads_to_the_accounts_that_had_it",
    ),
    Fault(
        "a correlation id that was made up here written into the ledger",
        "server/pipeline.py",
        "            exchange.sent_correlation_id,",
        "            exchange.correlation_id,",
        _LABELS,
        "test_a_correlation_id_leads_to_the_movements_of_the_call_that_stated_it",
    ),
    Fault(
        "a correlation id lost where no spender is named",
        "storage/columns.py",
        "entry.spender_id or entry.day_delta or entry.correlation_id for",
        "entry.spender_id or entry.day_delta for",
        _LABELS,
        "test_a_call_that_is_repeated_with_another_correlation_id_did_what_it_did",
    ),
    Fault(
        "a hold that was spent given back on the phone",
        "domain/holds.py",
        "if reservation.state == ReservationState.CONFIRMED and not command.pending_only:",
        "if reservation.state == ReservationState.CONFIRMED:",
        _ACTS,
        "test_what_is_spent_already_is_not_given_back",
    ),
    Fault(
        "gifts counted without who is given to being held",
        "service/gifts.py",
        "transaction.hold(key.account_id)",
        "pass",
        _ACTS,
        "test_what_was_given_is_read_while_nobody_else_can_give",
    ),
    Fault(
        "a limit by gift and not by day",
        "service/gifts.py",
        "if given + amount > limit:",
        "if amount > limit:",
        _ACTS,
        "test_credits_are_given_up_to_the_limit_of_a_day",
    ),
    Fault(
        "all extends of a hold looked at for one page",
        "service/grants.py",
        "    if wanted.reservation_id:\n        return grants",
        "    if wanted.reservation_id:\n        return None\n        return grants",
        _GRANTS,
        "test_however_often_a_hold_was_given_more_time_a_page_looks_at_so_many_rows",
    ),
    Fault(
        "what was read in a payment event is told without its currency",
        "storage/payments/payment_events.py",
        ', "currency": event.currency}',
        "}",
        ("tests/contract/payments/test_payment_facts.py",),
        "test_a_payment_in_another_currency_tells_in_which",
    ),
    Fault(
        "a payment in another currency looks right beside the price",
        "console/subjects/payment_facts.py",
        ' or currency not in {"", price.currency}',
        "",
        ("tests/console/test_notices.py",),
        "test_a_fact_is_shown_in_its_own_currency_and_another_than_the_purchases_stands_out[PARKED-JPY-107-True]",
    ),
    Fault(
        "a list of what paid for a reservation ended by a refund of what a plan covered",
        "storage/grants.py",
        '_uses(f"reservation_id = :reservation_id ::uuid AND {_HAS_ANY}")',
        '_uses("reservation_id = :reservation_id ::uuid")',
        _GRANTS,
        "test_a_refund_of_what_a_plan_covered_ends_no_list[1]",
    ),
)
