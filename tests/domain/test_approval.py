"""Who needs a second person, who may be that, and until when (requirement D4)."""

import pytest

from creditd.domain.controls import approval as rules
from creditd.domain.controls.approval import (
    Approval,
    ApprovalKind,
    ApprovalState,
    Decision,
    Party,
    Thresholds,
    WantedAct,
    WantedAmount,
)
from creditd.domain.controls.approval_errors import ApprovalDecided, ApprovalExpired, NotOwnApproval, OwnApproval
from creditd.domain.instant import Instant

pytestmark = pytest.mark.requirement("D4")

FINANCE, ADMIN, BOTH = frozenset({"FINANCE"}), frozenset({"ADMIN"}), frozenset({"ADMIN", "FINANCE"})
THRESHOLDS = Thresholds({"chat": 10, "spec": 0}, {"THB": 500})
ANN = Party("ann", "person-of-ann", FINANCE)


def removal(*amounts: WantedAmount) -> WantedAct:
    return WantedAct(ApprovalKind.REMOVE_CREDITS, "alice", amounts)


def reversal(money: int | None, currency: str = "THB") -> WantedAct:
    return WantedAct(ApprovalKind.REVERSE_PURCHASE, "alice", purchase_id="1", money=money, currency=currency)


def asked(decision: Decision | None = None) -> Approval:
    act = removal(WantedAmount("chat", 1))
    return Approval(
        "id", act, ANN, role_is_stored=False, reason="", metadata="", request_id="r", fingerprint=1, preview=(),
        create_time=Instant(0), expire_time=Instant(100), decision=decision,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("roles", "act", "needs"),
    [
        (FINANCE, removal(WantedAmount("chat", 1)), True),
        (FINANCE, reversal(1), True),
        (frozenset(), removal(WantedAmount("chat", 1)), True),
        (ADMIN, removal(WantedAmount("chat", 10)), False),
        (ADMIN, removal(WantedAmount("chat", 11)), True),
        (BOTH, removal(WantedAmount("chat", 10)), False),
        (frozenset({"SUPER_ADMIN"}), removal(WantedAmount("chat", 11)), True),
        (ADMIN, removal(WantedAmount("chat", 10), WantedAmount("spec", 1)), True),
        (ADMIN, removal(WantedAmount("quiz_gen", 10**18)), False),
        (ADMIN, WantedAct(ApprovalKind.WRITE_OFF_DEBT, "alice", (WantedAmount("chat", None),)), True),
        (ADMIN, WantedAct(ApprovalKind.WRITE_OFF_DEBT, "alice", (WantedAmount("quiz_gen", None),)), False),
        (ADMIN, reversal(500), False),
        (ADMIN, reversal(501), True),
        (ADMIN, reversal(None), True),
        (ADMIN, reversal(10**18, "USD"), False),
    ],
)
def test_finance_always_needs_a_second_person_and_administrators_above_a_threshold(
    roles: frozenset[str], act: WantedAct, *, needs: bool
) -> None:
    assert rules.needs_second_person(roles, act, THRESHOLDS) is needs


@pytest.mark.parametrize("roles", [ADMIN, frozenset({"SUPER_ADMIN"})])
def test_without_thresholds_administrators_act_alone(roles: frozenset[str]) -> None:
    for act in (removal(WantedAmount("chat", 10**18)), reversal(None)):
        assert not rules.needs_second_person(roles, act, Thresholds())


@pytest.mark.parametrize(
    ("subject", "person"),
    [("ann", "person-of-ann"), ("second", "person-of-ann"), ("person-of-ann", "x"), ("x", "ann")],
)
def test_nobody_decides_on_their_own_by_whatever_account_of_theirs(subject: str, person: str) -> None:
    with pytest.raises(OwnApproval):
        rules.require_second(asked(), Party(subject, person, ADMIN))


def test_another_person_decides_and_only_the_maker_takes_it_back() -> None:
    bob = Party("bob", "bob", FINANCE)
    rules.require_second(asked(), bob)
    with pytest.raises(NotOwnApproval):
        rules.require_maker(asked(), bob)
    rules.require_maker(asked(), ANN)
    rules.require_maker(asked(), Party("second", ANN.person, FINANCE))


def test_it_expires_at_its_time_and_what_is_decided_stays() -> None:
    rules.require_pending(asked(), Instant(99))
    with pytest.raises(ApprovalExpired):
        rules.require_pending(asked(), Instant(100))
    assert asked().state_at(Instant(100)) is ApprovalState.EXPIRED
    for state in (ApprovalState.APPROVED, ApprovalState.REJECTED, ApprovalState.CANCELLED):
        decided = asked(Decision(state, "bob", "bob", "", Instant(5)))
        assert decided.state_at(Instant(1_000)) is state
        with pytest.raises(ApprovalDecided):
            rules.require_pending(decided, Instant(1))


def test_a_name_is_read_as_it_is_written() -> None:
    key = rules.ApprovalKey("alice@example.org", "01890000-0000-7000-8000-000000000000")
    assert rules.parse_approval_name(rules.approval_name(*key)) == key
    with pytest.raises(ValueError, match="alice"):
        rules.parse_approval_name("accounts/alice/approvals/1")
