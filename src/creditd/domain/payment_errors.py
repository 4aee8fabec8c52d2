"""Refusals about packages, purchases and payment events."""

from creditd.domain.errors import Refusal


class PackageNotFound(Refusal):
    """No such package. Facts: package_id."""

    reason = "PACKAGE_NOT_FOUND"


class PackageExists(Refusal):
    """The package id is taken by a package with other properties. Facts: package_id."""

    reason = "PACKAGE_EXISTS"


class PackageRetired(Refusal):
    """The package is not sold any more. Facts: package_id."""

    reason = "PACKAGE_RETIRED"


class PurchaseNotFound(Refusal):
    """No such purchase on this account. Facts: purchase."""

    reason = "PURCHASE_NOT_FOUND"


class PurchasePaid(Refusal):
    """The purchase is paid, so that it cannot be cancelled. Facts: purchase, state.

    The state is PENDING if the provider has the payment, and its event is still to come.
    """

    reason = "PURCHASE_PAID"


class PurchaseExpired(Refusal):
    """The purchase's time to be paid is over. Facts: purchase."""

    reason = "PURCHASE_EXPIRED"


class PurchaseNotPaid(Refusal):
    """Nothing was paid for the purchase, so that nothing can be taken back. Facts: purchase, state."""

    reason = "PURCHASE_NOT_PAID"


class ProviderNotConfigured(Refusal):
    """The provider is not configured here. Facts: provider."""

    reason = "PROVIDER_NOT_CONFIGURED"


class PaymentNotSupported(Refusal):
    """The provider cannot take this payment.

    Facts: field, rule; where it is the amount also provider, currency, minimum, maximum.
    """

    reason = "PAYMENT_NOT_SUPPORTED"


class ProviderRefused(Refusal):
    """The provider refused. Facts: code, its own, and message, its words."""

    reason = "PROVIDER_REFUSED"


class ProviderUnavailable(Refusal):
    """The provider is out of reach; whether it did what was asked is found out by the next call. Facts: provider."""

    reason = "PROVIDER_UNAVAILABLE"


class WebhookRejected(Refusal):
    """The webhook is not authentic or cannot be read; nothing was stored. Facts: problem."""

    reason = "WEBHOOK_REJECTED"


class PaymentEventNotFound(Refusal):
    """No such payment event. Facts: payment_event."""

    reason = "PAYMENT_EVENT_NOT_FOUND"


class PaymentEventPending(Refusal):
    """The payment event is still tried by itself. Facts: payment_event, state: PENDING or WAITING."""

    reason = "PAYMENT_EVENT_PENDING"


class PaymentEventApplied(Refusal):
    """The payment event is applied. Facts: payment_event."""

    reason = "PAYMENT_EVENT_APPLIED"


class PaymentEventNotOfInterest(Refusal):
    """The payment event says nothing about credits. Facts: payment_event."""

    reason = "PAYMENT_EVENT_NOT_OF_INTEREST"


class PaymentEventDismissed(Refusal):
    """The payment event was put aside before. Facts: payment_event."""

    reason = "PAYMENT_EVENT_DISMISSED"


class AmountExceedsPayment(Refusal):
    """More was to be taken back than is left of the payment. Facts: requested, left."""

    reason = "AMOUNT_EXCEEDS_PAYMENT"
