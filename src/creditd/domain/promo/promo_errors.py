"""Refusals about promo codes."""

from creditd.domain.errors import Refusal


class PromoNotFound(Refusal):
    """There is no such promo code. What was typed is not repeated."""

    reason = "PROMO_NOT_FOUND"


class PromoExpired(Refusal):
    """The promo code's time is over, or it was ended. Facts: promo_code, end_time."""

    reason = "PROMO_EXPIRED"


class PromoExhausted(Refusal):
    """The promo code was used as often as it may be. Facts: promo_code, limit."""

    reason = "PROMO_EXHAUSTED"


class PromoAlreadyUsed(Refusal):
    """The account has used the promo code as often as it may. Facts: promo_code, limit."""

    reason = "PROMO_ALREADY_USED"


class PromoNotApplicable(Refusal):
    """The promo code does not fit what it was used for. Facts: promo_code, problem."""

    reason = "PROMO_NOT_APPLICABLE"


class PromoCodeExists(Refusal):
    """There is a promo code that reads the same. Facts: promo_code."""

    reason = "PROMO_CODE_EXISTS"


class PromoAttemptsLimited(Refusal):
    """The account has tried too many codes that do not exist. Facts: limit, retry_seconds."""

    reason = "PROMO_ATTEMPTS_LIMITED"
