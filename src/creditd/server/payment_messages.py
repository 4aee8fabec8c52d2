"""Packages, purchases and payment events as messages of credit.v1."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from credit.v1 import (
    money_pb2,
    package_pb2,
    payment_event_pb2,
    purchase_pb2,
    rejected_webhooks_pb2,
    subscription_pb2,
)
from creditd.domain.instant import Instant
from creditd.domain.payments.package import Package
from creditd.domain.payments.payment_event import PaymentEvent, PaymentEventAct, PaymentEventState
from creditd.domain.payments.payment_facts import (
    Direction,
    DisputeStage,
    Fact,
    FactKind,
    FundsStage,
    PaymentStage,
    RefundStage,
)
from creditd.domain.payments.purchase import Purchase, PurchaseChange
from creditd.domain.payments.rejected_webhooks import RejectedWebhooks
from creditd.domain.payments.subscription import Subscription
from creditd.domain.promo.promo_code import promo_code_name
from creditd.domain.resource_names import package_name, payment_event_name
from creditd.server.answer_sizes import PROVIDER_IDS_SHOWN
from creditd.server.credit_messages import number, timestamp
from creditd.storage.payments.payment_events import MOST_COUNTED


def package_message(package: Package) -> package_pb2.Package:
    """Write a package."""
    message = package_pb2.Package(
        name=package_name(package.package_id),
        package_id=package.package_id,
        display_name=package.display_name,
        price=money_pb2.Money(amount=package.amount, currency=package.currency),
        credit_type=package.credit_type,
        credits=package.credits,
        bonus=package.bonus,
        create_time=timestamp(package.create_time),
    )
    if package.retire_time is not None:
        message.retire_time.CopyFrom(timestamp(package.retire_time))
    return message


def package_from(message: package_pb2.Package) -> Package:
    """Read a package that is to be sold; its times are not the caller's to state."""
    return Package(
        message.package_id,
        message.display_name,
        message.price.amount,
        message.price.currency,
        message.credit_type,
        message.credits,
        message.bonus,
        Instant(0),
    )


def purchase_message(purchase: Purchase) -> purchase_pb2.Purchase:
    """Write a purchase."""
    message = purchase_pb2.Purchase(
        name=purchase.name,
        account_id=purchase.account_id,
        package=package_name(purchase.package_id),
        display_name=purchase.display_name,
        price=money_pb2.Money(amount=purchase.amount, currency=purchase.currency),
        credit_type=purchase.credit_type,
        credits=purchase.credits,
        bonus=purchase.bonus,
        provider=number(purchase.provider),
        method=number(purchase.method),
        state=number(purchase.state),
        redirect_url=purchase.redirect_url,
        qr_image_url=purchase.qr_image_url,
        provider_reference=purchase.reference,
        payment_id=purchase.payment_id,
        credits_granted=purchase.granted,
        credits_reversed=purchase.reversed,
        paid_amount=purchase.paid,
        refunded_amount=purchase.refunded,
        disputed_amount=purchase.disputed,
        open_disputes=purchase.open_disputes,
        extra_payment_ids=purchase.extra_payment_ids[:PROVIDER_IDS_SHOWN],
        extra_payment_count=len(purchase.extra_payment_ids),
        extra_amount_left=purchase.extra_left,
        failure_code=purchase.failure_code,
        failure_message=purchase.failure_message,
        live=purchase.live,
        version=purchase.version,
        create_time=timestamp(purchase.create_time),
        update_time=timestamp(purchase.update_time),
        promo_bonus=purchase.promo_bonus,
        promo_given_back=purchase.promo_given_back,
    )
    if purchase.promo_code:
        message.promo_code = promo_code_name(purchase.promo_code)
    if purchase.promo_discount:
        message.discount.CopyFrom(money_pb2.Money(amount=purchase.promo_discount, currency=purchase.currency))
    if purchase.payment_expire_time is not None:
        message.payment_expire_time.CopyFrom(timestamp(purchase.payment_expire_time))
    return message


def change_message(change: PurchaseChange) -> purchase_pb2.PurchaseChange:
    """Write a row of a purchase's history."""
    return purchase_pb2.PurchaseChange(
        version=change.version,
        state=number(change.state),
        credits_granted=change.granted,
        credits_reversed=change.reversed,
        refunded_amount=change.refunded,
        disputed_amount=change.disputed,
        failure_code=change.failure_code,
        actor=change.actor,
        reason=change.reason,
        create_time=timestamp(change.create_time),
    )


def event_message(event: PaymentEvent) -> payment_event_pb2.PaymentEvent:
    """Write a payment event."""
    message = payment_event_pb2.PaymentEvent(
        name=payment_event_name(event.event_id),
        provider=number(event.provider),
        delivery_key=event.delivery_key,
        event_type=event.event_type,
        state=number(event.state),
        problem=event.problem,
        attempts=event.attempts,
        purchase=event.purchase,
        account_id=event.account,
        waits_for=event.waits_for[:PROVIDER_IDS_SHOWN],
        waits_for_count=len(event.waits_for),
        live=event.live,
        receive_time=timestamp(event.receive_time),
        update_time=timestamp(event.update_time),
    )
    if event.next_attempt_time is not None:
        message.next_attempt_time.CopyFrom(timestamp(event.next_attempt_time))
    return message


_STAGES: Final[Mapping[FactKind, type[IntEnum]]] = {
    FactKind.PAYMENT: PaymentStage,
    FactKind.REFUND: RefundStage,
    FactKind.OUTSIDE_REFUND: RefundStage,
    FactKind.REFUND_FAILURE: RefundStage,
    FactKind.DISPUTE_FUNDS: FundsStage,
    FactKind.DISPUTE: DisputeStage,
    FactKind.DISPUTE_TRANSACTION: Direction,
}
"""The stages of those kinds of facts that have some."""


def fact_message(fact: Fact, currency: str) -> payment_event_pb2.PaymentFact:
    """Write what was read in a payment event, whose amounts are in ``currency``; empty if that is not known."""
    stages = _STAGES.get(fact.kind)
    message = payment_event_pb2.PaymentFact(
        kind=number(fact.kind),
        subject=fact.subject,
        stage=stages(fact.stage).name if stages and fact.stage else "",
        amount=fact.amount,
        code=fact.code,
        message=fact.message,
        payment_id=fact.payment,
        currency=currency if fact.amount else "",
    )
    if fact.said_time is not None:
        message.said_time.CopyFrom(timestamp(fact.said_time))
    return message


def count_message(state: PaymentEventState, count: int) -> payment_event_pb2.PaymentEventCount:
    """Write how many payment events there are in a state."""
    return payment_event_pb2.PaymentEventCount(
        state=number(state), count=min(count, MOST_COUNTED), is_minimum=count > MOST_COUNTED
    )


def act_message(act: PaymentEventAct) -> payment_event_pb2.PaymentEventAct:
    """Write what a member of staff did with an event."""
    return payment_event_pb2.PaymentEventAct(
        kind=f"PAYMENT_EVENT_ACT_KIND_{act.act}",
        actor=act.actor,
        reason=act.reason,
        create_time=timestamp(act.create_time),
    )


def rejection_message(rejection: RejectedWebhooks) -> rejected_webhooks_pb2.RejectedWebhooks:
    """Write an hour's count of rejected webhooks."""
    return rejected_webhooks_pb2.RejectedWebhooks(
        provider=number(rejection.provider),
        reason=f"REJECTION_REASON_{rejection.reason.name}",
        hour=timestamp(rejection.hour),
        count=rejection.rejections,
        last_time=timestamp(rejection.last_time),
        last_remote_address=rejection.last_remote_address,
    )


def subscription_message(subscription: Subscription) -> subscription_pb2.Subscription:
    """Write a subscription."""
    message = subscription_pb2.Subscription(
        provider=number(subscription.provider),
        subscription_id=subscription.subscription_id,
        account_id=subscription.account_id,
        status=number(subscription.status),
        keeps_service=subscription.keeps_service,
        live=subscription.live,
        provider_update_time=timestamp(subscription.provider_update_time),
    )
    if subscription.end_time is not None:
        message.end_time.CopyFrom(timestamp(subscription.end_time))
    return message
