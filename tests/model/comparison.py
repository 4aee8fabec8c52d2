"""One account's story told twice, to the servers and to the reference, and held against each other."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from types import SimpleNamespace
from typing import Any, NamedTuple

import grpc

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1.limits_pb2 import GetLimitsRequest
from creditd.domain import limits
from creditd.domain.instant import SECOND
from creditd.domain.resource_names import account_name
from tests.model.account import Account
from tests.model.asking import (
    CODES,
    UNIT_SECONDS,
    Calendar,
    expected_account,
    expected_figures,
    expected_reservation,
    expected_slices,
    told_account,
    told_figures,
    told_reservation,
    told_slices,
)
from tests.model.reference import DAY, HOUR, HOUR_BEGAN, Part, Refused
from tests.support.answers import lasting
from tests.support.refusals import RefusedCall, details_of, read_refusal
from tests.support.service import RunningService

MOMENT = 1e-7
"""What a step takes on the reference's clock: something, so that later is later."""

Command = Callable[[Account], Any]


class Server(NamedTuple):
    """A server, and how to call it."""

    service: RunningService
    stubs: SimpleNamespace


class Comparison:
    """Asks one of the servers and the reference the same, and compares the answers."""

    def __init__(self, servers: Sequence[Server], account_id: str) -> None:
        """Begin with an account that nobody has seen, at this instant; its first use brings one free credit (A11)."""
        self.account_id = account_id
        self.account = Account()
        self.account.add("spec", 1, "FREE")
        self._begin_a_day(servers)
        self.calendar = Calendar(servers[0].service.clock.now())
        self.names: dict[tuple[str, int], str] = {}
        self.done: list[tuple[str, Any, Any, tuple[str, ...]]] = []
        self._servers = servers
        self._free: list[str] = []
        self._numbers = 0

    @staticmethod
    def _begin_a_day(servers: Sequence[Server]) -> None:
        """Go on to the beginning of a day, by all servers' clocks, and a little further."""
        clock = servers[0].service.clock
        until = (limits.DAY - clock.now() % limits.DAY) / SECOND
        for server in servers:
            server.service.clock.advance(until - HOUR_BEGAN * UNIT_SECONDS)

    def request_id(self) -> str:
        """Return an id for a request: one that was refused before, since that leaves it free, or a new one."""
        self._numbers += 1
        return self._free.pop() if self._free else f"request-{self._numbers}"

    def sweep(self, server: int) -> None:
        """Have a server's sweep write down all that is due."""
        self._servers[server].service.core.sweep.sweep_once()
        self.account.settle()

    def pass_time(self, units: float) -> None:
        """Let time pass for everybody."""
        for server in self._servers:
            server.service.clock.advance(units * UNIT_SECONDS)
        self.account.now += units

    def call(self, server: int, method: str, request: Any) -> Any:
        """Ask a server; return its answer and whether it is that of an earlier call, or how it refused."""
        self.account.now += MOMENT
        service, name = method.split(".")
        stub = getattr(getattr(self._servers[server].stubs, service), name)
        try:
            answer, call = stub.with_call(request)
        except grpc.RpcError as error:
            return read_refusal(error), False
        return answer, ("replayed", "true") in list(call.trailing_metadata())

    def ask(self, server: int, method: str, request: Any, names: tuple[str, ...], command: Command) -> Any:
        """Ask a server and the reference to do the same; return the answer, or None if both refuse."""
        request.request_id = self.request_id()
        answer, replayed = self.call(server, method, request)
        assert not replayed
        if names:
            self.account.settle(*names)
        tried = deepcopy(self.account)
        try:
            moved = command(tried)
        except Refused as refusal:
            self._compare_refusal(answer, str(refusal))
            self._free.append(request.request_id)
            return None
        assert not isinstance(answer, RefusedCall), f"refused for {answer.reason}, but can be done"
        self.account = tried
        self.done.append((method, request, answer, names))
        if names:
            self._compare_movements(answer, names, moved)
            # What came back after its grant's grace lapses at once, by an entry of its own.
            self.account.settle(*names)
        return answer

    @staticmethod
    def _compare_refusal(answer: Any, reason: str) -> None:
        assert isinstance(answer, RefusedCall), f"done, but to be refused for {reason}"
        assert (answer.reason, answer.code.name) == (reason, CODES[reason])

    def _compare_movements(self, answer: Any, names: tuple[str, ...], moved: Any) -> None:
        single = hasattr(answer, "balance")
        balances = [answer.balance] if single else answer.balances
        entries = [answer.entry] if single else answer.entries
        assert [told_figures(b) for b in balances] == [expected_figures(self.account.wallets[n]) for n in names]
        parts: list[list[Part]] = [moved] if single else moved
        assert [told_slices(entry.slices) for entry in entries] == [expected_slices(some) for some in parts]

    def look_ahead(self, server: int, method: str, request: Any, name: str, command: Command) -> None:
        """Ask what would come of a call; it changes nothing, and leaves its id free."""
        request.validate_only, request.request_id = True, self.request_id()
        answer, _ = self.call(server, method, request)
        self._free.append(request.request_id)
        self.account.settle(name)
        tried = deepcopy(self.account)
        try:
            command(tried)
        except Refused as refusal:
            self._compare_refusal(answer, str(refusal))
        else:
            assert told_figures(answer.balance) == expected_figures(tried.wallets[name])

    def ask_again(self, server: int, number: int) -> None:
        """Ask for what was done before: the answer is the first one, whatever has happened since."""
        method, request, first, names = self.done[number]
        answer, replayed = self.call(server, method, request)
        assert (lasting(answer), replayed) == (lasting(first), True)
        if names:
            self.account.settle(*names)

    def ask_otherwise(self, server: int, number: int) -> None:
        """Ask for something else under an id that was used before."""
        method, request, _, names = self.done[number]
        other = type(request).FromString(request.SerializeToString())
        if hasattr(other, "reason"):
            other.reason = "something else"
        if other == request:
            other.ttl.seconds = 4_321
        answer, _ = self.call(server, method, other)
        self._compare_refusal(answer, "REQUEST_ID_REUSED")
        if names:
            self.account.settle(*names)

    def compare_results(self, results: Any, name: str, commands: Sequence[Command], requests: Sequence[Any]) -> None:
        """Compare the results of a batch, each decided after the one before; one that repeats another is its answer."""
        self.account.settle(name)
        answers: dict[str, Any] = {}
        for result, command, request in zip(results, commands, requests, strict=True):
            tried = deepcopy(self.account)
            if request.request_id in answers:
                assert lasting(result.response) == lasting(answers[request.request_id])
                continue
            reason = _refusal_of(command, tried)
            if reason:
                assert details_of(result.error)["reason"] == reason
            else:
                self.account = tried
                self.know(name, result.response)
                answers[request.request_id] = result.response
                self.done.append(("credit.Reserve", request, result.response, (name,)))
                assert told_figures(result.response.balance) == expected_figures(self.account.wallets[name])

    def know(self, name: str, answer: Any) -> None:
        """Remember what the servers call the latest reservation, and compare it."""
        number = len(self.account.wallets[name].holds) - 1
        self.names[name, number] = answer.reservation.name
        self.compare_reservation(name, number, answer)

    def compare_reservation(self, name: str, number: int, answer: Any) -> None:
        """Compare the reservation of an answer, if there is one."""
        if answer is not None:
            hold = self.account.wallets[name].holds[number]
            assert answer.reservation.name == self.names[name, number]
            assert told_reservation(answer.reservation, self.calendar) == expected_reservation(hold)

    def compare_balance(self, server: int) -> None:
        """Compare all that a read tells, whether or not it was written down."""
        request = credit.GetBalanceRequest(account_id=self.account_id, credit_types=list(self.account.wallets))
        answer, _ = self.call(server, "credit.GetBalance", request)
        seen = deepcopy(self.account)
        for wallet in seen.wallets.values():
            wallet.settle(seen.now)
        assert told_account(answer.account_balance, self.calendar) == expected_account(seen)

    def compare_usage(self, server: int) -> None:
        """Compare what was counted in this hour and on this day, of those wallets that are counted."""
        request = GetLimitsRequest(name=account_name(self.account_id))
        answer, _ = self.call(server, "admin.GetLimits", request)
        told = {(u.credit_type, u.spender_id): (u.used_in_hour, u.used_in_day) for u in answer.usage}
        for name, wallet in self.account.wallets.items():
            for who in ("", "ann", "ben") if wallet.counts else ():
                now = self.account.now
                expected = wallet.used(who, HOUR, now), wallet.used(who, DAY, now)
                assert told.get((name, who), (0, 0)) == expected

    def conclude(self) -> None:
        """Compare every reservation, and find the ledger whole."""
        for name in self.account.wallets:
            self.account.wallets[name].settle(self.account.now)
        for (name, number), reservation in self.names.items():
            answer, _ = self.call(0, "credit.GetReservation", credit.GetReservationRequest(name=reservation))
            self.compare_reservation(name, number, answer)
        found = list(self._servers[1].stubs.admin.VerifyLedger(admin.VerifyLedgerRequest(account_id=self.account_id)))
        assert [message.WhichOneof("outcome") for message in found] == ["summary"]
        assert found[0].summary.differences == 0
        versions = {name: self._versions(name) for name in self.account.wallets}
        assert versions == {name: wallet.recorded for name, wallet in self.account.wallets.items()}
        assert found[0].summary.entries == sum(versions.values())

    def _versions(self, name: str) -> int:
        """Count a wallet's entries; their versions have no gap and no repeat, and their times never go back."""
        entries: list[Any] = []
        request = credit.ListTransactionsRequest(account_id=self.account_id, credit_type=name, page_size=100)
        while not entries or request.page_token:
            page, _ = self.call(0, "credit.ListTransactions", request)
            entries += page.entries
            request.page_token = page.next_page_token
            if not entries:
                return 0
        assert [entry.version for entry in entries] == list(range(len(entries), 0, -1))
        times = [(entry.create_time.seconds, entry.create_time.nanos) for entry in entries]
        assert times == sorted(times, reverse=True)
        return len(entries)


def _refusal_of(command: Callable[[Account], object], account: Account) -> str:
    """Do a command to an account; return the reason why it was refused, or nothing."""
    try:
        command(account)
    except Refused as refusal:
        return str(refusal)
    return ""
