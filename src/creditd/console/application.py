"""The routes of the console, and what every request goes through."""

import logging
import random
import traceback
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from creditd.console.channel import ConsoleChannel
from creditd.console.clock import Clock
from creditd.console.entrance.address_attempts import AddressAttempts
from creditd.console.entrance.admission import Admission, TurnedBack
from creditd.console.entrance.authenticator_page import AuthenticatorPage
from creditd.console.entrance.own_sign_in import OwnSignInPages
from creditd.console.entrance.session import ConsoleSessions
from creditd.console.entrance.sign_in import SignInPages
from creditd.console.entrance.single_sign_on import SingleSignOn
from creditd.console.failure_page import defect_page, failed_fragment, missing_page, refused_page, unreadable_page
from creditd.console.live_streams import LiveStreams
from creditd.console.pages import Pages
from creditd.console.reader import THEMES, reader_of
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.settings import ConsoleSettings, public_url
from creditd.console.static_files import StaticFiles
from creditd.console.subjects.account_page import account_page
from creditd.console.subjects.account_rules import rules_page
from creditd.console.subjects.credits_form import credits_done, credits_form, credits_preview
from creditd.console.subjects.dashboard import dashboard
from creditd.console.subjects.entry_page import entry_page
from creditd.console.subjects.health_page import health_page
from creditd.console.subjects.page_list import declared_routes
from creditd.console.subjects.past_balance_page import past_balance_page
from creditd.console.subjects.reserve_page import reserve_page
from creditd.console.subjects.role_matrix import role_matrix_page
from creditd.console.subjects.search_page import search_page
from creditd.console.subjects.statement_file import receipt_file, statement_file, statement_page
from creditd.console.texts import LANGUAGES
from creditd.console.visit import Visit, path_of
from creditd.console.wire.cookies import Cookie, CookieJar
from creditd.console.wire.forms import UnreadableForm, form_of
from creditd.console.wire.headers import HeaderGuard

log = logging.getLogger(__name__)

Handler = Callable[[Visit], Awaitable[Response]]

CHOICES: Final = {"language": tuple(LANGUAGES), "theme": (*THEMES[:2], "system")}
"""What a reader may choose by a link, and keeps by a cookie."""

CHOICE_SECONDS: Final = 365 * 86_400


class ConsoleApplication:
    """Answers HTTP, as an ASGI application."""

    def __init__(self, settings: ConsoleSettings, channel: ConsoleChannel, clock: Clock) -> None:
        """Call the service over ``channel``."""
        url = public_url(settings)
        self._channel = channel
        self._clock = clock
        self._jar = CookieJar(settings.cookie_key, url)
        self._sessions = ConsoleSessions(self._jar, settings, clock)
        self._files = StaticFiles()
        self._pages = Pages(self._files, url, has_single_sign_on=bool(settings.sso_issuer))
        self._sso = SingleSignOn(settings, self._sessions, self._jar) if settings.sso_issuer else None
        self._admission = Admission(self._sessions, self._jar, self._sso)
        self._streams = LiveStreams()
        self._is_stopping = False
        router = Router(self._routes(), redirect_slashes=False, default=self._missing)
        self._guarded = HeaderGuard(router, is_encrypted=url.is_encrypted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._guarded(scope, receive, send)

    def stop(self) -> None:
        """Have probes turn others away from now on; pages are answered to the end."""
        self._is_stopping = True
        self._streams.stop()

    def _routes(self) -> list[Route]:
        attempts = AddressAttempts()
        sign_in = SignInPages(self._sessions, self._jar, self._admission, attempts)
        authenticator = AuthenticatorPage(self._admission, attempts)
        own = OwnSignInPages(self._sessions, attempts)
        staff = self._admission.staff
        account = "/accounts/{account_id}"
        pages: list[tuple[str, str, Handler]] = [
            ("GET", "/", staff(dashboard)),
            ("GET", "/health", staff(health_page)),
            ("GET", "/roles/matrix", staff(role_matrix_page)),
            ("GET", "/accounts", staff(search_page)),
            *((method, path, staff(handler)) for method, path, handler in declared_routes()),
            ("GET", account, staff(account_page)),
            ("GET", f"{account}/statement", staff(statement_page)),
            ("GET", f"{account}/statement.csv", staff(statement_file)),
            ("GET", f"{account}/statement.pdf", staff(statement_file)),
            ("GET", f"{account}/purchases/{{purchase_id}}/receipt/{{kind}}", staff(receipt_file)),
            ("GET", f"{account}/reserve", staff(reserve_page)),
            ("GET", f"{account}/past-balance", staff(past_balance_page)),
            ("GET", f"{account}/rules", staff(rules_page)),
            ("GET", f"{account}/live", staff(self._streams.account)),
            ("GET", f"{account}/wallets/{{credit_type}}/entries/{{version}}", staff(entry_page)),
            ("GET", f"{account}/credits/add", staff(credits_form)),
            ("POST", f"{account}/credits/add", staff(credits_done)),
            ("POST", f"{account}/credits/add/preview", staff(credits_preview)),
            ("GET", "/sign-in", sign_in.password_page),
            ("POST", "/sign-in", sign_in.password),
            ("GET", "/sign-in/code", sign_in.code_page),
            ("POST", "/sign-in/code", sign_in.code),
            ("GET", "/sign-in/authenticator", authenticator.page),
            ("POST", "/sign-in/authenticator", authenticator.enrol),
            ("POST", "/sign-in/authenticator/confirm", authenticator.confirm),
            ("GET", "/sign-in/password", staff(own.password_page)),
            ("POST", "/sign-in/password", staff(own.password)),
            ("GET", "/sign-in/recovery-codes", staff(own.codes_page)),
            ("POST", "/sign-in/recovery-codes", staff(own.codes)),
            *self._sso_routes(),
            ("POST", "/sign-out", sign_in.sign_out),
            ("POST", "/sign-out/everywhere", sign_in.sign_out_everywhere),
        ]
        prefix = self._pages.url.path
        routes = [Route(prefix(path), self._endpoint(handler), methods=[method]) for method, path, handler in pages]
        files = Route(prefix("/static/{mark}/{name}"), self._files.serve)
        return [*routes, files, Route("/healthz", self._health)]

    def _sso_routes(self) -> list[tuple[str, str, Handler]]:
        if self._sso is None:
            return []
        return [
            ("POST", "/sign-in/organisation", self._sso.leave),
            ("GET", "/sign-in/organisation", self._sso.begin),
            ("GET", "/sign-in/organisation/callback", self._sso.callback),
            ("GET", "/sign-in/organisation/typed", self._admission.staff(self._sso.typed)),
        ]

    async def _health(self, request: Request) -> Response:
        """Say 200 while this process answers, also while the service is away: it is to live on; 503 as it stops."""
        del request
        if self._is_stopping:
            return JSONResponse({"service": "stopping"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"service": "reachable" if self._channel.is_reachable else "unreachable"})

    async def _missing(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            response = await self._endpoint(missing_page)(Request(scope, receive))
            await response(scope, receive, send)

    def _endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if chosen := self._choice(request):
                return chosen
            visit = self._visit(request)
            response = await self._answer(visit, handler)
            if visit.is_fragment and response.status_code != HTTPStatus.OK:
                response = failed_fragment(visit)
            for cookie in visit.cookies:
                self._jar.write(response, cookie)
            return response

        return endpoint

    def _visit(self, request: Request) -> Visit:
        reader = reader_of(self._jar, request.cookies, request.headers.get("accept-language", ""))
        visit = Visit(
            request,
            f"console-{random.getrandbits(64):016x}",
            reader,
            self._pages,
            self._channel.stubs,
            self._clock(),
            session=self._sessions.read(request.cookies),
        )
        self._admission.prepare(visit)
        return visit

    async def _answer(self, visit: Visit, handler: Handler) -> Response:
        try:
            return await self._refused_form(visit) or await handler(visit)
        except UnreadableForm:
            return unreadable_page(visit)
        except TurnedBack as turned:
            return turned.response
        except ServiceRefusal as refusal:
            return self._admission.ended(visit) if refusal.is_session_over else refused_page(visit, refusal)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for a page.
            _report(error, visit)
            return defect_page(visit)

    async def _refused_form(self, visit: Visit) -> Response | None:
        """Read the form of a visit that has one; return the answer if it is not taken. Raises UnreadableForm."""
        if visit.request.method != "POST":
            return None
        visit.form = await form_of(visit.request)
        if self._is_own_form(visit, visit.lapsed_token):
            return self._admission.late(visit)
        return None if self._is_own_form(visit, visit.form_token) else unreadable_page(visit)

    def _is_own_form(self, visit: Visit, token: str) -> bool:
        """Tell whether a form is from a page of this browser's with a token, and not from somebody else's page."""
        site = visit.request.headers.get("sec-fetch-site", "same-origin")
        if site not in {"same-origin", "none"}:
            return False
        given = visit.form.text("form_token", 64)
        return bool(token) and compare_digest(given.encode(), token.encode())

    def _choice(self, request: Request) -> Response | None:
        """Return what keeps a choice of the reader's and leads to the same page without it; None if there is none."""
        chosen = {name: request.query_params[name] for name in CHOICES if name in request.query_params}
        if request.method != "GET" or not chosen:
            return None
        kept = urlencode([pair for pair in request.query_params.multi_items() if pair[0] not in CHOICES])
        response = Response(status_code=HTTPStatus.SEE_OTHER)
        response.headers["location"] = path_of(request) + (f"?{kept}" if kept else "")
        for name, value in chosen.items():
            if value in CHOICES[name]:
                self._jar.write_plain(response, Cookie(name, value, CHOICE_SECONDS))
        return response


def _report(error: Exception, visit: Visit) -> None:
    """Log where a page has failed. What the error says, and what was asked, is about people and stays out."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    line = {"defect": type(error).__name__, "place": f"{where.filename}:{where.lineno}"}
    log.error("a page failed", extra=line | {"correlation_id": visit.correlation_id})
