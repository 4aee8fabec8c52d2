"""Payment providers, and how payers pay by them."""

from enum import IntEnum


class Provider(IntEnum):
    """Who takes the payment. The numbers are those of the proto and of the rows."""

    STRIPE = 1
    OMISE = 2
    LEMON_SQUEEZY = 3


class PaymentMethod(IntEnum):
    """How the payer pays. The numbers are those of the proto and of the rows."""

    CHECKOUT = 1
    """A page of the provider's: Stripe Checkout, Lemon Squeezy checkout."""
    PROMPTPAY = 2
    """Omise: a QR code."""
    CARD_TOKEN = 3
    """Omise: a card that the browser turned into a token at the provider; its number never comes here."""
    LINK = 4
    """Omise: a payment link."""
