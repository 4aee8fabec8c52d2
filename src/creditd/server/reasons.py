"""The reasons that calls fail for: each with its status code and message, and with when a retry helps."""

from collections.abc import Mapping
from typing import Final

from google.rpc.error_details_pb2 import QuotaFailure
from grpc import StatusCode

from creditd.ledger import work

CODES: Final[Mapping[str, tuple[StatusCode, str]]] = {
    "INVALID_FIELD": (StatusCode.INVALID_ARGUMENT, "field {field} breaks the rule {rule}"),
    "PAGE_TOKEN_INVALID": (StatusCode.INVALID_ARGUMENT, "the page token is not valid for this query"),
    "INSUFFICIENT_CREDIT": (StatusCode.FAILED_PRECONDITION, "{required} required, {available} available"),
    "REQUEST_ID_REUSED": (StatusCode.ALREADY_EXISTS, "the request id was used before with other content"),
    "RESERVATION_NOT_FOUND": (StatusCode.NOT_FOUND, "no reservation {reservation}"),
    "RESERVATION_EXPIRED": (StatusCode.FAILED_PRECONDITION, "{reservation} has expired; its credits were returned"),
    "RESERVATION_CONFIRMED": (StatusCode.FAILED_PRECONDITION, "{reservation} is already confirmed"),
    "RESERVATION_REFUNDED": (
        StatusCode.FAILED_PRECONDITION,
        "{reservation} is already refunded; its credits were returned",
    ),
    "RESERVATION_PENDING": (
        StatusCode.FAILED_PRECONDITION,
        "{reservation} is pending and can only be refunded whole: {requested} requested, {reserved} reserved",
    ),
    "AMOUNT_EXCEEDS_RESERVATION": (StatusCode.FAILED_PRECONDITION, "{requested} requested, {reserved} reserved"),
    "AMOUNT_EXCEEDS_CONFIRMED": (StatusCode.FAILED_PRECONDITION, "{requested} requested, {refundable} refundable"),
    "CREDIT_TYPE_NOT_FOUND": (StatusCode.NOT_FOUND, "no credit type {credit_type}"),
    "CREDIT_TYPE_EXISTS": (StatusCode.ALREADY_EXISTS, "credit type {credit_type} exists, with other properties"),
    "ACCOUNT_NOT_FOUND": (
        StatusCode.NOT_FOUND,
        "no account {account_id}; it opens when its owner or a service first uses it",
    ),
    "ACCOUNT_SUSPENDED": (StatusCode.FAILED_PRECONDITION, "account {account_id} is suspended and may not spend"),
    "ACCOUNT_CLOSED": (StatusCode.FAILED_PRECONDITION, "account {account_id} is closed"),
    "ACCOUNT_NOT_EMPTY": (
        StatusCode.FAILED_PRECONDITION,
        "account {account_id} still has credits, reservations or debt",
    ),
    "VERSION_MISMATCH": (StatusCode.ABORTED, "version {stated} was expected; the current version is {current}"),
    "VERSION_AHEAD": (
        StatusCode.OUT_OF_RANGE,
        "version {stated} has not been reached; the balance is at version {current}",
    ),
    "ENTRIES_ARCHIVED": (
        StatusCode.FAILED_PRECONDITION,
        "what {account_id} moved of {credit_type} before version {before_version} was moved to {file}",
    ),
    "VERSION_CONFLICT": (StatusCode.ABORTED, "the balance kept changing; nothing was done, a retry is safe"),
    "RECORD_BUSY": (
        StatusCode.UNAVAILABLE,
        "a record that the call needs is locked; nothing was done, a retry is safe",
    ),
    "BALANCE_TOO_LARGE": (StatusCode.FAILED_PRECONDITION, "adding {amount} to {total} would exceed {maximum}"),
    "STATEMENT_TOO_LONG": (
        StatusCode.FAILED_PRECONDITION,
        "the period has {rows} entries, and a PDF takes {maximum}: ask for CSV or for a shorter period",
    ),
    "LIMIT_EXCEEDED": (StatusCode.FAILED_PRECONDITION, "{requested} requested, {which} is {limit}"),
    "EXPIRY_OUT_OF_RANGE": (
        StatusCode.INVALID_ARGUMENT,
        "{field} must end after now, and at most {maximum_seconds} seconds from now",
    ),
    "EXPIRY_IN_PAST": (
        StatusCode.INVALID_ARGUMENT,
        "{field} is in the past; the server's time is {server_time}",
    ),
    "TOKEN_INVALID": (StatusCode.UNAUTHENTICATED, "no valid bearer token: {problem}"),
    "TOKEN_EXPIRED": (StatusCode.UNAUTHENTICATED, "the bearer token has expired"),
    "PERMISSION_DENIED": (StatusCode.PERMISSION_DENIED, "the caller may not call {method}; allowed: {allowed}"),
    "OVERLOADED": (StatusCode.RESOURCE_EXHAUSTED, "the server's queue is full; nothing was done, a retry is safe"),
    "DATABASE_UNAVAILABLE": (
        StatusCode.UNAVAILABLE,
        "the database cannot be reached; repeat the call with the same request_id to learn its outcome",
    ),
    "SHUTTING_DOWN": (
        StatusCode.UNAVAILABLE,
        "the server is shutting down; repeat the call with the same request_id at another server",
    ),
    "DEADLINE_EXCEEDED": (StatusCode.DEADLINE_EXCEEDED, "the deadline passed before work began; nothing was done"),
    "RATE_LIMITED": (
        StatusCode.RESOURCE_EXHAUSTED,
        "{limit} calls a minute are allowed by {by}; the next one after {retry_seconds} seconds",
    ),
    "MESSAGE_TOO_LARGE": (StatusCode.RESOURCE_EXHAUSTED, "the request has {size} bytes, {maximum} are allowed"),
    "METADATA_TOO_LARGE": (
        StatusCode.RESOURCE_EXHAUSTED,
        "the metadata has {size} bytes in {count} headers; {maximum} bytes in {maximum_count} are allowed",
    ),
    "TOO_MANY_AT_ONCE": (StatusCode.RESOURCE_EXHAUSTED, "too many {what}: {maximum} are allowed at once"),
    "PACKAGE_NOT_FOUND": (StatusCode.NOT_FOUND, "no package {package_id}"),
    "PACKAGE_EXISTS": (StatusCode.ALREADY_EXISTS, "package {package_id} exists, with other properties"),
    "PACKAGE_RETIRED": (StatusCode.FAILED_PRECONDITION, "package {package_id} is no longer sold"),
    "PURCHASE_NOT_FOUND": (StatusCode.NOT_FOUND, "no purchase {purchase}"),
    "PURCHASE_PAID": (StatusCode.FAILED_PRECONDITION, "{purchase} is paid; its state is {state}"),
    "PURCHASE_EXPIRED": (StatusCode.FAILED_PRECONDITION, "{purchase} has expired"),
    "PURCHASE_NOT_PAID": (StatusCode.FAILED_PRECONDITION, "{purchase} has not been paid; its state is {state}"),
    "PURCHASE_NOT_REFUNDED": (StatusCode.FAILED_PRECONDITION, "nothing was given back of {purchase}"),
    "PROVIDER_NOT_CONFIGURED": (StatusCode.NOT_FOUND, "payments by {provider} are not configured here"),
    "PAYMENT_NOT_SUPPORTED": (
        StatusCode.INVALID_ARGUMENT,
        "the provider does not support this value of {field}; it takes {rule}",
    ),
    "PROVIDER_REFUSED": (StatusCode.FAILED_PRECONDITION, "the provider refused with {code}: {message}"),
    "PROVIDER_UNAVAILABLE": (
        StatusCode.UNAVAILABLE,
        "{provider} cannot be reached; repeat the call with the same request_id to learn its outcome",
    ),
    "WEBHOOK_REJECTED": (StatusCode.INVALID_ARGUMENT, "the webhook is rejected: {problem}"),
    "PAYMENT_EVENT_NOT_FOUND": (StatusCode.NOT_FOUND, "no payment event {payment_event}"),
    "PAYMENT_EVENT_PENDING": (
        StatusCode.FAILED_PRECONDITION,
        "{payment_event} is {state} and is processed automatically",
    ),
    "PAYMENT_EVENT_APPLIED": (StatusCode.FAILED_PRECONDITION, "{payment_event} is already applied"),
    "PAYMENT_EVENT_NOT_OF_INTEREST": (StatusCode.FAILED_PRECONDITION, "{payment_event} does not concern credits"),
    "PAYMENT_EVENT_DISMISSED": (StatusCode.FAILED_PRECONDITION, "{payment_event} is already dismissed"),
    "AMOUNT_EXCEEDS_DEBT": (StatusCode.FAILED_PRECONDITION, "{requested} requested, the debt is {debt}"),
    "AMOUNT_EXCEEDS_PAYMENT": (StatusCode.FAILED_PRECONDITION, "{requested} requested, {left} left of the payment"),
    "MFA_REQUIRED": (
        StatusCode.UNAUTHENTICATED,
        "a second factor has to be shown that is at most {maximum_seconds} seconds old: sign in with it again",
    ),
    "OWN_ROLE": (
        StatusCode.PERMISSION_DENIED,
        "nobody raises themselves, nor {subject}, behind whom the same person is",
    ),
    "LAST_SUPER_ADMIN": (StatusCode.FAILED_PRECONDITION, "{subject} is the last one who is SUPER_ADMIN for good"),
    "ROLE_GRANT_NOT_FOUND": (StatusCode.NOT_FOUND, "{subject} has no role {role} that was granted here"),
    "SERVICE_ACCOUNT_NOT_FOUND": (StatusCode.NOT_FOUND, "no service account {service_account}"),
    "SERVICE_ACCOUNT_EXISTS": (
        StatusCode.ALREADY_EXISTS,
        "{service_account} exists, or has a certificate of that name",
    ),
    "ACCESS_FULL": (StatusCode.FAILED_PRECONDITION, "there are {maximum} {what}, as many as servers keep in memory"),
    "SERVICE_ACCOUNT_OF_ANOTHER": (StatusCode.PERMISSION_DENIED, "somebody else stands behind {service_account}"),
    "ACCOUNT_FLAG_NOT_FOUND": (StatusCode.NOT_FOUND, "no account flag {account_flag}"),
    "ACCOUNT_FLAG_CLEARED": (StatusCode.FAILED_PRECONDITION, "{account_flag} is cleared already, by {cleared_by}"),
    "SIGN_IN_FAILED": (StatusCode.UNAUTHENTICATED, "the email and the password do not belong together"),
    "SIGN_IN_LIMITED": (
        StatusCode.RESOURCE_EXHAUSTED,
        "too many failed attempts; the next one counts again after {retry_seconds} seconds",
    ),
    "PASSWORD_UNSUITABLE": (StatusCode.INVALID_ARGUMENT, "the new password breaks a rule: {rule}"),
    "REFRESH_TOKEN_INVALID": (StatusCode.UNAUTHENTICATED, "the refresh token is not valid, or its session is over"),
    "REFRESH_TOKEN_REUSED": (
        StatusCode.UNAUTHENTICATED,
        "the refresh token was used before by another request; its session is revoked",
    ),
    "USER_NOT_FOUND": (StatusCode.NOT_FOUND, "the subject of the token is not registered here"),
    "SECOND_FACTOR_MISSING": (StatusCode.FAILED_PRECONDITION, "the user has no authenticator"),
    "SECOND_FACTOR_INVALID": (StatusCode.UNAUTHENTICATED, "the code of the second factor is {problem}"),
    "SESSION_OVER": (StatusCode.UNAUTHENTICATED, "the refresh token is not the current one of a session of the user"),
    "API_KEY_INVALID": (StatusCode.UNAUTHENTICATED, "the API key is not valid"),
    "API_KEY_NOT_FOUND": (StatusCode.NOT_FOUND, "no API key {api_key} that counts"),
    "API_KEYS_FULL": (
        StatusCode.FAILED_PRECONDITION,
        "{maximum} API keys of the service account count already; revoke one first",
    ),
    "APPROVAL_NOT_FOUND": (StatusCode.NOT_FOUND, "no approval {approval}"),
    "GRANT_NOT_FOUND": (StatusCode.NOT_FOUND, "no grant {grant}"),
    "APPROVAL_DECIDED": (StatusCode.FAILED_PRECONDITION, "{approval} is already {state}"),
    "APPROVAL_EXPIRED": (StatusCode.FAILED_PRECONDITION, "{approval} has expired at {expire_time}"),
    "OWN_APPROVAL": (StatusCode.PERMISSION_DENIED, "{approval} was asked for by the same person, who cannot decide"),
    "NOT_OWN_APPROVAL": (StatusCode.PERMISSION_DENIED, "{approval} was asked for by somebody else; reject it instead"),
    "ROLE_LOST": (StatusCode.FAILED_PRECONDITION, "{subject} has lost the role for it"),
    "USAGE_BEHIND": (StatusCode.UNAVAILABLE, "usage is still being added up; a retry is safe"),
    "PROMO_NOT_FOUND": (StatusCode.NOT_FOUND, "no such promo code"),
    "PROMO_EXPIRED": (StatusCode.FAILED_PRECONDITION, "{promo_code} has ended at {end_time}"),
    "PROMO_EXHAUSTED": (StatusCode.FAILED_PRECONDITION, "{promo_code} was used {limit} times already"),
    "PROMO_ALREADY_USED": (StatusCode.FAILED_PRECONDITION, "the account has used {promo_code} {limit} times already"),
    "PROMO_NOT_APPLICABLE": (StatusCode.FAILED_PRECONDITION, "{promo_code} does not fit: {problem}"),
    "PROMO_CODE_EXISTS": (StatusCode.ALREADY_EXISTS, "{promo_code} exists already"),
    "PROMO_ATTEMPTS_LIMITED": (
        StatusCode.RESOURCE_EXHAUSTED,
        "{limit} codes that do not exist were tried within an hour; the next one counts in {retry_seconds} seconds",
    ),
    "EVENTS_REMOVED": (
        StatusCode.OUT_OF_RANGE,
        "events after {after_position} are kept no more; the first that may be kept is after {removed_position}",
    ),
    "POSITION_AHEAD": (StatusCode.OUT_OF_RANGE, "the last event has the position {last_position}"),
    "EVENT_ENDPOINT_NOT_FOUND": (StatusCode.NOT_FOUND, "no endpoint {event_endpoint}"),
    "EVENT_ENDPOINT_EXISTS": (StatusCode.ALREADY_EXISTS, "{event_endpoint} exists already"),
    "EVENT_ENDPOINTS_FULL": (StatusCode.FAILED_PRECONDITION, "there are {maximum} endpoints already; delete one first"),
    "EVENT_ENDPOINTS_OFF": (StatusCode.FAILED_PRECONDITION, "no key for the secrets of endpoints is configured"),
    "SUPPORT_LIMIT_EXCEEDED": (
        StatusCode.FAILED_PRECONDITION,
        "{limit} {credit_type} a day may be given to an account; {given} were given today, {requested} are asked for",
    ),
    "WORKFLOW_NOT_FOUND": (StatusCode.NOT_FOUND, "no workflow {workflow}"),
    "WORKFLOW_EXISTS": (StatusCode.ALREADY_EXISTS, "{workflow} exists, or did and is archived"),
    "WORKFLOW_CHANGED": (StatusCode.ABORTED, "{workflow} has been changed since: its etag is {current}, not {stated}"),
    "WORKFLOW_ARCHIVED": (StatusCode.FAILED_PRECONDITION, "{workflow} was archived at {archive_time}"),
    "WORKFLOWS_FULL": (
        StatusCode.FAILED_PRECONDITION,
        "account {account_id} has {maximum} workflows already; archive one first",
    ),
    "EXECUTOR_UNKNOWN": (StatusCode.FAILED_PRECONDITION, "no executor {executor} is configured"),
    "RUN_NOT_FOUND": (StatusCode.NOT_FOUND, "no run {run}"),
    "RUN_ENDED": (StatusCode.FAILED_PRECONDITION, "{run} has ended; its state is {state}"),
    "RUNS_FULL": (
        StatusCode.RESOURCE_EXHAUSTED,
        "account {account_id} has {maximum} runs that have not ended; try again after {retry_seconds} seconds",
    ),
    "INTERNAL": (StatusCode.INTERNAL, "internal error"),
}

REASONS: Final[Mapping[type[Exception], str]] = {
    work.VersionConflict: "VERSION_CONFLICT",
    work.RecordBusy: "RECORD_BUSY",
    work.Overloaded: "OVERLOADED",
    work.ShuttingDown: "SHUTTING_DOWN",
    work.DatabaseUnavailable: "DATABASE_UNAVAILABLE",
    work.DeadlinePassed: "DEADLINE_EXCEEDED",
}

RETRY_MILLISECONDS: Final[Mapping[str, int]] = {
    "VERSION_CONFLICT": 50,
    "RECORD_BUSY": 1_000,
    "OVERLOADED": 500,
    "TOO_MANY_AT_ONCE": 1_000,
    "SHUTTING_DOWN": 500,
    "DATABASE_UNAVAILABLE": 1_000,
    "PROVIDER_UNAVAILABLE": 5_000,
    "SIGN_IN_LIMITED": 30_000,
    "USAGE_BEHIND": 5_000,
}

RETRY_AT_ITS_TIME: Final = frozenset({"PROMO_ATTEMPTS_LIMITED", "RATE_LIMITED", "RUNS_FULL"})
"""Reasons whose refusal says itself, as retry_seconds, when a retry helps."""

QUOTAS: Final[Mapping[str, QuotaFailure.Violation]] = {
    "OVERLOADED": QuotaFailure.Violation(subject="server", description="calls waiting for the ledger"),
    "RATE_LIMITED": QuotaFailure.Violation(subject="caller, address or method", description="calls in a minute"),
}

FIELDS: Final[Mapping[str, str]] = {
    "INVALID_FIELD": "",
    "EXPIRY_OUT_OF_RANGE": "",
    "EXPIRY_IN_PAST": "",
    "PAGE_TOKEN_INVALID": "page_token",
    "PASSWORD_UNSUITABLE": "password",
    "PAYMENT_NOT_SUPPORTED": "",
    "WEBHOOK_REJECTED": "body",
}
"""Reasons that are one field's fault, and that field where no fact names it."""
