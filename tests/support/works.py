"""The works of these tests, in a word each: chat credits, and request ids that are new unless stated."""

import zlib
from collections.abc import Mapping
from itertools import count
from typing import Any

from creditd.domain.commands import Add, Command, Confirm, Deduct, Extend, Refund, Reserve
from creditd.domain.controls.audit_event import Act
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND
from creditd.domain.reservation import Reservation
from creditd.domain.wallet import Origin, WalletKey
from creditd.ledger.ids import uuid7
from creditd.ledger.work import Outcome, Step, Work

MINUTE = 60 * SECOND
_NUMBERS = count()


def work(account: str, *commands: Command, credit_type: str = "chat", **options: Any) -> Work:
    """Return a work of one command or several on one wallet."""
    key = WalletKey(account, credit_type)
    steps = tuple(Step(key, command) for command in commands)
    return Work.of(steps, **options)


def origin(request_id: str | None, *content: object) -> Origin:
    """Return who asks, under a request id that is new if it is None, with a fingerprint of the content."""
    name = f"request-{next(_NUMBERS)}" if request_id is None else request_id
    return Origin("tests", name, zlib.crc32(repr(content).encode()))


def act(request_id: str | None, *content: object) -> Act:
    """Return an act of staff from such an origin."""
    return act_from(origin(request_id, *content))


def act_from(by: Origin) -> Act:
    """Return an act of staff from an origin."""
    return Act(by, "tests.act", by.actor, ("ADMIN",))


def add(account: str, amount: int, request_id: str | None = None, **options: Any) -> Work:
    """Return the work that brings in purchased credits."""
    by = origin(request_id, "add", amount)
    return work(account, Add(by, EntryKind.TOP_UP, uuid7(), Source.PURCHASED, amount), **options)


def add_of_each(account: str, amounts: Mapping[str, int]) -> Work:
    """Return the work that brings in credits of several types, all or nothing."""
    by = origin(None, "add", amounts)
    steps = tuple(
        Step(
            WalletKey(account, credit_type),
            Add(by._replace(ordinal=ordinal), EntryKind.ADMIN_ADD, uuid7(), Source.ADMIN, amount),
        )
        for ordinal, (credit_type, amount) in enumerate(amounts.items())
    )
    return Work.of(steps)


def reserve(
    account: str,
    amount: int,
    request_id: str | None = None,
    *,
    ttl: int = MINUTE,
    version: int | None = None,
    spender_id: str = "",
    **options: Any,
) -> Work:
    """Return the work that holds credits."""
    by = origin(request_id, "reserve", amount, version, spender_id)
    command = Reserve(by, uuid7(), amount, ttl=ttl, version=version, spender_id=spender_id)
    return work(account, command, **options)


def deduct(account: str, amount: int, request_id: str | None = None, spender_id: str = "", **options: Any) -> Work:
    """Return the work that spends credits in one step."""
    by = origin(request_id, "deduct", amount, spender_id)
    return work(account, Deduct(by, uuid7(), amount, spender_id=spender_id), **options)


def confirm(held: Reservation, amount: int | None = None, request_id: str | None = None) -> Work:
    """Return the work that spends what is held."""
    by = origin(request_id, "confirm", held.reservation_id, amount)
    return work(held.account_id, Confirm(by, held.reservation_id, amount), credit_type=held.credit_type)


def extend(held: Reservation, ttl: int) -> Work:
    """Return the work that gives a hold so much time from now on."""
    return work(
        held.account_id,
        Extend(origin(None, "extend", held.reservation_id, ttl), held.reservation_id, ttl=ttl),
        credit_type=held.credit_type,
    )


def refund(of: Reservation, amount: int | None = None, request_id: str | None = None) -> Work:
    """Return the work that gives credits back."""
    by = origin(request_id, "refund", of.reservation_id, amount)
    return work(of.account_id, Refund(by, of.reservation_id, amount), credit_type=of.credit_type)


def reservation_of(outcome: Outcome) -> Reservation:
    """Return the reservation that a work was about."""
    (reservation,) = outcome.reservations
    assert reservation is not None
    return reservation
