"""ExplainReserve says why a Reserve is refused, or what pays for it (D7): stories, which docs/explain.md tells.

A row of its table that is not what the service says fails its test, which shows the row that is right.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import account_pb2, explanation_pb2, source_pb2
from credit.v1 import support_service_pb2 as pb
from credit.v1.limits_pb2 import Limit
from creditd.domain.instant import SECOND
from creditd.domain.limits import HOUR
from tests.contract.payments.shopper import Shopper
from tests.contract.payments.told_explanation import told
from tests.support.customer import Customer, slices_of
from tests.support.refusals import details_of, refused

pytestmark = pytest.mark.requirement("D7", "J6")

PAGE = Path(__file__).parents[3] / "docs" / "explain.md"

FREE, PROMO = source_pb2.SOURCE_FREE, source_pb2.SOURCE_PROMO

UNTOLD = explanation_pb2.UntoldFact


def explain(customer: Customer, amount: int, spender_id: str = "", **moment: Any) -> explanation_pb2.ReserveExplanation:
    """Ask about a Reserve of chat credits."""
    request = asking(customer, amount, spender_id=spender_id, **moment)
    answer: pb.ExplainReserveResponse = customer.staff.support.ExplainReserve(request)
    return answer.explanation


def asking(customer: Customer, amount: int, **fields: Any) -> pb.ExplainReserveRequest:
    """Return the request to explain."""
    stated: dict[str, Any] = {"account_id": customer.account_id, "credit_type": "chat", "amount": amount}
    return pb.ExplainReserveRequest(**stated | fields)


def in_one_hour(customer: Customer) -> None:
    """Let an hour begin, unless the one that it is lasts long enough for a story."""
    clock = customer.service.clock
    if clock.now() % HOUR > HOUR - 900 * SECOND:
        clock.advance(901)


def mixed_sources(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    del shopper
    customer.top_up(10, FREE)
    customer.top_up(20, PROMO, seconds=86_400)
    customer.top_up(40)
    return 50, ""


def held_elsewhere(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    del shopper
    customer.top_up(30, FREE)
    customer.top_up(30)
    customer.hold(40, seconds=600)
    return 25, ""


def expired_during_a_hold(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    del shopper
    customer.top_up(30, FREE, seconds=300)
    customer.hold(20, seconds=900)
    customer.service.clock.advance(480)
    return 10, ""


def lapsed_with_its_grace(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    del shopper
    customer.top_up(20, FREE, seconds=60)
    name = customer.hold(20, seconds=300)
    customer.service.clock.advance(120)
    customer.refund(name)
    customer.service.clock.advance(86_400 + 300)
    return 20, ""


def partly_refunded(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    del shopper
    customer.top_up(10, FREE)
    customer.top_up(30)
    name = customer.hold(40)
    customer.confirm(name)
    customer.refund(name, 25)
    return 25, ""


def clawed_back(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    customer.top_up(15, FREE)
    purchase = shopper.bought()
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase))
    return 40, ""


def in_debt(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    purchase = shopper.bought()
    customer.deduct(70)
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase))
    customer.top_up(50)
    return 10, ""


def covered_by_a_plan(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    del shopper
    customer.top_up(5)
    customer.go_unlimited(3_600)
    return 1_000, ""


def over_a_limit(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    del shopper
    customer.top_up(100)
    customer.limit(Limit(credit_type="chat", most_per_hour=50))
    customer.deduct(30)
    return 25, ""


def over_a_spenders_limit(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    del shopper
    customer.top_up(20)
    customer.limit(
        Limit(credit_type="chat", most_per_hour=100), Limit(credit_type="chat", spender="*", most_per_movement=15)
    )
    customer.reserve(12, seconds=600, spender_id="agent-7")
    return 16, "agent-7"


def suspended(customer: Customer, shopper: Shopper) -> tuple[int, str]:
    del shopper
    customer.top_up(5)
    customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    return 6, ""


STORIES: dict[str, Callable[[Customer, Shopper], tuple[int, str]]] = {
    "50 of what came from three sources": mixed_sources,
    "25 while another job holds 40": held_elsewhere,
    "10 of a grant that ended during a hold": expired_during_a_hold,
    "20 that came back late, after their grace": lapsed_with_its_grace,
    "25 of which all came back by a refund": partly_refunded,
    "40 after a payment was reversed": clawed_back,
    "10 after 70 of a reversed payment were spent": in_debt,
    "1,000 under an unlimited plan": covered_by_a_plan,
    "25 over what an hour allows": over_a_limit,
    "16 by an agent that may spend 15 at once": over_a_spenders_limit,
    "6 of 5 on a suspended account": suspended,
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_is_told_as_the_page_says(customer: Customer, shopper: Shopper, story: str) -> None:
    """And the verdict is what a Reserve is then answered."""
    in_one_hour(customer)
    amount, spender_id = STORIES[story](customer, shopper)
    found = explain(customer, amount, spender_id)
    assert f"| {story} | {told(found)} |" in PAGE.read_text(encoding="utf-8").splitlines()
    request = customer.reserving(amount, spender_id=spender_id)
    if found.would_succeed:
        held = customer.app.credit.Reserve(request).reservation
        assert (slices_of(held), held.unlimited) == (slices_of(found), found.covered_by_plan)  # type: ignore[arg-type]
    else:
        refusal = refused(customer.app.credit.Reserve, request)
        assert (refusal.reason, _facts(refusal.metadata)) == _answer(found)


def _answer(found: explanation_pb2.ReserveExplanation) -> tuple[str, dict[str, str]]:
    details = details_of(found.obstacles[0])
    return str(details["reason"]), _facts(details["metadata"])


def _facts(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return what a refusal tells but for which call it was."""
    return {name: value for name, value in metadata.items() if name != "correlation_id"}


def test_the_page_has_no_row_that_no_test_tells() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows[2:]] == list(STORIES)


def test_a_look_changes_nothing_and_tells_what_is_not_written_down_yet(customer: Customer) -> None:
    customer.top_up(7, FREE, seconds=60)
    customer.top_up(3)
    customer.service.clock.advance(90)
    before = customer.balance()
    found = explain(customer, 4)
    assert (found.balance.available, found.balance.version) == (before.available, before.version) == (3, 3)
    assert [(lapse.amount, lapse.was_in_grace) for lapse in found.lapses] == [(7, False)]
    assert found.shortfall == 1


def test_holds_are_told_those_that_end_first_and_how_many_there_are(customer: Customer) -> None:
    customer.top_up(25)
    names = [customer.hold(1, seconds=3_600 - 60 * number) for number in range(22)]
    found = explain(customer, 4)
    assert [hold.name for hold in found.holds] == names[::-1][:20]
    assert (found.hold_count, found.hold_count_is_minimum) == (22, False)
    assert sum(one.held for one in found.sources) == found.balance.reserved == 22


# ---- The past


def told_of_the_past(customer: Customer, amount: int, moment: Timestamp, spender_id: str = "") -> tuple[str, int]:
    """Return what the first obstacle was, or OK, and the version that the wallet had."""
    found = explain(customer, amount, spender_id, as_of_time=moment)
    reason = str(details_of(found.obstacles[0])["reason"]) if found.obstacles else "OK"
    return reason, found.balance.version


def test_a_refusal_of_the_past_is_explained_by_its_time(customer: Customer) -> None:
    """A refusal stores nothing: balance, status, plan, limits and what was used of them are those of then."""
    in_one_hour(customer)
    clock = customer.service.clock
    customer.top_up(10)
    moments = []
    for step in (
        lambda: customer.limit(Limit(credit_type="chat", most_per_hour=6)),
        lambda: customer.deduct(4),
        lambda: customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED),
        lambda: customer.become(account_pb2.ACCOUNT_STATUS_ACTIVE),
        customer.limit,
        customer.go_unlimited,
        lambda: customer.top_up(90),
    ):
        moments.append(customer.after(0))
        clock.advance(1)
        step()
        clock.advance(1)
    assert [told_of_the_past(customer, 7, moment) for moment in moments] == [
        ("OK", 1),
        ("LIMIT_EXCEEDED", 1),
        ("LIMIT_EXCEEDED", 2),
        ("ACCOUNT_SUSPENDED", 2),
        ("LIMIT_EXCEEDED", 2),
        ("INSUFFICIENT_CREDIT", 2),
        ("OK", 2),
    ]
    then = explain(customer, 3, as_of_time=moments[2])
    assert (then.limits[0].used_in_hour, then.would_succeed) == (4, False)


def test_what_a_spender_used_in_the_past_is_its_own(customer: Customer) -> None:
    in_one_hour(customer)
    customer.top_up(20)
    customer.limit(Limit(credit_type="chat", spender="*", most_per_hour=5))
    customer.deduct(5, spender_id="ann")
    customer.deduct(1, spender_id="ben")
    customer.service.clock.advance(1)
    then = customer.after(0)
    assert told_of_the_past(customer, 1, then, "ann") == ("LIMIT_EXCEEDED", 3)
    assert told_of_the_past(customer, 4, then, "ben") == ("OK", 3)
    assert told_of_the_past(customer, 5, then, "ben") == ("LIMIT_EXCEEDED", 3)


def test_the_past_says_what_it_does_not_tell(customer: Customer) -> None:
    customer.top_up(10)
    customer.hold(4)
    found = explain(customer, 7, version=2)
    assert (found.balance.available, found.balance.reserved, found.shortfall) == (6, 4, 1)
    assert list(found.untold_facts) == [
        UNTOLD.UNTOLD_FACT_GRANTS,
        UNTOLD.UNTOLD_FACT_HOLDS,
        UNTOLD.UNTOLD_FACT_LAPSES,
    ]
    assert not [*found.sources, *found.holds, *found.lapses]
    assert explain(customer, 10, version=1).would_succeed
    assert not explain(customer, 10, version=1).slices
    assert not explain(customer, 1).untold_facts


def test_more_than_one_day_adds_up_is_said_and_not_guessed(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    in_one_hour(customer)
    monkeypatch.setattr("creditd.service.explanations.SCANNED_ROWS", 2)
    customer.top_up(10)
    customer.limit(Limit(credit_type="chat", most_per_day=3))
    for _ in range(3):
        customer.deduct(1)
    assert explain(customer, 1, version=2).limits[0].used_in_day == 1
    found = explain(customer, 1, version=4)
    assert UNTOLD.UNTOLD_FACT_LIMIT_USAGE in found.untold_facts
    assert found.would_succeed
    assert not explain(customer, 1).would_succeed


def test_so_many_changes_that_the_first_are_not_looked_at_is_said(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creditd.service.explanations.CHANGES_LOOKED_AT", 1)
    customer.top_up(10)
    then = customer.after(0)
    customer.service.clock.advance(1)
    for status in (account_pb2.ACCOUNT_STATUS_SUSPENDED, account_pb2.ACCOUNT_STATUS_ACTIVE):
        customer.become(status)
    assert UNTOLD.UNTOLD_FACT_ACCOUNT in explain(customer, 1, as_of_time=then).untold_facts


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"as_of_time": Timestamp(seconds=4_000_000_000)}, "INVALID_FIELD"),
        ({"as_of_time": Timestamp(seconds=1)}, "INVALID_FIELD"),
        ({"version": 9}, "VERSION_AHEAD"),
        ({"credit_type": "nothing"}, "CREDIT_TYPE_NOT_FOUND"),
        ({"credit_type": "nothing", "version": 1}, "CREDIT_TYPE_NOT_FOUND"),
        ({"account_id": "nobody-at-all"}, "ACCOUNT_NOT_FOUND"),
        ({"account_id": "nobody-at-all", "as_of_time": Timestamp(seconds=1_700_000_000)}, "ACCOUNT_NOT_FOUND"),
    ],
)
def test_what_cannot_be_explained_is_refused(customer: Customer, fields: dict[str, Any], reason: str) -> None:
    customer.top_up(1)
    assert refused(customer.staff.support.ExplainReserve, asking(customer, 1, **fields)).reason == reason
