"""Every failure goes over the wire with a code, a reason, its figures, and a text in the caller's language."""

import logging
import re
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Any, Final

import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.rpc import error_details_pb2 as details_pb
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from credit.v1.errors_pb2 import ErrorReason
from creditd.domain import errors
from creditd.domain.controls import access_errors, approval_errors, velocity_errors
from creditd.domain.errors import Refusal
from creditd.domain.events import event_errors
from creditd.domain.payments import payment_errors
from creditd.domain.promo import promo_errors
from creditd.domain.usage import usage_errors
from creditd.domain.workflows import workflow_errors
from creditd.identity import refusals as identity_refusals
from creditd.ledger import work
from creditd.server import reasons, refusals
from creditd.server.refusals import InvalidFields, PermissionDenied, TokenExpired, TokenInvalid
from creditd.server.status import Failure, failure_of, reason_of, status_of
from creditd.server.texts import CATALOGUE, LANGUAGES
from tests.support.error_reasons import documented

CALL = "0199f0c0-1111-7222-8333-444455556666"

REASONS = [value.name.removeprefix("ERROR_REASON_") for value in ErrorReason.DESCRIPTOR.values if value.number != 0]

KINDS: list[Any] = [
    details_pb.BadRequest,
    details_pb.ErrorInfo,
    details_pb.LocalizedMessage,
    details_pb.QuotaFailure,
    details_pb.RetryInfo,
]

MAX_METADATA_BYTES = 8_192

DECIMALS = {"spec": 0, "gold": 2, "": 0}
"""Of the credit types that there are here."""


def failed(error: Exception, language: str) -> Failure:
    """Return what a call ends with that raised this."""
    return failure_of(error, language, CALL, DECIMALS.__getitem__)


def explained(failure: Failure) -> dict[Any, Any]:
    """Return the details of a failure by their kind."""
    return unpacked(Status.FromString(failure.details))


def unpacked(message: Status) -> dict[Any, Any]:
    kinds = {kind.DESCRIPTOR.full_name: kind for kind in KINDS}
    return {kinds[type_name(packed)]: kinds[type_name(packed)].FromString(packed.value) for packed in message.details}


def type_name(packed: Packed) -> str:
    prefix, _, name = packed.type_url.rpartition("/")
    assert prefix == "type.googleapis.com"
    return name


def test_the_catalogue_of_reasons_and_the_enum_are_the_same() -> None:
    assert set(reasons.CODES) == set(REASONS)


@pytest.mark.requirement("H2")
@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_a_text_in_every_language_with_the_same_figures(reason: str, language: str) -> None:
    text = CATALOGUE[language][reason]
    assert text.strip() == text != ""
    assert placeholders(text) == placeholders(CATALOGUE["en"][reason])


def placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


@pytest.mark.parametrize("kind", [*Refusal.__subclasses__()], ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_reason_that_the_enum_knows(kind: type[Refusal]) -> None:
    modules = (
        errors,
        event_errors,
        payment_errors,
        access_errors,
        approval_errors,
        promo_errors,
        usage_errors,
        velocity_errors,
        workflow_errors,
        identity_refusals,
        refusals,
    )
    assert kind.__module__ in {module.__name__ for module in modules}
    assert kind.reason in REASONS


OTHER_REASONS: Final[Mapping[type[Exception], str]] = {
    InvalidFields: "one reason for one broken field and for several",
    work.DeadlinePassed: "DEADLINE_EXCEEDED is gRPC's own word; the ledger only knows that a time has passed",
}
"""Errors whose class is not called like their reason, each with why."""


def all_errors() -> Iterator[tuple[type[Exception], str]]:
    """Return every class of errors that goes over the wire, with its reason; subclasses of subclasses as well."""
    kinds = [*Refusal.__subclasses__()]
    for kind in kinds:
        kinds += kind.__subclasses__()
        if kind.__module__.startswith("creditd."):
            yield kind, kind.reason
    yield from reasons.REASONS.items()


@pytest.mark.parametrize(("kind", "reason"), [*all_errors()], ids=lambda value: getattr(value, "__name__", value))
def test_an_error_is_called_like_its_reason(kind: type[Exception], reason: str) -> None:
    upper_snake = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).upper()
    assert (upper_snake == reason) != (kind in OTHER_REASONS)


def test_every_reason_but_that_of_a_defect_has_an_error() -> None:
    assert {reason for _, reason in all_errors()} == {*REASONS} - {"INTERNAL"}


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (
            errors.InsufficientCredit(credit_type="spec", required=75, available=50),
            StatusCode.FAILED_PRECONDITION,
            "INSUFFICIENT_CREDIT",
        ),
        (errors.RequestIdReused(request_id="r1"), StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED"),
        (errors.VersionMismatch(stated=1, current=2), StatusCode.ABORTED, "VERSION_MISMATCH"),
        (errors.VersionAhead(stated=2, current=1), StatusCode.OUT_OF_RANGE, "VERSION_AHEAD"),
        (errors.ReservationNotFound(reservation="r"), StatusCode.NOT_FOUND, "RESERVATION_NOT_FOUND"),
        (work.VersionConflict(), StatusCode.ABORTED, "VERSION_CONFLICT"),
        (work.Overloaded(), StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
        (work.ShuttingDown(), StatusCode.UNAVAILABLE, "SHUTTING_DOWN"),
        (work.DatabaseUnavailable(), StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE"),
        (work.DeadlinePassed(), StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
        (InvalidFields([("amount", "int64.gt", "must be > 0")]), StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
        (TokenInvalid(problem="kid"), StatusCode.UNAUTHENTICATED, "TOKEN_INVALID"),
        (TokenExpired(), StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED"),
        (PermissionDenied(method="/m", allowed="ADMIN"), StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"),
        (ValueError("a defect"), StatusCode.INTERNAL, "INTERNAL"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_code_and_reason(error: Exception, code: StatusCode, reason: str) -> None:
    failure = failed(error, "en")
    info = explained(failure)[details_pb.ErrorInfo]
    message = Status.FromString(failure.details)
    assert (failure.code, info.reason, info.domain) == (code, reason, "credit.v1")
    assert (message.code, message.message) == (code.value[0], failure.message)
    assert reason_of(error) == reason


def test_every_figure_of_a_refusal_is_told_and_the_text_is_in_the_callers_language() -> None:
    failure = failed(errors.InsufficientCredit(credit_type="spec", required=75, available=50), "vi")
    details = explained(failure)
    assert failure.message == "75 required, 50 available"
    assert details[details_pb.ErrorInfo].metadata == {
        "credit_type": "spec",
        "required": "75",
        "available": "50",
        "correlation_id": CALL,
    }
    localized = details[details_pb.LocalizedMessage]
    assert localized.locale == "vi"
    assert localized.message == "Bạn không có đủ tín dụng. Cần: 75. Khả dụng: 50."


AMOUNTS: Final = frozenset(
    ["amount", "available", "debt", "given", "left", "refundable", "requested", "required", "reserved", "total"]
)
"""What amounts are called that refusals tell; ``limit`` and ``maximum`` may also be a number of something."""


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in all_errors()}, key=str))
def test_every_amount_that_a_text_tells_is_known_as_one_and_has_its_unit(kind: type[Exception]) -> None:
    if not issubclass(kind, Refusal):
        return
    texts = (reasons.CODES[kind.reason][1], *(CATALOGUE[language][kind.reason] for language in LANGUAGES))
    told = set().union(*map(placeholders, texts))
    assert told & AMOUNTS <= set(kind.amounts)
    if told & set(kind.amounts):
        assert documented()[kind.reason].metadata.keys() & {"credit_type", "currency"}


def test_amounts_are_told_with_the_decimals_of_what_they_count_and_their_facts_stay_integers() -> None:
    facts = {"requested": 123_456, "reserved": 5}
    failure = failed(errors.AmountExceedsReservation(credit_type="gold", **facts), "vi")
    details = explained(failure)
    assert failure.message == "1234.56 requested, 0.05 reserved"
    assert details[details_pb.LocalizedMessage].message.endswith("Yêu cầu: 1.234,56. Đã tạm giữ: 0,05.")
    assert details[details_pb.ErrorInfo].metadata.items() >= {"requested": "123456", "reserved": "5"}.items()


@pytest.mark.parametrize(
    ("currency", "told"), [("THB", "1,234.56 THB"), ("JPY", "123,456 JPY"), ("KWD", "123.456 KWD")]
)
def test_money_is_told_with_its_currency(currency: str, told: str) -> None:
    failure = failed(payment_errors.AmountExceedsPayment(currency=currency, requested=123_456, left=0), "en")
    assert f"Requested: {told}. Left:" in explained(failure)[details_pb.LocalizedMessage].message


@pytest.mark.parametrize("error", [work.VersionConflict(), work.ShuttingDown(), work.DatabaseUnavailable()])
def test_where_a_retry_helps_the_same_pause_is_told_in_both_ways_and_varies(error: Exception) -> None:
    pauses = set()
    for _ in range(8):
        failure = failed(error, "en")
        delay = explained(failure)[details_pb.RetryInfo].retry_delay.ToMilliseconds()
        assert failure.trailing == (("grpc-retry-pushback-ms", str(delay)),)
        pauses.add(delay)
    assert len(pauses) > 1
    assert 0 < min(pauses) <= max(pauses) < 2_000


def test_every_reason_says_to_a_clients_own_retries_whether_to_go_on() -> None:
    for reason in reasons.CODES:
        error = type("Planted", (errors.Refusal,), {"reason": reason})(retry_seconds=7)
        failure = failed(error, "en")
        ((header, pause),) = failure.trailing
        assert header == "grpc-retry-pushback-ms"
        is_to_come_again = reason in {*reasons.RETRY_MILLISECONDS, *reasons.RETRY_AT_ITS_TIME}
        assert (int(pause) >= 0) == (details_pb.RetryInfo in explained(failure)) == is_to_come_again, reason


def test_a_full_queue_names_the_quota_and_a_pause() -> None:
    details = explained(failed(work.Overloaded(), "th"))
    assert details[details_pb.QuotaFailure].violations[0].subject == "server"
    assert details_pb.RetryInfo in details


def test_a_refusal_that_no_retry_changes_tells_of_none() -> None:
    failure = failed(errors.AccountClosed(account_id="a"), "he")
    assert failure.trailing == (("grpc-retry-pushback-ms", "-1"),)
    assert details_pb.RetryInfo not in explained(failure)


def test_every_field_violation_is_named() -> None:
    violations = [("amount", "int64.gt", "must be greater than 0"), ("account_id", "string.pattern", "does not match")]
    details = explained(failed(InvalidFields(violations), "en"))
    shown = [(each.field, each.reason, each.description) for each in details[details_pb.BadRequest].field_violations]
    assert shown == [
        ("amount", "INT64_GT", "must be greater than 0"),
        ("account_id", "STRING_PATTERN", "does not match"),
    ]
    assert details[details_pb.ErrorInfo].metadata["field"] == "amount"


@pytest.mark.parametrize(
    ("error", "field"),
    [
        (errors.ExpiryOutOfRange(field="ttl", maximum_seconds=3600), "ttl"),
        (errors.ExpiryInPast(field="expire_time", server_time="2026-01-01T00:00:00.000000Z"), "expire_time"),
        (errors.InvalidField(field="end_time", rule="after_start"), "end_time"),
        (errors.PageTokenInvalid(), "page_token"),
    ],
)
def test_what_only_the_service_can_check_names_its_field_as_well(error: Exception, field: str) -> None:
    details = explained(failed(error, "en"))
    assert [each.field for each in details[details_pb.BadRequest].field_violations] == [field]


def test_details_stay_within_what_clients_take_whatever_the_caller_sent() -> None:
    hostile = [(f'metadata["{"ก" * 900}"]', "string.max_len", "ข" * 900)] * 64
    for error in (
        InvalidFields(hostile),
        errors.RequestIdReused(request_id="ก" * 255),
        errors.CreditTypeNotFound(credit_type="ก" * 10_000),
    ):
        failure = failed(error, "th")
        percent_encoded = 3 * len(failure.message.encode())
        assert len(failure.details) * 4 / 3 + percent_encoded < MAX_METADATA_BYTES
    assert explained(failed(InvalidFields(hostile), "en"))[details_pb.BadRequest].field_violations


def test_braces_in_a_fact_are_only_text() -> None:
    failure = failed(errors.CreditTypeNotFound(credit_type="{required.__class__}"), "en")
    assert failure.message == "no credit type {required.__class__}"


def test_a_refusal_without_its_figures_is_told_all_the_same() -> None:
    assert failed(errors.InsufficientCredit(), "en").message == "? required, ? available"


def test_a_defect_tells_nothing_but_its_incident_id_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise KeyError("the secret of the house")  # noqa: TRY301 - so that it has a traceback.
    except KeyError as error:
        with caplog.at_level(logging.ERROR):
            failure = failed(error, "en")
    details = explained(failure)
    assert failure.message == "internal error"
    assert details[details_pb.ErrorInfo].metadata == {"incident_id": CALL}
    assert set(details) == {details_pb.ErrorInfo, details_pb.LocalizedMessage}
    assert b"secret" not in failure.details
    (record,) = caplog.records
    assert record.__dict__["correlation_id"] == CALL
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], KeyError)


def test_a_refusal_without_a_code_is_a_defect() -> None:
    class Unheard(Refusal):
        reason = "UNHEARD"

    assert failed(Unheard(), "en").code is StatusCode.INTERNAL


def test_an_item_of_a_batch_is_explained_like_a_call() -> None:
    error = errors.InsufficientCredit(credit_type="spec", required=75, available=50)
    assert status_of(error, "he", CALL, DECIMALS.__getitem__) == Status.FromString(failed(error, "he").details)
