"""Setting an authenticator up: by whoever has shown their password and has none yet, or has lost the one they had."""

from http import HTTPStatus
from typing import Final

import segno
from markupsafe import Markup
from starlette.responses import Response

from credit.v1.identity_service_pb2 import ConfirmTotpRequest, EnrolTotpRequest, EnrolTotpResponse
from creditd.console.entrance.address_attempts import AddressAttempts
from creditd.console.entrance.admission import Admission
from creditd.console.entrance.session import ConsoleSession
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.visit import Visit

_MAX_PASSWORD: Final = 512
_MAX_CODE: Final = 32


class AuthenticatorPage:
    """Shows a secret once, takes a first code of it, and shows the recovery codes once."""

    def __init__(self, admission: Admission, attempts: AddressAttempts) -> None:
        """Renew tokens by ``admission``."""
        self._admission = admission
        self._attempts = attempts

    async def page(self, visit: Visit) -> Response:
        """Ask for the password once more, and for a code of the authenticator so far, if there is one."""
        if visit.session is None:
            return visit.turned_to(visit.path("/sign-in"))
        return _asking(visit)

    async def enrol(self, visit: Visit) -> Response:
        """Show the secret: to be scanned, typed, or opened by an authenticator on the same device."""
        if visit.session is None:
            return visit.turned_to(visit.path("/sign-in"))
        if refused := self._attempts.refused(visit):
            return _asking(visit, refused)
        session = await self._admission.fresh(visit, visit.session)
        try:
            secret = await _enrolled(visit, session)
        except ServiceRefusal as refusal:
            if refusal.is_unknown or refusal.is_session_over:
                raise
            return _asking(visit, refusal.text or visit.reader.texts("failure.other"))
        picture = _picture(secret.uri)
        return visit.page("authenticator.html", step="secret", problem="", secret=secret, codes=(), picture=picture)

    async def confirm(self, visit: Visit) -> Response:
        """Take the first code, and show the recovery codes."""
        if visit.session is None:
            return visit.turned_to(visit.path("/sign-in"))
        if refused := self._attempts.refused(visit):
            return _page(visit, "code", refused)
        session = await self._admission.fresh(visit, visit.session)
        code = visit.form.text("code", _MAX_CODE).replace(" ", "")
        request = ConfirmTotpRequest(code=code, refresh_token=session.refresh_token)
        try:
            answer = await visit.ask(visit.stubs.identity.ConfirmTotp, request)
        except ServiceRefusal as refusal:
            if refusal.is_unknown or refusal.is_session_over:
                raise
            text = refusal.text or visit.reader.texts("code.invalid")
            # The secret is shown once: whoever has not kept it begins anew.
            return _page(visit, "code", text)
        return visit.page("authenticator.html", step="codes", problem="", secret=None, codes=answer.recovery_codes)


def _picture(uri: str) -> Markup:
    """Return a link as a QR code: black on white also on a dark page, as cameras want it."""
    drawn = segno.make(uri, error="m", micro=False).svg_inline(light="#fff", lineclass=None, omitsize=True)
    return Markup(drawn)  # noqa: S704 - of shapes alone: nothing of the link is in it as text.


async def _enrolled(visit: Visit, session: ConsoleSession) -> EnrolTotpResponse:
    """Return a new secret. Raises ServiceRefusal."""
    request = EnrolTotpRequest(
        password=visit.form.secret("password")[:_MAX_PASSWORD],
        code=visit.form.text("code", _MAX_CODE).replace(" ", ""),
        refresh_token=session.refresh_token,
    )
    answer: EnrolTotpResponse = await visit.ask(visit.stubs.identity.EnrolTotp, request)
    return answer


def _asking(visit: Visit, problem: str = "") -> Response:
    return _page(visit, "password", problem)


def _page(visit: Visit, step: str, problem: str) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    return visit.page("authenticator.html", status, step=step, problem=problem, secret=None, codes=())
