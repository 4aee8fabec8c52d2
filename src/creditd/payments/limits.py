"""How much a provider takes at a time, by currency. Amounts are in the smallest unit, as the provider counts it.

A price within these limits may still be refused by the provider: an account's country, its own settings and the payer's
card may be stricter. A price outside of them can never be paid, so it is refused before anybody is asked.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from creditd.domain.provider import Provider

EIGHT_DIGITS: Final = 99_999_999
"""What every provider takes of every currency as far as documented, and the limit where nothing is."""

TWELVE_DIGITS: Final = 999_999_999_999
"""The most that any provider takes of any currency: Stripe, by card."""


class Limits(NamedTuple):
    """The least and the most that is taken at a time, and what every amount has to be a multiple of."""

    minimum: int = 1
    maximum: int = EIGHT_DIGITS
    multiple: int = 1

    def takes(self, amount: int) -> bool:
        """Tell whether an amount can be paid."""
        return self.minimum <= amount <= self.maximum and amount % self.multiple == 0


_STRIPE_LONG: Final = (
    "AMD AOA ARS BIF CDF CLP COP CRC CVE DJF DZD ETB GNF GYD HUF IDR ISK JMD JPY KES KHR KMF KRW KZT LAK LBP LKR LRD "
    "MGA MMK MNT MWK NGN NPR PKR PYG RSD RWF SOS TZS UGX UZS VND VUV XAF XOF XPF YER"
)
"""Currencies of which a dollar buys a hundred and more, where eight digits are little: a card takes twelve of them."""

_STRIPE_MAXIMUM: Final[Mapping[str, int]] = {
    **dict.fromkeys(_STRIPE_LONG.split(), TWELVE_DIGITS),
    "INR": 999_999_999,
}
"""https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts: cards take twelve digits of any currency,
other methods eight, of a few currencies more. Where eight digits are a fortune, a longer price is a slip."""

_STRIPE_MULTIPLE: Final[Mapping[str, int]] = {
    # They have no decimals any more, and are still counted in hundredths.
    "ISK": 100,
    "UGX": 100,
    # They have three decimals, of which the last has to be 0.
    "BHD": 10,
    "JOD": 10,
    "KWD": 10,
    "OMR": 10,
    "TND": 10,
}
"""https://docs.stripe.com/currencies#special-cases"""

_OMISE: Final[Mapping[str, Limits]] = {"THB": Limits(2_000, 15_000_000)}
"""Of an account in Thailand: https://docs.omise.co/currency-and-amount. Other currencies are measured by what they come
to in baht, which changes every day."""


def limits_of(provider: Provider, currency: str) -> Limits:
    """Return how much of a currency a provider takes at a time; ``currency`` is an ISO 4217 code in capitals.

    A currency of which nothing is documented has eight digits.
    """
    if provider is Provider.OMISE:
        return _OMISE.get(currency, Limits())
    # Lemon Squeezy documents none of its own: it takes payments through Stripe. The least that Stripe takes depends on
    # what the account is paid out in and on how the payer pays, and may be 1: Stripe itself refuses what is too little.
    return Limits(1, _STRIPE_MAXIMUM.get(currency, EIGHT_DIGITS), _STRIPE_MULTIPLE.get(currency, 1))


def limits_text(provider: Provider, currency: str) -> str:
    """Say in words how much of a currency a provider takes at a time."""
    limits = limits_of(provider, currency)
    steps = f" in multiples of {limits.multiple}" if limits.multiple > 1 else ""
    return f"{limits.minimum} to {limits.maximum} {currency} by {provider.name}{steps}"
