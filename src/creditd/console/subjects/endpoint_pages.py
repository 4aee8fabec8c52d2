"""Endpoints that events are delivered to: the list, and one with its deliveries."""

from collections.abc import Mapping
from typing import Any, Final

from credit.v1.event_endpoint_pb2 import EventEndpoint
from credit.v1.event_endpoint_service_pb2 import (
    GetEventEndpointRequest,
    GetEventEndpointResponse,
    ListDeadLettersRequest,
    ListDeliveryAttemptsRequest,
    ListEventEndpointsRequest,
)
from credit.v1.event_pb2 import EventType
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, KnownFact, ShownDetail
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_names import Parts, endpoint_name
from creditd.console.shapes.resource_paths import resource_path

RUN: Final = "event_endpoints.run"
CHANGE: Final = "event_endpoints.change"

_GOOD_STATUSES: Final = range(200, 300)


def _state(write: CellWriter, endpoint: EventEndpoint) -> Cell:
    if endpoint.paused:
        return write.tag(("t-warn", "hold"), write.text("endpoint.paused"))
    return write.tag(("quiet", "check"), write.text("endpoint.delivering"))


def _answer(write: CellWriter, attempt: Any) -> Cell:
    look = ("quiet", "check") if attempt.status in _GOOD_STATUSES else ("t-bad", "alert")
    return write.tag(look, write.code(str(attempt.status or attempt.problem)))


def _endpoint(parts: Parts) -> Mapping[str, str]:
    return {"name": endpoint_name(parts)}


ENDPOINTS: Final = ListPage(
    "event_endpoints",
    "/event-endpoints",
    RUN,
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
    acts=(OfferedAct("act.create_endpoint.do", "/event-endpoints/new", CHANGE, "plus", is_main=True),),
)

ATTEMPTS: Final = ListPage(
    "delivery_attempts",
    "/event-endpoints/{endpoint_id}/attempts",
    RUN,
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
    of_path=_endpoint,
)

DEAD_LETTERS: Final = ListPage(
    "dead_letters",
    "/event-endpoints/{endpoint_id}/dead-letters",
    RUN,
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
    of_path=_endpoint,
)


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
        lists=((DEAD_LETTERS, {}), (ATTEMPTS, {})),
        acts=(
            OfferedAct("act.delete_endpoint.do", f"{path}/delete", CHANGE, is_danger=True),
            OfferedAct("act.rotate_secret.do", f"{path}/rotate", CHANGE),
            OfferedAct("act.change_endpoint.do", f"{path}/change", CHANGE),
            OfferedAct("act.replay_events.do", f"{path}/replay", RUN, "again"),
            OfferedAct(f"act.{act}_endpoint.do", f"{path}/{act}", RUN, is_main=True),
        ),
    )


ENDPOINT: Final = DetailPage(
    "/event-endpoints/{endpoint_id}",
    lambda stubs: stubs.endpoint.GetEventEndpoint,
    lambda parts: GetEventEndpointRequest(**_endpoint(parts)),
    _detail,
)
