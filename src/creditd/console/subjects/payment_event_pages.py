"""What providers said by webhooks: the list, one event, and having it applied again or put aside."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from credit.v1.payment_admin_service_pb2 import (
    DismissPaymentEventRequest,
    GetPaymentEventRequest,
    ListPaymentEventsRequest,
    ListPaymentEventsResponse,
    ListRejectedWebhooksRequest,
    ReconcilePaymentsRequest,
    ReconcilePaymentsResponse,
    ReplayPaymentEventRequest,
)
from credit.v1.payment_event_pb2 import PaymentEvent, PaymentEventActKind, PaymentEventState
from credit.v1.payment_provider_pb2 import PaymentProvider
from credit.v1.rejected_webhooks_pb2 import RejectionReason
from creditd.console.shapes.act_page import ActField, ActPage
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, KnownFact, ShownDetail
from creditd.console.shapes.enum_words import enum_words
from creditd.console.shapes.id_patterns import ACCOUNT_ID, RESOURCE_NAME
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_names import payment_event_name
from creditd.console.shapes.resource_paths import page_of, resource_path
from creditd.console.shapes.streamed_answer import StreamedRows
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.subjects.payment_facts import HeardEvent, facts_section, with_purchase
from creditd.console.visit import Visit

_DAY_SECONDS: Final = 86_400


def _counts(write: CellWriter, answer: ListPaymentEventsResponse) -> Mapping[str, Cell]:
    """Return how many events there are in each state, by its word; none of states without one."""
    words = {number: word for word, number in enum_words(PaymentEventState).items()}
    return {
        words[one.state]: write.text("at_least", number=write.number(one.count))
        if one.is_minimum
        else write.number(one.count)
        for one in answer.counts
        if one.count and one.state in words
    }


_WAITING_STATES: Final = frozenset(
    {PaymentEventState.PAYMENT_EVENT_STATE_PENDING, PaymentEventState.PAYMENT_EVENT_STATE_PARKED}
)


def _received(write: CellWriter, event: PaymentEvent) -> Cell:
    return write.waiting_time(event.receive_time, waits=event.state in _WAITING_STATES, with_seconds=True)


PAYMENT_EVENTS: Final = ListPage(
    "payment_events",
    "/payment-events",
    "finances.read",
    lambda stubs: stubs.payment_admin.ListPaymentEvents,
    ListPaymentEventsRequest,
    "payment_events",
    (
        ListColumn("received", _received),
        ListColumn(
            "event",
            lambda write, event: write.under(write.word(PaymentProvider, event.provider), write.code(event.event_type)),
        ),
        ListColumn("state", lambda write, event: write.state(PaymentEventState, event.state)),
        ListColumn("problem", lambda write, event: write.quoted(event.problem), "txt wide"),
        ListColumn("account", lambda write, event: write.account(event.account_id)),
        ListColumn("tries", lambda write, event: write.number(event.attempts), "n"),
    ),
    filters=(
        ListFilter("state", "state", PaymentEventState),
        ListFilter("provider", "provider", PaymentProvider),
        ListFilter("account", "account_id", pattern=ACCOUNT_ID),
        ListFilter("purchase", "purchase", pattern=RESOURCE_NAME),
        ListFilter("from", "start_time", day="first"),
        ListFilter("to", "end_time", day="last"),
    ),
    counts=_counts,
    opens=lambda visit, event: resource_path(visit, event.name),
    acts=(OfferedAct("act.compare.do", "/payment-events/compare", "payments.settle", "again"),),
)

REJECTED_WEBHOOKS: Final = ListPage(
    "rejected_webhooks",
    "/rejected-webhooks",
    "finances.read",
    lambda stubs: stubs.payment_admin.ListRejectedWebhooks,
    ListRejectedWebhooksRequest,
    "rejected_webhooks",
    (
        ListColumn("hour", lambda write, row: write.time(row.hour)),
        ListColumn("provider", lambda write, row: write.word(PaymentProvider, row.provider)),
        ListColumn("refusal", lambda write, row: write.word(RejectionReason, row.reason)),
        ListColumn("how_many", lambda write, row: write.number(row.count), "n"),
        ListColumn("last_from", lambda write, row: write.code(row.last_remote_address)),
        ListColumn("last_time", lambda write, row: write.time(row.last_time, with_seconds=True)),
    ),
)


def _detail(write: CellWriter, heard: HeardEvent) -> ShownDetail:
    answer, event = heard.answer, heard.answer.payment_event
    title = write.text(
        "payment_event", provider=write.word(PaymentProvider, event.provider), kind=write.code(event.event_type)
    )
    acts = DetailSection(
        "acts",
        heads=(("time", ""), ("act", ""), ("who", ""), ("reason", "txt")),
        rows=[
            (
                write.time(act.create_time, with_seconds=True),
                write.word(PaymentEventActKind, act.kind),
                write.said(act.actor),
                write.said(act.reason),
            )
            for act in answer.acts
        ],
    )
    is_applied = event.state == PaymentEventState.PAYMENT_EVENT_STATE_APPLIED
    facts = [facts_section(write, answer.facts, heard.purchase, is_applied=is_applied)] if answer.facts else []
    return ShownDetail(
        title,
        (write.state(PaymentEventState, event.state), write.mode(is_live=event.live)),
        (_received(write, event), write.identifier(event.delivery_key)),
        alert=write.said(event.problem) if event.problem else None,
        sections=(*facts, DetailSection("body", raw=_in_lines(answer.body), hint="section.body.hint"), acts),
        aside=(DetailSection("payment_event", _facts(write, event)),),
        acts=_offers(write.visit, event),
    )


def _in_lines(body: str) -> str:
    """Return a body with a line for each of its fields, if it is JSON; else as it came."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        # A form, whole numbers that only a text keeps, or more parts within parts than are written.
        return body


def _facts(write: CellWriter, event: PaymentEvent) -> tuple[KnownFact, ...]:
    return (
        KnownFact("account", write.account(event.account_id)),
        KnownFact("purchase", write.resource(event.purchase) if event.purchase else NOTHING),
        KnownFact("tries", write.number(event.attempts)),
        KnownFact("next_try", write.time(event.next_attempt_time, with_seconds=True)),
        KnownFact("waits_for", write.beside([write.code(one) for one in event.waits_for])),
        KnownFact("changed", write.time(event.update_time, with_seconds=True)),
    )


def _offers(visit: Visit, event: PaymentEvent) -> list[OfferedAct]:
    path = resource_path(visit, event.name)
    offers = []
    if event.state == PaymentEventState.PAYMENT_EVENT_STATE_PARKED:
        offers.append(OfferedAct("act.dismiss_event.do", f"{path}/dismiss", "payments.settle", is_danger=True))
    if event.state in {
        PaymentEventState.PAYMENT_EVENT_STATE_PARKED,
        PaymentEventState.PAYMENT_EVENT_STATE_DISMISSED,
    }:
        offers.append(OfferedAct("act.replay_event.do", f"{path}/replay", "payments.settle", "again", is_main=True))
    return offers


PAYMENT_EVENT: Final = DetailPage(
    "/payment-events/{event_id}",
    lambda stubs: stubs.payment_admin.GetPaymentEvent,
    lambda parts: GetPaymentEventRequest(name=payment_event_name(parts)),
    _detail,
    more=with_purchase,
)


def _request(message: Any) -> Any:
    def made(form: TypedForm) -> Any:
        name = payment_event_name(form.visit.parts)
        return message(name=name, request_id=form.request_id, reason=form.reason())

    return made


_BACK: Final = page_of(payment_event_name)

REPLAY: Final = ActPage(
    "replay_event",
    "/payment-events/{event_id}/replay",
    "payments.settle",
    lambda stubs: stubs.payment_admin.ReplayPaymentEvent,
    _request(ReplayPaymentEventRequest),
    _BACK,
    subject="event_id",
    will=2,
)

DISMISS: Final = ActPage(
    "dismiss_event",
    "/payment-events/{event_id}/dismiss",
    "payments.settle",
    lambda stubs: stubs.payment_admin.DismissPaymentEvent,
    _request(DismissPaymentEventRequest),
    _BACK,
    subject="event_id",
    will=2,
    is_danger=True,
)


_MOST_DAYS: Final = 90
"""To look back at a provider: further than any of them sends what was missed."""


def _comparison(form: TypedForm) -> ReconcilePaymentsRequest:
    request = ReconcilePaymentsRequest(provider=form.word("provider", PaymentProvider))
    if days := form.whole("back", most=_MOST_DAYS, is_needed=False):
        request.since.FromSeconds(int(form.visit.now) - days * _DAY_SECONDS)
    return request


def _find(write: CellWriter, message: ReconcilePaymentsResponse) -> Sequence[Cell] | None:
    if not message.HasField("find"):
        return None
    one = message.find
    return (
        write.code(one.reference),
        write.resource(one.purchase) if one.purchase else NOTHING,
        write.text("find.applied" if one.applied else "find.unresolved"),
        write.said(one.description),
    )


def _compared(write: CellWriter, message: ReconcilePaymentsResponse) -> Cell:
    if not message.HasField("summary"):
        return write.text("stream.broken")
    one = message.summary
    return write.text(
        "find.summary",
        compared=write.number(one.compared),
        applied=write.number(one.applied),
        unresolved=write.number(one.unresolved),
    )


COMPARE: Final = ActPage(
    "compare",
    "/payment-events/compare",
    "payments.settle",
    lambda stubs: stubs.payment_admin.ReconcilePayments,
    _comparison,
    lambda visit: visit.path("/payment-events"),
    fields=(
        ActField(
            "provider", "choice", words=tuple(enum_words(PaymentProvider)), key="payment_provider", is_needed=True
        ),
        ActField("back", "number", hint="field.back.hint", of=("since",)),
    ),
    will=2,
    stream=StreamedRows((("reference", ""), ("purchase", ""), ("outcome", ""), ("what", "txt")), _find, _compared),
)
