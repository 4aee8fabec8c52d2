"""An explanation in the words of a person on the phone, on one line; times as they are from the instant of it."""

from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import explanation_pb2 as pb
from credit.v1 import limits_pb2
from credit.v1.account_pb2 import ACCOUNT_STATUS_ACTIVE, PLAN_KIND_UNLIMITED, AccountStatus
from credit.v1.source_pb2 import Source
from tests.support.customer import slices_of, source_of
from tests.support.refusals import details_of


def told(found: pb.ReserveExplanation) -> str:
    """Tell the verdict, and then each figure that bears on it."""
    return "; ".join([_verdict(found), *_standing(found), *_credits(found), *_limits(found)])


def _verdict(found: pb.ReserveExplanation) -> str:
    if found.would_succeed:
        paid = "the plan" if found.covered_by_plan else _parts(slices_of(found))  # type: ignore[arg-type]
        return f"taken, paid by {paid}"
    reasons = ", then ".join(str(details_of(status)["reason"]) for status in found.obstacles)
    return f"refused: {reasons}" + (f"; {found.shortfall} short" if found.shortfall else "")


def _parts(parts: list[tuple[str, int]]) -> str:
    return " + ".join(f"{amount} {source}" for source, amount in parts) or "nothing"


def _standing(found: pb.ReserveExplanation) -> Iterator[str]:
    if found.status != ACCOUNT_STATUS_ACTIVE:
        yield AccountStatus.Name(found.status).removeprefix("ACCOUNT_STATUS_")
    if found.plan.kind == PLAN_KIND_UNLIMITED:
        yield f"unlimited {_until(found, found.plan.end_time)}"
    if found.balance.debt:
        yield f"{found.balance.debt} of debt"


def _credits(found: pb.ReserveExplanation) -> Iterator[str]:
    available = [(Source.Name(one.source).removeprefix("SOURCE_"), one.available) for one in found.sources]
    yield f"available {_parts([part for part in available if part[1]])}"
    for one in found.sources:
        if one.lapses_soon:
            yield f"{one.lapses_soon} {source_of(one)} lapse {_until(found, one.next_lapse_time)}"  # type: ignore[arg-type]
    for hold in found.holds:
        yield f"held {_parts(slices_of(hold))} {_until(found, hold.expire_time)}"
    for lapse in found.lapses:
        grace = " at the end of the grace" if lapse.was_in_grace else ""
        yield f"lapsed {lapse.amount} {source_of(lapse)} {_until(found, lapse.lapse_time)}{grace}"  # type: ignore[arg-type]


def _until(found: pb.ReserveExplanation, time: Timestamp) -> str:
    minutes = round((time.seconds - found.as_of_time.seconds) / 60)
    return f"{-minutes} min ago" if minutes < 0 else f"in {minutes} min"


def _limits(found: pb.ReserveExplanation) -> Iterator[str]:
    for one in found.limits:
        who = f"limit of {one.limit.spender or 'the wallet'}"
        yield f"{who}: {_bounds(one)}"


def _bounds(one: pb.LimitInForce) -> str:
    limit: limits_pb2.Limit = one.limit
    bounds = []
    if limit.HasField("most_per_movement"):
        bounds.append(f"{limit.most_per_movement} at once")
    if limit.HasField("most_per_hour"):
        bounds.append(f"{one.used_in_hour} of {limit.most_per_hour} in this hour")
    if limit.HasField("most_per_day"):
        bounds.append(f"{one.used_in_day} of {limit.most_per_day} today")
    return ", ".join(bounds)
