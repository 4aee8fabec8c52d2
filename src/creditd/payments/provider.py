"""What every provider offers, whichever it is: the one face that the service sees."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from creditd.domain.instant import Instant
from creditd.domain.package import Money
from creditd.domain.payment_facts import Fact
from creditd.domain.provider import PaymentMethod, Provider
from creditd.domain.purchase import PurchaseKey
from creditd.domain.rejected_webhooks import RejectionReason
from creditd.domain.subscription import Subscription


class Order(NamedTuple):
    """A purchase as the provider needs to know it. ``purchase_id`` is also the idempotency key of the call.

    ``reference`` is what :class:`Checkout` said, empty before. ``token`` is for PaymentMethod.CARD_TOKEN, else empty.
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
    """What the payer needs. ``reference`` is the provider's id for it: session, charge, link or checkout."""

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
    ``is_of_interest`` is False for events that mean nothing to credits; they are stored and never applied.
    ``receive_time`` is when it was stored first, None before.
    """

    key: str
    event_type: str
    live: bool
    body: str
    is_of_interest: bool
    receive_time: Instant | None = None


class Report(NamedTuple):
    """What a provider says of one purchase.

    ``references`` are all of the provider's ids that name it, the surest first. ``price`` is what was charged, to be
    held against our own; None where nothing is said of it (a refund). ``currency`` is that of all amounts in the facts,
    empty where these hold none. ``checkout`` is the provider's id of what was paid at, empty where it does not say: it
    has to be what was made for the purchase. ``misfit`` says why it cannot be what was sold, empty where it can: what
    is known to have paid the purchase is still told of, and nothing else.

    Of ``facts``, those about refunds and disputes come after the payment that they are of; where there is none, the
    first reference is that payment.

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


class Names(NamedTuple):
    """What a delivery is about, as far as it says so itself: the provider's ids, and our own. It proves nothing."""

    references: tuple[str, ...]
    account_id: str = ""
    purchase: PurchaseKey | None = None


Said = Report | Subscription
"""What an event, or a look at the provider, may tell."""


class InvalidWebhook(Exception):
    """A webhook that is not authentic or cannot be read; nothing is stored of it.

    The text says more, and nothing that the sender wrote.
    """

    def __init__(self, reason: RejectionReason, text: str) -> None:
        """Remember why."""
        super().__init__(text)
        self.reason = reason


class CallFailed(Exception):
    """The provider is out of reach, slow or busy. What was asked may or may not have been done: look, then repeat."""


class CallRefused(Exception):
    """The provider refused, and nothing was done. ``code`` is the provider's own."""

    def __init__(self, code: str, text: str) -> None:
        """Remember the provider's code and words."""
        super().__init__(text)
        self.code = code


class ReportMismatch(Exception):
    """Something is said that does not fit, such as another mode; it is for a person to look at."""


class Unsigned(Protocol):
    """What is done with the deliveries of a provider that signs none: anybody may have sent them.

    The ``key`` of each is what it is about, so that any number of them about the same thing are one.
    """

    def about(self, delivery: Delivery, reference: str) -> Delivery:
        """Return a delivery that is about a reference alone, one of those that it names."""

    async def is_real(self, delivery: Delivery) -> bool:
        """Ask the provider, by one call, whether there is what a delivery is about. Raises CallFailed."""


class PaymentProvider(Protocol):
    """One provider, in one mode. Its calls have time limits, and retries where a repeat is safe (requirement E8)."""

    provider: Provider
    live: bool
    methods: frozenset[PaymentMethod]
    returning: frozenset[PaymentMethod]
    """The ways to pay for which it needs an address that the payer comes back to."""
    currencies: frozenset[str] | None
    """The currencies it takes here; None for any."""
    hints: bool
    """Whether its webhooks are hints, each read back from the provider, and again as long as that may change."""
    unsigned: Unsigned | None
    """What is done with deliveries that anybody may have sent; None where each is signed."""

    def receive(self, webhook: Webhook, now: Instant) -> Delivery:
        """Verify a webhook. Pure but for the secrets. Raises InvalidWebhook."""

    def names(self, delivery: Delivery) -> Names:
        """Say what a stored delivery is about, without asking anybody and without an error."""

    async def interpret(self, delivery: Delivery) -> Said | None:
        """Say what a stored delivery tells, reading it back from the provider where a webhook is but a hint.

        None if it tells nothing about credits. Raises ReportMismatch, CallFailed.
        """

    async def begin(self, order: Order) -> Checkout:
        """Ask for a payment. Raises CallRefused, and CallFailed when its outcome is unknown."""

    async def look_up(self, order: Order) -> Checkout | None:
        """Find what an earlier ``begin`` with an unknown outcome made; None if it made nothing.

        Raises CallFailed.
        """

    async def cancel(self, order: Order) -> None:
        """Have the provider take no payment for it any more. Returns also where that cannot be asked for.

        Raises CallRefused if it is paid already, CallFailed.
        """

    async def inspect(self, order: Order) -> Sequence[Report]:
        """Say where a purchase stands at the provider. Raises CallFailed."""

    def recent(self, since: Instant) -> AsyncIterator[Said]:
        """Say all that happened at the provider since an instant. Raises CallFailed."""

    async def close(self) -> None:
        """Close the connections."""
