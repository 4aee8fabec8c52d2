"""How long the first and the last page of an account's ledger take."""

import time
from dataclasses import dataclass

import grpc

from credit.v1.credit_service_pb2 import ListTransactionsRequest
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from tests.bench.latency import Latencies
from tests.bench.messages import account_id
from tests.bench.requests import CREDIT_TYPE
from tests.bench.service_process import Service

_PAGE_SIZE = 100
_REPEATED = 200
_LONGEST_S = 10


@dataclass(frozen=True)
class Pages:
    """How many entries there are and how long a page took, by one caller with grpc's own client."""

    entries: int
    first: Latencies
    last: Latencies


def measure_pages(service: Service, account: int) -> Pages:
    """Walks an account's ledger to its last page, and then asks for the first and the last again and again."""
    metadata = (("authorization", f"Bearer {service.token}"),)
    with grpc.insecure_channel(f"127.0.0.1:{service.port}") as channel:
        stub = CreditServiceStub(channel)
        entries, token, page = 0, "", _request(account, "")
        while True:
            answer = stub.ListTransactions(page, metadata=metadata, timeout=_LONGEST_S)
            entries += len(answer.entries)
            if not answer.next_page_token:
                break
            token = answer.next_page_token
            page = _request(account, token)
        first, last = Latencies(), Latencies()
        # In turn, so that a slower moment of the machine falls on both.
        for _ in range(_REPEATED):
            for wanted, latencies in ((_request(account, ""), first), (page, last)):
                started = time.monotonic()
                stub.ListTransactions(wanted, metadata=metadata, timeout=_LONGEST_S)
                latencies.add(time.monotonic() - started)
    return Pages(entries, first, last)


def _request(account: int, page_token: str) -> ListTransactionsRequest:
    name = account_id(account)
    return ListTransactionsRequest(
        account_id=name, credit_type=CREDIT_TYPE, page_size=_PAGE_SIZE, page_token=page_token
    )
