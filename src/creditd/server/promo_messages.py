"""Promo codes as messages of credit.v1."""

from credit.v1 import promo_code_pb2 as pb
from creditd.domain.instant import SECOND, Instant
from creditd.domain.promo.promo_code import PromoCode, PromoKind, PromoTerms
from creditd.server.credit_messages import instant, microseconds, number, timestamp


def terms_from(message: pb.PromoTerms) -> PromoTerms:
    """Read terms whose fields are valid by themselves. Raises InvalidField for a time that is none."""
    has = message.HasField
    return PromoTerms(
        PromoKind(message.kind),
        message.credit_type,
        message.credits,
        microseconds(message.credits_lifetime) if has("credits_lifetime") else None,
        message.percent,
        message.most_per_use,
        message.currency,
        message.minimum_amount,
        message.first_purchase_only,
        instant(message.start_time, "terms.start_time") if has("start_time") else None,
        instant(message.expire_time, "terms.expire_time") if has("expire_time") else None,
        message.total_limit,
        message.account_limit,
    )


def _terms_message(terms: PromoTerms) -> pb.PromoTerms:
    message = pb.PromoTerms(
        kind=number(terms.kind),
        credit_type=terms.credit_type,
        credits=terms.credits,
        percent=terms.percent,
        most_per_use=terms.most_per_use,
        currency=terms.currency,
        minimum_amount=terms.minimum_amount,
        first_purchase_only=terms.first_purchase_only,
        total_limit=terms.total_limit,
        account_limit=terms.account_limit,
    )
    if terms.credits_lifetime is not None:
        seconds, rest = divmod(terms.credits_lifetime, SECOND)
        message.credits_lifetime.seconds = seconds
        message.credits_lifetime.nanos = rest * 1_000
    if terms.start_time is not None:
        message.start_time.CopyFrom(timestamp(terms.start_time))
    if terms.expire_time is not None:
        message.expire_time.CopyFrom(timestamp(terms.expire_time))
    return message


def promo_code_message(code: PromoCode, now: Instant) -> pb.PromoCode:
    """Write a code as it is at an instant."""
    message = pb.PromoCode(
        name=code.name,
        display_code=code.display_code,
        terms=_terms_message(code.terms),
        state=number(code.state_at(now)),
        series_id=code.series_id,
        used_count=code.used,
        given_amount=code.given,
        most_amount=code.terms.most_cost,
        create_time=timestamp(code.create_time),
    )
    if code.end_time is not None:
        message.end_time.CopyFrom(timestamp(code.end_time))
    return message
