"""A service that does not answer: nobody is left to guess whether something was done."""

from uuid import uuid4

import grpc
import pytest

from credit.v1.admin_service_pb2 import AddCreditsRequest
from credit.v1.identity_service_pb2 import RevokeRequest
from creditd.console import visit
from creditd.console.service_refusal import ServiceRefusal
from tests.support.console import Browser, give


class Lost:
    """Has the answers to acts get lost on the way back, while it is on: what was asked for is done all the same."""

    def __init__(self) -> None:
        self.is_on = False


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> Lost:
    """Give what loses answers."""
    switch, ask = Lost(), visit.Visit.ask

    async def losing(asking: visit.Visit, method: object, message: object) -> object:
        answer = await ask(asking, method, message)
        if switch.is_on and isinstance(message, AddCreditsRequest) and not message.validate_only:
            raise ServiceRefusal(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
        return answer

    monkeypatch.setattr(visit.Visit, "ask", losing)
    return switch


@pytest.mark.parametrize("path", ["/sign-out", "/sign-out/everywhere"])
def test_whoever_signs_out_is_out_of_this_browser(
    signed_in: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Also while the service is away: on a machine that others use, nobody else goes on."""
    ask = visit.Visit.ask

    async def unanswered(asking: visit.Visit, method: object, message: object) -> object:
        if isinstance(message, RevokeRequest):
            raise ServiceRefusal(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
        return await ask(asking, method, message)

    monkeypatch.setattr(visit.Visit, "ask", unanswered)
    signed_in.send(path)
    assert (signed_in.page.status_code, "could not be told to end it" in signed_in.text) == (503, True)
    taken = [cookie.partition("=")[0] for cookie in signed_in.page.headers.get_list("set-cookie")]
    assert {f"creditd-{name}" for name in ("session", "seen", "note", "typed")} <= set(taken)
    assert signed_in.get("/accounts").url.path == "/sign-in"


@pytest.mark.requirement("D6")
def test_an_answer_that_is_lost_is_asked_for_again_and_what_was_done_is_done_once(
    signed_in: Browser, lost: Lost
) -> None:
    account = f"acct_{uuid4().hex[:12]}"
    act = f"/accounts/{account}/credits/add"
    give(signed_in.console.service, account, "a start", chat=10)
    filled = {"amount.chat": "5", "reason": "Ticket 7"}
    signed_in.get(act)
    signed_in.send(act, **filled)
    lost.is_on = True
    signed_in.send(act, **filled, act="add")
    assert (signed_in.page.status_code, "Not known yet whether it was done" in signed_in.text) == (503, True)
    signed_in.send(act)
    assert "Not known yet" in signed_in.text
    lost.is_on = False
    signed_in.send(act)
    assert "Added 5 chat" in signed_in.text
    assert "15" in signed_in.text
