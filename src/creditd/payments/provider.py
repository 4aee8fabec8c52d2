"""The interface of every payment provider."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from creditd.domain.instant import Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import Fact
from creditd.domain.payments.provider import PaymentMethod, Provider
from creditd.domain.payments.purchase import PurchaseKey
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.domain.payments.subscription import Subscription


class Order(NamedTuple):
    """A purchase as its provider needs to know it. ``purchase_id`` is also the idempotency key of the call.

    ``reference`` is that of the :class:`Checkout`; empty before there is one. ``token`` is for
    PaymentMethod.CARD_TOKEN, else empty.
    """

    name: PurchaseKey
    price: Money
    description: str
    method: PaymentMethod
    return_url: str
    create_time: Instant
    reference: str = ""
    token: str = ""


class Checkout(NamedTuple):
    """What the payer needs to pay. ``reference`` is the provider's id: of a session, charge, link or checkout."""

    reference: str
    redirect_url: str = ""
    qr_image_url: str = ""
    expire_time: Instant | None = None


class Webhook(NamedTuple):
    """A webhook as it arrived. Names of headers are in small letters."""

    body: bytes
    headers: Mapping[str, str]


class Delivery(NamedTuple):
    """An authentic webhook, to be stored.

    ``key`` is the provider's event id, or the body's SHA-256 in hex where it has none: the same key is the same event.
    ``body`` is JSON text without card numbers; for a provider whose webhooks are hints it holds the object's id alone.
    ``is_of_interest`` is False for events that do not concern credits; they are stored and never applied.
    ``receive_time`` is when it was first stored; None before.
    """

    key: str
    event_type: str
    live: bool
    body: str
    is_of_interest: bool
    receive_time: Instant | None = None


class Report(NamedTuple):
    """A provider's report about one purchase.

    ``references`` are all of the provider's ids that name it, the surest first. ``price`` is what was charged, to be
    compared with our own; None if not reported (a refund). ``currency`` is that of all amounts in the facts, empty
    where these hold none. ``checkout`` is the provider's id of what was paid at, empty where it does not say: it has to
    be what was made for the purchase. ``misfit`` says why it cannot be what was sold, empty where it can: what is known
    to have paid the purchase is still told of, and nothing else.

    Of ``facts``, those about refunds and disputes come after the payment that they are of; where there is none, the
    first reference is that payment.

    ``attempt`` is the provider's id of the attempt to pay that has failed, where one payment may fail several times;
    None where another report tells of the attempt.
    ``said_time`` is when it was so by the provider's clock, if the report says no other time; None if not known.

    ``is_ours`` says that it belongs to us whether or not it names a purchase: it is of a product that only we sell.
    ``suggested`` is a purchase that it may be for by something that proves nothing and that nobody promises; a person
    may say that it is so. What is not ``is_final`` may change without another word: a payment that is not made yet, a
    refund that is on its way.
    """

    provider: Provider
    live: bool
    references: tuple[str, ...]
    purchase: PurchaseKey | None
    price: Money | None
    facts: tuple[Fact, ...]
    currency: str = ""
    checkout: str = ""
    misfit: str = ""
    is_ours: bool = False
    suggested: PurchaseKey | None = None
    is_final: bool = True
    attempt: str | None = ""
    said_time: Instant | None = None


class Names(NamedTuple):
    """The ids in a delivery: the provider's, and our own. They prove nothing."""

    references: tuple[str, ...]
    account_id: str = ""
    purchase: PurchaseKey | None = None


Said = Report | Subscription
"""What an event, or a query at the provider, may report."""


class InvalidWebhook(Exception):
    """A webhook that is not authentic or cannot be read; nothing is stored of it.

    The text says more, and nothing that the sender wrote.
    """

    def __init__(self, reason: RejectionReason, text: str) -> None:
        """Keep the reason."""
        super().__init__(text)
        self.reason = reason


class CallFailed(Exception):
    """The provider cannot be reached, is slow or busy. The request may have been carried out: query, then retry."""


class CallRefused(Exception):
    """The provider refused, and nothing was done. ``code`` is the provider's own."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the provider's code and message."""
        super().__init__(text)
        self.code = code


class ReportMismatch(Exception):
    """The report contradicts what is stored (mode, amount, currency). It needs review by staff."""


class Unsigned(Protocol):
    """How unsigned deliveries of a provider are handled: anybody may have sent them.

    The ``key`` of each is the id of its subject, so that any number of them about one subject count as one.
    """

    def about(self, delivery: Delivery, reference: str) -> Delivery:
        """Return a delivery that is only about one of the references that it names."""

    async def is_real(self, delivery: Delivery) -> bool:
        """Ask the provider, by one call, whether the subject of a delivery exists. Raises CallFailed."""


class PaymentProvider(Protocol):
    """A provider, in test or live mode. Calls have time limits, and are retried where that is safe (requirement E8)."""

    provider: Provider
    live: bool
    methods: frozenset[PaymentMethod]
    returning: frozenset[PaymentMethod]
    """The methods that need a return URL for the payer."""
    currencies: frozenset[str] | None
    """The currencies that it takes here; None for any."""
    hints: bool
    """Whether its webhooks are hints: the subject is read back from the provider, repeatedly while it may change."""
    unsigned: Unsigned | None
    """How unsigned deliveries are handled; None if all are signed."""

    def receive(self, webhook: Webhook, now: Instant) -> Delivery:
        """Verify a webhook. Depends on the arguments and the secrets alone. Raises InvalidWebhook."""

    def names(self, delivery: Delivery) -> Names:
        """Return the ids in a stored delivery. Makes no call and raises no error."""

    async def interpret(self, delivery: Delivery) -> Said | None:
        """Return the report in a stored delivery; a hint's subject is read back from the provider.

        None if it does not concern credits. Raises ReportMismatch, CallFailed.
        """

    async def begin(self, order: Order) -> Checkout:
        """Ask for a payment. Raises CallRefused; CallFailed if the outcome is unknown."""

    async def look_up(self, order: Order) -> Checkout | None:
        """Find the checkout of an earlier ``begin`` with an unknown outcome; None if there is none.

        Raises CallFailed.
        """

    async def cancel(self, order: Order) -> None:
        """Have the provider take no payment for it any more; do nothing if the provider cannot do that.

        Raises CallRefused if it is paid already, CallFailed.
        """

    async def inspect(self, order: Order) -> Sequence[Report]:
        """Report the state of a purchase at the provider. Raises CallFailed."""

    def recent(self, since: Instant) -> AsyncIterator[Said]:
        """Report all that happened at the provider since an instant. Raises CallFailed."""

    async def close(self) -> None:
        """Close the connections."""
