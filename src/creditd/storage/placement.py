"""Where each table lies in a database of the layout ``citus``: by account, with a copy on each server, or on one.

What is by account lies together: all rows of an account are on one server, so that one transaction there has to do with
no other. It is what the ledger's own statements write. What staff, providers
and whoever adds up across accounts write stays on the coordinator, as it is on a plain PostgreSQL.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Place(StrEnum):
    """Where a table lies."""

    BY_ACCOUNT = "by account"
    EVERYWHERE = "everywhere"
    COORDINATOR = "coordinator"


PLACES: Final[Mapping[Place, tuple[str, ...]]] = {
    Place.BY_ACCOUNT: (
        "accounts",
        "account_changes",
        "wallets",
        "grants",
        "reservations",
        "entries",
        "spending_counts",
        "request_claims",
        "entry_archives",
        "entry_seals",
    ),
    Place.EVERYWHERE: ("credit_types", "packages"),
    Place.COORDINATOR: (
        "access_versions",
        "account_flags",
        "account_labels",
        "account_movements",
        "approval_decisions",
        "approvals",
        "audit_events",
        "audit_seals",
        "event_deliveries",
        "event_delivery_attempts",
        "event_endpoints",
        "event_publishing",
        "expiry_notices",
        "first_purchase_promos",
        "flag_clearances",
        "held_roles",
        "outbox_events",
        "payment_dues",
        "payment_event_acts",
        "payment_events",
        "payment_hints",
        "payment_references",
        "promo_claims",
        "promo_codes",
        "published_events",
        "purchase_changes",
        "purchase_facts",
        "purchases",
        "reconciliations",
        "rejected_webhooks",
        "role_grants",
        "role_revocations",
        "runs",
        "schema_compatibility",
        "sealing",
        "service_accounts",
        "staff_notes",
        "subscriptions",
        "support_gifts",
        "usage_editions",
        "usage_floors",
        "usage_leaders",
        "usage_parts",
        "usage_positions",
        "usage_ranks",
        "usage_rollups",
        "usage_sums",
        "usage_totals",
        "velocity_events",
        "velocity_states",
        "workflows",
    ),
}
"""Every table once. Those by account come in the order in which they are distributed: what is referred to first."""

PLACE_OF: Final[Mapping[str, Place]] = {table: place for place, tables in PLACES.items() for table in tables}

KEYS_DROPPED: Final[Mapping[str, str]] = {"approvals_account": "approvals"}
"""Foreign keys, by their table, that lead from the coordinator to what lies by account: Citus has none such. Accounts
are never deleted, and who adds such a row holds its account."""
