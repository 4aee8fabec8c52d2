"""Faults in who may do what, in what is configured, and in how much one answer holds up."""

from tests.mutants.fault import Fault

_WHO_OPENS = ("tests/contract/test_who_opens.py",)

SURROUNDINGS_FAULTS = (
    Fault(
        "a look of the staff's opens an account",
        "server/policy.py",
        "allowed=_allowed(rule))\n    return False",
        "allowed=_allowed(rule))\n    return True",
        _WHO_OPENS,
    ),
    Fault(
        "staff who spend open an account",
        "ledger/batch.py",
        "        if not work.opens:\n",
        "        if False:\n",
        _WHO_OPENS,
    ),
    Fault(
        "staff open accounts by a look at many",
        "server/balance_handlers.py",
        "            _require_to_open(call, unseen[0])\n",
        "",
        _WHO_OPENS,
    ),
)
