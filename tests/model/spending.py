"""The rules of the application: it holds, spends and gives back, and repeats itself."""

from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from credit.v1 import credit_service_pb2 as credit
from tests.model.account import Account
from tests.model.machine import (
    End,
    Machine,
    amounts,
    ends,
    now_and_then,
    servers,
    spenders,
    versions_off,
    wallets,
    which,
)


class SpendingRules(Machine):
    """What CreditService offers."""

    @rule(
        server=servers,
        name=wallets,
        amount=amounts,
        end=st.none() | ends,
        off=versions_off,
        ahead=now_and_then,
        who=spenders,
    )
    def reserve(
        self, server: int, name: str, amount: int, end: End | None, off: int | None, who: str, *, ahead: bool
    ) -> None:
        """Hold credits, or only ask what would come of it."""
        fields, time = self.end(end)
        stated = self.stated(name, off)
        request = credit.ReserveRequest(
            account_id=self.comparison.account_id,
            credit_type=name,
            amount=amount,
            expected_version=stated,
            spender_id=who,
            **fields,
        )

        def command(account: Account) -> Any:
            return account.reserve(name, amount, time, stated, lifetime="ttl" in fields, who=who)

        if ahead:
            self.comparison.look_ahead(server, "credit.Reserve", request, name, command)
        elif answer := self.comparison.ask(server, "credit.Reserve", request, (name,), command):
            self.comparison.know(name, answer)
        self.told("reserve", server)

    @rule(server=servers, name=wallets, amount=amounts, off=versions_off, ahead=now_and_then, who=spenders)
    def deduct(self, server: int, name: str, amount: int, off: int | None, who: str, *, ahead: bool) -> None:
        """Spend in one step, or only ask what would come of it."""
        stated = self.stated(name, off)
        request = credit.DeductRequest(
            account_id=self.comparison.account_id,
            credit_type=name,
            amount=amount,
            expected_version=stated,
            spender_id=who,
        )

        def command(account: Account) -> Any:
            return account.deduct(name, amount, stated, who)

        if ahead:
            self.comparison.look_ahead(server, "credit.Deduct", request, name, command)
        elif answer := self.comparison.ask(server, "credit.Deduct", request, (name,), command):
            self.comparison.know(name, answer)
        self.told("deduct", server)

    @rule(
        server=servers,
        name=wallets,
        each=st.lists(amounts, min_size=1, max_size=4),
        units=st.integers(0, 3),
        repeats=st.lists(st.integers(0, 3), max_size=2),
    )
    def batch_reserve(self, server: int, name: str, each: list[int], units: int, repeats: list[int]) -> None:
        """Hold several times in one call, and some of it twice; one that is refused fails no other."""
        fields, time = self.end(("until", units))
        requests = [
            credit.ReserveRequest(
                account_id=self.comparison.account_id,
                credit_type=name,
                amount=amount,
                request_id=f"{self.comparison.request_id()}-{number}",
                **fields,
            )
            for number, amount in enumerate(each)
        ]
        commands = [partial(Account.reserve, name=name, amount=amount, ends=time) for amount in each]
        for number in repeats:
            requests.append(requests[number % len(each)])
            commands.append(commands[number % len(each)])
        answer, _ = self.comparison.call(server, "credit.BatchReserve", credit.BatchReserveRequest(requests=requests))
        self.comparison.compare_results(answer.results, name, commands, requests)
        self.told("batch reserve", server)

    @rule(server=servers, name=wallets, back=which, amount=st.none() | amounts, off=versions_off, excess=st.booleans())
    def confirm(self, server: int, name: str, back: int, amount: int | None, off: int | None, *, excess: bool) -> None:
        """Spend what is held, or less, or more."""
        number, reservation = self.reservation(name, back)
        stated = self.stated(name, off)
        request = credit.ConfirmRequest(name=reservation, amount=amount, allow_excess=excess, expected_version=stated)
        answer = self.comparison.ask(
            server,
            "credit.Confirm",
            request,
            (name,),
            lambda account: account.confirm(name, number, amount, stated, allow_excess=excess),
        )
        self.comparison.compare_reservation(name, number, answer)
        self.told("confirm", server)

    @rule(server=servers, name=wallets, back=which, amount=st.none() | amounts, off=versions_off)
    def refund(self, server: int, name: str, back: int, amount: int | None, off: int | None) -> None:
        """Give back what is held, or part or all of what was spent."""
        number, reservation = self.reservation(name, back)
        stated = self.stated(name, off)
        request = credit.RefundRequest(name=reservation, amount=amount, expected_version=stated)
        answer = self.comparison.ask(
            server, "credit.Refund", request, (name,), lambda account: account.refund(name, number, amount, stated)
        )
        self.comparison.compare_reservation(name, number, answer)
        self.told("refund", server)

    @rule(server=servers, name=wallets, back=which, end=ends)
    def extend(self, server: int, name: str, back: int, end: End) -> None:
        """Give a hold more time."""
        number, reservation = self.reservation(name, back)
        fields, time = self.end(end)
        request = credit.ExtendReservationRequest(name=reservation, **fields)
        answer = self.comparison.ask(
            server,
            "credit.ExtendReservation",
            request,
            (name,),
            lambda account: account.extend(name, number, time or 0, lifetime="ttl" in fields),
        )
        self.comparison.compare_reservation(name, number, answer)
        self.told("extend", server)

    @precondition(lambda self: self.comparison.done)
    @rule(server=servers, back=st.integers(0, 30), differs=st.booleans())
    def ask_again(self, server: int, back: int, *, differs: bool) -> None:
        """Repeat an earlier call, word for word or with other content."""
        number = max(0, len(self.comparison.done) - 1 - back)
        if differs:
            self.comparison.ask_otherwise(server, number)
        else:
            self.comparison.ask_again(server, number)
        self.told("ask again", server)
