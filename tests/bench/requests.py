"""The calls that the benchmark makes, built once by protobuf so that they follow the protos, as templates."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount
from credit.v1.credit_service_pb2 import BatchReserveRequest, ConfirmRequest, GetBalanceRequest, ReserveRequest
from credit.v1.source_pb2 import SOURCE_PURCHASED
from tests.bench.job import Operation, Step
from tests.bench.messages import REQUEST_ID, RESERVATION, SUBJECT

CREDIT_TYPE = "spec"
BATCH = 64
"""How many reserves go into one BatchReserve."""

_HELD_AMOUNT = 3
_SEEDED_AMOUNT = 1_000_000_000
# Held for longer than the benchmark runs, so that the sweep over the holds of early rounds, which is work of its own,
# does not slow the later ones.
_HELD_S = 3_600
_SHORTLY_HELD_S = 2


def reserve() -> tuple[Operation, ...]:
    """A Reserve of a few credits."""
    return (Operation((_reserve(),)),)


def reserve_and_confirm() -> tuple[Operation, ...]:
    """A Reserve, and the Confirm of what it held."""
    return (_reserve_and_confirm(),)


def batch_reserve() -> tuple[Operation, ...]:
    """A BatchReserve of `BATCH` reserves on accounts drawn each by itself."""
    batch = BatchReserveRequest(requests=[_reserve_request(_HELD_S)] * BATCH)
    return (Operation((_step("CreditService/BatchReserve", batch, answer="batch", rows=BATCH),)),)


def get_balance() -> tuple[Operation, ...]:
    """A GetBalance of one credit type."""
    return (Operation((_get_balance(),)),)


def mix() -> tuple[Operation, ...]:
    """Of 14 calls 10 GetBalance, 2 Reserve and the 2 Confirm of what they held."""
    return (Operation((_get_balance(),), weight=10), _reserve_and_confirm(weight=2))


def mix_with_expiry() -> tuple[Operation, ...]:
    """The mix, and for each two holds that are confirmed one that nobody confirms: it expires."""
    return (*mix(), Operation((_reserve(_SHORTLY_HELD_S),)))


def add_credits() -> tuple[Operation, ...]:
    """An AddCredits of more than the benchmark can spend."""
    request = AddCreditsRequest(
        account_id=SUBJECT,
        amounts=[CreditAmount(credit_type=CREDIT_TYPE, amount=_SEEDED_AMOUNT)],
        source=SOURCE_PURCHASED,
        reason="benchmark",
        request_id=REQUEST_ID,
    )
    return (Operation((_step("AdminService/AddCredits", request),)),)


def _reserve(held_s: int = _HELD_S, answer: str = "nothing") -> Step:
    return _step("CreditService/Reserve", _reserve_request(held_s), answer)


def _reserve_and_confirm(weight: int = 1) -> Operation:
    confirm = ConfirmRequest(name=RESERVATION, request_id=REQUEST_ID)
    return Operation((_reserve(answer="reservation"), _step("CreditService/Confirm", confirm)), weight)


def _get_balance() -> Step:
    request = GetBalanceRequest(account_id=SUBJECT, credit_types=[CREDIT_TYPE])
    return _step("CreditService/GetBalance", request, rows=0)


def _reserve_request(held_s: int) -> ReserveRequest:
    return ReserveRequest(
        account_id=SUBJECT,
        credit_type=CREDIT_TYPE,
        amount=_HELD_AMOUNT,
        request_id=REQUEST_ID,
        ttl=Duration(seconds=held_s),
    )


def _step(method: str, request: Message, answer: str = "nothing", rows: int = 1) -> Step:
    template = request.SerializeToString(deterministic=True).hex()
    return Step(f"/credit.v1.{method}", template, answer, rows)
