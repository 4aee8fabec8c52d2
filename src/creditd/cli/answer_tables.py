"""The answers of RPCs as people read them: lists as tables, all else as facts."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from credit.v1.balance_pb2 import Balance
from creditd.cli.answer_cells import Cells, repeated_messages, words_of
from creditd.cli.tables import facts, fitted_table
from creditd.cli.terminal import Palette

_VIEWS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(columns.split())
    for name, columns in {
        "Entry": "create_time amount kind credit_type available_after reserved_after reason actor reservation version"
        " account_id request_id",
        "Balance": "account_id credit_type available reserved total debt version update_time",
        "GrantBalance": "account_id credit_type available source expire_time grant_id",
        "Reservation": "name state amount credit_type account_id expire_time create_time confirmed_amount"
        " refunded_amount reason spender_id",
        "Purchase": "name state price credits bonus credit_type account_id create_time provider method display_name",
        "AuditEvent": "create_time kind outcome actor account_id target reason name person roles request_id occurrences"
        " address correlation_id",
        "HistoryItem": "create_time entry.amount entry.kind entry.credit_type reason actor cause name request_id",
    }.items()
}
"""Columns by the message of a row, the most important first; of other messages all that say something."""

_BALANCES: Final = ("GetBalance", "BatchGetBalances", "GetHistoricalBalance")

_NEXT_PAGE: Final = "next_page_token"


class AnswerText(NamedTuple):
    """What is shown of an answer, and what is remarked about it."""

    text: str
    remarks: tuple[str, ...] = ()


class TableRows(NamedTuple):
    """What one table is of: messages, each within the balance that says whose and of which credit type it is."""

    kind: str
    messages: Sequence[tuple[Message, Balance | None]]


def is_list(method: MethodDescriptor) -> bool:
    """Return whether an RPC's answer is a list, which on a terminal is best read as a table."""
    return method.name.startswith("List") or method.name == "Search" or method.name in _BALANCES


class AnswerTables:
    """Lays answers out for a width."""

    def __init__(self, method: MethodDescriptor, request: Message, width: int, palette: Palette) -> None:
        """Lay out the answers of a method to a request; what the request names is in no column."""
        self._method = method
        self._is_of_one_account = bool(getattr(request, "account_id", ""))
        self._width = width
        self._palette = palette

    def text(self, answer: Message, decimals: Mapping[str, int]) -> AnswerText:
        """Return an answer's text, with amounts by the decimals of each credit type."""
        cells = Cells(decimals)
        blocks: list[str] = []
        remarks: list[str] = []
        for rows in _tables(answer):
            if rows.messages:
                text, left_out = self._table(rows, cells)
                blocks.append(text)
                if left_out:
                    remarks.append(f"no room for {', '.join(left_out)}: --output json has all")
        if not blocks and is_list(self._method):
            blocks.append(f"No {self._subject()}.")
        told = {name: text for name, text in cells.of(answer, depth=0).items() if text and self._is_told(answer, name)}
        token = told.pop(_NEXT_PAGE, "")
        if token:
            remarks.append(f'there is more: ask again with "page_token": "{token}"')
        if told:
            blocks.append(facts(list(told.items()), self._palette))
        return AnswerText("\n\n".join(blocks), tuple(remarks))

    def _table(self, rows: TableRows, cells: Cells) -> tuple[str, tuple[str, ...]]:
        lines = [_whose(balance) | cells.of(message, _type_of(balance)) for message, balance in rows.messages]
        names = _VIEWS.get(rows.kind) or tuple(dict.fromkeys(name for line in lines for name in line))
        known = [name for name in names if any(line.get(name) for line in lines)]
        columns = [name for name in known if name != "account_id" or not self._is_of_one_account] or known
        body = [[line.get(name, "") for name in columns] for line in lines]
        return fitted_table(_short(columns), body, self._width, self._palette)

    def _is_told(self, answer: Message, name: str) -> bool:
        is_known = name.endswith(".account_id") and self._is_of_one_account
        return not is_known and not _is_default(answer, name)

    def _subject(self) -> str:
        name = self._method.name
        if name in _BALANCES:
            return "balances"
        return "hits" if name == "Search" else words_of(name.removeprefix("List"))


def _tables(answer: Message) -> Iterator[TableRows]:
    """Yield what tables are drawn of; balances are told from the accounts and wallets that they are in."""
    accounts = list(_account_balances(answer))
    if accounts:
        wallets = [wallet for account in accounts for wallet in account.wallets]
        yield TableRows("Balance", [(wallet.balance, None) for wallet in wallets])
        grants = [(grant, wallet.balance) for wallet in wallets for grant in wallet.grants]
        yield TableRows("GrantBalance", grants)
        return
    for _, messages in repeated_messages(answer):
        kind = messages[0].DESCRIPTOR.name if messages else ""
        yield TableRows(kind, [(message, None) for message in messages])


def _whose(balance: Balance | None) -> dict[str, str]:
    return {"account_id": balance.account_id, "credit_type": balance.credit_type} if balance else {}


def _type_of(balance: Balance | None) -> str:
    return balance.credit_type if balance else ""


def _short(names: Sequence[str]) -> list[str]:
    """Return the names of columns without the message that they are in, where that leaves no two the same."""
    last = [name.rpartition(".")[2] for name in names]
    return [short if last.count(short) == 1 else name for name, short in zip(names, last, strict=True)]


def _account_balances(answer: Any) -> Iterator[Any]:
    match answer.DESCRIPTOR.name:
        case "GetBalanceResponse":
            yield answer.account_balance
        case "BatchGetBalancesResponse":
            yield from answer.account_balances


def _is_default(answer: Any, name: str) -> bool:
    """Return whether a field of the answer itself, and no message, says nothing: 0, or no."""
    return "." not in name and not answer.DESCRIPTOR.fields_by_name[name].message_type and not getattr(answer, name)
