"""Endpoints that events are delivered to: the list, one with its deliveries, and running and changing it."""

from typing import Any, Final

from credit.v1.event_endpoint_pb2 import EventEndpoint
from credit.v1.event_endpoint_service_pb2 import (
    CreateEventEndpointRequest,
    DeleteEventEndpointRequest,
    GetEventEndpointRequest,
    GetEventEndpointResponse,
    ListDeadLettersRequest,
    ListDeliveryAttemptsRequest,
    ListEventEndpointsRequest,
    PauseEventEndpointRequest,
    ReplayEventsRequest,
    ResumeEventEndpointRequest,
    RotateEventEndpointSecretRequest,
)
from credit.v1.event_pb2 import EventType
from creditd.console.shapes.act_page import REASON, ActField, ActPage
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, KnownFact, ShownDetail
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_paths import resource_path
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.visit import Visit

_RUN: Final = "event_endpoints.run"
_CHANGE: Final = "event_endpoints.change"

_ENDPOINT_NAME: Final = r"[a-z][a-z0-9-]{0,62}"

_GOOD_STATUSES: Final = range(200, 300)


def _state(write: CellWriter, endpoint: EventEndpoint) -> Cell:
    if endpoint.paused:
        return write.tag(("t-warn", "hold"), write.text("endpoint.paused"))
    return write.tag(("quiet", "check"), write.text("endpoint.delivering"))


def _answer(write: CellWriter, attempt: Any) -> Cell:
    look = ("quiet", "check") if attempt.status in _GOOD_STATUSES else ("t-bad", "alert")
    return write.tag(look, write.code(str(attempt.status or attempt.problem)))


ENDPOINTS: Final = ListPage(
    "event_endpoints",
    "/event-endpoints",
    _RUN,
    lambda stubs: stubs.endpoint.ListEventEndpoints,
    ListEventEndpointsRequest,
    "event_endpoints",
    (
        ListColumn("url", lambda write, one: write.code(one.url), "wide"),
        ListColumn("name", lambda write, one: write.said(one.description)),
        ListColumn("state", _state),
        ListColumn("account", lambda write, one: write.account(one.account_id)),
        ListColumn("credit_type", lambda write, one: write.code(one.credit_type)),
        ListColumn("position", lambda write, one: write.number(one.position), "n"),
        ListColumn("changed", lambda write, one: write.time(one.update_time)),
    ),
    opens=lambda visit, one: resource_path(visit, one.name),
    acts=(OfferedAct("act.create_endpoint.do", "/event-endpoints/new", _CHANGE, "plus", is_main=True),),
)

ATTEMPTS: Final = ListPage(
    "delivery_attempts",
    "/event-endpoints/{endpoint_id}/attempts",
    _RUN,
    lambda stubs: stubs.endpoint.ListDeliveryAttempts,
    ListDeliveryAttemptsRequest,
    "delivery_attempts",
    (
        ListColumn("time", lambda write, one: write.time(one.begin_time, with_seconds=True)),
        ListColumn("kind", lambda write, one: write.word(EventType, one.type)),
        ListColumn("position", lambda write, one: write.number(one.position), "n"),
        ListColumn("tries", lambda write, one: write.number(one.number), "n"),
        ListColumn("answer", _answer),
        ListColumn("problem", lambda write, one: write.quoted(one.problem), "txt wide"),
        ListColumn("milliseconds", lambda write, one: write.number(one.duration_milliseconds), "n"),
    ),
)

DEAD_LETTERS: Final = ListPage(
    "dead_letters",
    "/event-endpoints/{endpoint_id}/dead-letters",
    _RUN,
    lambda stubs: stubs.endpoint.ListDeadLetters,
    ListDeadLettersRequest,
    "dead_letters",
    (
        ListColumn("time", lambda write, one: write.time(one.begin_time, with_seconds=True)),
        ListColumn("kind", lambda write, one: write.word(EventType, one.type)),
        ListColumn("position", lambda write, one: write.number(one.position), "n"),
        ListColumn("tries", lambda write, one: write.number(one.attempts), "n"),
        ListColumn("problem", lambda write, one: write.quoted(one.problem), "txt wide"),
    ),
)


def _name(visit: Visit) -> str:
    return f"eventEndpoints/{visit.request.path_params['endpoint_id']}"


def _detail(write: CellWriter, answer: GetEventEndpointResponse) -> ShownDetail:
    one = answer.event_endpoint
    facts = (
        KnownFact("name", write.said(one.description)),
        KnownFact("kinds", write.beside([write.word(EventType, kind) for kind in one.types])),
        KnownFact("account", write.account(one.account_id)),
        KnownFact("credit_type", write.code(one.credit_type)),
        KnownFact("position", write.number(one.position)),
        KnownFact("rotation", write.time(one.rotation_end_time)),
        KnownFact("created", write.time(one.create_time, with_seconds=True)),
        KnownFact("changed", write.time(one.update_time, with_seconds=True)),
    )
    path = resource_path(write.visit, one.name)
    act = "resume" if one.paused else "pause"
    return ShownDetail(
        write.code(one.url),
        (_state(write, one),),
        sections=(DetailSection("endpoint", facts),),
        lists=((DEAD_LETTERS, {"name": one.name}), (ATTEMPTS, {"name": one.name})),
        acts=(
            OfferedAct("act.delete_endpoint.do", f"{path}/delete", _CHANGE, is_danger=True),
            OfferedAct("act.rotate_secret.do", f"{path}/rotate", _CHANGE),
            OfferedAct("act.replay_events.do", f"{path}/replay", _RUN, "again"),
            OfferedAct(f"act.{act}_endpoint.do", f"{path}/{act}", _RUN, is_main=True),
        ),
    )


ENDPOINT: Final = DetailPage(
    "/event-endpoints/{endpoint_id}",
    lambda stubs: stubs.endpoint.GetEventEndpoint,
    lambda parts: GetEventEndpointRequest(name=f"eventEndpoints/{parts['endpoint_id']}"),
    _detail,
)


def _create(form: TypedForm) -> CreateEventEndpointRequest:
    endpoint = EventEndpoint(
        name=f"eventEndpoints/{form.text('endpoint_name', is_needed=True, pattern=_ENDPOINT_NAME)}",
        url=form.text("url", is_needed=True),
        description=form.text("description"),
        account_id=form.text("account_id"),
        credit_type=form.text("credit_type"),
    )
    return CreateEventEndpointRequest(event_endpoint=endpoint, request_id=form.request_id, reason=form.reason())


def _of_one(message: Any) -> Any:
    def made(form: TypedForm) -> Any:
        return message(name=_name(form.visit), request_id=form.request_id, reason=form.reason())

    return made


def _replay(form: TypedForm) -> ReplayEventsRequest:
    request = ReplayEventsRequest(name=_name(form.visit), request_id=form.request_id, reason=form.reason())
    # The first position is 1: after 0 comes all that is kept.
    request.after_position = form.whole("after", least=0)
    return request


def _back(visit: Visit) -> str:
    return resource_path(visit, _name(visit))


def _secret(answer: Any) -> list[str]:
    return [answer.secret] if answer.secret else []


CREATE_ENDPOINT: Final = ActPage(
    "create_endpoint",
    "/event-endpoints/new",
    _CHANGE,
    lambda stubs: stubs.endpoint.CreateEventEndpoint,
    _create,
    lambda visit: visit.path("/event-endpoints"),
    fields=(
        ActField(
            "endpoint_name", most=63, is_needed=True, hint="field.endpoint_name.hint", of=("event_endpoint.name",)
        ),
        ActField("url", most=2_000, is_needed=True, hint="field.url.hint", of=("event_endpoint.url",)),
        ActField("description", most=200, of=("event_endpoint.description",)),
        ActField("account_id", most=128, hint="field.account_id.hint", of=("event_endpoint.account_id",)),
        ActField("credit_type", "type", of=("event_endpoint.credit_type",)),
        REASON._replace(hint=""),
    ),
    will=2,
    shown_once=_secret,
)


def _endpoint_act(name: str, end: str, permission: str, method: Any, request: Any, **more: Any) -> ActPage:
    path = f"/event-endpoints/{{endpoint_id}}/{end}"
    stated = {"fields": (REASON._replace(hint=""),), "subject": "endpoint_id", "will": 1} | more
    return ActPage(name, path, permission, method, request, stated.pop("back", _back), **stated)


PAUSE: Final = _endpoint_act(
    "pause_endpoint",
    "pause",
    _RUN,
    lambda stubs: stubs.endpoint.PauseEventEndpoint,
    _of_one(PauseEventEndpointRequest),
)

RESUME: Final = _endpoint_act(
    "resume_endpoint",
    "resume",
    _RUN,
    lambda stubs: stubs.endpoint.ResumeEventEndpoint,
    _of_one(ResumeEventEndpointRequest),
)

REPLAY_EVENTS: Final = _endpoint_act(
    "replay_events",
    "replay",
    _RUN,
    lambda stubs: stubs.endpoint.ReplayEvents,
    _replay,
    fields=(
        ActField("after", "number", is_needed=True, hint="field.after.hint", of=("after_position",)),
        REASON._replace(hint=""),
    ),
)

ROTATE_SECRET: Final = _endpoint_act(
    "rotate_secret",
    "rotate",
    _CHANGE,
    lambda stubs: stubs.endpoint.RotateEventEndpointSecret,
    _of_one(RotateEventEndpointSecretRequest),
    shown_once=_secret,
)

DELETE_ENDPOINT: Final = _endpoint_act(
    "delete_endpoint",
    "delete",
    _CHANGE,
    lambda stubs: stubs.endpoint.DeleteEventEndpoint,
    _of_one(DeleteEventEndpointRequest),
    back=lambda visit: visit.path("/event-endpoints"),
    is_danger=True,
    is_typed=True,
)
