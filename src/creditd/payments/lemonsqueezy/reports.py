"""What Lemon Squeezy's objects say: its orders of purchases, its subscriptions of the unlimited plan. Pure.

The objects are JSON:API resources: https://docs.lemonsqueezy.com/api/orders/the-order-object and
https://docs.lemonsqueezy.com/api/subscriptions/the-subscription-object. Whatever is not as it says there is
ReportMismatch.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from creditd.domain.instant import Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import Fact, FactKind, FundsStage, PaymentStage
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import PurchaseKey
from creditd.domain.payments.subscription import Subscription, SubscriptionStatus
from creditd.payments.documents import UUID, amount_in, instant_in, mapping
from creditd.payments.provider import Report, ReportMismatch

MAX_ID_DIGITS = 20
"""Of its numbers: what an unsigned integer of 64 bits has."""

_ID = re.compile(rf"[0-9]{{1,{MAX_ID_DIGITS}}}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_STATUSES: Mapping[Any, SubscriptionStatus] = {status.name.lower(): status for status in SubscriptionStatus}


class Resource(NamedTuple):
    """A JSON:API resource object; ``resource_id`` is a number, or a checkout's UUID."""

    kind: str
    resource_id: str
    attributes: Mapping[str, Any]


def resource(said: Any) -> Resource:
    """Read a resource object. Raises ReportMismatch."""
    document = mapping(said)
    kind, resource_id, attributes = document.get("type"), document.get("id"), document.get("attributes")
    if not isinstance(kind, str) or not isinstance(resource_id, str) or not isinstance(attributes, dict):
        raise ReportMismatch("it is no JSON:API resource")
    if not (_ID.fullmatch(resource_id) or UUID.fullmatch(resource_id)):
        raise ReportMismatch("its id is none of Lemon Squeezy's")
    return Resource(kind, resource_id, attributes)


def is_live(*said: Mapping[str, Any]) -> bool:
    """Tell whether it is about real money: something says that it is no test, and nothing says that it is one.

    ``test_mode`` stands in the object, in the event's meta, and in an order's first item; older payloads lack some.
    """
    modes = [part["test_mode"] for part in said if "test_mode" in part]
    return bool(modes) and all(mode is False for mode in modes)


def time_of(said: Resource, name: str) -> Instant:
    """Return a time that has to be there. Raises ReportMismatch."""
    time = instant_in(said.attributes, name)
    if time is None:
        raise ReportMismatch(f"{name} is missing")
    return time


def variant_id_of(order: Resource) -> str:
    """Return what was bought: the variant of an order's first item."""
    return str(mapping(order.attributes.get("first_order_item")).get("variant_id", ""))


def order_reference(order: Resource) -> str:
    """Return our name of an order. The plain number would be a subscription's, too."""
    return f"order:{order.resource_id}"


def order_report(
    order: Resource,
    *,
    live: bool,
    purchase: PurchaseKey | None,
    references: Sequence[str],
    variant_id: str,
    receive_time: Instant | None = None,
) -> Report:
    """Say what an order tells of a purchase; ``references`` are what else it is known to belong to.

    Raises ReportMismatch.

    ``variant_id`` is the product that sells credits: an order of another one is a misfit.

    An order that is still pending has no facts. The price is what was asked for before taxes that came on top of it,
    the amount paid and refunded is with them: a refund is a share of the whole. An order may change in any way: what it
    was last updated to counts.
    """
    subject = order_reference(order)
    identifier = order.attributes.get("identifier")
    known_as = [identifier] if isinstance(identifier, str) and UUID.fullmatch(identifier) else []
    said_time = _update_time(order)
    facts = tuple(
        fact if fact.kind == FactKind.PAYMENT else fact._replace(said_time=said_time, receive_time=receive_time)
        for fact in _order_facts(order, subject)
    )
    is_paid = any(fact.kind == FactKind.PAYMENT and fact.stage == PaymentStage.PAID for fact in facts)
    return Report(
        Provider.LEMON_SQUEEZY,
        live,
        (subject, *references, *known_as),
        purchase,
        _price(order) if is_paid else None,
        facts,
        currency=_currency(order),
        misfit=_misfit(order, variant_id),
    )


def _update_time(order: Resource) -> Instant | None:
    """Return when an order was last updated. One that does not say so pays all the same."""
    try:
        return instant_in(order.attributes, "updated_at")
    except ReportMismatch:
        return None


def _misfit(order: Resource, variant_id: str) -> str:
    """Say why an order is not one of the credits' own product, of one of it, at the price asked for."""
    found, quantity = variant_id_of(order), mapping(order.attributes.get("first_order_item")).get("quantity", 1)
    if found != variant_id:
        return f"the order is of variant {found[:MAX_ID_DIGITS] or 'none'}, which sells no credits"
    if quantity != 1:
        return "the order is not of a quantity of one"
    return "the order is at a discount" if order.attributes.get("discount_total") else ""


def _order_facts(order: Resource, subject: str) -> tuple[Fact, ...]:
    total = amount_in(order.attributes, "total")
    match order.attributes.get("status"):
        case "pending":
            return ()
        case "failed":
            return (Fact(FactKind.PAYMENT, subject, PaymentStage.FAILED, total, "failed"),)
        case "fraudulent":
            # The money will not stay with us. Had it been said to be paid, all of it counts as taken back.
            failed = Fact(FactKind.PAYMENT, subject, PaymentStage.FAILED, total, "fraudulent")
            return failed, Fact(FactKind.DISPUTE_FUNDS, subject, FundsStage.WITHDRAWN, total)
        case "paid" | "refunded" | "partial_refund":
            return (
                Fact(FactKind.PAYMENT, subject, PaymentStage.PAID, total),
                Fact(FactKind.REFUND_TOTAL, subject, 0, _refunded(order, total)),
                # Had it been held to be fraudulent, it is not any more.
                Fact(FactKind.DISPUTE_FUNDS, subject, FundsStage.UNTOUCHED, total),
            )
        case _:
            raise ReportMismatch("the order's status is not known")


def _refunded(order: Resource, total: int) -> int:
    """Return all that was refunded so far. Payloads from before partial refunds only say whether it was."""
    attributes = order.attributes
    if attributes.get("status") == "refunded":
        return total
    if attributes.get("refunded_amount") is not None:
        return amount_in(order.attributes, "refunded_amount")
    if attributes.get("status") == "partial_refund":
        raise ReportMismatch("a part was refunded, and it is not said how much")
    return total if attributes.get("refunded") or attributes.get("refunded_at") else 0


def _price(order: Resource) -> Money:
    """Return what was charged for the thing itself.

    Stores either put taxes on top of their prices or have them in there. What is left of the total is our own price in
    both, unless a discount, another quantity or a set-up fee changed it. Older payloads do not say which,
    and then taxes were on top.
    """
    attributes, total = order.attributes, amount_in(order.attributes, "total")
    amount = total if attributes.get("tax_inclusive") is True else total - amount_in(order.attributes, "tax")
    return Money(amount, _currency(order))


def _currency(order: Resource) -> str:
    currency = order.attributes.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise ReportMismatch("the order's currency is none")
    return currency


def subscription_of(said: Resource, *, live: bool, account_id: str, is_plan: bool) -> Subscription:
    """Read a subscription; one that is not, or no longer, to a plan of ours has expired for us.

    Raises ReportMismatch.
    """
    status = _STATUSES.get(said.attributes.get("status"))
    if status is None:
        raise ReportMismatch("the subscription's status is not known")
    mode = mapping(said.attributes.get("pause")).get("mode")
    return Subscription(
        provider=Provider.LEMON_SQUEEZY,
        live=live,
        subscription_id=said.resource_id,
        account_id=account_id,
        status=status if is_plan else SubscriptionStatus.EXPIRED,
        # "void" is a pause of the service, "free" one of the payments alone.
        keeps_service=status is SubscriptionStatus.PAUSED and mode == "free",
        end_time=instant_in(said.attributes, "ends_at"),
        provider_update_time=time_of(said, "updated_at"),
    )
