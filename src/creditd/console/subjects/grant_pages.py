"""Grants: those of a wallet, and one with where it came from and went, to its last credit."""

from typing import Final

from credit.v1.entry_pb2 import EntryKind
from credit.v1.grant_pb2 import GrantUse
from credit.v1.source_pb2 import Source
from credit.v1.support_service_pb2 import GetGrantRequest, GetGrantResponse, ListGrantsRequest, ListGrantUsesRequest
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, KnownFact, ShownDetail
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.resource_names import grant_name
from creditd.console.shapes.resource_paths import resource_path


def _credits(write: CellWriter, name: str, amount: int) -> Cell:
    """Return an amount of the credit type that a grant's resource name tells."""
    return write.credits(amount, name.split("/")[3])


def _used(write: CellWriter, use: GrantUse) -> Cell:
    return write.credits(use.amount, write.visit.parts["credit_type"])


GRANTS: Final = ListPage(
    "grants",
    "/accounts/{account_id}/wallets/{credit_type}/grants",
    "accounts.search",
    lambda stubs: stubs.support.ListGrants,
    ListGrantsRequest,
    "grants",
    (
        ListColumn("created", lambda write, grant: write.time(grant.create_time)),
        ListColumn("source", lambda write, grant: write.word(Source, grant.source)),
        ListColumn("came_in", lambda write, grant: _credits(write, grant.name, grant.amount), "n", has_unit=True),
        ListColumn("available", lambda write, grant: _credits(write, grant.name, grant.available), "n", has_unit=True),
        ListColumn("held", lambda write, grant: _credits(write, grant.name, grant.held), "n", has_unit=True),
        ListColumn("expires", lambda write, grant: write.time(grant.expire_time)),
        ListColumn("who", lambda write, grant: write.identifier(grant.origin.actor)),
        ListColumn("reason", lambda write, grant: write.quoted(grant.origin.reason), "txt wide"),
    ),
    has_amounts=True,
    opens=lambda visit, grant: resource_path(visit, grant.name),
)

GRANT_USES: Final = ListPage(
    "grant_uses",
    "/accounts/{account_id}/wallets/{credit_type}/grants/{grant_id}/uses",
    "accounts.search",
    lambda stubs: stubs.support.ListGrantUses,
    ListGrantUsesRequest,
    "grant_uses",
    (
        ListColumn("time", lambda write, use: write.time(use.create_time, with_seconds=True)),
        ListColumn("kind", lambda write, use: write.word(EntryKind, use.kind)),
        ListColumn("credits", _used, "n", has_unit=True),
        ListColumn("spender", lambda write, use: write.identifier(use.spender_id)),
        ListColumn("reservation", lambda write, use: write.resource(use.reservation) if use.reservation else NOTHING),
        ListColumn("version", lambda write, use: write.number(use.version), "n"),
    ),
    of_path=lambda parts: {"grant_id": parts["grant_id"]},
    has_amounts=True,
)


def _grant_detail(write: CellWriter, answer: GetGrantResponse) -> ShownDetail:
    grant, origin = answer.grant, answer.grant.origin
    _, account_id, _, code, _, grant_id = grant.name.split("/")
    facts = (
        KnownFact("came_in", write.credits(grant.amount, code)),
        KnownFact("available", write.credits(grant.available, code)),
        KnownFact("held", write.credits(grant.held, code)),
        KnownFact("expires", write.time(grant.expire_time)),
        KnownFact("grace", write.time(grant.grace_end_time)),
        KnownFact("created", write.time(grant.create_time, with_seconds=True)),
    )
    entry = write.visit.account_path(account_id, f"/wallets/{code}/entries/{origin.version}")
    brought = (
        KnownFact("kind", write.word(EntryKind, origin.kind)),
        KnownFact("who", write.identifier(origin.actor, is_whole=True)),
        KnownFact("reason", write.said(origin.reason)),
        KnownFact("purchase", write.resource(origin.purchase) if origin.purchase else NOTHING),
        KnownFact("payment", write.identifier(origin.payment_id, is_whole=True)),
        KnownFact("request", write.identifier(origin.request_id, is_whole=True)),
        KnownFact("entry", write.identifier(str(origin.version), f"{entry}?at={grant.create_time.ToJsonString()}")),
    )
    return ShownDetail(
        write.text("grant_of", amount=write.credits(grant.amount, code), source=write.word(Source, grant.source)),
        beneath=(write.account(account_id), write.identifier(grant_id, is_whole=True)),
        sections=(DetailSection("grant", facts),),
        aside=(DetailSection("origin", brought),),
        lists=[(GRANT_USES, {})],
    )


GRANT: Final = DetailPage(
    "/accounts/{account_id}/wallets/{credit_type}/grants/{grant_id}",
    lambda stubs: stubs.support.GetGrant,
    lambda parts: GetGrantRequest(name=grant_name(parts)),
    _grant_detail,
)
