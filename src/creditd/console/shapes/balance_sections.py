"""Balances as a part of a page of one thing."""

from collections.abc import Sequence

from credit.v1.balance_pb2 import Balance
from creditd.console.shapes.cells import CellWriter
from creditd.console.shapes.detail_page import DetailSection


def balances_sections(write: CellWriter, name: str, balances: Sequence[Balance]) -> list[DetailSection]:
    """Return a part with balances, by credit type; none if there are none."""
    rows = [
        (
            write.code(balance.credit_type),
            write.credits(balance.available, balance.credit_type, is_bare=True),
            write.credits(balance.reserved, balance.credit_type, is_bare=True),
            write.credits(balance.debt, balance.credit_type, is_bare=True),
        )
        for balance in balances
    ]
    heads = (("credit_type", ""), ("available", "n"), ("held", "n"), ("debt", "n"))
    return [DetailSection(name, heads=heads, rows=rows)] if rows else []
