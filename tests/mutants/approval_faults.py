"""Faults in approvals by a second person."""

from tests.mutants.fault import Fault

_RULES = ("tests/domain/test_approval.py",)
_WIRE = ("tests/contract/test_approvals.py",)
_ACCESS = ("tests/contract/access/test_approvers.py",)
_LISTS = ("tests/contract/test_approval_lists.py",)
_REVERSALS = ("tests/contract/payments/test_approved_reversals.py",)

APPROVAL_FAULTS = (
    Fault(
        "a maker approves what it has asked for",
        "service/controls/approvals.py",
        "            require_second(approval, decider)\n",
        "            pass\n",
        _WIRE,
        "test_nobody_decides_on_their_own_by_whatever_account[itself-Approve]",
    ),
    Fault(
        "a second account of the same person approves",
        "domain/controls/approval.py",
        "if not makers.isdisjoint((decider.subject, decider.person)):",
        "if not makers.isdisjoint((decider.subject,)):",
        _RULES,
        "test_nobody_decides_on_their_own_by_whatever_account_of_theirs[second-person-of-ann]",
    ),
    Fault(
        "FINANCE acts alone",
        "domain/controls/approval.py",
        "    if ADMINISTRATORS.isdisjoint(roles):",
        "    if PARTIES.isdisjoint(roles):",
        _RULES,
        "test_finance_always_needs_a_second_person_and_administrators_above_a_threshold",
    ),
    Fault(
        "an administrator does a credit more than the threshold alone",
        "domain/controls/approval.py",
        "(amount is None or amount > threshold)",
        "(amount is None or amount > threshold + 1)",
        _RULES,
        "test_finance_always_needs_a_second_person_and_administrators_above_a_threshold",
    ),
    Fault(
        "an amount left open is below every threshold",
        "domain/controls/approval.py",
        "(amount is None or amount > threshold)",
        "amount is not None and amount > threshold",
        _RULES,
        "test_finance_always_needs_a_second_person_and_administrators_above_a_threshold",
    ),
    Fault(
        "an approval is good once more after its end, and after it was decided",
        "service/controls/approvals.py",
        "        require_pending(approval, now)\n",
        "",
        _WIRE,
        "test_it_expires_at_its_time_and_not_before",
    ),
    Fault(
        "who decides looks before others are kept out, and not again",
        "service/controls/approvals.py",
        "        approval = _find(connection, key)\n        request",
        "        approval = known\n        request",
        _WIRE,
        "test_of_many_who_decide_at_once_on_two_servers_one_does",
    ),
    Fault(
        "a preview that stays",
        "ledger/transaction.py",
        "            savepoint.rollback()\n",
        "",
        _WIRE,
        "test_nothing_is_removed_before_it_is_approved",
    ),
    Fault(
        "a maker that has lost its role has it done all the same",
        "service/controls/approvals.py",
        "frozenset() if approval.role_is_stored else",
        "maker.roles if approval.role_is_stored else",
        _ACCESS,
        "test_a_maker_who_has_lost_the_role_cannot_have_it_done",
    ),
    Fault(
        "one who has lost the role decides until the server has looked",
        "service/controls/approvals.py",
        "_require_role(connection, decider, stated, now)",
        "_require_role(connection, decider, decider.roles, now)",
        _ACCESS,
        "test_one_whose_role_was_just_revoked_decides_nothing_though_the_server_does_not_know_yet",
    ),
    Fault(
        "a super administrator acts alone without a second factor where FINANCE is let in",
        "service/controls/approvals.py",
        "return call.roles if is_recent else",
        "return call.roles if True or is_recent else",
        _ACCESS,
        "test_without_a_second_factor_a_super_administrator_of_finance_is_one_of_finance",
    ),
    Fault(
        "an administrator who repeats a reversal that was approved is answered as if it had been done alone",
        "service/controls/approved_acts.py",
        "act.origin._replace(fingerprint=0)",
        "act.origin",
        _REVERSALS,
        "test_a_repeat_is_answered_as_the_first_time_whoever_may_act_alone_by_now",
    ),
    Fault(
        "anybody takes an approval back",
        "service/controls/approvals.py",
        "            require_maker(approval, decider)\n",
        "            pass\n",
        _WIRE,
        "test_its_maker_takes_it_back_and_nobody_else",
    ),
    Fault(
        "what nobody has decided in time is listed as pending",
        "storage/controls/approvals.py",
        "THEN 1 ELSE 4 END",
        "THEN 1 ELSE 1 END",
        _LISTS,
        "test_they_are_listed_newest_first_by_account_state_kind_and_maker",
    ),
)
