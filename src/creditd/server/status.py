"""From what was raised to what goes over the wire: the status of its reason, and the details that explain it."""

import logging
import re
from collections.abc import Callable, Mapping
from itertools import cycle
from random import SystemRandom
from typing import Final, NamedTuple

from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from creditd.csv_cells import plain_amount
from creditd.currencies import money_decimals
from creditd.domain.errors import LimitExceeded, Refusal
from creditd.domain.instant import SECOND
from creditd.server.reasons import CODES, FIELDS, QUOTAS, REASONS, RETRY_AT_ITS_TIME, RETRY_MILLISECONDS
from creditd.server.refusals import InvalidFields, Violation
from creditd.server.statements.figures import read_amount
from creditd.server.texts import CATALOGUE, fill

DOMAIN: Final = "credit.v1"

MAX_FACT_LENGTH: Final = 300
"""Longer than any name of ours; what a caller sent back to them in full could break the limit on metadata."""

MAX_DESCRIPTION_BYTES: Final = 900
"""Of one field's fault, in UTF-8: the names of our longest enum take a third of it."""

MAX_BAD_REQUEST_BYTES: Final = 3_000
"""Clients refuse more than 8 kB of metadata, and the details travel in base64 beside the rest."""

DecimalsOf = Callable[[str], int]
"""Tells by its code how many decimals a credit type has, from memory: it is asked for each refusal with an amount."""

_NO_REASON: Final = re.compile(r"[^A-Z0-9]+")

_log = logging.getLogger(__name__)


class Failure(NamedTuple):
    """What a failed call ends with.

    ``message`` is for developers, in English. ``details`` is a serialized google.rpc.Status, the value of the trailing
    metadata `grpc-status-details-bin`; ``trailing`` is what goes beside it.
    """

    code: StatusCode
    message: str
    details: bytes
    trailing: tuple[tuple[str, str], ...]


class _Retry(NamedTuple):
    detail: Any
    trailing: tuple[tuple[str, str], ...]


class _Kind(NamedTuple):
    code: StatusCode
    number: int
    message: str
    next_retry: Callable[[], _Retry] | None
    quota: Any | None


_RETRY_NEVER: Final = (("grpc-retry-pushback-ms", "-1"),)
"""Tells a client's own retries to stop (gRFC A6). Its policy goes by status codes, and one code has reasons of both
kinds: ABORTED is VERSION_CONFLICT as well as VERSION_MISMATCH."""

_URLS: Final[Mapping[type[Message], str]] = {
    kind: f"type.googleapis.com/{kind.DESCRIPTOR.full_name}"
    for kind in (BadRequest, ErrorInfo, LocalizedMessage, QuotaFailure, RetryInfo)
}


def _any(message: Message) -> Any:
    # Any.Pack says the same and costs several times as much.
    return Any(type_url=_URLS[type(message)], value=message.SerializeToString())


def _retry(milliseconds: int) -> _Retry:
    info = RetryInfo(retry_delay=Duration(seconds=milliseconds // 1_000, nanos=milliseconds % 1_000 * 1_000_000))
    return _Retry(_any(info), (("grpc-retry-pushback-ms", str(milliseconds)),))


def _retries(milliseconds: int) -> Callable[[], _Retry]:
    # A client waits exactly as long as it is told, so equal answers would bring all of them back at the same moment.
    choices = [_retry(milliseconds * sixteenth // 16) for sixteenth in SystemRandom().sample(range(8, 24), 16)]
    return cycle(choices).__next__


def _duration(microseconds: int) -> Duration:
    # Rounded up to the whole second: whoever comes back then is not too early.
    return Duration(seconds=-(-microseconds // SECOND))


def _kind(reason: str, code: StatusCode, message: str) -> _Kind:
    delay = RETRY_MILLISECONDS.get(reason)
    quota = QUOTAS.get(reason)
    return _Kind(
        code,
        code.value[0],
        message,
        _retries(delay) if delay else None,
        _any(QuotaFailure(violations=[quota])) if quota else None,
    )


_KINDS: Final = {reason: _kind(reason, code, message) for reason, (code, message) in CODES.items()}

_FIXED_TEXTS: Final = {
    (language, reason): _any(LocalizedMessage(locale=language, message=text))
    for language, texts in CATALOGUE.items()
    for reason, text in texts.items()
    if "{" not in text
}
"""Texts without a figure in them are the same each time."""


def failure_of(error: Exception, language: str, correlation_id: str, decimals_of: DecimalsOf) -> Failure:
    """Return what a call that raised this ends with, explained in one of texts.LANGUAGES.

    Facts that are amounts stay in the smallest unit for programs; what people read has them as people write them.
    An error that is no answer of ours is logged under the correlation id, and nothing of it is told.
    """
    status, kind, trailing = _explain(error, language, correlation_id, decimals_of)
    return Failure(kind.code, status.message, status.SerializeToString(), trailing)


def status_of(error: Exception, language: str, correlation_id: str, decimals_of: DecimalsOf) -> Status:
    """Return the same explanation as a message, for one item of a batch."""
    return _explain(error, language, correlation_id, decimals_of)[0]


def reason_of(error: Exception) -> str:
    """Return the reason that goes with it over the wire; INTERNAL for an error that is no answer of ours."""
    if isinstance(error, Refusal) and error.reason in _KINDS:
        return error.reason
    return REASONS.get(type(error), "INTERNAL")


def _explain(
    error: Exception, language: str, correlation_id: str, decimals_of: DecimalsOf
) -> tuple[Status, _Kind, tuple[tuple[str, str], ...]]:
    reason = reason_of(error)
    metadata = _metadata_of(reason, error, correlation_id)
    kind = _KINDS[reason]
    message = fill(kind.message, metadata | _written(error, decimals_of, plain_amount))
    info = ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata)
    details = [_any(info), _localized(reason, language, metadata | _read(error, decimals_of, language))]
    if reason in FIELDS:
        details.append(_bad_request(error, FIELDS[reason], metadata, message))
    trailing: tuple[tuple[str, str], ...] = _RETRY_NEVER
    if isinstance(error, LimitExceeded) and error.wait is not None:
        # Hours perhaps: for people and their programs to plan by, not for a client to retry by itself.
        details.append(_any(RetryInfo(retry_delay=_duration(error.wait))))
    if reason in RETRY_AT_ITS_TIME:
        retry = _retry(int(metadata["retry_seconds"]) * 1_000)
        details.append(retry.detail)
        trailing = retry.trailing
    elif kind.next_retry is not None:
        retry = kind.next_retry()
        details.append(retry.detail)
        trailing = retry.trailing
    if kind.quota is not None:
        details.append(kind.quota)
    return Status(code=kind.number, message=message, details=details), kind, trailing


def _metadata_of(reason: str, error: Exception, correlation_id: str) -> dict[str, str]:
    if reason == "INTERNAL":
        _log.error("internal error", exc_info=error, extra={"correlation_id": correlation_id})
        return {"incident_id": correlation_id}
    facts = error.facts if isinstance(error, Refusal) else {}
    metadata = {name: str(fact)[:MAX_FACT_LENGTH] for name, fact in facts.items()}
    metadata["correlation_id"] = correlation_id
    return metadata


def _written(error: Exception, decimals_of: DecimalsOf, write: Callable[[int, int], str]) -> dict[str, str]:
    """Return the facts that are amounts as people write them: by ``write`` with the decimals of what they count."""
    if not isinstance(error, Refusal) or not error.amounts:
        return {}
    facts, currency = error.facts, str(error.facts.get("currency", ""))
    unit = f" {currency}" if currency else ""
    decimals = money_decimals(currency) if currency else decimals_of(str(facts.get("credit_type", "")))
    return {name: f"{write(int(facts[name]), decimals)}{unit}" for name in error.amounts if name in facts}


def _read(error: Exception, decimals_of: DecimalsOf, language: str) -> dict[str, str]:
    """Return the same as people of a language read them."""
    return _written(error, decimals_of, lambda amount, decimals: read_amount(amount, decimals, language))


def _localized(reason: str, language: str, metadata: Mapping[str, str]) -> Any:
    fixed = _FIXED_TEXTS.get((language, reason))
    if fixed is not None:
        return fixed
    return _any(LocalizedMessage(locale=language, message=fill(CATALOGUE[language][reason], metadata)))


def _bad_request(error: Exception, field: str, metadata: Mapping[str, str], message: str) -> Any:
    violations = [(metadata.get("field", field), metadata.get("rule", ""), message)]
    if isinstance(error, InvalidFields):
        violations = error.violations
    request = BadRequest()
    size = 0
    for violation in map(_violation, violations):
        size += violation.ByteSize()
        if size > MAX_BAD_REQUEST_BYTES:
            break
        request.field_violations.append(violation)
    return _any(request)


def _violation(violation: Violation) -> BadRequest.FieldViolation:
    field, rule, description = violation
    return BadRequest.FieldViolation(
        field=field[:MAX_FACT_LENGTH],
        description=description.encode()[:MAX_DESCRIPTION_BYTES].decode(errors="ignore"),
        # A reason is UPPER_SNAKE_CASE of at most 63 characters; a rule is a dotted id, or words of the service's.
        reason=_NO_REASON.sub("_", rule.upper())[:63],
    )
