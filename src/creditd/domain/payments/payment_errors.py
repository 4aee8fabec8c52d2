"""Refusals about packages, purchases and payment events."""

from creditd.domain.errors import Refusal


class PackageNotFound(Refusal):
    """The package does not exist. Facts: package_id."""

    reason = "PACKAGE_NOT_FOUND"


class PackageExists(Refusal):
    """The package exists already, with other properties. Facts: package_id."""

    reason = "PACKAGE_EXISTS"


class PackageRetired(Refusal):
    """The package is no longer sold. Facts: package_id."""

    reason = "PACKAGE_RETIRED"


class PurchaseNotFound(Refusal):
    """The account has no such purchase. Facts: purchase."""

    reason = "PURCHASE_NOT_FOUND"


class PurchasePaid(Refusal):
    """The purchase is paid and cannot be cancelled. Facts: purchase, state.

    The state is PENDING while the provider has the payment, but its event has not arrived yet.
    """

    reason = "PURCHASE_PAID"


class PurchaseExpired(Refusal):
    """The purchase expired before it was paid. Facts: purchase."""

    reason = "PURCHASE_EXPIRED"


class PurchaseNotRefunded(Refusal):
    """Nothing was given back of the purchase's payment. Facts: purchase, state."""

    reason = "PURCHASE_NOT_REFUNDED"


class PurchaseNotPaid(Refusal):
    """The purchase has not been paid, so there is nothing to reverse. Facts: purchase, state."""

    reason = "PURCHASE_NOT_PAID"


class ProviderNotConfigured(Refusal):
    """This server is not configured for the provider. Facts: provider."""

    reason = "PROVIDER_NOT_CONFIGURED"


class PaymentNotSupported(Refusal):
    """The provider cannot take this payment.

    Facts: field, rule; where it is the amount also provider, currency, minimum, maximum.
    """

    reason = "PAYMENT_NOT_SUPPORTED"
    amounts = ("minimum", "maximum")


class ProviderRefused(Refusal):
    """The provider refused the payment. Facts: code and message, the provider's own."""

    reason = "PROVIDER_REFUSED"


class ProviderUnavailable(Refusal):
    """The provider cannot be reached; a repeated call finds out whether it did what was asked. Facts: provider."""

    reason = "PROVIDER_UNAVAILABLE"


class WebhookRejected(Refusal):
    """The webhook is not authentic, or cannot be parsed; nothing was stored. Facts: problem."""

    reason = "WEBHOOK_REJECTED"


class PaymentEventNotFound(Refusal):
    """The payment event does not exist. Facts: payment_event."""

    reason = "PAYMENT_EVENT_NOT_FOUND"


class PaymentEventPending(Refusal):
    """The payment event is still being processed automatically. Facts: payment_event, state: PENDING or WAITING."""

    reason = "PAYMENT_EVENT_PENDING"


class PaymentEventApplied(Refusal):
    """The payment event is already applied. Facts: payment_event."""

    reason = "PAYMENT_EVENT_APPLIED"


class PaymentEventNotOfInterest(Refusal):
    """The payment event does not concern credits. Facts: payment_event."""

    reason = "PAYMENT_EVENT_NOT_OF_INTEREST"


class PaymentEventDismissed(Refusal):
    """The payment event is already dismissed. Facts: payment_event."""

    reason = "PAYMENT_EVENT_DISMISSED"


class AmountExceedsPayment(Refusal):
    """The amount is more than is left of the payment. Facts: currency, requested, left."""

    reason = "AMOUNT_EXCEEDS_PAYMENT"
    amounts = ("requested", "left")
