"""A fake Omise: the endpoints of its API for charges and links, and the pages where a payer pays or fails to.

Shapes of objects, lists and errors: https://docs.omise.co/charges-api, .../lists-api, .../api-errors. It refuses what
the real one refuses: calls without a key, amounts beyond its limits, a card token that was used.
"""

import html
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from creditd.development.fakes.deliveries import Outgoing
from creditd.development.fakes.omise_account import Object, OmiseAccount, embedded

LEAST_SATANG: Final = 2_000
"""The smallest charge in Thailand: https://docs.omise.co/currency-and-amount."""

MOST_SATANG: Final = 15_000_000
"""The largest."""

DECLINED_TOKEN: Final = "tokn_test_declined"  # noqa: S105 - a name, and of a fake.
"""How the token of a card begins that is declined at once."""

ASKING_TOKEN: Final = "tokn_test_asking"  # noqa: S105 - a name, and of a fake.
"""How the token of a card begins whose bank asks who pays (3-D Secure). With any other the card is charged at once."""

_PAGE_SIZE: Final = 100

_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Fake Omise</title>
<h1>{name}</h1>
<p>{amount} {currency}, in the smallest unit. No money moves here.</p>
<p>{status}</p>
<form method="post">
<button name="act" value="pay">Pay</button>
<button name="act" value="fail">Fail</button>
</form></html>
"""

_QR_CODE: Final = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="300" height="300">
<a href="{url}"><rect width="100" height="100" fill="white"/>
<path d="M5 5h25v25h-25z M70 5h25v25h-25z M5 70h25v25h-25z M45 45h10v10h-10z M70 70h15v15h-15z"/>
<text x="50" y="64" font-size="6" text-anchor="middle">Fake PromptPay: pay here</text></a></svg>
"""


class FakeOmise(OmiseAccount):
    """Omise in test mode, at ``url``: an account, its API and the pages for payers."""

    def __init__(self, url: str, outgoing: Outgoing, webhook_secret: str) -> None:
        """Know its own address, for those pages and the images of QR codes."""
        super().__init__(url, outgoing, webhook_secret)
        self._answers: dict[str, tuple[Object, Object]] = {}
        self._used_tokens: set[str] = set()
        self.routes = [
            Route("/charges", _api(self._make(self._charge)), methods=["POST"]),
            Route("/charges", _api(_lister(self.charges)), methods=["GET"]),
            Route("/charges/{id}", _api(lambda request, _: _found(self.charges, request)), methods=["GET"]),
            Route("/charges/{id}/expire", _api(self._expire), methods=["POST"]),
            Route("/disputes/{id}", _api(lambda request, _: _found(self.disputes, request)), methods=["GET"]),
            Route("/links", _api(self._make(self._link)), methods=["POST"]),
            Route("/links", _api(lambda request, _: _page(map(self._seen, self.links.values()), request.query_params))),
            Route("/links/{id}", _api(lambda request, _: self._seen(_found(self.links, request))), methods=["GET"]),
            Route("/links/{id}", _api(self._delete), methods=["DELETE"]),
            Route("/links/{id}/charges", _api(self._list_charges), methods=["GET"]),
            Route("/events", _api(_lister(self.events)), methods=["GET"]),
            Route("/pay/{payment}", self._pay_page, methods=["GET", "POST"]),
            Route("/qr/{charge}", self._qr_code, methods=["GET"]),
        ]

    def _make(self, make: Callable[[Object], Object]) -> Callable[[Request, Object], Object]:
        """Return an endpoint that makes something, once for each idempotency key."""

        def answer(request: Request, document: Object) -> Object:
            key = request.headers.get("idempotency-key", "")
            if key not in self._answers:
                made = make(document)
                if not key:
                    return made
                # Written and read again: the answer to a repeat is the first one, whatever happened since.
                self._answers[key] = (document, orjson.loads(orjson.dumps(made)))
            first, answered = self._answers[key]
            if first != document:
                raise _Refusal(400, "bad_request", "the idempotency key was used for something else")
            return answered

        return answer

    def _charge(self, document: Object) -> Object:
        _require_priced(document)
        if document.get("card"):
            return self._charge_card(document)
        source = document.get("source")
        if not isinstance(source, dict) or source.get("type") != "promptpay":
            raise _Refusal(400, "invalid_charge", "neither a card nor a PromptPay source")
        if (source.get("amount"), source.get("currency"), document["currency"]) != (document["amount"], "THB", "THB"):
            raise _Refusal(400, "invalid_charge", "PromptPay takes baht, and the source the charge's amount")
        charge = self._make_charge(**_told(document))
        image = {"object": "document", "filename": "qrcode.svg", "download_uri": f"{self._url}/qr/{charge['id']}"}
        charge["source"] = {
            "object": "source",
            "id": charge["id"].replace("chrg", "src"),
            "flow": "offline",
            "scannable_code": {"object": "barcode", "type": "qr", "image": image},
            "type": "promptpay",
        }
        self._tell("charge.create", charge)
        return charge

    def _charge_card(self, document: Object) -> Object:
        token = str(document["card"])
        if not token.startswith("tokn_test_"):
            raise _Refusal(404, "not_found", f"token {token} was not found")
        if token in self._used_tokens:
            raise _Refusal(400, "used_token", "token was already used")
        self._used_tokens.add(token)
        charge = self._make_charge(**_told(document), card={"object": "card", "last_digits": "4242", "brand": "Visa"})
        if token.startswith(DECLINED_TOKEN):
            self._decline(charge, "insufficient_fund")
        elif not token.startswith(ASKING_TOKEN):
            self._settle(charge)
        self._tell("charge.create", charge)
        return charge

    def _expire(self, request: Request, _: Object) -> Object:
        charge = _found(self.charges, request)
        if charge["status"] != "pending" or not charge["source"]:
            raise _Refusal(400, "failed_expire", "charge cannot be expired")
        self.expire(charge["id"])
        return charge

    def _link(self, document: Object) -> Object:
        _require_priced(document)
        if not document.get("title") or not document.get("description"):
            raise _Refusal(400, "bad_request", "title and description can't be blank")
        told = {name: document[name] for name in ("amount", "currency", "title", "description")}
        link = self._new(self.links, "link", "link", **told, deleted=False, multiple=False, used=False, used_at=None)
        link["payment_uri"] = f"{self._url}/pay/{link['id']}"
        self._tell("link.create", self._seen(link))
        return self._seen(link)

    def _seen(self, link: Object) -> Object:
        return {**link, "charges": embedded(self._charges_of(link["id"]))}

    def _delete(self, request: Request, _: Object) -> Object:
        link = _found(self.links, request)
        if link["used"] or link["deleted"]:
            raise _Refusal(400, "bad_request", "link is used or deleted")
        link["deleted"] = True
        return self._seen(link)

    def _list_charges(self, request: Request, _: Object) -> Object:
        return _page(self._charges_of(_found(self.links, request)["id"]), request.query_params)

    async def _pay_page(self, request: Request) -> Response:
        payment = request.path_params["payment"]
        found = self.charges.get(payment) or self.links.get(payment)
        if found is None:
            return HTMLResponse("<!DOCTYPE html><title>Fake Omise</title><p>There is nothing to pay.</p>", 404)
        status = ""
        if request.method == "POST":
            try:
                (self.pay if b"act=pay" in await request.body() else self.fail)(payment)
                status = "Done."
            except ValueError as error:
                status = f"That did not work: {error}."
            if found.get("return_uri"):
                return RedirectResponse(found["return_uri"], 303)
        about = {
            "name": found.get("title") or found["description"],
            "amount": found["amount"],
            "currency": found["currency"],
            "status": status or found.get("status", ""),
        }
        return HTMLResponse(_PAGE.format_map({name: html.escape(str(value)) for name, value in about.items()}))

    async def _qr_code(self, request: Request) -> Response:
        charge = self.charges.get(request.path_params["charge"])
        if charge is None:
            return Response(status_code=404)
        return Response(_QR_CODE.format(url=charge["authorize_uri"]), media_type="image/svg+xml")


class _Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = _error(status, code, message)


def _api(answer: Callable[[Request, Object], Object]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that wants a key, and errs as Omise's do: https://docs.omise.co/api-errors."""

    async def endpoint(request: Request) -> Response:
        if not request.headers.get("authorization", "").startswith("Basic "):
            return _error(401, "authentication_failure", "authentication failed")
        try:
            document = orjson.loads(await request.body() or b"{}")
            return JSONResponse(answer(request, document))
        except orjson.JSONDecodeError:
            return _error(400, "bad_request", "the body is no JSON")
        except _Refusal as refusal:
            return refusal.answer

    return endpoint


def _found(kept: Mapping[str, Object], request: Request) -> Object:
    object_id = request.path_params["id"]
    if object_id not in kept:
        raise _Refusal(404, "not_found", f"{object_id} was not found")
    return kept[object_id]


def _lister(kept: Mapping[str, Object]) -> Callable[[Request, Object], Object]:
    return lambda request, _: _page(kept.values(), request.query_params)


def _page(objects: Iterable[Object], wanted: QueryParams) -> Object:
    """Return a page of a list: https://docs.omise.co/lists-api."""
    start, order = wanted.get("from", "1970-01-01T00:00:00Z"), wanted.get("order", "chronological")
    limit, offset = int(wanted.get("limit", 20)), int(wanted.get("offset", 0))
    if not 0 < limit <= _PAGE_SIZE:
        raise _Refusal(400, "bad_request", "limit is out of range")
    # Times are all written in the same way, so that their texts sort as they do.
    found = [one for one in objects if one["created_at"] >= start]
    if order == "reverse_chronological":
        found.reverse()
    page = {"object": "list", "data": found[offset : offset + limit], "limit": limit, "offset": offset}
    return {**page, "total": len(found), "from": start, "order": order}


def _told(document: Object) -> Object:
    """Return what a new charge keeps of what was asked for."""
    return {name: document.get(name) for name in ("amount", "currency", "description", "metadata", "return_uri")}


def _require_priced(document: Any) -> None:
    amount = document.get("amount") if isinstance(document, dict) else None
    if not isinstance(amount, int) or not isinstance(document.get("currency"), str):
        raise _Refusal(400, "bad_request", "amount and currency are needed")
    if document["currency"] == "THB" and not LEAST_SATANG <= amount <= MOST_SATANG:
        raise _Refusal(400, "invalid_charge", f"amount must be from {LEAST_SATANG} to {MOST_SATANG}")


def _error(status: int, code: str, message: str) -> Response:
    location = f"https://www.omise.co/api-errors#{code.replace('_', '-')}"
    return JSONResponse({"object": "error", "location": location, "code": code, "message": message}, status)
