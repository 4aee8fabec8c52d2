"""Signing in and out: a password, then a code, each judged by the service."""

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from credit.v1.access_service_pb2 import GetMyAccessRequest
from credit.v1.identity_service_pb2 import LoginRequest, RevokeRequest, StepUpRequest
from creditd.console.entrance.address_attempts import AddressAttempts
from creditd.console.entrance.admission import Admission
from creditd.console.entrance.session import ConsoleSession, ConsoleSessions
from creditd.console.entrance.way_back import form_along, way_back
from creditd.console.failure_page import status_of
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.visit import STAFF, Visit
from creditd.console.wire.cookies import CookieJar

_MAX_EMAIL: Final = 254
_MAX_PASSWORD: Final = 512
_MAX_CODE: Final = 32


class SignInPages:
    """The pages of whoever comes and goes."""

    def __init__(
        self, sessions: ConsoleSessions, jar: CookieJar, admission: Admission, attempts: AddressAttempts
    ) -> None:
        """Begin and end sessions."""
        self._sessions = sessions
        self._admission = admission
        self._jar = jar
        self._attempts = attempts

    async def password_page(self, visit: Visit) -> Response:
        """Show the form for email and password; whoever has signed in goes on."""
        if visit.session and visit.session.is_complete:
            return visit.turned_to(_next(visit))
        return _password_page(visit)

    async def password(self, visit: Visit) -> Response:
        """Take email and password, and go on to the code."""
        email, password = visit.form.text("email", _MAX_EMAIL), visit.form.secret("password")
        if refused := self._attempts.refused(visit):
            return _password_page(visit, refused, email)
        if not email or not 0 < len(password) <= _MAX_PASSWORD:
            return _password_page(visit, visit.reader.texts("sign_in.failed"), email)
        visit.session = None
        try:
            answer = await visit.ask(visit.stubs.identity.Login, LoginRequest(email=email, password=password))
        except ServiceRefusal as refusal:
            # What is no email is told as a wrong one is.
            is_wrong = refusal.reason in {"SIGN_IN_FAILED", "INVALID_FIELD"}
            if not is_wrong and (refusal.is_unknown or not refusal.text):
                raise
            return _password_page(visit, visit.reader.texts("sign_in.failed") if is_wrong else refusal.text, email)
        former_id = self._sessions.lapsed_id(visit.request.cookies)
        self._go_on(visit, self._sessions.begun(email, answer.tokens, former_id))
        # What was typed before is carried on by this page; else it has an address of its own.
        if form_along(visit).path:
            return _code_page(visit)
        return visit.turned_to(visit.path("/sign-in/code", next=way_back(visit)))

    async def code_page(self, visit: Visit) -> Response:
        """Show the form for the code."""
        if visit.session is None:
            return visit.turned_to(visit.path("/sign-in", next=way_back(visit)))
        return _code_page(visit)

    async def code(self, visit: Visit) -> Response:
        """Take a code of the authenticator, or a recovery code; let staff in."""
        if visit.session is None:
            return visit.turned_to(visit.path("/sign-in", next=way_back(visit)))
        if refused := self._attempts.refused(visit):
            return _code_page(visit, refused)
        try:
            await self._step_up(visit, visit.session, visit.form.text("code", _MAX_CODE))
        except ServiceRefusal as refusal:
            if refusal.is_unknown or refusal.is_session_over:
                raise
            return _code_page(visit, refusal.text or visit.reader.texts("code.invalid"))
        access = await visit.ask(visit.stubs.access.GetMyAccess, GetMyAccessRequest())
        if not STAFF & set(access.roles):
            return await self._turned_away(visit)
        kept = form_along(visit)
        return visit.page("resume.html", kept=kept) if kept.path else visit.turned_to(_next(visit))

    async def _step_up(self, visit: Visit, session: ConsoleSession, code: str) -> None:
        """Show a second factor, and go on with the token that tells of it. Raises ServiceRefusal."""
        session = await self._admission.fresh(visit, session)
        request = StepUpRequest(code=code.replace(" ", ""), refresh_token=session.refresh_token)
        answer = await visit.ask(visit.stubs.identity.StepUp, request)
        self._go_on(visit, self._sessions.stepped_up(session, answer))

    def _go_on(self, visit: Visit, session: ConsoleSession) -> None:
        """Go on with a session: its cookies are written, and the forms of the page are its own."""
        visit.session = session
        visit.form_token = self._jar.form_token(session.session_id)
        visit.cookies += self._sessions.written(session)

    async def sign_out(self, visit: Visit) -> Response:
        """End this session."""
        return self._left(visit, await self._revoked(visit))

    async def sign_out_everywhere(self, visit: Visit) -> Response:
        """End every session of whoever has signed in."""
        return self._left(visit, await self._revoked(visit, all_sessions=True))

    async def _revoked(self, visit: Visit, *, all_sessions: bool = False) -> ServiceRefusal | None:
        """Have the service end the session, or all of them; return why it has not, if it has not."""
        # Who has signed in at an outside issuer is signed out here; there they are asked by its own page.
        if visit.session is None or visit.session.is_outside:
            return None
        try:
            session = await self._admission.fresh(visit, visit.session)
            own = RevokeRequest(refresh_token=session.refresh_token)
            await visit.ask(visit.stubs.identity.Revoke, RevokeRequest(all_sessions=True) if all_sessions else own)
        except ServiceRefusal as refusal:
            # One that is over needs no other end.
            return None if refusal.is_session_over and not all_sessions else refusal
        return None

    def _left(self, visit: Visit, refusal: ServiceRefusal | None) -> Response:
        """Take the cookies away, whatever the service has said, as others may use the machine; tell what it refused."""
        visit.session = None
        visit.cookies.clear()
        visit.cookies += self._sessions.ended()
        if refusal:
            return visit.page("signed_out.html", status_of(refusal))
        return visit.turned_to(visit.path("/sign-in"))

    async def _turned_away(self, visit: Visit) -> Response:
        """End the session of somebody who is no staff, and say so."""
        if visit.session:
            await visit.ask(visit.stubs.identity.Revoke, RevokeRequest(refresh_token=visit.session.refresh_token))
        visit.session = None
        visit.cookies.clear()
        visit.cookies += self._sessions.ended()
        return visit.page("no_staff.html", HTTPStatus.FORBIDDEN)


def _password_page(visit: Visit, problem: str = "", email: str = "") -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    values = {"problem": problem, "email": email, "next": way_back(visit), "kept": form_along(visit), "over": ""}
    return visit.page("sign_in.html", status, **values)


def _code_page(visit: Visit, problem: str = "") -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    return visit.page("code.html", status, problem=problem, next=way_back(visit), kept=form_along(visit))


def _next(visit: Visit) -> str:
    return way_back(visit) or visit.path("/")
