"""The keys of texts that pages use: those of declarations, of enums, and those that stand in templates and code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, nodes

from credit.v1.account_flag_pb2 import VelocityAction, VelocityKind
from credit.v1.account_pb2 import AccountStatus, PlanKind
from credit.v1.admin_service_pb2 import AccountConcern, AccountOrder
from credit.v1.approval_pb2 import ApprovalKind, ApprovalState
from credit.v1.audit_event_pb2 import AuditOutcome
from credit.v1.entry_pb2 import EntryKind
from credit.v1.event_pb2 import EventType
from credit.v1.explanation_pb2 import UntoldFact
from credit.v1.payment_event_pb2 import PaymentEventActKind, PaymentEventState, PaymentFactKind
from credit.v1.payment_provider_pb2 import PaymentMethod, PaymentProvider
from credit.v1.promo_code_pb2 import PromoCodeState, PromoKind
from credit.v1.purchase_pb2 import PurchaseState
from credit.v1.rejected_webhooks_pb2 import RejectionReason
from credit.v1.reservation_pb2 import ReservationState
from credit.v1.role_grant_pb2 import Role
from credit.v1.source_pb2 import Source
from credit.v1.subscription_pb2 import SubscriptionStatus
from creditd.console import texts
from creditd.console.navigation import NAVIGATION
from creditd.console.shapes.enum_words import enum_word, enum_words
from creditd.console.subjects.account_usage import HEADS as USAGE_HEADS
from creditd.console.subjects.dashboard import HEADS as SUM_HEADS
from creditd.console.subjects.dashboard import IN_LOOKS, OUT_LOOKS, WAITING_LISTS
from creditd.console.subjects.page_list import ACTS, LISTS
from creditd.console.subjects.payment_facts import HEADS as FACT_HEADS
from creditd.console.subjects.purchase_comparison import HEADS as PAIR_HEADS
from creditd.console.subjects.role_matrix import MATRIX, STAFF_ROLES
from creditd.console.subjects.search_page import MATCHES

CONSOLE: Final = Path(texts.__file__).parent

ENUMS: Final[tuple[Any, ...]] = (
    AccountConcern,
    AccountOrder,
    AccountStatus,
    ApprovalKind,
    ApprovalState,
    AuditOutcome,
    EntryKind,
    EventType,
    PaymentEventActKind,
    PaymentEventState,
    PaymentFactKind,
    PaymentMethod,
    PaymentProvider,
    PlanKind,
    PromoCodeState,
    PromoKind,
    PurchaseState,
    RejectionReason,
    ReservationState,
    Role,
    Source,
    SubscriptionStatus,
    UntoldFact,
    VelocityAction,
    VelocityKind,
)


def keys_of_declarations() -> Iterator[str]:
    """Yield the keys that declarations make."""
    yield "something_newer"
    for enum in ENUMS:
        yield from (enum_word(enum, value) for value in enum_words(enum).values())
    for page in LISTS:
        yield from (f"list.{page.name}{end}" for end in ("", ".hint", ".none"))
        yield from (f"col.{column.name}" for column in page.columns)
        yield from (f"col.{one.name}" for one in page.filters)
        yield from (offer.key for offer in page.acts)
    for act in ACTS:
        ends = ("", ".do", ".done", *(f".will.{number}" for number in range(1, act.will + 1)))
        yield from (f"act.{act.name}{end}" for end in ends)
        if act.outcome:
            yield f"act.{act.name}.asked"
        if act.stream:
            yield from (f"col.{head}" for head, _ in act.stream.heads)
        for field in act.fields:
            if field.kind != "hidden":
                yield f"field.{field.name}"
            if field.hint:
                yield field.hint
            yield from (f"{field.key}.{word}" for word in field.words)
    yield from _keys_of_frames()


def _keys_of_frames() -> Iterator[str]:
    for group, items in NAVIGATION:
        yield from (item.key for item in items)
        if group:
            yield group
    yield from (f"sum.{head}" for head in (*SUM_HEADS, "in_wallets"))
    yield from (f"look.{look}" for look in (*IN_LOOKS, *OUT_LOOKS))
    yield from (f"col.{head}" for head, _ in (*USAGE_HEADS, *FACT_HEADS, *PAIR_HEADS))
    yield from (f"match.{match}" for match in MATCHES)
    yield from (row.key for row in MATRIX)
    yield from (f"may.{row.answer(role)}" for row in MATRIX for role in STAFF_ROLES)
    for one in WAITING_LISTS:
        yield from (one.key, f"{one.key}.one", f"{one.key}.more")


def keys_of_code() -> Iterator[str]:
    """Yield the keys that stand in code: those of texts, of facts, of sections and of the heads of their tables."""
    for file in sorted(CONSOLE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _keys(node)


def _keys(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    texts_of = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if name in {"text", "fault"} and texts_of:
        key = texts_of[-1] if name == "fault" else texts_of[0]
        is_write = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "write"
        if name == "fault" or is_write:
            yield key
    if name == "KnownFact" and texts_of:
        yield f"col.{texts_of[0]}"
    if name == "DetailSection" and texts_of:
        yield f"section.{texts_of[0]}"
        for keyword in call.keywords:
            if keyword.arg == "hint" and isinstance(keyword.value, ast.Constant):
                yield str(keyword.value.value)
    yield from _keys_of_parts(call, name, texts_of)


def _keys_of_parts(call: ast.Call, name: str, texts_of: list[str]) -> Iterator[str]:
    if name == "OfferedAct" and texts_of and isinstance(call.args[0], ast.Constant):
        yield texts_of[0]
    for keyword in call.keywords:
        if keyword.arg == "heads":
            yield from (f"col.{head}" for head in re.findall(r"\('(\w+)', '", ast.unparse(keyword.value)))
    if name == "balances_sections":
        yield from (f"section.{text}" for text in texts_of)


def values_of_code() -> Iterator[tuple[str, set[str]]]:
    """Yield the texts that code names, each with the names of what is put into it."""
    for file in sorted(CONSOLE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _speaks(node) and all(keyword.arg for keyword in node.keywords):
                (key, *_) = [arg.value for arg in node.args if isinstance(arg, ast.Constant)] or [None]
                if isinstance(key, str):
                    yield key, {str(keyword.arg) for keyword in node.keywords}


def _speaks(call: ast.Call) -> bool:
    spoken = ast.unparse(call.func)
    return spoken == "write.text" or spoken.endswith(("texts", "texts.plain"))


def values_of_templates() -> Iterator[tuple[str, set[str]]]:
    """Yield the texts that templates name, each with the names of what is put into it."""
    for file in sorted((CONSOLE / "templates").glob("*.html")):
        for call in Environment(autoescape=True).parse(file.read_text(encoding="utf-8")).find_all(nodes.Call):
            is_text = isinstance(call.node, nodes.Name) and call.node.name == "t"
            is_plain = isinstance(call.node, nodes.Getattr) and call.node.attr == "plain"
            if (is_text or is_plain) and not call.dyn_kwargs and isinstance(call.args[0], nodes.Const):
                yield call.args[0].value, {keyword.key for keyword in call.kwargs}
