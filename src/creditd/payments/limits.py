"""The amounts that a provider takes in one payment, by currency, in the smallest unit as the provider counts it.

A price within the limits may still be refused by the provider: an account's country, its settings and the payer's card
may be stricter. A price outside them can never be paid, so it is refused before the provider is asked.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from creditd.csv_cells import plain_amount
from creditd.currencies import money_decimals
from creditd.domain.payments.provider import Provider

EIGHT_DIGITS: Final = 99_999_999
"""The largest amount that every provider takes in every documented currency, and the limit for others."""

TWELVE_DIGITS: Final = 999_999_999_999
"""The largest amount that any provider takes in any currency: Stripe's, by card."""


class Limits(NamedTuple):
    """The least and the largest amount of one payment, and the unit that amounts must be a multiple of."""

    minimum: int = 1
    maximum: int = EIGHT_DIGITS
    multiple: int = 1

    def takes(self, amount: int) -> bool:
        """Tell whether an amount is within the limits."""
        return self.minimum <= amount <= self.maximum and amount % self.multiple == 0


_STRIPE_LONG: Final = (
    "AMD AOA ARS BIF CDF CLP COP CRC CVE DJF DZD ETB GNF GYD HUF IDR ISK JMD JPY KES KHR KMF KRW KZT LAK LBP LKR LRD "
    "MGA MMK MNT MWK NGN NPR PKR PYG RSD RWF SOS TZS UGX UZS VND VUV XAF XOF XPF YER"
)
"""Currencies with a hundred units or more to the dollar, in which eight digits are little: cards take twelve."""

_STRIPE_MAXIMUM: Final[Mapping[str, int]] = {
    **dict.fromkeys(_STRIPE_LONG.split(), TWELVE_DIGITS),
    "INR": 999_999_999,
}
"""https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts: cards take twelve digits in any currency,
other methods eight, and more in a few currencies. Where eight digits are a fortune, a longer price is a mistake."""

_STRIPE_MULTIPLE: Final[Mapping[str, int]] = {
    # They no longer have decimals, but are still counted in hundredths.
    "ISK": 100,
    "UGX": 100,
    # They have three decimals, of which the last must be 0.
    "BHD": 10,
    "JOD": 10,
    "KWD": 10,
    "OMR": 10,
    "TND": 10,
}
"""https://docs.stripe.com/currencies#special-cases"""

_OMISE: Final[Mapping[str, Limits]] = {"THB": Limits(2_000, 15_000_000)}
"""Of an account in Thailand: https://docs.omise.co/currency-and-amount. Limits in other currencies depend on the
exchange rate to baht."""


def limits_of(provider: Provider, currency: str) -> Limits:
    """Return the limits of a provider in a currency; ``currency`` is an ISO 4217 code in capitals.

    An undocumented currency has eight digits.
    """
    if provider is Provider.OMISE:
        return _OMISE.get(currency, Limits())
    # Lemon Squeezy documents no limits of its own: it takes payments through Stripe. Stripe's minimum depends on the
    # payout currency and on the method, and may be 1; Stripe itself refuses what is too little.
    return Limits(1, _STRIPE_MAXIMUM.get(currency, EIGHT_DIGITS), _STRIPE_MULTIPLE.get(currency, 1))


def limits_text(provider: Provider, currency: str) -> str:
    """Return the limits of a provider in a currency, in words, with amounts as people write them."""
    limits = limits_of(provider, currency)
    decimals = money_decimals(currency)
    minimum, maximum, multiple = (
        plain_amount(amount, decimals) for amount in (limits.minimum, limits.maximum, limits.multiple)
    )
    steps = f" in multiples of {multiple}" if limits.multiple > 1 else ""
    return f"{minimum} to {maximum} {currency} by {provider.name}{steps}"
