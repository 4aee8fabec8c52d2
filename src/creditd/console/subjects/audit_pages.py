"""The audit log: who did what to whom, why, and what was refused."""

from typing import Final

from credit.v1.audit_event_pb2 import AuditEvent, AuditOutcome
from credit.v1.audit_service_pb2 import GetAuditHeadRequest, GetAuditHeadResponse, ListAuditEventsRequest
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, KnownFact, ShownDetail
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_paths import resource_path
from creditd.console.subjects.audit_changes import changed_cells


def _who(write: CellWriter, event: AuditEvent) -> Cell:
    who = write.identifier(event.actor) if event.actor else write.code(event.address)
    return write.under(who, write.code(", ".join(event.roles))) if event.roles else who


def _what(write: CellWriter, event: AuditEvent) -> Cell:
    kind = write.code(event.kind)
    if event.account_id:
        return write.under(kind, write.account(event.account_id))
    path = resource_path(write.visit, event.target)
    return write.under(kind, write.identifier(event.target, path)) if event.target else kind


def _change(write: CellWriter, event: AuditEvent) -> Cell:
    if event.refusal:
        return write.tag(("t-bad", "ban"), write.code(event.refusal))
    cells = changed_cells(write, event.before, event.after)
    return write.beside(cells) if cells else NOTHING


def _seal(write: CellWriter, answer: GetAuditHeadResponse) -> ShownDetail:
    """Return the end of the chain, with the lines that are signed, to be kept where nobody of us changes it."""
    head = answer.audit_head
    facts = (
        KnownFact("seal_number", write.number(head.seal_number)),
        KnownFact("hash", write.code(head.hash)),
        KnownFact("sealed", write.code(head.create_time)),
        KnownFact("signature", write.code(head.signature)),
        KnownFact("public_key", write.code(head.public_key)),
    )
    signed = f"creditd audit head\n{head.seal_number}\n{head.hash}\n{head.create_time}" if head.hash else ""
    return ShownDetail(
        write.text("seal"),
        beneath=(write.text("seal.text"),),
        sections=(
            DetailSection("seal", facts),
            DetailSection("signed", raw=signed, hint="section.signed.hint"),
        ),
    )


AUDIT_SEAL: Final = DetailPage(
    "/audit/seal",
    lambda stubs: stubs.audit.GetAuditHead,
    lambda parts: GetAuditHeadRequest(),  # noqa: ARG005 - it is one for all.
    _seal,
)

AUDIT: Final = ListPage(
    "audit",
    "/audit",
    "audit.read",
    lambda stubs: stubs.audit.ListAuditEvents,
    ListAuditEventsRequest,
    "audit_events",
    (
        ListColumn("time", lambda write, event: write.time(event.create_time, with_seconds=True)),
        ListColumn("who", _who),
        ListColumn("what", _what, "wide"),
        ListColumn("outcome", lambda write, event: write.state(AuditOutcome, event.outcome)),
        ListColumn("change", _change, "wide moves"),
        ListColumn("reason", lambda write, event: write.quoted(event.reason), "txt wide"),
        ListColumn("correlation", lambda write, event: write.identifier(event.correlation_id), for_files=True),
        ListColumn("how_many", lambda write, event: write.number(event.occurrences), "n"),
        ListColumn("request", lambda write, event: write.identifier(event.request_id), for_files=True),
        ListColumn("last_from", lambda write, event: write.code(event.address), for_files=True),
        ListColumn("person", lambda write, event: write.identifier(event.person), for_files=True),
        # Whole, as programs read them.
        ListColumn("json_before", lambda write, event: write.said(event.before), for_files=True),
        ListColumn("json_after", lambda write, event: write.said(event.after), for_files=True),
    ),
    filters=(
        ListFilter("outcome", "outcome", AuditOutcome),
        ListFilter("who", "actor", pattern=r".{1,255}"),
        ListFilter("account", "account_id", pattern=ACCOUNT_ID),
        ListFilter("what", "kind", pattern=r"[a-z_]{1,64}\.[a-z_]{1,64}"),
        ListFilter("from", "start_time", day="first"),
        ListFilter("to", "end_time", day="last"),
    ),
    has_amounts=True,
    acts=(OfferedAct("seal.do", "/audit/seal", "audit.read", "lock"),),
)
