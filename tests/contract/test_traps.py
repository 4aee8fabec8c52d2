"""The known traps of credit systems, each over the wire."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import grpc

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import source_pb2
from tests.running import read_refusal


def top_up(staff: SimpleNamespace, account: str, amount: int, source: int = source_pb2.SOURCE_PURCHASED) -> None:
    """Give an account credits of the type chat."""
    staff.admin.AddCredits(
        admin.AddCreditsRequest(
            account_id=account,
            amounts=[admin.CreditAmount(credit_type="chat", amount=amount)],
            source=source,
            reason="test",
            request_id=f"top-up-{account}-{amount}-{source}",
        )
    )


def test_trap_20_reserves_of_75_on_500_give_exactly_6(app: SimpleNamespace, staff: SimpleNamespace, account: str) -> None:
    """Concurrent holds never add up to more than there is."""
    top_up(staff, account, 500)

    def reserve(number: int) -> str:
        request = credit.ReserveRequest(
            account_id=account, credit_type="chat", amount=75, request_id=f"{account}-{number}"
        )
        try:
            app.credit.Reserve(request)
        except grpc.RpcError as error:
            return read_refusal(error).reason
        return "OK"

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(reserve, range(20)))
    assert sorted(outcomes) == ["INSUFFICIENT_CREDIT"] * 14 + ["OK"] * 6
