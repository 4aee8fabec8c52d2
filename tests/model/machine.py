"""What the rules have in common: what they choose from, and how it is said to the servers and to the reference."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from google.protobuf.duration_pb2 import Duration
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from credit.v1 import credit_service_pb2 as credit
from tests.model.account import Account
from tests.model.asking import UNIT_SECONDS
from tests.model.comparison import Comparison, Server

End = tuple[str, int]

servers = st.sampled_from([0, 0, 0, 1])
"""Mostly the same one, so that copies grow warm; sometimes the other, so that they grow stale."""
wallets = st.sampled_from(["chat", "chat", "chat", "spec"])
amounts = st.integers(1, 9)
spenders = st.sampled_from(["", "", "ann", "ben"])
which = st.integers(0, 5)
now_and_then = st.sampled_from([False, False, False, False, True])
ends: st.SearchStrategy[End] = st.tuples(
    st.sampled_from(["until", "ttl"]), st.sampled_from([0, 1, 0, 2, 1, 4, 9, 10, -1])
)
versions_off = st.sampled_from([*[None] * 8, 0, 0, -1])
"""Which version a caller states: mostly none, that of the last movement, or the one before."""

_NOWHERE = "accounts/{}/wallets/{}/reservations/01975c5e-0000-7000-8000-000000000000"


class Machine(RuleBasedStateMachine):
    """Tells a story about an account of its own. Each call goes to one server or another, whose copies grow stale."""

    def __init__(self, servers: Sequence[Server], steps: "Counter[str]") -> None:
        """Drive servers that share a database; count the steps by rule."""
        super().__init__()
        self.comparison = Comparison(servers, f"model-{uuid4().hex[:12]}")
        self._steps = steps

    def end(self, chosen: End | None) -> tuple[dict[str, Any], float | None]:
        """Return the fields that state an end, and what the reference makes of them; it never falls on a whole unit."""
        if chosen is None:
            return {}, None
        kind, units = chosen
        now = self.comparison.account.now
        if kind == "ttl":
            return {"ttl": Duration(seconds=round((units + 0.625) * UNIT_SECONDS))}, now + units + 0.625
        time = round(now) + units + 0.5
        return {"expire_time": self.comparison.calendar.timestamp(time)}, time

    def stated(self, name: str, off: int | None) -> int | None:
        """Return the version that a caller states."""
        return None if off is None else max(0, self.comparison.account.wallets[name].recorded + off)

    def reservation(self, name: str, back: int) -> tuple[int, str]:
        """Return the number and the name of one of the latest reservations, or of one that there never was."""
        number = max(0, len(self.comparison.account.wallets[name].holds) - 1 - back)
        return number, self.comparison.names.get((name, number), _NOWHERE.format(self.comparison.account_id, name))

    def told(self, what: str, server: int) -> None:
        """Count a step, and compare the balances after it."""
        self._steps[what] += 1
        self.comparison.compare_balance(server)

    @initialize(server=servers, by_reading=st.booleans())
    def open(self, server: int, *, by_reading: bool) -> None:
        """Open the account by looking at it, or by another first use."""
        if not by_reading:
            request = credit.ReserveRequest(account_id=self.comparison.account_id, credit_type="chat", amount=1)
            command = partial(Account.reserve, name="chat", amount=1)
            if answer := self.comparison.ask(server, "credit.Reserve", request, ("chat",), command):
                self.comparison.know("chat", answer)
        self.told("open", 1 - server)

    def teardown(self) -> None:
        """Find everything as it should be at the end."""
        self.comparison.conclude()
