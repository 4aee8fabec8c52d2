"""Payment providers and payment methods."""

from enum import IntEnum


class Provider(IntEnum):
    """The company that takes the payment. The numbers are those of the proto and of the rows."""

    STRIPE = 1
    OMISE = 2
    LEMON_SQUEEZY = 3


class PaymentMethod(IntEnum):
    """How the payer pays. The numbers are those of the proto and of the rows."""

    CHECKOUT = 1
    """A page at the provider: Stripe Checkout, Lemon Squeezy checkout."""
    PROMPTPAY = 2
    """Omise: a QR code."""
    CARD_TOKEN = 3
    """Omise: a card that the browser turned into a token at the provider; we never see its number."""
    LINK = 4
    """Omise: a payment link."""
