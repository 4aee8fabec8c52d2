"""Promo codes in tests: terms, requests, and what is stored of codes."""

from typing import Any

import psycopg
from google.protobuf.duration_pb2 import Duration

from credit.v1 import promo_code_pb2 as code_pb
from credit.v1 import promo_service_pb2 as pb
from creditd.ledger.ids import uuid7

CHAT = "chat"


def terms(**fields: Any) -> code_pb.PromoTerms:
    """Return terms: 50 chat credits, for 100 accounts once each, unless stated otherwise."""
    if "seconds" in fields:
        fields["credits_lifetime"] = Duration(seconds=fields.pop("seconds"))
    stated: dict[str, Any] = {"kind": code_pb.PROMO_KIND_BONUS_CREDITS, "credit_type": CHAT, "credits": 50}
    return code_pb.PromoTerms(**stated | {"total_limit": 100, "account_limit": 1} | fields)


def percent_bonus(percent: int, **fields: Any) -> code_pb.PromoTerms:
    """Return the terms of a bonus on top of packages of chat credits."""
    return terms(kind=code_pb.PROMO_KIND_PERCENT_BONUS, credits=0, percent=percent, **fields)


def percent_discount(percent: int, **fields: Any) -> code_pb.PromoTerms:
    """Return the terms of a discount on prices in baht."""
    kind = code_pb.PROMO_KIND_PERCENT_DISCOUNT
    stated: dict[str, Any] = {"kind": kind, "credits": 0, "credit_type": "", "currency": "THB"}
    return terms(**stated | {"percent": percent} | fields)


def making(display_code: str = "", of: code_pb.PromoTerms | None = None, **fields: Any) -> pb.CreatePromoCodeRequest:
    """Return the request to make a code; a random one if none is stated."""
    stated = {"request_id": uuid7(), "reason": "a test"} | fields
    return pb.CreatePromoCodeRequest(display_code=display_code, terms=of or terms(), **stated)


def make_code(staff: Any, of: code_pb.PromoTerms | None = None, **fields: Any) -> code_pb.PromoCode:
    """Make a code of which there is no other."""
    answer: pb.CreatePromoCodeResponse = staff.promo.CreatePromoCode(making(of=of, **fields))
    return answer.promo_code


def redeeming(account_id: str, code: str, **fields: Any) -> pb.RedeemPromoCodeRequest:
    """Return the request to redeem a code."""
    return pb.RedeemPromoCodeRequest(account_id=account_id, code=code, **{"request_id": uuid7()} | fields)


def code_now(staff: Any, code: code_pb.PromoCode) -> code_pb.PromoCode:
    """Return a code as it is now."""
    answer: pb.GetPromoCodeResponse = staff.promo.GetPromoCode(pb.GetPromoCodeRequest(name=code.name))
    return answer.promo_code


def ending(code: code_pb.PromoCode, **fields: Any) -> pb.EndPromoCodeRequest:
    """Return the request to end a code."""
    return pb.EndPromoCodeRequest(name=code.name, **{"request_id": uuid7(), "reason": "a test"} | fields)


_CLAIMS = """
SELECT (SELECT used FROM promo_codes WHERE code = %(code)s),
       (SELECT given FROM promo_codes WHERE code = %(code)s),
       count(*), coalesce(sum(value), 0)::bigint, count(*) FILTER (WHERE next_try_time IS NULL)
FROM promo_claims WHERE code = %(code)s
"""

_GRANTS = """
SELECT count(*), coalesce(sum(amount), 0)::bigint, count(DISTINCT account_id) FROM entries
WHERE kind = 3 AND metadata ->> 'promo_code' = %(name)s
"""


def counted(url: str, code: code_pb.PromoCode) -> dict[str, int]:
    """Return what the database holds of a code: its own figures, those of its claims, and those of the ledger."""
    code_id = code.name.removeprefix("promoCodes/")
    with psycopg.connect(url) as connection:
        used, given, claims, claimed, finished = connection.execute(_CLAIMS, {"code": code_id}).fetchone() or ()
        grants, granted, accounts = connection.execute(_GRANTS, {"name": code.name}).fetchone() or ()
    return {
        "used": used,
        "given": given,
        "claims": claims,
        "claimed": claimed,
        "finished": finished,
        "grants": grants,
        "granted": granted,
        "accounts": accounts,
    }


def make_due(url: str) -> None:
    """Have every claim that is not finished looked at now."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE promo_claims SET next_try_time = now() WHERE next_try_time IS NOT NULL")
