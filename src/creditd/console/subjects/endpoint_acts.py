"""Making, running and changing the endpoints that events are delivered to."""

from collections.abc import Mapping
from typing import Any, Final

from credit.v1.event_endpoint_pb2 import EventEndpoint
from credit.v1.event_endpoint_service_pb2 import (
    CreateEventEndpointRequest,
    DeleteEventEndpointRequest,
    GetEventEndpointRequest,
    PauseEventEndpointRequest,
    ReplayEventsRequest,
    ResumeEventEndpointRequest,
    RotateEventEndpointSecretRequest,
    UpdateEventEndpointRequest,
)
from credit.v1.event_pb2 import EventType
from creditd.console.shapes.act_page import REASON, SEEN_VERSION, ActField, ActPage
from creditd.console.shapes.enum_words import enum_words
from creditd.console.shapes.resource_names import endpoint_name
from creditd.console.shapes.resource_paths import page_of
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.subjects.endpoint_pages import CHANGE, RUN
from creditd.console.visit import Visit
from creditd.domain.resource_names import event_endpoint_name

_ENDPOINT_NAME: Final = r"[a-z][a-z0-9-]{0,62}"


def _create(form: TypedForm) -> CreateEventEndpointRequest:
    endpoint = EventEndpoint(
        name=event_endpoint_name(form.text("endpoint_name", is_needed=True, pattern=_ENDPOINT_NAME)),
    )
    endpoint.MergeFrom(_stated(form))
    return CreateEventEndpointRequest(event_endpoint=endpoint, request_id=form.request_id, reason=form.reason())


def _stated(form: TypedForm) -> EventEndpoint:
    return EventEndpoint(
        url=form.text("url", is_needed=True),
        description=form.text("description"),
        types=form.words("event_types", EventType),
        account_id=form.text("account_id"),
        credit_type=form.text("credit_type"),
    )


async def _begun(visit: Visit) -> Mapping[str, str]:
    """Return what an endpoint is, as its form begins."""
    answer = await visit.ask(
        visit.stubs.endpoint.GetEventEndpoint, GetEventEndpointRequest(name=endpoint_name(visit.parts))
    )
    one = answer.event_endpoint
    kinds = [word for word, value in enum_words(EventType).items() if value in one.types]
    return {
        "version": str(one.version),
        "url": one.url,
        "description": one.description,
        "event_types": " ".join(kinds),
        "account_id": one.account_id,
        "credit_type": one.credit_type,
    }


def _change(form: TypedForm) -> UpdateEventEndpointRequest:
    endpoint = EventEndpoint(name=endpoint_name(form.visit.parts))
    endpoint.MergeFrom(_stated(form))
    request = UpdateEventEndpointRequest(event_endpoint=endpoint, request_id=form.request_id, reason=form.reason())
    if form.seen_version is not None:
        request.expected_version = form.seen_version
    return request


def _of_one(message: Any) -> Any:
    def made(form: TypedForm) -> Any:
        return message(name=endpoint_name(form.visit.parts), request_id=form.request_id, reason=form.reason())

    return made


def _replay(form: TypedForm) -> ReplayEventsRequest:
    request = ReplayEventsRequest(
        name=endpoint_name(form.visit.parts), request_id=form.request_id, reason=form.reason()
    )
    # The first position is 1: after 0 comes all that is kept.
    request.after_position = form.whole("after", least=0)
    return request


def _secret(answer: Any) -> list[str]:
    return [answer.secret] if answer.secret else []


_FIELDS: Final = (
    ActField("url", most=2_048, is_needed=True, hint="field.url.hint", of=("event_endpoint.url",)),
    ActField("description", of=("event_endpoint.description",)),
    ActField(
        "event_types",
        "choices",
        words=tuple(enum_words(EventType)),
        key="event_type",
        hint="field.event_types.hint",
        of=("event_endpoint.types",),
    ),
    ActField("account_id", most=128, hint="field.account_id.hint", of=("event_endpoint.account_id",)),
    ActField("credit_type", "type", of=("event_endpoint.credit_type",)),
    REASON._replace(hint=""),
)

CREATE_ENDPOINT: Final = ActPage(
    "create_endpoint",
    "/event-endpoints/new",
    CHANGE,
    lambda stubs: stubs.endpoint.CreateEventEndpoint,
    _create,
    lambda visit: visit.path("/event-endpoints"),
    fields=(
        ActField(
            "endpoint_name", most=63, is_needed=True, hint="field.endpoint_name.hint", of=("event_endpoint.name",)
        ),
        *_FIELDS,
    ),
    will=2,
    shown_once=_secret,
)


def _endpoint_act(name: str, end: str, permission: str, method: Any, request: Any, **more: Any) -> ActPage:
    path = f"/event-endpoints/{{endpoint_id}}/{end}"
    stated: dict[str, Any] = {"fields": (REASON._replace(hint=""),), "subject": "endpoint_id", "will": 1} | more
    return ActPage(name, path, permission, method, request, stated.pop("back", page_of(endpoint_name)), **stated)


CHANGE_ENDPOINT: Final = _endpoint_act(
    "change_endpoint",
    "change",
    CHANGE,
    lambda stubs: stubs.endpoint.UpdateEventEndpoint,
    _change,
    fields=(SEEN_VERSION, *_FIELDS),
    begun=_begun,
)

PAUSE: Final = _endpoint_act(
    "pause_endpoint",
    "pause",
    RUN,
    lambda stubs: stubs.endpoint.PauseEventEndpoint,
    _of_one(PauseEventEndpointRequest),
)

RESUME: Final = _endpoint_act(
    "resume_endpoint",
    "resume",
    RUN,
    lambda stubs: stubs.endpoint.ResumeEventEndpoint,
    _of_one(ResumeEventEndpointRequest),
)

REPLAY_EVENTS: Final = _endpoint_act(
    "replay_events",
    "replay",
    RUN,
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
    CHANGE,
    lambda stubs: stubs.endpoint.RotateEventEndpointSecret,
    _of_one(RotateEventEndpointSecretRequest),
    shown_once=_secret,
)

DELETE_ENDPOINT: Final = _endpoint_act(
    "delete_endpoint",
    "delete",
    CHANGE,
    lambda stubs: stubs.endpoint.DeleteEventEndpoint,
    _of_one(DeleteEventEndpointRequest),
    back=lambda visit: visit.path("/event-endpoints"),
    is_danger=True,
    is_typed=True,
)
