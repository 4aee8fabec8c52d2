"""Who may do what, and until when: roles of people, and giving and taking them."""

from typing import Final

from credit.v1.access_service_pb2 import GrantRoleRequest, ListRoleGrantsRequest, RevokeRoleRequest
from credit.v1.role_grant_pb2 import Role, RoleGrant
from creditd.console.shapes.act_page import REASON, ActField, ActPage
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.enum_words import enum_words
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.visit import Visit

_HOUR_SECONDS: Final = 3_600

_MOST_HOURS: Final = 24 * 366


def _end(write: CellWriter, grant: RoleGrant) -> Cell:
    if grant.HasField("revoke_time"):
        return write.tag(("", "lock"), write.text("role.revoked", time=write.time(grant.revoke_time)))
    if grant.HasField("expire_time"):
        return write.tag(("t-warn", "clock"), write.time(grant.expire_time))
    return write.text("role.for_good")


def _revoke(visit: Visit, grant: RoleGrant) -> list[OfferedAct]:
    word = next((word for word, value in enum_words(Role).items() if value == grant.role), "")
    if grant.HasField("revoke_time") or not word:
        return []
    path = visit.path("/roles/revoke", subject=grant.subject, role=word)
    return [OfferedAct("act.revoke_role.do", path, "access.change")]


ROLES: Final = ListPage(
    "roles",
    "/roles",
    "access.read",
    lambda stubs: stubs.access.ListRoleGrants,
    ListRoleGrantsRequest,
    "role_grants",
    (
        ListColumn("who", lambda write, grant: write.identifier(grant.subject)),
        ListColumn("role", lambda write, grant: write.word(Role, grant.role)),
        ListColumn("since", lambda write, grant: write.time(grant.create_time)),
        ListColumn("until", _end),
        ListColumn("given_by", lambda write, grant: write.identifier(grant.granted_by)),
        ListColumn("reason", lambda write, grant: write.quoted(grant.reason), "txt wide"),
    ),
    filters=(
        ListFilter("subject", "subject", pattern=r".{1,255}"),
        ListFilter("ended", "show_ended"),
    ),
    row_acts=_revoke,
    acts=(
        OfferedAct("role_matrix", "/roles/matrix", "access.read", "ask"),
        OfferedAct("act.grant_role.do", "/roles/grant", "access.change", "plus", is_main=True),
    ),
)


def _grant(form: TypedForm) -> GrantRoleRequest:
    request = GrantRoleRequest(
        subject=form.text("subject", is_needed=True),
        role=form.word("role", Role),
        request_id=form.request_id,
        reason=form.reason(),
    )
    if hours := form.whole("hours", most=_MOST_HOURS, is_needed=False):
        request.ttl.seconds = hours * _HOUR_SECONDS
    return request


_ROLE: Final = ActField("role", "choice", words=tuple(enum_words(Role)), key="role", is_needed=True)

_SUBJECT: Final = ActField("subject", most=255, is_needed=True, hint="field.subject.hint")

GRANT_ROLE: Final = ActPage(
    "grant_role",
    "/roles/grant",
    "access.change",
    lambda stubs: stubs.access.GrantRole,
    _grant,
    lambda visit: visit.path("/roles"),
    fields=(
        _SUBJECT,
        _ROLE,
        ActField("hours", "number", hint="field.hours.hint", of=("ttl", "expire_time")),
        REASON._replace(hint=""),
    ),
    will=2,
)

REVOKE_ROLE: Final = ActPage(
    "revoke_role",
    "/roles/revoke",
    "access.change",
    lambda stubs: stubs.access.RevokeRole,
    lambda form: RevokeRoleRequest(
        subject=form.text("subject", is_needed=True),
        role=form.word("role", Role),
        request_id=form.request_id,
        reason=form.reason(),
    ),
    lambda visit: visit.path("/roles"),
    fields=(_SUBJECT, _ROLE, REASON._replace(hint="")),
    will=1,
    is_danger=True,
)
