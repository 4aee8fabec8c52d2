"""How much a provider takes at a time: by currency, each table as its source has it."""

import pytest

from creditd.domain.payments.provider import Provider
from creditd.payments.limits import EIGHT_DIGITS, TWELVE_DIGITS, limits_of, limits_text


@pytest.mark.parametrize(
    ("provider", "currency", "expected"),
    [
        (Provider.STRIPE, "USD", (1, EIGHT_DIGITS, 1)),
        (Provider.STRIPE, "THB", (1, EIGHT_DIGITS, 1)),
        (Provider.STRIPE, "IDR", (1, TWELVE_DIGITS, 1)),
        (Provider.STRIPE, "JPY", (1, TWELVE_DIGITS, 1)),
        (Provider.STRIPE, "VND", (1, TWELVE_DIGITS, 1)),
        (Provider.STRIPE, "INR", (1, 999_999_999, 1)),
        (Provider.STRIPE, "KWD", (1, EIGHT_DIGITS, 10)),
        (Provider.STRIPE, "UGX", (1, TWELVE_DIGITS, 100)),
        (Provider.STRIPE, "QQQ", (1, EIGHT_DIGITS, 1)),
        (Provider.OMISE, "THB", (2_000, 15_000_000, 1)),
        (Provider.OMISE, "USD", (1, EIGHT_DIGITS, 1)),
        (Provider.LEMON_SQUEEZY, "USD", (1, EIGHT_DIGITS, 1)),
        (Provider.LEMON_SQUEEZY, "IDR", (1, TWELVE_DIGITS, 1)),
    ],
)
def test_the_limits_are_those_of_the_currency_at_the_provider(
    provider: Provider, currency: str, expected: tuple[int, int, int]
) -> None:
    limits = limits_of(provider, currency)
    assert limits == expected
    least, most, multiple = expected
    least = -(-least // multiple) * multiple
    most = most // multiple * multiple
    assert limits.takes(least)
    assert limits.takes(most)
    assert not limits.takes(least - multiple)
    assert not limits.takes(most + multiple)


def test_what_has_no_last_decimal_at_stripe_is_counted_in_multiples() -> None:
    assert not limits_of(Provider.STRIPE, "KWD").takes(5_124)
    assert limits_of(Provider.STRIPE, "KWD").takes(5_120)
    assert limits_text(Provider.STRIPE, "ISK") == "0.01 to 9999999999.99 ISK by STRIPE in multiples of 1.00"
