"""Statements as their readers get them: chunks of a file, and the records in it."""

import csv
import io
from typing import Any

from credit.v1 import statement_service_pb2 as pb
from tests.support.customer import Customer

READER = "accountant"


def exporting(customer: Customer, **fields: Any) -> pb.ExportTransactionsRequest:
    """Return the request for a statement, as CSV in English and of all that there is unless stated otherwise."""
    stated: dict[str, Any] = {"format": pb.STATEMENT_FORMAT_CSV, "language": "en"} | fields
    return pb.ExportTransactionsRequest(account_id=customer.account_id, **stated)


def chunks_of(customer: Customer, **fields: Any) -> list[pb.ExportTransactionsResponse]:
    """Return a statement in the chunks that it comes in, as FINANCE gets it."""
    finance = customer.service.as_caller(READER, "FINANCE")
    return list(finance.statement.ExportTransactions(exporting(customer, **fields)))


def file_of(customer: Customer, **fields: Any) -> bytes:
    """Return a statement."""
    return b"".join(chunk.data for chunk in chunks_of(customer, **fields))


def records_in(file: bytes) -> list[dict[str, str]]:
    """Return the records of a CSV file in English by the words of its header line, strictly read."""
    return list(csv.DictReader(io.StringIO(file.decode(), newline=""), strict=True))


def records_of(customer: Customer, **fields: Any) -> list[dict[str, str]]:
    """Return the records of a statement."""
    return records_in(file_of(customer, **fields))
