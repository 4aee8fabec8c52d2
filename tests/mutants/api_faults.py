"""Faults in what the API promises of repeats, of tries, of versions and of why something is refused."""

from tests.mutants.fault import Fault

_STAFF_REPEATS = ("tests/contract/payments/test_staff_repeats.py",)

_VERSIONS = ("tests/contract/test_version_precondition.py",)

API_FAULTS = (
    Fault(
        "acts of staff with one id at once do not wait for each other",
        "storage/requests.py",
        '    connection.execute(_WAIT_FOR_TURN, {"request_id": key.request_id})\n',
        "",
        _STAFF_REPEATS,
        "test_ten_at_once_with_one_id_have_one_effect_and_one_answer",
    ),
    Fault(
        "the repeat of an act of staff is refused",
        "storage/requests.py",
        "    if known is not None:\n",
        "    if False:\n",
        _STAFF_REPEATS,
        "test_a_repeat_is_answered_as_the_first_whatever_came_after_it",
    ),
    Fault(
        "an act of staff keeps no answer",
        "storage/requests.py",
        "    _add(connection, key, kind, now, origin.fingerprint, orjson.dumps(answer._asdict()).decode())\n",
        "",
        _STAFF_REPEATS,
        "test_a_repeat_is_answered_as_the_first_whatever_came_after_it",
    ),
    Fault(
        "a cancellation claims no request id",
        "service/payments/purchases.py",
        "    transaction.claim(account, request.request_id, ClaimKind.CANCELLATION, origin.fingerprint)\n",
        "",
        ("tests/contract/payments/test_request_ids.py",),
        "test_a_request_id_that_anything_has_used_is_refused_to_everything_else",
    ),
    Fault(
        "what staff only try is done",
        "ledger/transaction.py",
        "            if dry_run:\n                raise _Undone\n",
        "",
        ("tests/contract/test_validate_only.py",),
        "test_a_change_of_an_account_that_is_tried_answers_with_it_and_leaves_it",
    ),
    Fault(
        "credits are given at any version",
        "domain/adjustments.py",
        "    wallet.require_version(command.version)\n    wallet.require_room(command.amount)\n",
        "    wallet.require_room(command.amount)\n",
        _VERSIONS,
        "test_any_other_version_is_refused",
    ),
    Fault(
        "an account is changed at any version",
        "ledger/accounts.py",
        "        if wanted.version is not None and wanted.version != account.version:\n",
        "        if False:\n",
        _VERSIONS,
        "test_an_account_is_changed_only_at_the_version_stated",
    ),
    Fault(
        "a purchase is reversed at any version",
        "service/payments/reversals.py",
        "        if version is not None and version != purchase.version:\n",
        "        if False:\n",
        ("tests/contract/payments/test_reverse_purchase.py",),
        "test_it_is_tried_and_done_only_at_the_version_stated",
    ),
    Fault(
        "no time left is told as if none were known",
        "server/credit_messages.py",
        "    seconds, rest = divmod(instant, SECOND)\n",
        "    if not instant:\n        return\n    seconds, rest = divmod(instant, SECOND)\n",
        ("tests/server/test_credit_messages.py",),
        "test_a_time_that_is_zero_is_there",
    ),
    Fault(
        "a balance that never moved tells when it did",
        "server/credit_messages.py",
        "    if wallet.version:\n",
        "    if True:\n",
        ("tests/server/test_credit_messages.py",),
        "test_a_balance_tells_when_it_moved_last_and_no_time_before_its_first_movement",
    ),
    Fault(
        "a repeat tells the time that was left at first",
        "server/credit_messages.py",
        "reservation.expire_time - now)",
        "reservation.expire_time - reservation.update_time)",
        ("tests/contract/test_remaining_ttl.py",),
        "test_it_runs_down_while_the_hold_is_pending",
    ),
    Fault(
        "a refunded reservation is told to be confirmed",
        "domain/reservation.py",
        "    ReservationState.REFUNDED: errors.ReservationRefunded,\n",
        "    ReservationState.REFUNDED: errors.ReservationConfirmed,\n",
        ("tests/domain/test_refund.py",),
        "test_a_refunded_reservation_is_not_refunded_twice",
    ),
    Fault(
        "a purchase that has expired is told to be paid",
        "service/payments/purchases.py",
        "    if purchase.state == PurchaseState.EXPIRED:\n",
        "    if False:\n",
        ("tests/contract/payments/test_cancel_purchase.py",),
        "test_one_that_has_expired_is_over_already",
    ),
)
