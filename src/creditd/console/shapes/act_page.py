"""Acts: each is a declaration, and all are shown, looked at, done once and told of in the same way."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from creditd.console.channel import Stubs
from creditd.console.failure_page import status_of
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.balance_look import LookRow
from creditd.console.shapes.cells import CellWriter
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.streamed_answer import StreamedRows, streamed_page
from creditd.console.shapes.typed_form import MAX_REASON, TypedForm, new_request_id
from creditd.console.visit import Visit

_MAX_ID: Final = 255


class ActField(NamedTuple):
    """A field of a form: its name, which is the key of its label, and how it is filled.

    ``kind`` is ``text``, ``area``, ``number``, ``day``, ``check``, ``hidden``, ``choice`` (of ``words``, whose texts
    are at ``key``), ``choices`` (several of them), ``type`` (a credit type) or ``amounts`` (one for each credit type).
    ``of`` are the fields of the request whose faults are shown at it.
    """

    name: str
    kind: str = "text"
    most: int = MAX_REASON
    words: Sequence[str] = ()
    key: str = ""
    hint: str = ""
    is_needed: bool = False
    of: Sequence[str] = ()


SEEN_VERSION: Final = ActField("version", "hidden", most=20)
"""Of what the page before has shown: what has changed since is looked at anew."""

REASON: Final = ActField("reason", "area", is_needed=True, hint="add.reason.hint")

STAFF_NOTE: Final = ActField("staff_note", "area", hint="field.staff_note.hint")

_WORDS: Final = ("reason", "staff_note")
"""Fields of a request that change nothing of what it does."""


@dataclass(frozen=True)
class ActPage:
    """An act, as its form states it and its page tells of it.

    ``name`` is the key of its texts: its title, ``will`` sentences of what it does, its button, and what is told once
    it was done. ``subject`` is a part of the path that names what it is done to; where it ``is_typed``, that is to be
    typed first. ``outcome`` tells, by the end of a text's key, what has become of it, if that can be more than one
    thing. ``shown_once`` is what of the answer is never shown again. ``look`` says what it would do to balances: then
    it is not done before that was shown. ``load`` is what the request is made from, beside the form, and ``begun`` what
    the form has at first; ``lead`` is where it leads to, if that is not ``back``; ``stream`` is what is shown of an
    answer that comes bit by bit.
    """

    name: str
    path: str
    permission: str
    method: Callable[[Stubs], Any]
    request: Callable[[TypedForm], Any]
    back: Callable[[Visit], str]
    fields: Sequence[ActField] = (REASON,)
    subject: str = ""
    will: int = 0
    is_danger: bool = False
    is_typed: bool = False
    outcome: Callable[[Any], str] | None = None
    shown_once: Callable[[Any], Sequence[str]] | None = None
    look: Callable[[CellWriter, Any], Awaitable[Sequence[LookRow]]] | None = None
    load: Callable[[Visit], Awaitable[Any]] | None = None
    begun: Callable[[Visit], Awaitable[Mapping[str, str]]] | None = None
    lead: Callable[[Visit, Any], str] | None = None
    stream: StreamedRows | None = None


def act_form(page: ActPage) -> Callable[[Visit], Any]:
    """Return what shows the form of an act, with a request id of its own; the query may have filled it.

    Whoever may not do it does not get it; what they send all the same is refused by the service.
    """

    async def shown(visit: Visit) -> Response:
        visit.require(page.permission)
        query = visit.request.query_params
        begun = await page.begun(visit) if page.begun else {}
        stated = _stated(page, query, lambda name, most: query.get(name, begun.get(name, ""))[:most])
        stated["request_id"] = new_request_id()
        return await _form(visit, page, TypedForm(visit, stated, await _types(visit, page)))

    return shown


def act_done(page: ActPage) -> Callable[[Visit], Any]:
    """Return what does an act, if its form is right and was looked at; else it shows the form again."""

    async def done(visit: Visit) -> Response:
        form = visit.form
        stated = _stated(page, form.fields, form.text)
        typed = TypedForm(visit, stated | {"request_id": form.text("request_id", _MAX_ID)}, await _types(visit, page))
        typed.loaded = await page.load(visit) if page.load else None
        request = page.request(typed)
        subject = visit.parts.get(page.subject, "")
        is_wanted = form.text("act", 64) == page.name
        if is_wanted and page.is_typed and form.text("sure", _MAX_ID) != subject:
            typed.fault("sure", "field.sure")
        if page.look and is_wanted and not typed.faults and form.text("looked_at", 64) != _mark(request):
            is_wanted = False
        if not is_wanted or typed.faults:
            return await _form(visit, page, typed, request=request)
        if page.stream:
            values = {"page": page, "subject": subject, "back": page.back(visit)}
            write = CellWriter(visit, await credit_types(visit))
            return await streamed_page(write, page.stream, page.method(visit.stubs), request, **values)
        try:
            answer = await visit.ask(page.method(visit.stubs), request)
        except ServiceRefusal as refusal:
            # Of what may have been done or not nothing is shown: the page that follows asks again.
            if refusal.needs_sign_in or refusal.is_unknown:
                raise
            return await _form(visit, page, typed, request=request, refusal=refusal)
        return _told(visit, page, answer, subject)

    return done


def _told(visit: Visit, page: ActPage, answer: Any, subject: str) -> Response:
    outcome = page.outcome(answer) if page.outcome else ""
    key = f"act.{page.name}.{outcome or 'done'}"
    if page.shown_once:
        if shown := page.shown_once(answer):
            # On this page alone: it is kept nowhere, and no cookie would hold it.
            values: dict[str, Any] = {"key": key, "subject": subject, "shown": shown, "back": page.back(visit)}
            return visit.page("shown_once.html", page=page, **values)
        # The answer to the same form sent before had it.
        key = "act.shown_before"
    visit.told = {"key": key, "subject": subject}
    return visit.turned_to(page.lead(visit, answer) if page.lead else page.back(visit))


def _stated(page: ActPage, names: Iterable[str], read: Callable[[str, int], str]) -> dict[str, str]:
    """Return what a page's fields hold, by ``read``; ``amounts`` are as many fields as there are ``names`` for."""
    stated: dict[str, str] = {}
    for field in page.fields:
        own = [name for name in names if name.startswith(f"{field.name}.")] if field.kind == "amounts" else [field.name]
        stated |= {name: read(name, field.most) for name in own}
    return stated


async def _types(visit: Visit, page: ActPage) -> Mapping[str, Any]:
    needs_types = page.look or any(field.kind in {"type", "number", "amounts"} for field in page.fields)
    return await credit_types(visit) if needs_types else {}


async def _form(
    visit: Visit, page: ActPage, typed: TypedForm, *, request: Any = None, refusal: ServiceRefusal | None = None
) -> Response:
    """Return the form as it was filled, with what is wrong with it."""
    rows: Sequence[LookRow] | None = None
    if page.look and request is not None and not typed.faults.keys() - {"reason", "sure"}:
        try:
            rows = await page.look(CellWriter(visit, typed.types), request)
        except ServiceRefusal as refused:
            if refused.needs_sign_in:
                raise
            refusal = refusal or refused
    if refusal:
        _place(page, typed, refusal)
    # A form that comes back from the sign-in has nothing wrong with it yet.
    is_sent = visit.request.method == "POST" and bool(visit.form.text("act"))
    unfit = HTTPStatus.UNPROCESSABLE_ENTITY if is_sent and typed.faults else HTTPStatus.OK
    status = status_of(refusal) if refusal else unfit
    return visit.page(
        "act.html",
        status,
        page=page,
        subject=visit.parts.get(page.subject, ""),
        stated=typed.stated,
        faults=typed.faults if is_sent else {},
        refusal=refusal,
        types=typed.types,
        rows=rows,
        looked_at="" if rows is None else _mark(request),
        back=page.back(visit),
    )


def _place(page: ActPage, typed: TypedForm, refusal: ServiceRefusal) -> None:
    """Put what the service says of a request's fields to the fields of the form."""
    for name, fault in refusal.fields.items():
        for field in page.fields:
            if name in (field.of or (field.name,)):
                typed.faults.setdefault(field.name, fault)


def _mark(request: Any) -> str:
    """Return what an act is bound to: what was looked at is what just this request would do."""
    asked = type(request)()
    asked.CopyFrom(request)
    for name in _WORDS:
        if name in asked.DESCRIPTOR.fields_by_name:
            asked.ClearField(name)
    return sha256(asked.SerializeToString(deterministic=True)).hexdigest()
