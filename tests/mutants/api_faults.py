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
    ),
    Fault(
        "the repeat of an act of staff is refused",
        "storage/requests.py",
        "    if known is not None:\n",
        "    if False:\n",
        _STAFF_REPEATS,
    ),
    Fault(
        "an act of staff keeps no answer",
        "storage/requests.py",
        "    _add(connection, key, kind, now, origin.fingerprint, orjson.dumps(answer._asdict()).decode())\n",
        "",
        _STAFF_REPEATS,
    ),
    Fault(
        "a cancellation claims no request id",
        "service/payments/purchases.py",
        "    transaction.claim(account, request.request_id, ClaimKind.CANCELLATION, origin.fingerprint)\n",
        "",
        ("tests/contract/payments/test_request_ids.py",),
    ),
    Fault(
        "what staff only try is done",
        "ledger/transaction.py",
        "            if dry_run:\n                raise _Undone\n",
        "",
        ("tests/contract/test_validate_only.py",),
    ),
    Fault(
        "credits are given at any version",
        "domain/adjustments.py",
        "    wallet.require_version(command.version)\n    wallet.require_room(command.amount)\n",
        "    wallet.require_room(command.amount)\n",
        _VERSIONS,
    ),
    Fault(
        "an account is changed at any version",
        "ledger/accounts.py",
        "        if wanted.version is not None and wanted.version != account.version:\n",
        "        if False:\n",
        _VERSIONS,
    ),
    Fault(
        "a purchase is reversed at any version",
        "service/payments/reversals.py",
        "        if version is not None and version != purchase.version:\n",
        "        if False:\n",
        ("tests/contract/payments/test_reverse_purchase.py",),
    ),
    Fault(
        "a repeat tells the time that was left at first",
        "server/credit_messages.py",
        "reservation.expire_time - now)",
        "reservation.expire_time - reservation.update_time)",
        ("tests/contract/test_remaining_ttl.py",),
    ),
    Fault(
        "a refunded reservation is told to be confirmed",
        "domain/reservation.py",
        "    ReservationState.REFUNDED: errors.ReservationRefunded,\n",
        "    ReservationState.REFUNDED: errors.ReservationConfirmed,\n",
        ("tests/domain/test_refund.py", "tests/domain/test_confirm.py"),
    ),
    Fault(
        "a purchase that has expired is told to be paid",
        "service/payments/purchases.py",
        "    if purchase.state == PurchaseState.EXPIRED:\n",
        "    if False:\n",
        ("tests/contract/payments/test_cancel_purchase.py",),
    ),
)
