"""Promo codes: the list, one code with what it has given, making one, and ending it."""

from typing import Final

from credit.v1.promo_code_pb2 import PromoCode, PromoCodeState, PromoKind, PromoTerms
from credit.v1.promo_service_pb2 import (
    CreatePromoCodeRequest,
    EndPromoCodeRequest,
    GeneratePromoCodesRequest,
    GetPromoCodeRequest,
    GetPromoCodeResponse,
    ListPromoCodesRequest,
)
from creditd.console.shapes.act_page import REASON, ActField, ActPage
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.detail_page import DetailPage, DetailSection, KnownFact, ShownDetail
from creditd.console.shapes.enum_words import enum_words
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_names import promo_code_name
from creditd.console.shapes.resource_paths import page_of, resource_path
from creditd.console.shapes.typed_form import TypedForm

_DAY_SECONDS: Final = 86_400

_MOST_AT_ONCE: Final = 10_000
"""Codes of one call, as the service has it."""

_KINDS: Final = tuple(enum_words(PromoKind))


def _value(write: CellWriter, code: PromoCode) -> Cell:
    terms = code.terms
    if terms.kind == PromoKind.PROMO_KIND_BONUS_CREDITS:
        return write.credits(terms.credits, terms.credit_type)
    return write.text("percent", percent=write.number(terms.percent))


def _at_most(write: CellWriter, terms: PromoTerms) -> Cell:
    """Return what a code gives at most in all, as far as that is known: a percentage is of what is bought."""
    if terms.kind == PromoKind.PROMO_KIND_BONUS_CREDITS:
        return write.credits(terms.credits * terms.total_limit, terms.credit_type)
    return NOTHING


def _given(write: CellWriter, code: PromoCode) -> Cell:
    return _amount(write, code.terms, code.given_amount)


def _amount(write: CellWriter, terms: PromoTerms, amount: int) -> Cell:
    """Return an amount of what a code gives: money off a price, or credits; of what is bought if no type is stated."""
    if terms.kind == PromoKind.PROMO_KIND_PERCENT_DISCOUNT:
        return write.money(amount, terms.currency)
    if terms.credit_type or not amount:
        return write.credits(amount, terms.credit_type)
    return write.text("smallest_unit.credits", amount=write.number(amount))


PROMO_CODES: Final = ListPage(
    "promo_codes",
    "/promo-codes",
    "promo_codes.change",
    lambda stubs: stubs.promo.ListPromoCodes,
    ListPromoCodesRequest,
    "promo_codes",
    (
        ListColumn("code", lambda write, code: write.identifier(code.display_code)),
        ListColumn("kind", lambda write, code: write.word(PromoKind, code.terms.kind)),
        ListColumn("value", _value, "n", has_unit=True),
        ListColumn("state", lambda write, code: write.state(PromoCodeState, code.state)),
        ListColumn("from", lambda write, code: write.time(code.terms.start_time)),
        ListColumn("until", lambda write, code: write.time(code.terms.expire_time)),
        ListColumn("used", lambda write, code: write.number(code.used_count), "n"),
        ListColumn("limit", lambda write, code: write.number(code.terms.total_limit), "n"),
        ListColumn("given", _given, "n", has_unit=True),
    ),
    filters=(
        ListFilter("state", "state", PromoCodeState),
        ListFilter("kind", "kind", PromoKind),
        ListFilter("code", "code", pattern=r".{1,100}"),
        ListFilter("series", "series_id", pattern=r"[A-Za-z0-9-]{1,64}"),
    ),
    has_amounts=True,
    opens=lambda visit, code: resource_path(visit, code.name),
    acts=(
        OfferedAct("act.generate_promo_codes.do", "/promo-codes/series/new", "promo_codes.change"),
        OfferedAct("act.create_promo_code.do", "/promo-codes/new", "promo_codes.change", "plus", is_main=True),
    ),
)


def _detail(write: CellWriter, answer: GetPromoCodeResponse) -> ShownDetail:
    code, terms = answer.promo_code, answer.promo_code.terms
    facts = (
        KnownFact("kind", write.word(PromoKind, terms.kind)),
        KnownFact("value", _value(write, code)),
        KnownFact("credit_type", write.code(terms.credit_type)),
        KnownFact("at_most", _at_most(write, terms)),
        KnownFact("most_per_use", _amount(write, terms, terms.most_per_use) if terms.most_per_use else NOTHING),
        KnownFact("minimum", write.money(terms.minimum_amount, terms.currency) if terms.minimum_amount else NOTHING),
        KnownFact("first_purchase", write.yes_or_no(is_so=terms.first_purchase_only)),
        KnownFact("from", write.time(terms.start_time)),
        KnownFact("until", write.time(terms.expire_time)),
        KnownFact("total_limit", write.number(terms.total_limit)),
        KnownFact("account_limit", write.number(terms.account_limit)),
    )
    uses = (
        KnownFact("used", write.number(code.used_count)),
        KnownFact("given", _given(write, code)),
        KnownFact("series", write.identifier(code.series_id)),
        KnownFact("created", write.time(code.create_time, with_seconds=True)),
        KnownFact("ended", write.time(code.end_time, with_seconds=True)),
    )
    offer = OfferedAct(
        "act.end_promo_code.do", f"{resource_path(write.visit, code.name)}/end", "promo_codes.change", is_danger=True
    )
    is_over = code.state in {PromoCodeState.PROMO_CODE_STATE_ENDED, PromoCodeState.PROMO_CODE_STATE_EXPIRED}
    return ShownDetail(
        write.identifier(code.display_code, is_whole=True),
        (write.state(PromoCodeState, code.state),),
        sections=(DetailSection("terms", facts),),
        aside=(DetailSection("uses", uses),),
        acts=() if is_over else (offer,),
    )


PROMO_CODE: Final = DetailPage(
    "/promo-codes/{code}",
    lambda stubs: stubs.promo.GetPromoCode,
    lambda parts: GetPromoCodeRequest(name=promo_code_name(parts)),
    _detail,
)


def _terms(form: TypedForm) -> PromoTerms:
    """Return what a code gives, as it was typed."""
    kind = form.word("kind", PromoKind)
    credit_type, currency = form.text("credit_type"), form.text("currency", pattern=r"[A-Z]{3}")
    is_bonus = kind == PromoKind.PROMO_KIND_BONUS_CREDITS
    terms = PromoTerms(
        kind=kind,
        credit_type=credit_type,
        credits=form.amount("credits", credit_type) if is_bonus else 0,
        percent=0 if is_bonus else form.whole("percent", most=100),
        currency=currency,
        minimum_amount=form.money("minimum", currency, is_needed=False),
        first_purchase_only=bool(form.text("first_purchase")),
        total_limit=form.whole("total_limit"),
        account_limit=form.whole("account_limit"),
        start_time=form.beginning_of_day("start_day"),
        expire_time=form.end_of_day("end_day"),
    )
    if days := form.whole("lifetime", most=36_500, is_needed=False):
        terms.credits_lifetime.seconds = days * _DAY_SECONDS
    return terms


def _create(form: TypedForm) -> CreatePromoCodeRequest:
    return CreatePromoCodeRequest(
        display_code=form.text("code"), terms=_terms(form), request_id=form.request_id, reason=form.reason()
    )


def _generate(form: TypedForm) -> GeneratePromoCodesRequest:
    return GeneratePromoCodesRequest(
        prefix=form.text("beginning"),
        count=form.whole("how_many", most=_MOST_AT_ONCE),
        terms=_terms(form),
        request_id=form.request_id,
        reason=form.reason(),
    )


_TERMS: Final = (
    ActField("kind", "choice", words=_KINDS, key="promo_kind", is_needed=True, of=("terms.kind",)),
    ActField("credit_type", "type", of=("terms.credit_type",)),
    ActField("credits", "number", hint="field.credits.hint", of=("terms.credits",)),
    ActField("percent", "number", hint="field.percent.hint", of=("terms.percent",)),
    ActField("lifetime", "number", hint="field.lifetime.hint", of=("terms.credits_lifetime",)),
    ActField("currency", most=3, hint="field.currency.hint", of=("terms.currency",)),
    ActField("minimum", "number", hint="field.minimum.hint", of=("terms.minimum_amount",)),
    ActField("first_purchase", "check", of=("terms.first_purchase_only",)),
    ActField("start_day", "day", of=("terms.start_time",)),
    ActField("end_day", "day", of=("terms.expire_time",)),
    ActField("total_limit", "number", is_needed=True, of=("terms.total_limit",)),
    ActField("account_limit", "number", is_needed=True, of=("terms.account_limit",)),
    REASON._replace(hint=""),
)

CREATE_PROMO_CODE: Final = ActPage(
    "create_promo_code",
    "/promo-codes/new",
    "promo_codes.change",
    lambda stubs: stubs.promo.CreatePromoCode,
    _create,
    lambda visit: visit.path("/promo-codes"),
    fields=(ActField("code", most=100, hint="field.code.hint", of=("display_code",)), *_TERMS),
)

GENERATE_PROMO_CODES: Final = ActPage(
    "generate_promo_codes",
    "/promo-codes/series/new",
    "promo_codes.change",
    lambda stubs: stubs.promo.GeneratePromoCodes,
    _generate,
    lambda visit: visit.path("/promo-codes"),
    fields=(
        ActField("how_many", "number", is_needed=True, of=("count",)),
        ActField("beginning", most=16, hint="field.beginning.hint", of=("prefix",)),
        *_TERMS,
    ),
    will=1,
    lead=lambda visit, answer: visit.path("/promo-codes", series=answer.series_id),
)


END_PROMO_CODE: Final = ActPage(
    "end_promo_code",
    "/promo-codes/{code}/end",
    "promo_codes.change",
    lambda stubs: stubs.promo.EndPromoCode,
    lambda form: EndPromoCodeRequest(
        name=promo_code_name(form.visit.parts), request_id=form.request_id, reason=form.reason()
    ),
    page_of(promo_code_name),
    fields=(REASON._replace(hint=""),),
    subject="code",
    will=2,
    is_danger=True,
)
