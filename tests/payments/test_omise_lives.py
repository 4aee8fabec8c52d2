"""A charge that is read late, after a newer one, changes nothing: its readings end where the newest of them does."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.instant import Instant
from creditd.domain.payments.payment_facts import Fact, merged
from creditd.domain.payments.payment_standing import standing
from creditd.payments.omise.reports import charge_report
from tests.payments.omise_payloads import PRICE, charge_object, dispute_object, listed, refund_object

Reading = tuple[dict[str, Any], list[dict[str, Any]]]
"""A charge and its disputes, as they were at one time."""


def pending() -> Reading:
    return charge_object("pending"), []


@st.composite
def unpaid_lives(draw: st.DrawFn) -> list[Reading]:
    """Lives that end without money, or with a payment after the QR code had expired."""
    end = draw(st.sampled_from(["failed", "expired", "reversed"]))
    life = [pending(), (charge_object(end, failure_code="payment_rejected" if end == "failed" else None), [])]
    return [*life, *draw(paid_lives())] if end == "expired" and draw(st.booleans()) else life


@st.composite
def paid_lives(draw: st.DrawFn) -> list[Reading]:
    """Lives of a charge that is paid, then refunded in parts that succeed or fail, disputed, or voided."""
    life: list[Reading] = [pending(), (charge_object(), [])]
    if draw(st.booleans()):
        refund = refund_object(PRICE.amount)
        return [*life, (charge_object(voided=True, refunds=listed(refund), refunded_amount=PRICE.amount), [])]
    refunds: dict[str, tuple[int, str]] = {}
    disputes: dict[str, str] = {}
    for step in draw(
        st.lists(st.sampled_from(["refund", "close", "fail", "again", "dispute", "answer", "win", "lose"]))
    ):
        _change(step, refunds, disputes)
        life.append(_read(refunds, disputes))
    return life


def _change(step: str, refunds: dict[str, tuple[int, str]], disputes: dict[str, str]) -> None:
    going = [name for name, (_, status) in refunds.items() if status == "pending"]
    failed = [name for name, (_, status) in refunds.items() if status == "failed"]
    if step == "refund" and len(refunds) < 4:
        refunds[f"rfnd_test_{len(refunds)}"] = (10_000 * (len(refunds) + 1), "pending")
    elif step in {"close", "fail"} and going:
        amount, _ = refunds[going[0]]
        refunds[going[0]] = (amount, "closed" if step == "close" else "failed")
    elif step == "again" and failed:
        refunds[failed[0]] = (refunds[failed[0]][0], "pending")
    elif step == "dispute":
        disputes[f"dspt_test_{len(disputes) % 2}"] = "open"
    elif step in {"answer", "win", "lose"} and "dspt_test_1" in disputes:
        disputes["dspt_test_1"] = {"answer": "pending", "win": "won", "lose": "lost"}[step]


def _read(refunds: dict[str, tuple[int, str]], disputes: dict[str, str]) -> Reading:
    shown = [refund_object(amount, status, name) for name, (amount, status) in refunds.items()]
    total = sum(amount for amount, status in refunds.values() if status != "failed")
    charge = charge_object(refunds=listed(*shown), refunded_amount=total)
    return charge, [dispute_object(status, id=name) for name, status in disputes.items()]


def facts(life: list[Reading], number: int) -> tuple[Fact, ...]:
    """Return what a reading tells; the first is of the first microsecond, the next of the second one."""
    report = charge_report(*life[number], Instant(number))
    return report.facts if report else ()


@given(st.data(), st.one_of(unpaid_lives(), paid_lives()))
def test_any_readings_of_a_life_stand_where_the_newest_does(data: st.DataObject, life: list[Reading]) -> None:
    newest = len(life) - 1
    late = data.draw(st.lists(st.sampled_from(range(len(life)))))
    known: dict[Any, Fact] = {}
    for number in data.draw(st.permutations([newest, *late])):
        known = merged(known.values(), facts(life, number))
    assert standing(known.values()) == standing(merged((), facts(life, newest)).values())
