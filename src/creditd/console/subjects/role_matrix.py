"""Who may do what: the roles of staff, and what each may do."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from starlette.responses import Response

from credit.v1.role_grant_pb2 import Role
from creditd.console.visit import Visit

STAFF_ROLES: Final = (Role.ROLE_SUPPORT, Role.ROLE_FINANCE, Role.ROLE_ADMIN, Role.ROLE_SUPER_ADMIN)
"""Each may do all that those before it may."""

PERMISSION: Final = "access.read"


class MatrixRow(NamedTuple):
    """What the first role, and those after it, may do: the key of its text, and the service's names for it.

    ``asks`` is the role that has to ask a second person for it.
    """

    key: str
    first: Role
    permissions: Sequence[str]
    asks: Role | None = None

    def answer(self, role: Role) -> str:
        """Return the key of what a role is told."""
        if role == self.asks:
            return "with_approval"
        return "yes" if STAFF_ROLES.index(role) >= STAFF_ROLES.index(self.first) else "no"


MATRIX: Final = (
    MatrixRow(
        "may.read",
        Role.ROLE_SUPPORT,
        (
            "accounts.read",
            "accounts.read_many",
            "accounts.search",
            "purchases.read",
            "credit_types.read",
            "packages.read",
            "events.read",
            "workflows.read",
        ),
    ),
    MatrixRow(
        "may.help",
        Role.ROLE_SUPPORT,
        ("credits.give", "holds.return", "purchases.inspect", "system_status.read"),
    ),
    MatrixRow("may.report", Role.ROLE_FINANCE, ("finances.read", "statements.export")),
    MatrixRow("may.clear", Role.ROLE_FINANCE, ("account_flags.clear",)),
    MatrixRow("may.remove", Role.ROLE_FINANCE, ("credits.remove", "purchases.reverse"), asks=Role.ROLE_FINANCE),
    MatrixRow("may.decide", Role.ROLE_FINANCE, ("approvals.read", "approvals.decide")),
    MatrixRow(
        "may.add",
        Role.ROLE_ADMIN,
        ("credits.add", "credits.spend", "purchases.change", "promo_codes.redeem", "workflows.run"),
    ),
    MatrixRow("may.rule", Role.ROLE_ADMIN, ("accounts.change",)),
    MatrixRow("may.settle", Role.ROLE_ADMIN, ("payments.settle", "webhooks.ingest")),
    MatrixRow("may.sell", Role.ROLE_ADMIN, ("settings.change", "promo_codes.change")),
    MatrixRow("may.audit", Role.ROLE_ADMIN, ("audit.read",)),
    MatrixRow("may.admit", Role.ROLE_ADMIN, (PERMISSION, "access.change")),
    MatrixRow("may.deliver", Role.ROLE_ADMIN, ("event_endpoints.run", "event_endpoints.change")),
    # No permission of its own: the service looks at the role that is given or taken.
    MatrixRow("may.raise", Role.ROLE_SUPER_ADMIN, ()),
)
"""The policy of the service of this version, which no RPC tells: a test holds one against the other."""


async def role_matrix_page(visit: Visit) -> Response:
    """Show what each role may do, to whoever may see who has which."""
    visit.require(PERMISSION)
    return visit.page("role_matrix.html", roles=STAFF_ROLES, matrix=MATRIX, enum=Role)
