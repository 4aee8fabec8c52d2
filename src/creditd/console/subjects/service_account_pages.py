"""Other programs that call the service, and what they may do: the list, making one, and changing it."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from credit.v1.access_service_pb2 import (
    CreateServiceAccountRequest,
    ListServiceAccountsRequest,
    UpdateServiceAccountRequest,
)
from credit.v1.service_account_pb2 import ServiceAccount
from creditd.console import limits
from creditd.console.shapes.act_page import REASON, SEEN_VERSION, ActField, ActPage
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.visit import Visit

_PATH: Final = "/service-accounts"


def _acts(visit: Visit, account: ServiceAccount) -> list[OfferedAct]:
    own = f"/service-accounts/{quote(account.service_account_id, safe='')}"
    keys = OfferedAct("nav.api_keys", visit.path("/api-keys", service=account.service_account_id), "access.read")
    changes = [
        OfferedAct(
            f"act.{act}_service_account.do",
            visit.path(f"{own}/{act}", version=str(account.version)),
            "access.change",
        )
        for act in ("change", "enable" if account.disabled else "disable")
    ]
    return [keys, *changes]


SERVICE_ACCOUNTS: Final = ListPage(
    "service_accounts",
    _PATH,
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
    row_acts=_acts,
    acts=(OfferedAct("act.create_service_account.do", "/service-accounts/new", "access.change", "plus", is_main=True),),
)


_POWERS: Final = (
    ActField("scopes", most=1_100, hint="field.scopes.hint", of=("service_account.scopes",)),
    ActField("accounts", "area", most=6_600, hint="field.accounts.hint", of=("service_account.accounts",)),
    ActField(
        "certificate_names",
        "area",
        most=2_100,
        hint="field.certificate_names.hint",
        of=("service_account.certificate_names",),
    ),
)
"""Each as long as all of them can be: what is cut off would be taken away."""


def _stated(form: TypedForm) -> ServiceAccount:
    return ServiceAccount(
        scopes=form.text("scopes").split(),
        accounts=form.text("accounts").split(),
        certificate_names=form.text("certificate_names").split(),
    )


def _create(form: TypedForm) -> CreateServiceAccountRequest:
    account = _stated(form)
    account.service_account_id = form.text("service_account_id", is_needed=True)
    return CreateServiceAccountRequest(service_account=account, request_id=form.request_id, reason=form.reason())


CREATE_SERVICE_ACCOUNT: Final = ActPage(
    "create_service_account",
    "/service-accounts/new",
    "access.change",
    lambda stubs: stubs.access.CreateServiceAccount,
    _create,
    lambda visit: visit.path(_PATH),
    fields=(
        ActField("service_account_id", most=128, is_needed=True, of=("service_account.service_account_id",)),
        *_POWERS,
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
            if account.service_account_id == visit.parts["service_account_id"]:
                found: ServiceAccount = account
                return found
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    return ServiceAccount()


async def _begun(visit: Visit) -> Mapping[str, str]:
    """Return what a service account may do, as its form begins."""
    account = await _loaded(visit)
    return {
        "version": str(account.version),
        "scopes": " ".join(account.scopes),
        "accounts": " ".join(account.accounts),
        "certificate_names": " ".join(account.certificate_names),
    }


def _update(form: TypedForm) -> UpdateServiceAccountRequest:
    """Return the request that changes one as it was loaded: what the form does not state stays."""
    account = ServiceAccount()
    account.CopyFrom(form.loaded)
    # As the page showed it: what somebody else has changed meanwhile is not undone, and the same form sent twice is
    # the same request.
    account.version = form.seen_version or account.version
    account.ClearField("create_time")
    account.ClearField("update_time")
    return UpdateServiceAccountRequest(service_account=account, request_id=form.request_id, reason=form.reason())


def _change(form: TypedForm) -> UpdateServiceAccountRequest:
    request = _update(form)
    for name in ("scopes", "accounts", "certificate_names"):
        request.service_account.ClearField(name)
    request.service_account.MergeFrom(_stated(form))
    return request


def _switch(*, disabled: bool) -> Callable[[TypedForm], UpdateServiceAccountRequest]:
    def request(form: TypedForm) -> UpdateServiceAccountRequest:
        switched = _update(form)
        switched.service_account.disabled = disabled
        return switched

    return request


def _changing(act: str, request: Callable[[TypedForm], UpdateServiceAccountRequest], **more: Any) -> ActPage:
    stated = {"fields": (SEEN_VERSION, REASON._replace(hint=""))} | more
    return ActPage(
        f"{act}_service_account",
        f"/service-accounts/{{service_account_id}}/{act}",
        "access.change",
        lambda stubs: stubs.access.UpdateServiceAccount,
        request,
        lambda visit: visit.path(_PATH),
        subject="service_account_id",
        will=1,
        load=_loaded,
        **stated,
    )


CHANGE_SERVICE_ACCOUNT: Final = _changing(
    "change", _change, fields=(SEEN_VERSION, *_POWERS, REASON._replace(hint="")), begun=_begun
)

DISABLE_SERVICE_ACCOUNT: Final = _changing("disable", _switch(disabled=True), is_danger=True)

ENABLE_SERVICE_ACCOUNT: Final = _changing("enable", _switch(disabled=False))
