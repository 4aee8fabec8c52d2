"""Signing in at an outside issuer: away with a secret that only this browser has, and back with a code for it."""

import logging
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import grpc
from starlette.responses import RedirectResponse, Response

from credit.v1.access_service_pb2 import GetMyAccessRequest
from creditd.console import limits
from creditd.console.entrance.open_id_provider import OpenIdProvider, ProviderFailure, ProviderTokens
from creditd.console.entrance.session import TYPED, ConsoleSession, ConsoleSessions
from creditd.console.entrance.way_back import form_along, way_back
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.settings import ConsoleSettings
from creditd.console.visit import STAFF, Visit
from creditd.console.wire.cookies import Cookie, CookieJar
from creditd.console.wire.kept_form import KeptForm

log = logging.getLogger(__name__)

_AWAY: Final = "away"
"""The cookie of whoever is at the issuer. Its page leads back from another site: it is no strict one, and neither is
that of the form that they had typed."""

_CALLBACK: Final = "/sign-in/organisation/callback"

_VERIFIER_BYTES: Final = 48
_STATE_BYTES: Final = 24


class SingleSignOn:
    """Sends people to the issuer, takes them back, and renews their tokens there."""

    def __init__(self, settings: ConsoleSettings, sessions: ConsoleSessions, jar: CookieJar) -> None:
        """Sign in at the issuer of the settings."""
        self._settings = settings
        self._sessions = sessions
        self._jar = jar
        self._provider = OpenIdProvider(settings.sso_issuer, settings.sso_client_id, settings.sso_client_secret)

    async def leave(self, visit: Visit) -> Response:
        """Take the form along that was typed, and lead away by a page of ours: no form may lead to another site."""
        kept, cookie = form_along(visit), Cookie(TYPED, "", 0)
        if kept.path:
            try:
                cookie = self._jar.written(TYPED, kept._asdict(), limits.CODE_SECONDS)._replace(is_lax=True)
            except ValueError:
                return _sign_in_page(visit, HTTPStatus.UNPROCESSABLE_ENTITY, "sso.too_long", kept)
        visit.cookies.append(cookie)
        here = visit.path("/sign-in/organisation", next=way_back(visit), again=visit.form.text("again", 1))
        return visit.page("arrival.html", here=here)

    async def begin(self, visit: Visit) -> Response:
        """Lead to the issuer's own page; ``again`` has it ask anew, for a second factor that is fresh."""
        verifier, state, nonce = (secrets.token_urlsafe(size) for size in (_VERIFIER_BYTES, _STATE_BYTES, _STATE_BYTES))
        try:
            places = await self._provider.places()
        except ProviderFailure as failure:
            return self._failed(visit, failure)
        stated = {
            "response_type": "code",
            "client_id": self._settings.sso_client_id,
            "redirect_uri": self._callback(visit),
            "scope": self._settings.sso_scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if visit.request.query_params.get("again"):
            stated |= {"prompt": "login", "max_age": "0"}
        kept = {"verifier": verifier, "state": state, "nonce": nonce, "next": way_back(visit)}
        visit.cookies.append(self._jar.written(_AWAY, kept, limits.CODE_SECONDS)._replace(is_lax=True))
        joined = "&" if "?" in places.authorization else "?"
        return RedirectResponse(f"{places.authorization}{joined}{urlencode(stated)}", HTTPStatus.SEE_OTHER)

    async def callback(self, visit: Visit) -> Response:
        """Take somebody back: their code is exchanged for tokens, and staff are let in."""
        query = visit.request.query_params
        kept = self._jar.read(_AWAY, visit.request.cookies)
        visit.cookies.append(Cookie(_AWAY, "", 0))
        if not kept or not compare_digest(query.get("state", "").encode(), str(kept["state"]).encode()):
            return self._failed(visit, ProviderFailure("nobody of this browser was sent there", is_refused=True))
        try:
            session = self._session(await self._exchanged(visit, kept))
            visit.cookies += self._sessions.written(session)
        except (ProviderFailure, ValueError) as failure:
            # ValueError: tokens that no cookie holds.
            return self._failed(visit, failure)
        visit.session = session
        return await self._let_in(visit, str(kept["next"]))

    async def _exchanged(self, visit: Visit, kept: Mapping[str, Any]) -> ProviderTokens:
        """Return the tokens for the code that somebody has come back with. Raises ProviderFailure."""
        tokens = await self._provider.tokens(
            grant_type="authorization_code",
            code=visit.request.query_params.get("code", "")[: limits.MAX_CODE_CHARACTERS],
            redirect_uri=self._callback(visit),
            code_verifier=kept["verifier"],
        )
        if not self._provider.is_for_us(tokens.claims, kept["nonce"]):
            raise ProviderFailure("its ID token is of another sign-in", is_refused=True)
        return tokens

    async def renewed(self, session: ConsoleSession) -> ConsoleSession:
        """Return a session with its next access token. Raises ServiceRefusal."""
        if not session.refresh_token:
            raise ServiceRefusal(grpc.StatusCode.UNAUTHENTICATED, "SESSION_OVER")
        try:
            tokens = await self._provider.tokens(grant_type="refresh_token", refresh_token=session.refresh_token)
        except ProviderFailure as failure:
            log.warning("an issuer renews no token", extra={"problem": str(failure)})
            if failure.is_refused:
                raise ServiceRefusal(grpc.StatusCode.UNAUTHENTICATED, "SESSION_OVER") from failure
            raise ServiceRefusal(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE") from failure
        return self._sessions.continued(
            session, tokens.access_token, tokens.access_seconds, tokens.refresh_token or session.refresh_token
        )

    async def _let_in(self, visit: Visit, path: str) -> Response:
        try:
            access = await visit.ask(visit.stubs.access.GetMyAccess, GetMyAccessRequest())
        except ServiceRefusal as refusal:
            if not refusal.is_token_refused:
                raise
            self._forget(visit)
            return self._failed(visit, ProviderFailure("the service does not believe its token", is_refused=True))
        if not STAFF & set(access.roles):
            self._forget(visit)
            return visit.page("no_staff.html", HTTPStatus.FORBIDDEN)
        if self._typed(visit).path:
            path = visit.path("/sign-in/organisation/typed")
        return visit.turned_to(path or visit.path("/"))

    async def typed(self, visit: Visit) -> Response:
        """Show the form that has gone along, to staff who are back."""
        kept = self._typed(visit)
        return visit.page("resume.html", kept=kept) if kept.path else visit.turned_to(visit.path("/"))

    def _typed(self, visit: Visit) -> KeptForm:
        """Return the form that has gone along."""
        read = self._jar.read(TYPED, visit.request.cookies)
        return KeptForm(read["path"], read["fields"]) if read else KeptForm()

    def _forget(self, visit: Visit) -> None:
        visit.session = None
        visit.cookies.clear()
        visit.cookies += [*self._sessions.ended(), Cookie(_AWAY, "", 0)]

    def _session(self, tokens: ProviderTokens) -> ConsoleSession:
        name = tokens.claims.get("email") or tokens.claims.get("preferred_username") or tokens.claims.get("sub")
        return self._sessions.begun_outside(
            str(name)[: limits.MAX_NAME_CHARACTERS], tokens.access_token, tokens.access_seconds, tokens.refresh_token
        )

    def _callback(self, visit: Visit) -> str:
        """Return where the issuer leads back to: by the configured URL, else, on this machine, as it was asked for."""
        if self._settings.url:
            return self._settings.url.rstrip("/") + _CALLBACK
        scheme = "https" if self._settings.listen_tls_certificate_file else "http"
        return f"{scheme}://{visit.request.headers.get('host', self._settings.listen)}{_CALLBACK}"

    def _failed(self, visit: Visit, failure: Exception) -> Response:
        """Return the sign-in, which says that it did not work; the log says why."""
        log.warning("nobody was signed in at the issuer", extra={"problem": str(failure)})
        is_refused = not isinstance(failure, ProviderFailure) or failure.is_refused
        status = HTTPStatus.UNPROCESSABLE_ENTITY if is_refused else HTTPStatus.SERVICE_UNAVAILABLE
        return _sign_in_page(visit, status, "sso.failed" if is_refused else "sso.away", self._typed(visit))


def _sign_in_page(visit: Visit, status: HTTPStatus, problem: str, kept: KeptForm) -> Response:
    values = {"problem": visit.reader.texts(problem), "email": "", "next": way_back(visit), "kept": kept, "over": ""}
    return visit.page("sign_in.html", status, **values)
