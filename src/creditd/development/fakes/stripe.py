"""A fake Stripe: the endpoints of its API that Checkout takes, and the page where a payer pays or fails to.

Shapes of objects, lists and errors: https://docs.stripe.com/api. It refuses what the real one refuses: calls without a
key, parameters that it does not know, a key that comes again with another call.
"""

import html
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from creditd.development.fakes.deliveries import Outgoing
from creditd.development.fakes.stripe_account import Object, Sold, StripeAccount

SHORTEST_SECONDS: Final = 30 * 60
"""How soon after it was made a session may end: https://docs.stripe.com/api/checkout/sessions/create."""

LONGEST_SECONDS: Final = 24 * 3600
"""How late it may."""

_PRICE: Final = "line_items[0][price_data]"
_NEEDED: Final = frozenset(
    {
        "expires_at",
        "mode",
        "success_url",
        "line_items[0][quantity]",
        f"{_PRICE}[currency]",
        f"{_PRICE}[unit_amount]",
        f"{_PRICE}[product_data][name]",
    }
)
_KNOWN: Final = frozenset({"adaptive_pricing[enabled]", "cancel_url", "client_reference_id"})
_METADATA: Final = ("metadata[", "payment_intent_data[metadata][")

Form = dict[str, str]

_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Fake Stripe</title>
<h1>{name}</h1>
<p>{amount} {currency}, in the smallest unit. No money moves here.</p>
<p>{status}</p>
<form method="post">
<button name="act" value="pay">Pay</button>
<button name="act" value="fail">Fail</button>
</form></html>
"""


class FakeStripe(StripeAccount):
    """Stripe in test mode, at ``url``: an account, its API and its Checkout page."""

    def __init__(self, url: str, outgoing: Outgoing, webhook_secret: str) -> None:
        """Know its own address, for the pages of its sessions."""
        super().__init__(outgoing, webhook_secret)
        self._url = url
        self._answers: dict[str, tuple[Form, Response]] = {}
        self.routes = [
            Route("/v1/checkout/sessions", _api(self._create), methods=["POST"]),
            Route("/v1/checkout/sessions", _api(_lister(self.sessions)), methods=["GET"]),
            Route("/v1/checkout/sessions/{session}", _api(self._retrieve), methods=["GET"]),
            Route("/v1/checkout/sessions/{session}/expire", _api(self._expire), methods=["POST"]),
            Route("/v1/refunds", _api(_lister(self.refunds)), methods=["GET"]),
            Route("/v1/disputes", _api(_lister(self.disputes)), methods=["GET"]),
            Route("/v1/events", _api(_lister(self.events)), methods=["GET"]),
            Route("/pay/{session}", self._page, methods=["GET", "POST"]),
        ]

    def _create(self, request: Request, form: Form) -> Response:
        key = request.headers.get("idempotency-key", "")
        if key in self._answers:
            first, answer = self._answers[key]
            if first != form:
                text = "Keys for idempotent requests can only be used with the same parameters."
                return _error(400, text, kind="idempotency_error")
            return answer
        refusal = self._refusal(form)
        if refusal:
            return refusal
        answer = JSONResponse(self._session(form))
        if key:
            self._answers[key] = (form, answer)
        return answer

    def _refusal(self, form: Form) -> Response | None:
        for name in sorted(_NEEDED.difference(form)):
            return _error(400, f"Missing required param: {name}.", "parameter_missing")
        named = {name for name in form if not name.startswith(_METADATA)}
        for name in sorted(named - _NEEDED - _KNOWN):
            return _error(400, f"Received unknown parameter: {name}", "parameter_unknown")
        if form["mode"] != "payment" or not form[f"{_PRICE}[unit_amount]"].isdecimal():
            return _error(400, "Only whole amounts, and payments, are sold here.", "parameter_invalid_integer")
        lifetime = int(form["expires_at"]) - self.clock()
        if not SHORTEST_SECONDS <= lifetime <= LONGEST_SECONDS:
            return _error(400, "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.")
        return None

    def _session(self, form: Form) -> Object:
        session = self._new(
            self.sessions,
            "cs_test",
            "checkout.session",
            amount_total=int(form[f"{_PRICE}[unit_amount]"]) * int(form["line_items[0][quantity]"]),
            cancel_url=form.get("cancel_url"),
            client_reference_id=form.get("client_reference_id"),
            currency=form[f"{_PRICE}[currency]"],
            expires_at=int(form["expires_at"]),
            metadata=_under("metadata", form),
            mode="payment",
            payment_intent=None,
            payment_status="unpaid",
            status="open",
            success_url=form["success_url"],
        )
        session["url"] = f"{self._url}/pay/{session['id']}"
        name = form[f"{_PRICE}[product_data][name]"]
        self._sold[session["id"]] = Sold(name, _under("payment_intent_data[metadata]", form))
        return session

    def _retrieve(self, request: Request, _: Form) -> Response:
        session = dict(self.sessions[request.path_params["session"]])
        if session["payment_intent"] and "payment_intent" in request.query_params.getlist("expand[]"):
            session["payment_intent"] = self.intents[session["payment_intent"]]
        return JSONResponse(session)

    def _expire(self, request: Request, _: Form) -> Response:
        session = request.path_params["session"]
        self.expire(session)
        return JSONResponse(self.sessions[session])

    async def _page(self, request: Request) -> Response:
        session = self.sessions.get(request.path_params["session"])
        if session is None:
            return HTMLResponse("<!DOCTYPE html><title>Fake Stripe</title><p>There is no such session.</p>", 404)
        act = _form(await request.body()).get("act") if request.method == "POST" else None
        if act and session["url"]:
            (self.pay if act == "pay" else self.fail)(session["id"])
        if session["payment_status"] == "paid":
            return RedirectResponse(session["success_url"], 303)
        about = {
            "name": self._sold[session["id"]].name,
            "amount": session["amount_total"],
            "currency": session["currency"].upper(),
            "status": "That did not work. Try again?" if act else f"This session is {session['status']}.",
        }
        return HTMLResponse(_PAGE.format_map({name: html.escape(str(value)) for name, value in about.items()}))


def _api(answer: Callable[[Request, Form], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that wants a key, and errs as Stripe's do: https://docs.stripe.com/api/errors."""

    async def endpoint(request: Request) -> Response:
        if not request.headers.get("authorization", "").startswith("Bearer sk_test_"):
            return _error(401, "You did not provide an API key.")
        try:
            return answer(request, _form(await request.body()))
        except KeyError as error:
            return _error(404, f"No such object: {error}", "resource_missing")
        except ValueError as error:
            return _error(400, str(error))

    return endpoint


def _lister(kept: Mapping[str, Object]) -> Callable[[Request, Form], Response]:
    """Return what answers with a page of objects, the newest first: https://docs.stripe.com/api/pagination."""

    def page(request: Request, _: Form) -> Response:
        wanted = request.query_params
        after, limit = wanted.get("starting_after"), int(wanted.get("limit", 10))
        found = [item for item in reversed(list(kept.values())) if _is_wanted(item, wanted)]
        if after:
            found = found[1 + found.index(kept[after]) :]
        answer = {"object": "list", "data": found[:limit], "has_more": len(found) > limit, "url": request.url.path}
        return JSONResponse(answer)

    return page


def _is_wanted(item: Object, wanted: QueryParams) -> bool:
    return (
        int(wanted.get("created[gte]", 0)) <= item["created"] <= int(wanted.get("created[lte]", item["created"]))
        and wanted.get("payment_intent", item.get("payment_intent")) == item.get("payment_intent")
        and ("types[]" not in wanted or item["type"] in wanted.getlist("types[]"))
    )


def _form(body: bytes) -> Form:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _under(name: str, form: Form) -> Form:
    """Return the parameters ``name[x]`` by their x."""
    return {key[len(name) + 1 : -1]: value for key, value in form.items() if key.startswith(f"{name}[")}


def _error(status: int, message: str, code: str = "", *, kind: str = "invalid_request_error") -> Response:
    error = {"type": kind, "message": message} | ({"code": code} if code else {})
    return JSONResponse({"error": error}, status)
