"""API keys of service accounts: the list, making one, replacing one, and revoking it. A secret is shown once."""

from typing import Final

from credit.v1.api_key_service_pb2 import (
    ApiKey,
    CreateApiKeyRequest,
    ListApiKeysRequest,
    RevokeApiKeyRequest,
    RotateApiKeyRequest,
)
from creditd.console.shapes.act_page import REASON, ActField, ActPage
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.visit import Visit

_DAY_SECONDS: Final = 86_400

_MOST_DAYS: Final = 730
"""Of a key, as the service has it."""

_MOST_OVERLAP_DAYS: Final = 7


def _state(write: CellWriter, key: ApiKey) -> Cell:
    if key.HasField("revoke_time"):
        return write.tag(("", "lock"), write.text("role.revoked", time=write.time(key.revoke_time)))
    return write.time(key.expire_time)


def _acts(visit: Visit, key: ApiKey) -> list[OfferedAct]:
    if key.HasField("revoke_time"):
        return []
    path = visit.path(f"/api-keys/{key.name.rpartition('/')[2]}")
    return [
        OfferedAct("act.rotate_key.do", f"{path}/rotate", "access.change"),
        OfferedAct("act.revoke_key.do", f"{path}/revoke", "access.change"),
    ]


API_KEYS: Final = ListPage(
    "api_keys",
    "/api-keys",
    "access.read",
    lambda stubs: stubs.api_key.ListApiKeys,
    ListApiKeysRequest,
    "api_keys",
    (
        ListColumn("service", lambda write, key: write.identifier(key.service_account_id)),
        ListColumn("key", lambda write, key: write.code(key.prefix)),
        ListColumn("created", lambda write, key: write.time(key.create_time)),
        ListColumn("last_time", lambda write, key: write.time(key.last_use_time)),
        ListColumn("until", _state),
        ListColumn("given_by", lambda write, key: write.identifier(key.created_by)),
        ListColumn("reason", lambda write, key: write.quoted(key.reason), "txt wide"),
    ),
    filters=(ListFilter("service", "service_account_id", pattern=ACCOUNT_ID),),
    needs="service",
    row_acts=_acts,
    acts=(OfferedAct("act.create_key.do", "/api-keys/new", "access.change", "plus", is_main=True),),
)


def _key_name(form: TypedForm) -> str:
    return f"apiKeys/{form.visit.parts['key_id']}"


def _create(form: TypedForm) -> CreateApiKeyRequest:
    request = CreateApiKeyRequest(
        service_account_id=form.text("service_account_id", is_needed=True, pattern=ACCOUNT_ID),
        request_id=form.request_id,
        reason=form.reason(),
    )
    request.ttl.seconds = form.whole("days", most=_MOST_DAYS) * _DAY_SECONDS
    return request


def _rotate(form: TypedForm) -> RotateApiKeyRequest:
    request = RotateApiKeyRequest(name=_key_name(form), request_id=form.request_id, reason=form.reason())
    request.ttl.seconds = form.whole("days", most=_MOST_DAYS) * _DAY_SECONDS
    overlap = form.whole("overlap", least=0, most=_MOST_OVERLAP_DAYS, is_needed=False)
    request.overlap.seconds = overlap * _DAY_SECONDS
    return request


def _back(visit: Visit) -> str:
    return visit.path("/api-keys")


_DAYS: Final = ActField("days", "number", is_needed=True, hint="field.days.hint", of=("ttl",))

CREATE_KEY: Final = ActPage(
    "create_key",
    "/api-keys/new",
    "access.change",
    lambda stubs: stubs.api_key.CreateApiKey,
    _create,
    _back,
    fields=(ActField("service_account_id", most=128, is_needed=True), _DAYS, REASON._replace(hint="")),
    will=1,
    shown_once=lambda answer: [answer.secret] if answer.secret else [],
)

ROTATE_KEY: Final = ActPage(
    "rotate_key",
    "/api-keys/{key_id}/rotate",
    "access.change",
    lambda stubs: stubs.api_key.RotateApiKey,
    _rotate,
    _back,
    fields=(
        _DAYS,
        ActField("overlap", "number", hint="field.overlap.hint"),
        REASON._replace(hint=""),
    ),
    subject="key_id",
    will=1,
    shown_once=lambda answer: [answer.secret] if answer.secret else [],
)

REVOKE_KEY: Final = ActPage(
    "revoke_key",
    "/api-keys/{key_id}/revoke",
    "access.change",
    lambda stubs: stubs.api_key.RevokeApiKey,
    lambda form: RevokeApiKeyRequest(name=_key_name(form), reason=form.reason()),
    _back,
    fields=(REASON._replace(hint=""),),
    subject="key_id",
    will=1,
    is_danger=True,
)
