"""Who may do what: roles of people, service accounts with their scopes, and changing them."""

from typing import Final
from urllib.parse import quote

from credit.v1.access_service_pb2 import (
    CreateServiceAccountRequest,
    GrantRoleRequest,
    ListRoleGrantsRequest,
    ListServiceAccountsRequest,
    RevokeRoleRequest,
    UpdateServiceAccountRequest,
)
from credit.v1.role_grant_pb2 import Role, RoleGrant
from credit.v1.service_account_pb2 import ServiceAccount
from creditd.console import limits
from creditd.console.shapes.act_page import REASON, SEEN_VERSION, ActField, ActPage
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
    acts=(OfferedAct("act.grant_role.do", "/roles/grant", "access.change", "plus", is_main=True),),
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


def _switch(visit: Visit, account: ServiceAccount) -> list[OfferedAct]:
    act = "enable" if account.disabled else "disable"
    own = f"/service-accounts/{quote(account.service_account_id, safe='')}"
    path = visit.path(f"{own}/{act}", version=str(account.version))
    return [OfferedAct(f"act.{act}_service_account.do", path, "access.change")]


SERVICE_ACCOUNTS: Final = ListPage(
    "service_accounts",
    "/service-accounts",
    "access.read",
    lambda stubs: stubs.access.ListServiceAccounts,
    ListServiceAccountsRequest,
    "service_accounts",
    (
        ListColumn("service", lambda write, one: write.identifier(one.service_account_id)),
        ListColumn("scopes", lambda write, one: write.code(" ".join(one.scopes)), "wide"),
        ListColumn("accounts", lambda write, one: write.code(" ".join(one.accounts)), "wide"),
        ListColumn("certificates", lambda write, one: write.code(" ".join(one.certificate_names)), "wide"),
        ListColumn("person", lambda write, one: write.identifier(one.person)),
        ListColumn("disabled", lambda write, one: write.yes_or_no(is_so=one.disabled)),
        ListColumn("changed", lambda write, one: write.time(one.update_time)),
    ),
    row_acts=_switch,
    acts=(OfferedAct("act.create_service_account.do", "/service-accounts/new", "access.change", "plus", is_main=True),),
)


def _service_account(form: TypedForm) -> CreateServiceAccountRequest:
    account = ServiceAccount(
        service_account_id=form.text("service_account_id", is_needed=True),
        scopes=form.text("scopes").split(),
        accounts=form.text("accounts").split(),
        certificate_names=form.text("certificate_names").split(),
    )
    return CreateServiceAccountRequest(service_account=account, request_id=form.request_id, reason=form.reason())


CREATE_SERVICE_ACCOUNT: Final = ActPage(
    "create_service_account",
    "/service-accounts/new",
    "access.change",
    lambda stubs: stubs.access.CreateServiceAccount,
    _service_account,
    lambda visit: visit.path("/service-accounts"),
    fields=(
        ActField("service_account_id", most=128, is_needed=True, of=("service_account.service_account_id",)),
        ActField("scopes", hint="field.scopes.hint", of=("service_account.scopes",)),
        ActField("accounts", hint="field.accounts.hint", of=("service_account.accounts",)),
        ActField("certificate_names", hint="field.certificate_names.hint", of=("service_account.certificate_names",)),
        REASON._replace(hint=""),
    ),
)


_MOST_PAGES: Final = 10
"""Of service accounts that are looked through for one: the service has no call for it, and lists them by id."""


async def _loaded(visit: Visit) -> ServiceAccount:
    """Return a service account as it is; one without an id, which the service refuses, if it is not found."""
    request = ListServiceAccountsRequest(page_size=limits.EXPORT_PAGE_SIZE)
    for _ in range(_MOST_PAGES):
        answer = await visit.ask(visit.stubs.access.ListServiceAccounts, request)
        for account in answer.service_accounts:
            if account.service_account_id == visit.request.path_params["service_account_id"]:
                found: ServiceAccount = account
                return found
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    return ServiceAccount()


def _switched(name: str, *, disabled: bool) -> ActPage:
    def request(form: TypedForm) -> UpdateServiceAccountRequest:
        account = ServiceAccount()
        # With its version: what somebody else has changed meanwhile is not undone.
        account.CopyFrom(form.loaded)
        account.disabled = disabled
        # As the page showed it: the same form sent twice is the same request.
        account.version = form.seen_version or account.version
        account.ClearField("create_time")
        account.ClearField("update_time")
        return UpdateServiceAccountRequest(service_account=account, request_id=form.request_id, reason=form.reason())

    return ActPage(
        f"{name}_service_account",
        f"/service-accounts/{{service_account_id}}/{name}",
        "access.change",
        lambda stubs: stubs.access.UpdateServiceAccount,
        request,
        lambda visit: visit.path("/service-accounts"),
        fields=(SEEN_VERSION, REASON._replace(hint="")),
        subject="service_account_id",
        will=1,
        is_danger=disabled,
        load=_loaded,
    )


DISABLE_SERVICE_ACCOUNT: Final = _switched("disable", disabled=True)

ENABLE_SERVICE_ACCOUNT: Final = _switched("enable", disabled=False)
