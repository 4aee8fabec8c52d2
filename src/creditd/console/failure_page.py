"""Pages that say what went wrong, what that means, and what to do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import grpc
from starlette.responses import Response

from creditd.console import limits
from creditd.console.refusal_words import refusal_words
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.visit import Visit
from creditd.console.wire.kept_form import KeptForm, form_kept

_STATUSES: Final[Mapping[grpc.StatusCode, HTTPStatus]] = {
    grpc.StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    grpc.StatusCode.PERMISSION_DENIED: HTTPStatus.FORBIDDEN,
    grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.CONFLICT,
    grpc.StatusCode.ALREADY_EXISTS: HTTPStatus.CONFLICT,
    grpc.StatusCode.ABORTED: HTTPStatus.CONFLICT,
    grpc.StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: HTTPStatus.SERVICE_UNAVAILABLE,
    grpc.StatusCode.CANCELLED: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(refusal: ServiceRefusal) -> HTTPStatus:
    """Return the HTTP status of a page that tells of a refusal."""
    return _STATUSES.get(refusal.code, HTTPStatus.BAD_GATEWAY)


def refused_page(visit: Visit, refusal: ServiceRefusal) -> Response:
    """Return the page for what the service has not done. One that is away is asked again, by the page itself."""
    if refusal.reason == "MFA_REQUIRED":
        return _factor_first(visit)
    is_away = refusal.is_unknown
    if is_away and visit.request.method == "POST" and not visit.is_of_sign_in:
        kept = form_kept(visit.form, visit.own_path)
        return visit.page("unanswered.html", status_of(refusal), kept=kept, act=visit.form.text("act"))
    key = "away" if is_away else refusal.reason.lower()
    known = key if visit.reader.texts.knows(f"failure.{key}") else "other"
    again = limits.WAIT_SECONDS if is_away and visit.request.method == "GET" else 0
    return _page(visit, status_of(refusal), known, text=refusal_words(refusal, visit.reader.texts), again=again)


def _factor_first(visit: Visit) -> Response:
    """Return the page that asks for a second factor, and leads back to the page, or keeps what was typed into its form.

    That of an outside issuer is shown there.
    """
    is_form = visit.request.method != "GET" and not visit.is_of_sign_in
    kept = form_kept(visit.form, visit.own_path.removesuffix("/preview")) if is_form else KeptForm()
    if visit.session and visit.session.is_outside:
        here = "" if is_form else visit.here()
        return visit.page("organisation_again.html", HTTPStatus.UNAUTHORIZED, next=here, kept=kept)
    if is_form:
        return visit.page("code.html", HTTPStatus.UNAUTHORIZED, problem="", next="", kept=kept)
    return visit.turned_to(visit.path("/sign-in/code", next=visit.here()))


def defect_page(visit: Visit) -> Response:
    """Return the page for a defect of ours."""
    return _page(visit, HTTPStatus.INTERNAL_SERVER_ERROR, "defect")


def unreadable_page(visit: Visit) -> Response:
    """Return the page for a form that is not taken: not ours, not of this session, or too large."""
    return _page(visit, HTTPStatus.BAD_REQUEST, "form")


async def missing_page(visit: Visit) -> Response:
    """Return the page for a path that there is not."""
    return _page(visit, HTTPStatus.NOT_FOUND, "page")


def failed_fragment(visit: Visit) -> Response:
    """Return what stands in the place of a part of a page that could not be made: a button that sends the whole form.

    Whatever has failed is told by the page that follows. Nothing of the session is taken away meanwhile: by it the form
    is known as its own.
    """
    visit.cookies = [cookie for cookie in visit.cookies if cookie.seconds]
    return visit.page("failed_fragment.html")


def _page(visit: Visit, status: HTTPStatus, kind: str, *, text: str = "", again: int = 0) -> Response:
    response = visit.page("failure.html", status, kind=kind, text=text, again=again)
    if again:
        response.headers["retry-after"] = str(again)
    return response
