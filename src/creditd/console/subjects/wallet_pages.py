"""What is in an account's wallets and what moved it: lists of movements and holds, and one of each in whole."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from credit.v1.credit_service_pb2 import (
    GetReservationRequest,
    GetReservationResponse,
    ListReservationsRequest,
    ListTransactionsRequest,
    RefundRequest,
)
from credit.v1.entry_pb2 import Entry, EntryKind
from credit.v1.reservation_pb2 import Reservation, ReservationState
from credit.v1.source_pb2 import Slice, Source
from credit.v1.support_service_pb2 import ReturnHoldRequest
from creditd.console.shapes.act_page import REASON, STAFF_NOTE, ActField, ActPage
from creditd.console.shapes.balance_look import balance_look
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, KnownFact, ShownDetail
from creditd.console.shapes.id_patterns import CREDIT_TYPE, RESOURCE_NAME
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_names import reservation_name
from creditd.console.shapes.resource_paths import page_of, resource_path
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.subjects.account_looks import LOOKS
from creditd.console.visit import Visit
from creditd.domain.resource_names import grant_name


def entry_path(visit: Visit, entry: Entry) -> str:
    """Return the path of a movement's own page, with the time by which it is found."""
    further = f"/wallets/{entry.credit_type}/entries/{entry.version}"
    return visit.account_path(entry.account_id, further, at=entry.create_time.ToJsonString())


def entry_amount(write: CellWriter, entry: Entry) -> Cell:
    """Return the amount of a movement, with the sign of what it meant."""
    look = LOOKS.get(entry.kind)
    amount = -entry.amount if look and look.way == "out" else entry.amount
    return write.credits(amount, entry.credit_type, is_signed=look is not None and look.way == "in")


ENTRIES: Final = ListPage(
    "entries",
    "/accounts/{account_id}/entries",
    "accounts.read",
    lambda stubs: stubs.credit.ListTransactions,
    ListTransactionsRequest,
    "entries",
    (
        ListColumn("time", lambda write, entry: write.time(entry.create_time, with_seconds=True)),
        ListColumn("kind", lambda write, entry: write.word(EntryKind, entry.kind)),
        ListColumn("amount", entry_amount, "n", has_unit=True),
        ListColumn(
            "after", lambda write, entry: write.credits(entry.available_after, entry.credit_type, is_bare=True), "n"
        ),
        ListColumn("reason", lambda write, entry: write.quoted(entry.reason), "txt wide"),
        ListColumn("who", lambda write, entry: write.identifier(entry.actor)),
        ListColumn("spender", lambda write, entry: write.identifier(entry.spender_id)),
        ListColumn(
            "reservation", lambda write, entry: write.resource(entry.reservation) if entry.reservation else NOTHING
        ),
        ListColumn("request", lambda write, entry: write.identifier(entry.request_id), for_files=True),
        ListColumn("correlation", lambda write, entry: write.identifier(entry.correlation_id), for_files=True),
    ),
    filters=(
        ListFilter("kind", "kinds", EntryKind, is_many=True),
        ListFilter("type", "credit_type", pattern=CREDIT_TYPE),
        ListFilter("reservation", "reservation", pattern=RESOURCE_NAME),
        ListFilter("from", "start_time", day="first"),
        ListFilter("to", "end_time", day="last"),
    ),
    has_amounts=True,
    totals=lambda fields: not {"kinds", "reservation"} & fields.keys(),
    opens=entry_path,
)

HOLDS: Final = ListPage(
    "reservations",
    "/accounts/{account_id}/reservations",
    "accounts.read",
    lambda stubs: stubs.credit.ListReservations,
    ListReservationsRequest,
    "reservations",
    (
        ListColumn("time", lambda write, one: write.time(one.create_time, with_seconds=True)),
        ListColumn("state", lambda write, one: write.state(ReservationState, one.state)),
        ListColumn("held", lambda write, one: write.credits(one.amount, one.credit_type), "n", has_unit=True),
        ListColumn(
            "spent", lambda write, one: write.credits(one.confirmed_amount, one.credit_type), "n", has_unit=True
        ),
        ListColumn(
            "refunded", lambda write, one: write.credits(one.refunded_amount, one.credit_type), "n", has_unit=True
        ),
        ListColumn("reason", lambda write, one: write.quoted(one.reason), "txt wide"),
        ListColumn("spender", lambda write, one: write.identifier(one.spender_id)),
        ListColumn("ends", lambda write, one: write.time(one.expire_time)),
    ),
    filters=(
        ListFilter("state", "state", ReservationState),
        ListFilter("type", "credit_type", pattern=CREDIT_TYPE),
    ),
    has_amounts=True,
    opens=lambda visit, one: resource_path(visit, one.name),
)


def slices_section(write: CellWriter, account_id: str, credit_type: str, slices: Sequence[Slice]) -> DetailSection:
    """Return the parts of grants that something is taken from."""
    rows = []
    for part in slices:
        name = grant_name(account_id, credit_type, part.grant_id)
        rows.append((write.word(Source, part.source), write.resource(name), write.credits(part.amount, credit_type)))
    return DetailSection("slices", heads=(("source", ""), ("grant", ""), ("amount", "n")), rows=rows)


def _labels(write: CellWriter, metadata: Mapping[str, str]) -> Cell:
    return write.beside([write.text("label", name=name, value=value) for name, value in sorted(metadata.items())])


def _correlation(write: CellWriter, correlation_id: str) -> Cell:
    """Return a correlation id, which leads to all that was done with it."""
    return write.identifier(correlation_id, write.visit.path("/accounts", q=correlation_id), is_whole=True)


def entry_detail(write: CellWriter, entry: Entry) -> ShownDetail:
    """Return the page that explains a movement: what it moved, of which grants, and what brought it about."""
    code = entry.credit_type

    def figure(delta: int, after: int) -> Cell:
        change = write.credits(delta, code, is_signed=True, is_bare=True)
        return write.text("figure.change", change=change, after=write.credits(after, code, is_bare=True))

    facts = (
        KnownFact("available", figure(entry.available_delta, entry.available_after)),
        KnownFact("held", figure(entry.reserved_delta, entry.reserved_after)),
        KnownFact("debt", figure(entry.debt_delta, entry.debt_after)),
        KnownFact("reason", write.said(entry.reason)),
        KnownFact("who", write.identifier(entry.actor, is_whole=True)),
        KnownFact("spender", write.identifier(entry.spender_id, is_whole=True)),
        KnownFact("reservation", write.resource(entry.reservation) if entry.reservation else NOTHING),
        KnownFact("request", write.identifier(entry.request_id, is_whole=True)),
        KnownFact("correlation", _correlation(write, entry.correlation_id)),
        KnownFact("labels", _labels(write, entry.metadata)),
        KnownFact("version", write.number(entry.version)),
    )
    return ShownDetail(
        write.text("entry", kind=write.word(EntryKind, entry.kind), amount=entry_amount(write, entry)),
        beneath=(write.account(entry.account_id), write.time(entry.create_time, with_seconds=True)),
        sections=(DetailSection("entry", facts), slices_section(write, entry.account_id, code, entry.slices)),
    )


def _reservation_detail(write: CellWriter, answer: GetReservationResponse) -> ShownDetail:
    one: Reservation = answer.reservation
    code = one.credit_type
    facts = (
        KnownFact("held", write.credits(one.amount, code)),
        KnownFact("spent", write.credits(one.confirmed_amount, code)),
        KnownFact("refunded", write.credits(one.refunded_amount, code)),
        KnownFact("under_plan", write.yes_or_no(is_so=one.unlimited)),
        KnownFact("reason", write.said(one.reason)),
        KnownFact("spender", write.identifier(one.spender_id, is_whole=True)),
        KnownFact("labels", _labels(write, one.metadata)),
        KnownFact("created", write.time(one.create_time, with_seconds=True)),
        KnownFact("ends", write.time(one.expire_time, with_seconds=True)),
        KnownFact("changed", write.time(one.update_time, with_seconds=True)),
    )
    return ShownDetail(
        write.text("reservation", amount=write.credits(one.amount, code)),
        (write.state(ReservationState, one.state),),
        (write.account(one.account_id), write.identifier(one.name.rpartition("/")[2], is_whole=True)),
        sections=(DetailSection("reservation", facts), slices_section(write, one.account_id, code, one.slices)),
        lists=[(ENTRIES, {"account_id": one.account_id, "reservation": one.name})],
        acts=_offers(write, one),
    )


def _offers(write: CellWriter, one: Reservation) -> Sequence[OfferedAct]:
    """Return what can be done: what is held is given back whole, what was spent as far as it was not yet."""
    path, left = resource_path(write.visit, one.name), one.confirmed_amount - one.refunded_amount
    if one.state == ReservationState.RESERVATION_STATE_PENDING:
        return [OfferedAct("act.return_hold.do", f"{path}/return", "holds.return", "back")]
    if one.state == ReservationState.RESERVATION_STATE_CONFIRMED and left > 0:
        stated = urlencode({"amount": write.typed(left, one.credit_type)})
        return [OfferedAct("act.refund.do", f"{path}/refund?{stated}", "credits.spend", "back")]
    return []


RESERVATION: Final = DetailPage(
    "/accounts/{account_id}/wallets/{credit_type}/reservations/{reservation_id}",
    lambda stubs: stubs.credit.GetReservation,
    lambda parts: GetReservationRequest(name=reservation_name(parts)),
    _reservation_detail,
)


def _refund(form: TypedForm) -> RefundRequest:
    parts = form.visit.parts
    return RefundRequest(
        name=reservation_name(parts),
        # What was shown, and not all that may be there by then.
        amount=form.amount("amount", parts["credit_type"]),
        request_id=form.request_id,
        reason=form.reason(),
    )


def _return(form: TypedForm) -> ReturnHoldRequest:
    return ReturnHoldRequest(
        name=reservation_name(form.visit.parts),
        request_id=form.request_id,
        reason=form.reason(),
        staff_note=form.text("staff_note"),
    )


_BACK: Final = page_of(reservation_name)

RETURN_HOLD: Final = ActPage(
    "return_hold",
    "/accounts/{account_id}/wallets/{credit_type}/reservations/{reservation_id}/return",
    "holds.return",
    lambda stubs: stubs.support.ReturnHold,
    _return,
    _BACK,
    fields=(REASON, STAFF_NOTE),
    subject="reservation_id",
    will=2,
    look=balance_look(lambda stubs: stubs.support.ReturnHold),
)

REFUND: Final = ActPage(
    "refund",
    "/accounts/{account_id}/wallets/{credit_type}/reservations/{reservation_id}/refund",
    "credits.spend",
    lambda stubs: stubs.credit.Refund,
    _refund,
    _BACK,
    fields=(ActField("amount", "number", is_needed=True), REASON),
    subject="reservation_id",
    will=1,
    look=balance_look(lambda stubs: stubs.credit.Refund),
)
