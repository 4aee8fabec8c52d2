"""Subscriptions that an account has with a provider, as far as it has told of them."""

from typing import Final

from credit.v1.payment_admin_service_pb2 import ListSubscriptionsRequest
from credit.v1.payment_provider_pb2 import PaymentProvider
from credit.v1.subscription_pb2 import SubscriptionStatus
from creditd.console.shapes.list_page import ListColumn, ListPage

SUBSCRIPTIONS: Final = ListPage(
    "subscriptions",
    "/accounts/{account_id}/subscriptions",
    "accounts.search",
    lambda stubs: stubs.payment_admin.ListSubscriptions,
    ListSubscriptionsRequest,
    "subscriptions",
    (
        ListColumn("provider", lambda write, one: write.word(PaymentProvider, one.provider)),
        ListColumn("subscription", lambda write, one: write.identifier(one.subscription_id)),
        ListColumn("state", lambda write, one: write.state(SubscriptionStatus, one.status)),
        ListColumn("keeps_service", lambda write, one: write.yes_or_no(is_so=one.keeps_service)),
        ListColumn("until", lambda write, one: write.time(one.end_time)),
        ListColumn("money", lambda write, one: write.mode(is_live=one.live)),
        ListColumn("changed", lambda write, one: write.time(one.provider_update_time)),
    ),
)
