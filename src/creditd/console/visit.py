"""One request of somebody's at the console: who asks, for whom the page is, and the calls that are made for it."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

import grpc
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from credit.v1.access_service_pb2 import GetMyAccessResponse
from credit.v1.role_grant_pb2 import Role
from creditd.console import limits
from creditd.console.channel import Stubs
from creditd.console.entrance.session import ConsoleSession
from creditd.console.pages import Pages
from creditd.console.reader import Reader
from creditd.console.service_refusal import ServiceRefusal, refusal_of
from creditd.console.wire.cookies import Cookie
from creditd.console.wire.forms import Form

STAFF: Final = frozenset({Role.ROLE_SUPPORT, Role.ROLE_FINANCE, Role.ROLE_ADMIN, Role.ROLE_SUPER_ADMIN})


def path_of(request: Request) -> str:
    """Return the path of a request, as a browser writes it.

    With one slash in front: a browser takes what begins with two for another host.
    """
    return quote("/" + request.scope["path"].lstrip("/"))


@dataclass
class Visit:
    """A request. ``session`` is that of whoever has signed in, ``access`` what they may do, once it was asked for.

    ``form_token`` is what the forms of its page carry, ``lapsed_token`` what they did in a session that is over.
    ``note`` is what the page before has done, ``told`` what the next one is to tell; ``cookies`` are written with the
    answer.
    """

    request: Request
    correlation_id: str
    reader: Reader
    pages: Pages
    stubs: Stubs
    now: float
    session: ConsoleSession | None = None
    access: GetMyAccessResponse | None = None
    form: Form = field(default_factory=lambda: Form({}))
    form_token: str = ""
    lapsed_token: str = ""
    note: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    cookies: list[Cookie] = field(default_factory=list)

    async def ask(self, method: Any, message: Any) -> Any:
        """Call the service as whoever has signed in, and return its answer. Raises ServiceRefusal."""
        try:
            return await method(message, timeout=limits.RPC_SECONDS, metadata=self.metadata)
        except grpc.aio.AioRpcError as error:
            raise refusal_of(error) from error

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """What each call carries: who asks, in which language, and for which page."""
        stated = [("x-correlation-id", self.correlation_id), ("accept-language", self.reader.language)]
        if self.session and self.session.access_token:
            stated.append(("authorization", f"Bearer {self.session.access_token}"))
        return stated

    async def ask_all(self, *calls: Awaitable[Any]) -> list[Any]:
        """Wait for several calls at once, and return their answers. Raises ServiceRefusal; the others end then."""
        tasks = [asyncio.ensure_future(call) for call in calls]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    def may(self, permission: str) -> bool:
        """Tell whether whoever has signed in has a permission, by the service's name for it."""
        return self.access is not None and permission in self.access.permissions

    def require(self, permission: str) -> None:
        """Raise ServiceRefusal, as the service would, if whoever has signed in lacks a permission."""
        if not self.may(permission):
            raise ServiceRefusal(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")

    @property
    def role_names(self) -> list[str]:
        """The roles of staff that whoever has signed in has, in small letters."""
        roles = self.access.roles if self.access else ()
        return [Role.Name(role).removeprefix("ROLE_").lower() for role in roles if role in STAFF]

    def page(self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
        """Return a page."""
        return HTMLResponse(self.pages.html(template, self, values), status)

    def path(self, path: str, **query: str) -> str:
        """Return a path of the console's, with what of a query is not empty."""
        stated = urlencode({name: value for name, value in query.items() if value})
        return self.pages.url.path(path) + (f"?{stated}" if stated else "")

    def account_path(self, account_id: str, further: str = "", **query: str) -> str:
        """Return the path of an account's page, or of one further on."""
        return self.path(f"/accounts/{quote(account_id, safe='')}{further}", **query)

    @property
    def parts(self) -> Mapping[str, str]:
        """The parts of the path that say what the page is about, by their names."""
        parts: Mapping[str, str] = self.request.path_params
        return parts

    @property
    def own_path(self) -> str:
        """The path that was asked for, as a browser writes it."""
        return path_of(self.request)

    @property
    def is_of_sign_in(self) -> bool:
        """Whether it is at a page of the sign-in: what is typed there is secret, and no page keeps it."""
        return self.own_path.startswith(self.path("/sign-"))

    @property
    def is_fragment(self) -> bool:
        """Whether a part of a page is asked for, by a script."""
        return "hx-request" in self.request.headers

    @property
    def is_by_itself(self) -> bool:
        """Whether a page has asked by itself, and nobody before it: it keeps no session from being idle."""
        return "x-by-itself" in self.request.headers or self.request.headers.get("accept") == "text/event-stream"

    def query(self, **query: str) -> str:
        """Return the query of this page with parts of it changed, after a question mark; an empty one is left out."""
        kept = dict(self.request.query_params) | query
        stated = urlencode({name: value for name, value in kept.items() if value})
        return f"?{stated}" if stated else ""

    def here(self, **query: str) -> str:
        """Return the path of this page with parts of its query changed; an empty one is left out."""
        # A page that a form is answered with is asked for by the path that the form is on.
        path = self.own_path.removesuffix("/preview").removesuffix("/confirm")
        return path + self.query(**query)

    def turned_to(self, path: str) -> Response:
        """Return an answer that leads to another page of the console, which is asked for by GET."""
        return RedirectResponse(path, HTTPStatus.SEE_OTHER)
