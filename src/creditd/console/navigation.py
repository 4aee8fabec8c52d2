"""The pages that there are, in the order of the side: each is offered to whoever has its permission."""

from typing import Final, NamedTuple


class NavigationItem(NamedTuple):
    """A page of the side: the key of its name, its path, its icon, its permission, and the key after ``g`` for it."""

    key: str
    path: str
    icon: str
    permission: str
    shortcut: str = ""


NAVIGATION: Final[tuple[tuple[str, tuple[NavigationItem, ...]], ...]] = (
    (
        "",
        (
            NavigationItem("nav.dashboard", "/", "dashboard", "accounts.search", "d"),
            NavigationItem("nav.accounts", "/accounts", "account", "accounts.search", "a"),
            NavigationItem("nav.flags", "/flags", "flag", "accounts.search", "f"),
        ),
    ),
    (
        "nav.money",
        (
            NavigationItem("nav.payment_events", "/payment-events", "event", "finances.read", "e"),
            NavigationItem("nav.rejected_webhooks", "/rejected-webhooks", "ban", "finances.read"),
            NavigationItem("nav.packages", "/packages", "package", "packages.read"),
            NavigationItem("nav.credit_types", "/credit-types", "half", "credit_types.read"),
            NavigationItem("nav.promo_codes", "/promo-codes", "promo", "promo_codes.change"),
        ),
    ),
    (
        "nav.control",
        (
            NavigationItem("nav.approvals", "/approvals", "approve", "approvals.read", "p"),
            NavigationItem("nav.audit", "/audit", "list", "audit.read", "l"),
            NavigationItem("nav.roles", "/roles", "shield", "access.read"),
            NavigationItem("nav.service_accounts", "/service-accounts", "link", "access.read"),
            NavigationItem("nav.api_keys", "/api-keys", "lock", "access.read"),
            NavigationItem("nav.event_endpoints", "/event-endpoints", "open", "event_endpoints.run"),
            NavigationItem("nav.health", "/health", "pulse", "system_status.read", "h"),
        ),
    ),
)
