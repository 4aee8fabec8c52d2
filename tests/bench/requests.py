"""The calls that the benchmark makes, built once by protobuf so that they follow the protos, as templates."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount
from credit.v1.credit_service_pb2 import BatchReserveRequest, ConfirmRequest, GetBalanceRequest, ReserveRequest
from credit.v1.source_pb2 import SOURCE_PURCHASED
from tests.bench.job import Step
from tests.bench.messages import REQUEST_ID, RESERVATION, SUBJECT

CREDIT_TYPE = "spec"
BATCH = 64
"""How many reserves go into one BatchReserve."""

_HELD_AMOUNT = 3
_SEEDED_AMOUNT = 1_000_000_000
_HELD_S = 3_600


def reserve() -> tuple[Step, ...]:
    """A Reserve of a few credits."""
    return (_step("CreditService/Reserve", _reserve_request()),)


def reserve_and_confirm() -> tuple[Step, ...]:
    """A Reserve, and the Confirm of what it held."""
    confirm = ConfirmRequest(name=RESERVATION, request_id=REQUEST_ID)
    return (
        _step("CreditService/Reserve", _reserve_request(), answer="reservation"),
        _step("CreditService/Confirm", confirm),
    )


def batch_reserve() -> tuple[Step, ...]:
    """A BatchReserve of `BATCH` reserves on accounts drawn each by itself."""
    batch = BatchReserveRequest(requests=[_reserve_request()] * BATCH)
    return (_step("CreditService/BatchReserve", batch, answer="batch"),)


def get_balance() -> tuple[Step, ...]:
    """A GetBalance of one credit type."""
    return (_step("CreditService/GetBalance", GetBalanceRequest(account_id=SUBJECT, credit_types=[CREDIT_TYPE])),)


def add_credits() -> tuple[Step, ...]:
    """An AddCredits of more than the benchmark can spend."""
    request = AddCreditsRequest(
        account_id=SUBJECT,
        amounts=[CreditAmount(credit_type=CREDIT_TYPE, amount=_SEEDED_AMOUNT)],
        source=SOURCE_PURCHASED,
        reason="benchmark",
        request_id=REQUEST_ID,
    )
    return (_step("AdminService/AddCredits", request),)


def _reserve_request() -> ReserveRequest:
    # Held for longer than the benchmark runs, so that the sweep over the holds of early rounds, which is work of its
    # own, does not slow the later ones.
    return ReserveRequest(
        account_id=SUBJECT,
        credit_type=CREDIT_TYPE,
        amount=_HELD_AMOUNT,
        request_id=REQUEST_ID,
        ttl=Duration(seconds=_HELD_S),
    )


def _step(method: str, request: Message, answer: str = "nothing") -> Step:
    template = request.SerializeToString(deterministic=True).hex()
    return Step(f"/credit.v1.{method}", template, answer)
