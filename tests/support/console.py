"""The console for a test, over real sockets, before the real service; and a browser as far as HTTP goes."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from types import SimpleNamespace
from typing import Any, Final
from uuid import uuid4

import httpx

from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount
from credit.v1.credit_service_pb2 import GetBalanceRequest
from creditd.console.console import console_serving
from creditd.console.settings import ConsoleSettings
from tests.support.event_loop import event_loop
from tests.support.office import Office
from tests.support.patience import patience
from tests.support.person import Person, Phone, SignedIn
from tests.support.service import RunningService

SECONDS: Final = patience(30.0)
"""Far more than a page takes, so that a loaded machine fails no test."""

_NO_AUTHORITIES: Final = SSLContext(PROTOCOL_TLS_CLIENT)
"""It speaks plain HTTP: to read all authorities of the machine would cost each browser more than its pages do."""

_FIELD: Final = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass(frozen=True)
class RunningConsole:
    """A console that runs, and the service that it calls."""

    service: RunningService
    address: str

    @contextmanager
    def browser(self, **headers: str) -> Iterator["Browser"]:
        """Give a browser with no cookies yet."""
        given = {"accept-language": "en"} | headers
        address = f"http://{self.address}"
        with httpx.Client(
            base_url=address, timeout=SECONDS, trust_env=False, headers=given, verify=_NO_AUTHORITIES
        ) as http:
            yield Browser(self, http)


@dataclass
class Browser:
    """Asks for pages, keeps cookies, and sends forms as they are on the page."""

    console: RunningConsole
    http: httpx.Client
    answers: list[httpx.Response] = field(default_factory=list)

    @property
    def page(self) -> httpx.Response:
        """The last answer."""
        return self.answers[-1]

    @property
    def text(self) -> str:
        """What the last page has within its elements and beside them, without tags."""
        shown = re.sub(r"<title>[^<]*</title>|<[^>]+>", " ", self.page.text)
        return re.sub(r"\s+", " ", unescape(shown)).strip()

    def get(self, path: str, headers: Mapping[str, str] | None = None, *, follows: bool = True) -> httpx.Response:
        """Ask for a page."""
        return self._answered(self.http.get(path, follow_redirects=follows, headers=headers))

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form to a path: what the page has hidden in it, and what is typed."""
        return self.post(path, self.hidden() | fields)

    def post(
        self,
        path: str,
        fields: Mapping[str, str | list[str]],
        headers: Mapping[str, str] | None = None,
        *,
        follows: bool = True,
    ) -> httpx.Response:
        """Send fields, and nothing else."""
        return self._answered(self.http.post(path, data=dict(fields), follow_redirects=follows, headers=headers))

    def _answered(self, answer: httpx.Response) -> httpx.Response:
        self.answers += [*answer.history, answer]
        return self.page

    def hidden(self) -> dict[str, str]:
        """Return the hidden fields of the last page."""
        return {name: unescape(value) for name, value in _FIELD.findall(self.page.text)}

    def shows_password(self, member: "Member", path: str = "/sign-in") -> httpx.Response:
        """Show a password."""
        self.get(path)
        return self.send("/sign-in", email=member.person.email, password=member.person.password)

    def signs_in(self, member: "Member", path: str = "/sign-in?next=%2Faccounts") -> httpx.Response:
        """Show password and code."""
        self.shows_password(member, path)
        return self.send("/sign-in/code", code=member.phone.next_code())


@dataclass(frozen=True)
class Member:
    """Somebody who has registered and enrolled an authenticator."""

    person: Person
    phone: Phone
    recovery_codes: list[str]


Members = Callable[..., Member]
"""Makes somebody who has roles."""


def enrolled(service: RunningService, *roles: str, name: str = "") -> Member:
    """Register somebody with roles and an authenticator; of any name, if none is given."""
    person = Person(service, f"{name or uuid4().hex}@example.org")
    person.register()
    login = person.log_in()
    for role in roles:
        Office(service).grant(login.user_id, role)
    return Member(person, *SignedIn(person, login.tokens).enrol())


def give(service: RunningService, account_id: str, reason: str, **amounts: int) -> None:
    """Add credits as a member of staff who is not at the console, ``boss``."""
    request = AddCreditsRequest(
        account_id=account_id,
        amounts=[CreditAmount(credit_type=code, amount=amount) for code, amount in amounts.items()],
        reason=reason,
        request_id=uuid4().hex,
    )
    service.as_caller("boss", "ADMIN").admin.AddCredits(request)


def chat_balance(staff: SimpleNamespace, account_id: str) -> int:
    """Return how many chat credits an account has available."""
    request = GetBalanceRequest(account_id=account_id, credit_types=["chat"])
    return int(staff.credit.GetBalance(request).account_balance.wallets[0].balance.available)


@contextmanager
def running_console(service: RunningService, target: str = "", **settings: Any) -> Iterator[RunningConsole]:
    """Run a console before a service, by the service's clock; ``target`` is another address of it."""
    with event_loop() as run:
        stack = AsyncExitStack()
        stated = ConsoleSettings("127.0.0.1:0", target or service.address)._replace(**settings)
        port = run(stack.enter_async_context(console_serving(stated, lambda: service.seconds)))
        try:
            yield RunningConsole(service, f"127.0.0.1:{port}")
        finally:
            run(stack.aclose())
