"""The tables of payments, as SQLAlchemy Core sees them; the migrations make them, and a test holds the two together.

``purchases``, their facts and changes, and ``subscriptions`` are account data. ``payment_references``,
``payment_events`` and ``payment_hints`` are kept by what providers call things, since that is all that is known when a
webhook arrives.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from creditd.storage.tables import metadata
from creditd.storage.types import InstantColumn

_KEY = Text(collation="C")

packages = Table(
    "packages",
    metadata,
    Column("package_id", _KEY, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("bonus", BigInteger, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("retire_time", InstantColumn),
    PrimaryKeyConstraint("package_id", name="packages_pkey"),
    ForeignKeyConstraint(["credit_type"], ["credit_types.code"], name="packages_credit_type"),
    CheckConstraint("amount > 0 AND credits > 0 AND bonus >= 0", name="packages_amounts"),
    Index("packages_on_sale", "package_id", postgresql_where=text("retire_time IS NULL")),
)

purchases = Table(
    "purchases",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("purchase_id", UUID(as_uuid=False), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("request_id", _KEY, nullable=False),
    Column("fingerprint", BigInteger, nullable=False),
    Column("provider", SmallInteger, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("method", SmallInteger, nullable=False),
    Column("return_url", Text, nullable=False),
    Column("package_id", _KEY, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("currency", _KEY, nullable=False),
    Column("credit_type", _KEY, nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("bonus", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("reference", Text, nullable=False),
    Column("redirect_url", Text, nullable=False),
    Column("qr_image_url", Text, nullable=False),
    Column("payment_expire_time", InstantColumn),
    Column("payment_id", Text, nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("reversed", BigInteger, nullable=False),
    Column("grant_ids", ARRAY(UUID(as_uuid=False)), nullable=False),
    Column("paid", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("disputed", BigInteger, nullable=False),
    Column("open_disputes", Integer, nullable=False),
    Column("failure_code", Text, nullable=False),
    Column("failure_message", Text, nullable=False),
    Column("ask_end_time", InstantColumn, comment="until when somebody is asking the provider; null before the first"),
    Column("polls", Integer, nullable=False),
    Column("next_poll_time", InstantColumn),
    Column("create_time", InstantColumn, nullable=False),
    Column("update_time", InstantColumn, nullable=False),
    Column("extra_payment_ids", ARRAY(Text), nullable=False, server_default="{}"),
    Column(
        "extra_left",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="of extra payments, to be given back",
    ),
    Column("promo_code", _KEY, nullable=False, server_default=""),
    Column(
        "promo_discount",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="how much less than the package the amount is",
    ),
    Column(
        "promo_bonus",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="how much of the bonus is the code's",
    ),
    Column("promo_given_back", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("account_id", "purchase_id", name="purchases_pkey"),
    UniqueConstraint("account_id", "request_id", name="purchases_request"),
    CheckConstraint("provider BETWEEN 1 AND 3", name="purchases_provider"),
    CheckConstraint("state BETWEEN 1 AND 7", name="purchases_state"),
    CheckConstraint("amount > 0 AND credits > 0 AND bonus >= 0", name="purchases_amounts"),
    CheckConstraint("granted IN (0, credits + bonus) AND reversed BETWEEN 0 AND granted", name="purchases_granted"),
    CheckConstraint("refunded BETWEEN 0 AND paid AND disputed >= 0", name="purchases_returned"),
    CheckConstraint("(granted > 0) = (payment_id <> '')", name="purchases_payment"),
    Index("purchases_by_state", "account_id", "state", "purchase_id"),
    Index("purchases_disputed", "account_id", postgresql_where=text("open_disputes > 0")),
    CheckConstraint("extra_left >= 0", name="purchases_extra"),
    Index("purchases_polls", "provider", "next_poll_time", postgresql_where=text("next_poll_time IS NOT NULL")),
    Index("purchases_overpaid", "account_id", postgresql_where=text("extra_left > 0")),
    # Of the text, so that no statement that names the account as well is tempted to go by it.
    Index("purchases_by_id", text("((purchase_id)::text)")),
)

purchase_facts = Table(
    "purchase_facts",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("purchase_id", UUID(as_uuid=False), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("subject", _KEY, nullable=False),
    Column("stage", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("said_time", InstantColumn, comment="when it was so by the provider's clock; null where it does not say"),
    Column("receive_time", InstantColumn, comment="when we were told; null where it was read and not told"),
    Column("payment", _KEY, nullable=False, server_default="", comment="the payment that a refund or dispute is about"),
    PrimaryKeyConstraint("account_id", "purchase_id", "kind", "subject", name="purchase_facts_pkey"),
    ForeignKeyConstraint(
        ["account_id", "purchase_id"], ["purchases.account_id", "purchases.purchase_id"], name="purchase_facts_purchase"
    ),
    CheckConstraint("kind BETWEEN 1 AND 10 AND amount >= 0", name="purchase_facts_kinds"),
    Index("purchase_facts_subject", "account_id", "kind", "subject"),
)

purchase_changes = Table(
    "purchase_changes",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("purchase_id", UUID(as_uuid=False), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("reversed", BigInteger, nullable=False),
    Column("refunded", BigInteger, nullable=False),
    Column("disputed", BigInteger, nullable=False),
    Column("failure_code", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "purchase_id", "version", name="purchase_changes_pkey"),
    ForeignKeyConstraint(
        ["account_id", "purchase_id"],
        ["purchases.account_id", "purchases.purchase_id"],
        name="purchase_changes_purchase",
    ),
    Index("purchase_changes_by_time", "account_id", "create_time", "purchase_id", "version"),
)

payment_references = Table(
    "payment_references",
    metadata,
    Column("provider", SmallInteger, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("reference", _KEY, nullable=False),
    Column("name", _KEY, nullable=False, comment="the resource name of the purchase, or of a subscription's account"),
    PrimaryKeyConstraint("provider", "live", "reference", name="payment_references_pkey"),
)

payment_events = Table(
    "payment_events",
    metadata,
    Column("provider", SmallInteger, nullable=False),
    Column("delivery_key", _KEY, nullable=False),
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("event_type", Text, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_time", InstantColumn),
    Column("waits_for", ARRAY(Text), nullable=False, comment="references of a payment that is not known yet"),
    Column("problem", Text, nullable=False),
    Column("purchase", _KEY, nullable=False, comment="what it was applied to: a purchase's resource name, or empty"),
    Column("receive_time", InstantColumn, nullable=False),
    Column("update_time", InstantColumn, nullable=False),
    Column("account", _KEY, nullable=False, server_default="", comment="whose it is, as far as that is known"),
    Column("is_ours", Boolean, nullable=False, server_default=text("true"), comment="those that are go first"),
    Column(
        "cause", SmallInteger, nullable=False, server_default=text("0"), comment="why it is parked, for what ends that"
    ),
    Column(
        "facts",
        JSONB(none_as_null=True),
        comment="what was read in it: each a list of its parts; null for nothing",
    ),
    Column(
        "currency", _KEY, nullable=False, server_default="", comment="of the amounts in facts; empty if it was not said"
    ),
    PrimaryKeyConstraint("provider", "delivery_key", name="payment_events_pkey"),
    UniqueConstraint("event_id", name="payment_events_id"),
    CheckConstraint("state BETWEEN 1 AND 6", name="payment_events_state"),
    CheckConstraint("(state IN (1, 6)) = (next_attempt_time IS NOT NULL)", name="payment_events_next_attempt"),
    CheckConstraint("cause BETWEEN 0 AND 2", name="payment_events_cause"),
    Index(
        "payment_events_turns",
        "provider",
        "is_ours",
        "next_attempt_time",
        postgresql_where=text("next_attempt_time IS NOT NULL"),
    ),
    Index("payment_events_by_state", "state", "event_id"),
    Index("payment_events_by_account", "account", "event_id"),
    Index("payment_events_by_purchase", "purchase", "event_id"),
    Index("payment_events_recorded", "account", "purchase", postgresql_where=text("cause = 1")),
    Index("payment_events_waiting", "waits_for", postgresql_using="gin"),
)

payment_hints = Table(
    "payment_hints",
    metadata,
    Column("provider", SmallInteger, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("subject", _KEY, nullable=False, comment="what it is about, by the provider's id"),
    Column("event_type", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_time", InstantColumn, nullable=False),
    Column("receive_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("provider", "live", "subject", name="payment_hints_pkey"),
)

payment_event_acts = Table(
    "payment_event_acts",
    metadata,
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("act_id", UUID(as_uuid=False), nullable=False),
    Column("act", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("event_id", "act_id", name="payment_event_acts_pkey"),
    ForeignKeyConstraint(["event_id"], ["payment_events.event_id"], name="payment_event_acts_event"),
)

rejected_webhooks = Table(
    "rejected_webhooks",
    metadata,
    Column("provider", SmallInteger, nullable=False),
    Column("reason", _KEY, nullable=False),
    Column("hour", InstantColumn, nullable=False),
    Column("rejections", BigInteger, nullable=False),
    Column("last_time", InstantColumn, nullable=False),
    Column("last_remote_address", Text, nullable=False),
    PrimaryKeyConstraint("provider", "reason", "hour", name="rejected_webhooks_pkey"),
    Index("rejected_webhooks_hour", "hour"),
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("provider", SmallInteger, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("day", InstantColumn, nullable=False),
    Column("start_time", InstantColumn, nullable=False),
    Column("end_time", InstantColumn),
    PrimaryKeyConstraint("provider", "live", "day", name="reconciliations_pkey"),
    Index("reconciliations_made", "provider", "live", "start_time", postgresql_where=text("end_time IS NOT NULL")),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("provider", SmallInteger, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("subscription_id", _KEY, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("keeps_service", Boolean, nullable=False),
    Column("end_time", InstantColumn),
    Column("provider_update_time", InstantColumn, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("update_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "provider", "live", "subscription_id", name="subscriptions_pkey"),
    CheckConstraint("status BETWEEN 1 AND 7", name="subscriptions_status"),
)

payment_dues = Table(
    "payment_dues",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("subject", _KEY, nullable=False, comment="a purchase's id, or plan"),
    Column("live", Boolean, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_time", InstantColumn, nullable=False),
    Column("problem", Text, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    PrimaryKeyConstraint("account_id", "subject", "live", name="payment_dues_pkey"),
    Index("payment_dues_next", "next_try_time"),
)

outbox_events = Table(
    "outbox_events",
    metadata,
    Column("account_id", _KEY, nullable=False),
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("create_time", InstantColumn, nullable=False),
    Column("credit_type", _KEY, comment="null where it is about the account as a whole"),
    Column(
        "schema_version",
        SmallInteger,
        nullable=False,
        server_default=text("0"),
        comment="of what it says; 0 for rows of a release before there were schemas",
    ),
    Column(
        "announce_time",
        InstantColumn,
        nullable=False,
        server_default=text("clock_timestamp()"),
        comment="when it was put in, by the database's clock; -infinity for rows of a release before",
    ),
    PrimaryKeyConstraint("account_id", "event_id", name="outbox_events_pkey"),
    CheckConstraint("kind BETWEEN 1 AND 100", name="outbox_events_kind"),
    Index("outbox_events_next", "announce_time", "event_id"),
)
