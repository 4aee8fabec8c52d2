"""A change of access is effective on every server within five seconds, whatever goes on there (D3)."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from threading import Event, get_ident
from typing import Any

import grpc
import pytest
from sqlalchemy.exc import OperationalError

from credit.v1 import credit_service_pb2 as credit
from creditd.server.authorization.access_book import AccessBook
from creditd.server.authorization.access_poller import LATE_SECONDS, TRUSTED_SECONDS, AccessPoller
from creditd.service.threads import Threads
from creditd.storage.controls import access
from creditd.storage.database import Database, DatabaseSettings
from tests.support.office import Office, creating, granting, reason_of, revoking, updating
from tests.support.patience import eventually, patience
from tests.support.raw_http2 import RawConnection
from tests.support.refusals import read_refusal
from tests.support.service import RunningService, running_service
from tests.support.tickets import SINK
from tests.support.tokens import bearer

pytestmark = pytest.mark.requirement("D3")

EFFECTIVE_SECONDS = 5.0
"""After a revocation, the last success of what it revokes."""

CALLS = 50
"""Of each server, at once."""

THREADS = Threads(lambda: SINK)
"""Of pollers that are asked to look by the test itself."""


@pytest.fixture(scope="module")
def second(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run another server on the same database, by the other transport."""
    folder, url = tmp_path_factory.mktemp("second"), service.config.database_url
    with running_service(folder, database_url=url, migrated=False, transport="aio") as running:
        yield running


def watching(service: RunningService, subject: str, account_id: str) -> Any:
    """Open a stream as somebody whose token states no more than USER, and wait until it has begun."""
    request = credit.WatchBalanceRequest(account_id=account_id, credit_type="chat")
    # What does not end as it should ends by its deadline, and fails the test.
    stream = service.as_caller(subject, "USER").credit.WatchBalance(request, timeout=patience(30.0))
    next(stream)
    return stream


def end_of(stream: Any) -> tuple[str, str]:
    """Return how a stream ends."""
    with pytest.raises(grpc.RpcError) as caught:
        for _ in stream:
            pass
    refusal = read_refusal(caught.value)
    return refusal.code.name, refusal.reason


def test_calls_and_streams_of_whom_a_role_is_taken_from_end_on_both_servers(
    office: Office, second: RunningService, subject: str
) -> None:
    servers = (office.service, second)
    office.service.as_caller("owner", "USER").credit.GetBalance(credit.GetBalanceRequest(account_id="owner"))
    office.grant(subject, "SUPPORT")
    calls = [server.as_caller(subject, "USER").credit.GetBalance for server in servers]
    request = credit.GetBalanceRequest(account_id="owner")
    eventually(lambda: all(Office(server).may_read(subject, "owner", "USER") for server in servers))
    streams = [watching(server, subject, "owner") for server in servers]
    ended: list[float] = []
    for stream in streams:
        stream.add_callback(lambda: ended.append(time.monotonic()))

    def succeeded() -> int:
        """Make all calls at once, and return how many succeeded."""
        under_way = [call.future(request) for call in calls for _ in range(CALLS)]
        return sum(one.code() is grpc.StatusCode.OK for one in under_way)

    assert succeeded() == 2 * CALLS
    office.admin.access.RevokeRole(revoking(subject, "SUPPORT"))
    revoked = last = begun = time.monotonic()
    while succeeded():
        # What succeeds did so after it began, however long its answers take to be looked at.
        last, begun = begun, time.monotonic()
    assert last - revoked <= EFFECTIVE_SECONDS
    assert [end_of(stream) for stream in streams] == [("PERMISSION_DENIED", "PERMISSION_DENIED")] * 2
    eventually(lambda: len(ended) == len(streams))
    assert max(ended) - revoked <= EFFECTIVE_SECONDS
    assert succeeded() == 0


def test_a_message_that_comes_late_is_judged_by_what_is_stored_when_it_comes(
    office: Office, second: RunningService, subject: str
) -> None:
    """A caller may send the headers of a thousand calls in time, and their messages seconds later."""
    servers = (office.service, second)
    office.grant(subject, "SUPPORT")
    eventually(lambda: all(Office(server).may_read(subject, "owner", "USER") for server in servers))
    message = credit.GetBalanceRequest(account_id="owner").SerializeToString()
    with ExitStack() as stack:
        connections = [stack.enter_context(RawConnection(one.address, bearer(subject, ["USER"]))) for one in servers]
        begun = [connection.begin("/credit.v1.CreditService/GetBalance") for connection in connections]
        office.admin.access.RevokeRole(revoking(subject, "SUPPORT"))
        eventually(lambda: not any(Office(server).may_read(subject, "owner", "USER") for server in servers))
        for connection, stream in zip(connections, begun, strict=True):
            connection.say(stream, len(message), message, end=True)
        ends = [next(connection.ends()) for connection in connections]
    denied = grpc.StatusCode.PERMISSION_DENIED.value[0]
    assert ends == [(stream, denied) for stream in begun]


def test_a_stream_ends_with_the_temporary_role_that_it_is_by(office: Office, subject: str) -> None:
    office.service.as_caller("owner", "USER").credit.GetBalance(credit.GetBalanceRequest(account_id="owner"))
    office.grant(subject, "SUPPORT", ttl={"seconds": 600})
    stream, own = watching(office.service, subject, "owner"), watching(office.service, subject, subject)
    office.service.clock.advance(601)
    assert end_of(stream) == ("PERMISSION_DENIED", "PERMISSION_DENIED")
    own.cancel()
    assert own.code() is grpc.StatusCode.CANCELLED


def test_a_stream_that_is_allowed_by_something_else_goes_on(office: Office, subject: str) -> None:
    office.grant(subject, "SUPPORT")
    office.grant(subject, "FINANCE")
    stream, other = watching(office.service, subject, "owner"), watching(office.service, subject, "owner")
    office.revoke(subject, "SUPPORT")
    office.revoke(subject, "FINANCE")
    assert end_of(stream) == end_of(other) == ("PERMISSION_DENIED", "PERMISSION_DENIED")


class Blind:
    """Makes the looks of a server fail."""

    def __init__(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let them fail until the test ends, from when one has failed: one that is under way may yet succeed."""
        self.poller = office.service.server.credit.access.poller
        failed = Event()

        def fail() -> None:
            failed.set()
            raise OperationalError("SELECT", {}, Exception("away"))

        monkeypatch.setattr(self.poller, "load", fail)
        self.poller.wake()
        assert failed.wait(patience(60.0))

    def has_failed_for(self, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the last look that succeeded be so old."""
        monkeypatch.setattr(self.poller, "looked_at", time.monotonic() - seconds)
        self.poller.judge_age()


def test_what_is_stored_raises_nobody_once_looks_have_failed_for_long(
    office: Office, subject: str, monkeypatch: pytest.MonkeyPatch, process_log: pytest.LogCaptureFixture
) -> None:
    """What tokens state goes on, and so do the limits that are stored. A look that succeeds mends it."""
    office.grant(subject, "SUPPORT")
    robot = office.admin.access.CreateServiceAccount(
        creating(f"{subject}-robot", scopes=["credits.read"], accounts=["mine"])
    ).service_account
    office.await_effect()
    with monkeypatch.context() as patch:
        blind = Blind(office, patch)
        blind.has_failed_for(LATE_SECONDS - 1, patch)
        assert "not effective" not in process_log.text
        blind.has_failed_for(LATE_SECONDS + 1, patch)
        assert "changes of roles are not effective" in process_log.text
        assert office.roles_of(subject, "USER") == {"USER", "SUPPORT"}
        assert office.service.core.access_age_seconds() > LATE_SECONDS
        with process_log.at_level(logging.ERROR):
            blind.has_failed_for(TRUSTED_SECONDS + 1, patch)
        assert "do not count any more" in process_log.text
        assert office.roles_of(subject, "USER") == {"USER"}
        answer = office.access_of(robot.service_account_id, "SERVICE", scope="credits.spend")
        assert (list(answer.scopes), list(answer.accounts)) == (["credits.spend"], ["mine"])
    eventually(lambda: office.roles_of(subject, "USER") == {"USER", "SUPPORT"})
    office.admin.access.UpdateServiceAccount(updating(robot, disabled=True))
    office.await_effect()


def test_a_change_that_was_missed_counts_at_the_next_look(
    office: Office, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        Blind(office, patch)
        office.admin.access.GrantRole(granting(subject, "SUPPORT"))
        assert office.roles_of(subject, "USER") == {"USER"}
    eventually(lambda: office.roles_of(subject, "USER") == {"USER", "SUPPORT"})


def test_whoever_has_lost_a_role_does_not_change_access_by_it_even_where_that_is_not_known_yet(
    office: Office, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or what is taken from somebody could be given back within these seconds, to whomever."""
    office.grant(subject, "ADMIN")
    office.grant(subject, "SUPER_ADMIN", ttl={"seconds": 600})
    robot = office.admin.access.CreateServiceAccount(creating(f"{subject}-robot")).service_account
    with monkeypatch.context() as patch:
        Blind(office, patch)
        office.super_admin.access.RevokeRole(revoking(subject, "SUPER_ADMIN"))
        by = office.as_one(subject, "USER").access
        assert office.roles_of(subject, "USER") == {"USER", "ADMIN", "SUPER_ADMIN"}
        assert reason_of(by.GrantRole, granting(f"{subject}-2", "SUPER_ADMIN")) == "PERMISSION_DENIED"
        assert reason_of(by.GrantRole, granting(f"{subject}-2", "SUPPORT")) == "OK"
        office.admin.access.RevokeRole(revoking(subject, "ADMIN"))
        held = office.version()
        for call, request in (
            (by.GrantRole, granting(f"{subject}-2", "FINANCE")),
            (by.RevokeRole, revoking(f"{subject}-2", "SUPPORT")),
            (by.CreateServiceAccount, creating(f"{subject}-robot-2")),
            (by.UpdateServiceAccount, updating(robot, scopes=["credits.spend"])),
        ):
            assert reason_of(call, request) == "PERMISSION_DENIED"
        assert office.version() == held
        # What its token states is for its issuer to take back.
        by = office.as_one(subject, "ADMIN").access
        assert reason_of(by.RevokeRole, revoking(f"{subject}-2", "SUPPORT")) == "OK"


def test_a_look_is_as_old_as_its_beginning(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs has seen what was there before: it makes nothing younger than that."""
    core, begun = office.service.core, {}
    poller = AccessPoller(AccessBook(core.clock.now), core.database, core.clock, THREADS)
    version = access.version

    def slow(connection: Any) -> int:
        begun[get_ident()] = time.monotonic()
        while time.monotonic() <= begun[get_ident()]:
            pass
        return version(connection)

    monkeypatch.setattr(access, "version", slow)
    poller.load()
    assert poller.looked_at <= begun[get_ident()]


def test_a_look_needs_one_connection(office: Office) -> None:
    """A thread has one: with two, threads that look and others could wait for each other."""
    core = office.service.core
    settings = DatabaseSettings(office.service.config.database_url, office.service.config.database_role, pool_size=1)
    with closing(Database(settings)) as database:
        poller = AccessPoller(AccessBook(core.clock.now), database, core.clock, THREADS)
        poller.load()
        assert poller.book.version == office.version()


def test_the_first_administrator_is_made_without_one(office: Office, subject: str) -> None:
    """Once: what is there already stays as it is."""
    core = office.service.core

    def make(role: str) -> bool:
        with core.database.transaction() as connection:
            return access.grant_outside(connection, subject, role, core.clock.now(), core.make_id, "a new installation")

    assert [make("ADMIN"), make("ADMIN"), make("SUPER_ADMIN")] == [True, False, True]
    told = office.told_of(subject)
    assert [(actor, kind, after["role"]) for actor, kind, _, after in told] == [
        ("creditd admin create", "role.grant", "ADMIN"),
        ("creditd admin create", "role.grant", "SUPER_ADMIN"),
    ]
    eventually(lambda: office.roles_of(subject) == {"ADMIN", "SUPER_ADMIN"})
    office.revoke(subject, "ADMIN")
    office.grant(subject, "ADMIN", ttl={"seconds": 60})
    assert [make("ADMIN"), make("ADMIN")] == [True, False]
    office.service.clock.advance(61)
    eventually(lambda: office.roles_of(subject) == {"ADMIN", "SUPER_ADMIN"})
