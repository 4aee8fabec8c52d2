"""Which providers send webhooks here, and which of their headers the service needs to verify them."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from credit.v1.payment_provider_pb2 import PaymentProvider


class Sender(NamedTuple):
    """A provider: its number in the proto, and the headers that are passed on, in small letters."""

    provider: PaymentProvider
    headers: frozenset[str]


SENDERS: Final[Mapping[str, Sender]] = {
    "stripe": Sender(
        PaymentProvider.PAYMENT_PROVIDER_STRIPE,
        frozenset({"content-type", "stripe-signature"}),
    ),
    "omise": Sender(
        PaymentProvider.PAYMENT_PROVIDER_OMISE,
        frozenset({"content-type", "omise-signature", "omise-signature-timestamp"}),
    ),
    "lemonsqueezy": Sender(
        PaymentProvider.PAYMENT_PROVIDER_LEMON_SQUEEZY,
        frozenset({"content-type", "x-signature", "x-event-name"}),
    ),
}
"""By the last part of the path. Nothing else that came along is passed on: cookies and the like are nobody's business.

Sources: https://docs.stripe.com/webhooks/signature, https://docs.omise.co/api-webhooks,
https://docs.lemonsqueezy.com/help/webhooks/webhook-requests.
"""
