"""The call: what comes with every request."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import orjson

from creditd.domain import errors
from creditd.domain.wallet import Origin

MAX_METADATA_BYTES = 4_096
"""Labels are for finding a movement again, not for payloads: they are stored in every row."""


@dataclass(slots=True)
class Call:
    """The caller, the deadline (on time.monotonic's clock), and how to answer.

    ``opens`` tells whether the call opens an account never seen before: a call of its owner or of a service does, one
    of staff does not. ``replayed`` is set if the answer is that of an earlier call with the same request id.
    ``person`` stands behind the caller, and ``peer`` is where gRPC says that it is.
    ``mfa_time`` is when the caller showed a second factor, in seconds since the Unix epoch, 0.0 if it did not;
    ``accounts`` are those that it is limited to, none if it is not. ``stated_roles`` are those that its token states;
    ``roles`` are all that it has, with those that are stored. ``sent_correlation_id`` is the correlation id if the
    caller stated it, empty if it was made up here.
    """

    subject: str
    deadline: float | None = None
    language: str = "en"
    correlation_id: str = ""
    opens: bool = False
    person: str = ""
    roles: AbstractSet[str] = frozenset()
    peer: str = ""
    scopes: AbstractSet[str] = frozenset()
    mfa_time: float = 0.0
    accounts: tuple[str, ...] = ()
    stated_roles: AbstractSet[str] = frozenset()
    sent_correlation_id: str = ""
    replayed: bool = False


def origin_of(
    call: Call,
    request_id: str | None,
    fingerprint: int,
    reason: str = "",
    metadata: dict[str, str] | None = None,
    ordinal: int = 0,
) -> Origin:
    """Return the origin of a call's movement.

    Raises InvalidField if its metadata is too large, or for a text that cannot be stored.
    """
    if request_id is not None:
        require_text("request_id", request_id)
    require_text("reason", reason)
    labels = metadata_text(metadata) if metadata else ""
    return Origin(call.subject, request_id, fingerprint, reason, labels, ordinal, call.sent_correlation_id)


def require_text(field: str, value: str) -> None:
    """Raise InvalidField for a text with a NUL character, which PostgreSQL's texts cannot hold."""
    if "\x00" in value:
        raise errors.InvalidField(field=field, rule="no NUL characters")


def metadata_text(metadata: dict[str, str]) -> str:
    """Return labels as they are stored in rows. Raises InvalidField if they are too large."""
    if sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items()) > MAX_METADATA_BYTES:
        raise errors.InvalidField(field="metadata", rule=f"at most {MAX_METADATA_BYTES} bytes of keys and values")
    for key, value in metadata.items():
        require_text("metadata", key + value)
    return orjson.dumps(metadata, option=orjson.OPT_SORT_KEYS).decode()
