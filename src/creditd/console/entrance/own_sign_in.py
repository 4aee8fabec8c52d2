"""What somebody changes of their own sign-in: the password, and the recovery codes."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from credit.v1.identity_service_pb2 import ChangePasswordRequest, RegenerateRecoveryCodesRequest
from creditd.console.entrance.address_attempts import AddressAttempts
from creditd.console.entrance.session import ConsoleSession, ConsoleSessions
from creditd.console.failure_page import missing_page
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.typed_form import new_request_id
from creditd.console.visit import Visit
from creditd.console.wire.forms import Form

_MAX_PASSWORD: Final = 512
_MAX_CODE: Final = 32

_FIELD_OF: Final[Mapping[str, str]] = {"SIGN_IN_FAILED": "current_password", "SIGN_IN_LIMITED": "current_password"}
"""At which field a refusal is told, by its reason; others are about the new password."""


class OwnSignInPages:
    """The pages for it. Who signs in at an outside issuer has none: all that is kept there."""

    def __init__(self, sessions: ConsoleSessions, attempts: AddressAttempts) -> None:
        """Go on with sessions whose password was changed."""
        self._sessions = sessions
        self._attempts = attempts

    async def password_page(self, visit: Visit) -> Response:
        """Show the form for another password."""
        return await missing_page(visit) if _session(visit) is None else _password_page(visit, new_request_id(), {})

    async def password(self, visit: Visit) -> Response:
        """Change the password; all other sessions end, and this one goes on with another's tokens."""
        session, form = _session(visit), visit.form
        if session is None:
            return await missing_page(visit)
        request_id = form.text("request_id", 255)
        faults = self._faults(visit, form)
        if faults:
            return _password_page(visit, request_id, faults)
        request = ChangePasswordRequest(
            current_password=form.secret("current_password"),
            new_password=form.secret("new_password"),
            request_id=request_id,
        )
        try:
            answer = await visit.ask(visit.stubs.identity.ChangePassword, request)
        except ServiceRefusal as refusal:
            if refusal.is_unknown or refusal.needs_sign_in:
                raise
            told = refusal.text or visit.reader.texts("failure.other")
            is_wrong = refusal.reason == "SIGN_IN_FAILED"
            told = visit.reader.texts("own_password.wrong") if is_wrong else told
            return _password_page(visit, request_id, {_FIELD_OF.get(refusal.reason, "new_password"): told})
        visit.session = self._sessions.renewed(session, answer.tokens)
        visit.cookies += self._sessions.written(visit.session)
        visit.told = {"key": "own_password.done", "subject": session.email}
        return visit.turned_to(visit.path("/"))

    def _faults(self, visit: Visit, form: Form) -> Mapping[str, str]:
        """Return what is wrong before the service is asked; each time that it is asked counts."""
        texts = visit.reader.texts
        for name in ("current_password", "new_password"):
            if not 0 < len(form.secret(name)) <= _MAX_PASSWORD:
                return {name: texts("field.needed")}
        if form.secret("new_password") != form.secret("again"):
            return {"again": texts("own_password.differ")}
        refused = self._attempts.refused(visit)
        return {"current_password": refused} if refused else {}

    async def codes_page(self, visit: Visit) -> Response:
        """Ask for a code of the authenticator."""
        return await missing_page(visit) if _session(visit) is None else _codes_page(visit)

    async def codes(self, visit: Visit) -> Response:
        """Show new recovery codes once; those before are void."""
        session = _session(visit)
        if session is None:
            return await missing_page(visit)
        if refused := self._attempts.refused(visit):
            return _codes_page(visit, refused)
        code = visit.form.text("code", _MAX_CODE).replace(" ", "")
        request = RegenerateRecoveryCodesRequest(code=code, refresh_token=session.refresh_token)
        try:
            answer = await visit.ask(visit.stubs.identity.RegenerateRecoveryCodes, request)
        except ServiceRefusal as refusal:
            if refusal.is_unknown or refusal.needs_sign_in:
                raise
            return _codes_page(visit, refusal.text or visit.reader.texts("code.invalid"))
        return visit.page("recovery_codes.html", faults={}, codes=answer.recovery_codes)


def _session(visit: Visit) -> ConsoleSession | None:
    """Return the session of whoever has signed in here; None of who has at an outside issuer."""
    return visit.session if visit.session and not visit.session.is_outside else None


def _password_page(visit: Visit, request_id: str, faults: Mapping[str, str]) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK
    return visit.page("own_password.html", status, request_id=request_id, faults=faults)


def _codes_page(visit: Visit, problem: str = "") -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK
    return visit.page("recovery_codes.html", status, faults={"code": problem} if problem else {}, codes=())
