"""Folding the ledger of one account, or of all, and comparing it with what is stored."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from credit.v1.admin_service_pb2 import LedgerDifference, VerifyLedgerRequest, VerifyLedgerResponse
from creditd.console.shapes.act_page import ActPage
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.resource_names import account_name
from creditd.console.shapes.resource_paths import page_of
from creditd.console.shapes.streamed_answer import StreamedRows
from creditd.console.visit import Visit

_NUMBERS: Final = frozenset({"version", "seal"})

_TIMES: Final = (".grace_end", ".day_start")
"""How the names of figures end that are times, in microseconds."""


def _figure(write: CellWriter, one: LedgerDifference, figure: int) -> Cell:
    """Return a figure by what it counts: all but versions, seals and times are credits."""
    if one.field.endswith(_TIMES):
        return write.instant(figure)
    if one.field in _NUMBERS or one.field.endswith("_count"):
        return write.number(figure)
    return write.credits(figure, one.credit_type, is_bare=True)


def _row(write: CellWriter, message: VerifyLedgerResponse) -> Sequence[Cell] | None:
    if not message.HasField("difference"):
        return None
    one = message.difference
    return (
        write.account(one.account_id),
        write.code(one.credit_type),
        write.number(one.version) if one.HasField("version") else NOTHING,
        write.code(one.field),
        _figure(write, one, one.expected),
        _figure(write, one, one.actual),
    )


def _end(write: CellWriter, message: VerifyLedgerResponse) -> Cell:
    if not message.HasField("summary"):
        return write.text("stream.broken")
    one = message.summary
    return write.text(
        "ledger.verified",
        wallets=write.number(one.wallets),
        entries=write.number(one.entries),
        differences=write.number(one.differences),
    )


_ROWS: Final = StreamedRows(
    (("account", ""), ("credit_type", ""), ("version", "n"), ("figure", ""), ("expected", "n"), ("stored", "n")),
    _row,
    _end,
)


def _check(name: str, path: str, back: Callable[[Visit], str], subject: str) -> ActPage:
    def request(form: Any) -> VerifyLedgerRequest:
        return VerifyLedgerRequest(account_id=form.visit.parts.get("account_id", ""))

    return ActPage(
        name,
        path,
        "finances.read",
        lambda stubs: stubs.admin.VerifyLedger,
        request,
        back,
        fields=(),
        subject=subject,
        will=1,
        stream=_ROWS,
    )


VERIFY_ACCOUNT: Final = _check(
    "verify_account",
    "/accounts/{account_id}/verify",
    page_of(account_name),
    "account_id",
)

VERIFY_ALL: Final = _check("verify_all", "/health/verify", lambda visit: visit.path("/health"), "")
