"""What SupportService tells, as messages of credit.v1."""

from credit.v1 import explanation_pb2 as explained
from credit.v1 import grant_pb2 as pb
from creditd.domain.explanation import shortfall
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.limits import DAY, HOUR
from creditd.domain.reservation import reservation_name
from creditd.domain.resource_names import grant_name
from creditd.domain.wallet import WalletKey
from creditd.server.answer_sizes import SLICES_SHOWN
from creditd.server.credit_messages import (
    labels,
    listed_reservation_message,
    number,
    timestamp,
    write_balance,
    write_plan,
    write_slices,
    write_time,
)
from creditd.server.limit_messages import limit_message
from creditd.server.status import DecimalsOf, status_of
from creditd.service.call import Call
from creditd.service.explanations import Explanation, LimitUse
from creditd.service.grants import GrantStanding
from creditd.storage.grants import GrantUse


def explanation_message(found: Explanation, call: Call, decimals_of: DecimalsOf) -> explained.ReserveExplanation:
    """Write an explanation; refusals in the caller's language, their amounts with the decimals of the credit type."""
    verdict, wallet, now = found.verdict, found.wallet, found.now
    message = explained.ReserveExplanation(
        would_succeed=verdict.movement is not None,
        obstacles=[status_of(refusal, call.language, call.correlation_id, decimals_of) for refusal in verdict.refusals],
        shortfall=shortfall(verdict),
        as_of_time=timestamp(now),
        status=number(wallet.account.status),
        hold_count=found.held.holds,
        hold_count_is_minimum=not found.held.is_whole,
        holds=[listed_reservation_message(listed, now) for listed in found.first_holds],
        limits=[_limit(use, now) for use in found.limits],
        untold_facts=map(number, found.untold),
    )
    write_balance(message.balance, wallet)
    write_plan(message.plan, wallet.account, now)
    _write_payment(message, found)
    _write_sources(message, found)
    _write_lapses(message, found)
    return message


def _write_payment(message: explained.ReserveExplanation, found: Explanation) -> None:
    """Write what would pay for it; of the past that is not told."""
    movement = found.verdict.movement
    if movement is None or movement.reservation is None:
        return
    message.covered_by_plan = movement.reservation.unlimited
    if found.sources:
        write_slices(message.slices, movement.entry.slices[:SLICES_SHOWN])
        message.slice_count = len(movement.entry.slices)


def _write_sources(message: explained.ReserveExplanation, found: Explanation) -> None:
    held = dict.fromkeys(Source, 0)
    for part in found.held.by_grant.values():
        held[part.source] += part.amount
    for source, available, grants, soon, first in found.sources:
        shown = message.sources.add(
            source=number(source),
            available=available,
            grant_count=grants,
            held=held[source],
            lapses_soon=soon,
        )
        if first is not None:
            write_time(shown.next_lapse_time, first)


def _write_lapses(message: explained.ReserveExplanation, found: Explanation) -> None:
    for entry in found.lapses:
        (part,) = entry.slices
        shown = message.lapses.add(
            grant_id=part.grant_id,
            source=number(part.source),
            amount=part.amount,
            was_in_grace=part.graced,
            version=entry.version if entry.version <= found.written else 0,
        )
        write_time(shown.lapse_time, entry.create_time if part.expire_time is None else part.expire_time)


def _limit(use: LimitUse, now: Instant) -> explained.LimitInForce:
    limit, used = use
    return explained.LimitInForce(
        limit=limit_message(limit.limit),
        is_default=limit.is_default,
        used_in_hour=used.in_hour,
        used_in_day=used.in_day,
        hour_end_time=timestamp(Instant(now - now % HOUR + HOUR)),
        day_end_time=timestamp(Instant(now - now % DAY + DAY)),
    )


def grant_message(standing: GrantStanding) -> pb.Grant:
    """Write a grant."""
    key, grant, available, held, is_minimum, origin = standing
    message = pb.Grant(
        name=grant_name(*key, grant.grant_id),
        grant_id=grant.grant_id,
        source=number(grant.source),
        amount=grant.amount,
        available=available,
        held=held,
        held_is_minimum=is_minimum,
    )
    if grant.expire_time is not None:
        write_time(message.expire_time, grant.expire_time)
    if grant.grace_end is not None:
        write_time(message.grace_end_time, grant.grace_end)
    if origin is not None:
        stated = labels(origin.metadata) if origin.metadata else {}
        write_time(message.create_time, origin.create_time)
        message.origin.version = origin.version
        message.origin.kind = number(origin.kind)
        message.origin.actor = origin.actor
        message.origin.reason = origin.reason
        message.origin.request_id = origin.request_id
        # What others state in their labels is not taken for a purchase.
        if not origin.request_id:
            message.origin.purchase = stated.get("purchase", "")
            message.origin.payment_id = stated.get("payment", "")
    return message


def grant_use_message(key: WalletKey, use: GrantUse) -> pb.GrantUse:
    """Write what a movement did to a grant."""
    reservation = reservation_name(*key, use.reservation_id) if use.reservation_id else ""
    return pb.GrantUse(
        grant_id=use.grant_id,
        source=number(use.source),
        amount=use.amount,
        kind=number(use.kind),
        version=use.version,
        reservation=reservation,
        spender_id=use.spender_id,
        create_time=timestamp(use.create_time),
    )
