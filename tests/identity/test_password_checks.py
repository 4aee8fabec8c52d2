"""Everything that needs a password is counted and noted alike, and only what was wrong counts.

The calls of a test all come from one place, which the user knows; here they come from wherever they are said to.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from creditd.bootstrap import IdentityCore
from creditd.bootstrap.identity import UserParts
from creditd.identity.attempts import TRIES_AT_ADDRESS, TRIES_OF_CODE, TRIES_OF_EMAIL, WINDOW_SECONDS
from creditd.identity.refusals import SecondFactorInvalid, SignInFailed, SignInLimited
from creditd.ledger.work import DatabaseUnavailable, Overloaded
from tests.support.person import Person, Phone

pytestmark = pytest.mark.requirement("G3")

NEW = "battery staple horse"
HOME, STRANGE = "127.0.0.1:40962", "192.0.2.7:40962"


class Threads:
    """Where blocking work is done: here, unless it fails for a reason that has nothing to do with what it is."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.does_the_work = False

    async def __call__(self, function: Callable[[], Any], *, owner: str = "") -> Any:
        """Do it, or fail, having done it or not."""
        del owner
        if self.failure is None:
            return function()
        if self.does_the_work:
            # Whoever waited has gone, and is told nothing.
            with suppress(SecondFactorInvalid):
                function()
        raise self.failure


class Desk:
    """What signs somebody in, on a core's database, with threads and counts of its own."""

    def __init__(self, core: IdentityCore, person: Person) -> None:
        self.person = person
        self.user_id = person.log_in().user_id
        self.threads, self.hashing = Threads(), Threads()
        parts = UserParts(core, in_thread=self.threads, in_hashing=self.hashing)
        self.attempts, self.sign_in, self.factors = parts.attempts, parts.sign_in, parts.second_factors

    async def log_in(self, password: str, address: str) -> object:
        """Sign in."""
        return await self.sign_in.log_in(self.person.email, password, address)

    async def change(self, password: str, address: str) -> object:
        """Change the password."""
        return await self.sign_in.change_password(self.user_id, password, NEW, "change-1", address)

    async def enrol(self, password: str, address: str) -> object:
        """Enrol an authenticator."""
        session = await self.sign_in.log_in(self.person.email, self.person.password, HOME)
        return await self.factors.enrol(self.user_id, password, "", session.refresh_token, address)


Act = Callable[[Desk, str, str], Coroutine[Any, Any, object]]

EVENTS: Mapping[Act, str] = {
    Desk.log_in: "SIGN_IN_FAILED",
    Desk.change: "PASSWORD_CHANGE_FAILED",
    Desk.enrol: "ENROLMENT_FAILED",
}
"""What needs a password, and what is noted of a wrong one."""

ACTS = pytest.mark.parametrize("act", EVENTS)


@pytest.fixture
def desk(person: Person) -> Desk:
    assert person.service.identity is not None
    return Desk(person.service.identity, person)


def noted(rows: psycopg.Connection) -> str:
    """Return the kind of the last event."""
    found = rows.execute("SELECT kind FROM security_events ORDER BY event_id DESC LIMIT 1").fetchone()
    assert found is not None
    return str(found[0])


@ACTS
def test_strange_places_wait_whatever_they_ask_for(desk: Desk, rows: psycopg.Connection, act: Act) -> None:
    for _ in range(TRIES_OF_EMAIL):
        desk.attempts.add((desk.person.email,), WINDOW_SECONDS)
    with pytest.raises(SignInFailed):
        asyncio.run(act(desk, "a guess of mine", STRANGE))
    with pytest.raises(SignInLimited):
        asyncio.run(act(desk, desk.person.password, STRANGE))
    assert noted(rows) == "SIGN_IN_LIMITED"
    assert asyncio.run(act(desk, desk.person.password, HOME))


@ACTS
def test_a_wrong_password_leaves_an_event(desk: Desk, rows: psycopg.Connection, act: Act) -> None:
    with pytest.raises(SignInFailed):
        asyncio.run(act(desk, "a guess of mine", HOME))
    assert noted(rows) == EVENTS[act]


@pytest.mark.parametrize("failure", [Overloaded, DatabaseUnavailable, asyncio.CancelledError])
@pytest.mark.parametrize("where", ["threads", "hashing"])
def test_what_says_nothing_is_no_try(desk: Desk, where: str, failure: type[BaseException]) -> None:
    """An overload, an outage, and a caller who has gone."""
    place: Threads = getattr(desk, where)
    place.failure = failure()
    for _ in range(TRIES_AT_ADDRESS + 1):
        with pytest.raises(failure):
            asyncio.run(desk.log_in("a guess of mine", HOME))
    place.failure = None
    assert asyncio.run(desk.log_in(desk.person.password, HOME))


def test_whoever_hangs_up_has_no_more_tries_of_a_code_than_others(desk: Desk) -> None:
    session = asyncio.run(desk.sign_in.log_in(desk.person.email, desk.person.password, HOME))
    shown = session.refresh_token
    secret = asyncio.run(desk.factors.enrol(desk.user_id, desk.person.password, "", shown, HOME)).secret
    phone = Phone(desk.person, secret)
    asyncio.run(desk.factors.confirm(desk.user_id, phone.code(), shown, HOME))
    desk.threads.failure, desk.threads.does_the_work = asyncio.CancelledError(), True
    for _ in range(TRIES_OF_CODE):
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(desk.factors.step_up(desk.user_id, phone.code(9), shown, HOME))
    desk.threads.failure = None
    with pytest.raises(SignInLimited):
        asyncio.run(desk.factors.step_up(desk.user_id, phone.next_code(), shown, HOME))
    desk.person.service.clock.advance(WINDOW_SECONDS)
    with pytest.raises(SecondFactorInvalid):
        asyncio.run(desk.factors.step_up(desk.user_id, phone.code(9), shown, HOME))
    assert asyncio.run(desk.factors.step_up(desk.user_id, phone.code(), shown, HOME))
