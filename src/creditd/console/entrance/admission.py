"""Who is let in to a page: staff who have shown both factors."""

import secrets
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Final

import grpc
from starlette.responses import Response

from credit.v1.access_service_pb2 import GetMyAccessRequest, GetMyAccessResponse
from credit.v1.identity_service_pb2 import RefreshRequest
from creditd.console import limits
from creditd.console.entrance.session import NOTE, ConsoleSession, ConsoleSessions
from creditd.console.entrance.single_sign_on import SingleSignOn
from creditd.console.entrance.way_back import form_along, way_back
from creditd.console.failure_page import unreadable_page
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.visit import STAFF, Visit
from creditd.console.wire.cookies import Cookie, CookieJar
from creditd.console.wire.kept_form import form_kept

GATE: Final = "gate"
"""The cookie that forms are bound to before there is a session."""

Handler = Callable[[Visit], Awaitable[Response]]


class TurnedBack(Exception):
    """Whoever asks is not let in; ``response`` says where to go instead."""

    def __init__(self, response: Response) -> None:
        """Remember the answer."""
        super().__init__()
        self.response = response


class Admission:
    """Lets people in by their sessions."""

    def __init__(self, sessions: ConsoleSessions, jar: CookieJar, sso: SingleSignOn | None = None) -> None:
        """Read sessions from the cookies of ``jar``; those of an outside issuer are renewed by ``sso``."""
        self._sessions = sessions
        self._jar = jar
        self._sso = sso

    def prepare(self, visit: Visit) -> None:
        """Bind the forms of a visit to its session, or to a cookie of its own where there is none."""
        cookies = visit.request.cookies
        if visit.session:
            visit.form_token = self._jar.form_token(visit.session.session_id)
        elif gate := str(self._jar.read(GATE, cookies).get("id", "")):
            visit.form_token = self._jar.form_token(f"gate {gate}")
        elif visit.request.method == "GET":
            self._open_gate(visit)
        if lapsed := visit.session.former_id if visit.session else self._sessions.lapsed_id(cookies):
            visit.lapsed_token = self._jar.form_token(lapsed)
        if note := self._jar.read(NOTE, cookies):
            visit.note = note

    def _open_gate(self, visit: Visit) -> None:
        """Bind the forms of a visit to the cookie that the browser has, for longer, or to a new one."""
        gate = str(self._jar.read(GATE, visit.request.cookies).get("id", "")) or secrets.token_hex(16)
        visit.cookies.append(self._jar.written(GATE, {"id": gate}, limits.GATE_SECONDS))
        visit.form_token = self._jar.form_token(f"gate {gate}")

    def staff(self, handler: Handler) -> Handler:
        """Return a handler that only staff get to."""

        @wraps(handler)
        async def admitted(visit: Visit) -> Response:
            session = await self._current(visit)
            visit.access = await self._access(visit, session)
            if not STAFF & set(visit.access.roles):
                # The session stays: also a service that cannot look its roles up for a while knows of none.
                visit.access = None
                raise TurnedBack(visit.page("no_staff.html", HTTPStatus.FORBIDDEN))
            if not visit.is_by_itself and not self._sessions.is_seen(visit.request.cookies):
                visit.cookies.append(self._sessions.seen(session))
            if visit.note and visit.request.method == "GET":
                visit.cookies.append(Cookie(NOTE, "", 0))
            response = await handler(visit)
            if visit.told:
                visit.cookies.append(self._jar.written(NOTE, visit.told, limits.NOTE_SECONDS))
            return response

        return admitted

    async def _current(self, visit: Visit) -> ConsoleSession:
        """Return the session with an access token that lasts for this page. Raises TurnedBack, ServiceRefusal."""
        session = visit.session
        if session is None:
            raise TurnedBack(self._stranger(visit))
        if not session.is_complete:
            raise TurnedBack(visit.turned_to(visit.path("/sign-in/code", next=asked_for(visit))))
        return await self.fresh(visit, session)

    async def fresh(self, visit: Visit, session: ConsoleSession) -> ConsoleSession:
        """Return a session whose access token lasts for a page, renewed if it has to be. Raises ServiceRefusal."""
        if visit.now < session.access_end - limits.TOKEN_SECONDS:
            return session
        return await self._renewed(visit, session)

    async def _renewed(self, visit: Visit, session: ConsoleSession) -> ConsoleSession:
        if session.is_outside:
            if self._sso is None:
                # The issuer is not configured any more.
                raise ServiceRefusal(grpc.StatusCode.UNAUTHENTICATED, "SESSION_OVER")
            renewed = await self._sso.renewed(session)
        else:
            request = RefreshRequest(refresh_token=session.refresh_token, request_id=session.refresh_request_id)
            answer = await visit.ask(visit.stubs.identity.Refresh, request)
            renewed = self._sessions.renewed(session, answer.tokens)
        visit.session = renewed
        visit.cookies += self._sessions.written(renewed, is_seen=not visit.is_by_itself)
        return renewed

    async def _access(self, visit: Visit, session: ConsoleSession) -> GetMyAccessResponse:
        """Return what whoever has signed in may do. Raises ServiceRefusal."""
        answer: GetMyAccessResponse
        try:
            answer = await visit.ask(visit.stubs.access.GetMyAccess, GetMyAccessRequest())
        except ServiceRefusal as refusal:
            # The key that has signed it may have been given up in haste: what another one signs is taken.
            if not refusal.is_token_refused:
                raise
            await self._renewed(visit, session)
            answer = await visit.ask(visit.stubs.access.GetMyAccess, GetMyAccessRequest())
        return answer

    def _stranger(self, visit: Visit) -> Response:
        """Return the way to the sign-in; where nothing was done, a page that says so."""
        if visit.request.method != "GET":
            return self.ended(visit)
        if visit.request.headers.get("sec-fetch-site") == "cross-site":
            # A link in a ticket: the browser has held the cookies back, and sends them when the page asks again.
            return visit.page("arrival.html", here=visit.here())
        return visit.turned_to(visit.path("/sign-in", next=asked_for(visit)))

    def late(self, visit: Visit) -> Response:
        """Answer a form of a session that is over: by the sign-in, or by the form, to who has signed in since."""
        if visit.session is None or not visit.session.is_complete:
            return self.ended(visit)
        if not (path := asked_for(visit)):
            return unreadable_page(visit)
        return visit.page("resume.html", HTTPStatus.CONFLICT, kept=form_kept(visit.form, path))

    def ended(self, visit: Visit) -> Response:
        """Return the sign-in, which says that the session is over and keeps what was typed; take the session away."""
        visit.cookies.clear()
        visit.cookies += self._sessions.lapsed()
        self._open_gate(visit)
        is_form = visit.request.method == "POST"
        path = asked_for(visit) if is_form else ""
        # The forms of the sign-in carry the one that was sent before them.
        kept = form_kept(visit.form, path) if path else form_along(visit)
        over = "ended.kept" if kept.path else "ended.text" if is_form else "ended.page"
        following = way_back(visit) if visit.is_of_sign_in else asked_for(visit)
        values = {"problem": "", "email": "", "next": following, "kept": kept, "over": over}
        return visit.page("sign_in.html", HTTPStatus.UNAUTHORIZED, **values)


def asked_for(visit: Visit) -> str:
    """Return the page to come back to: the one asked for, or the one that a form is on; empty for the first one."""
    if visit.is_of_sign_in:
        return ""
    if visit.request.method != "GET":
        return visit.own_path.removesuffix("/preview")
    here = visit.here()
    return "" if here == visit.path("/") else here
