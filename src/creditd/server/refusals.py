"""What the edge itself refuses, before the service is asked."""

from creditd.domain.errors import Refusal

Violation = tuple[str, str, str]
"""A field's path, the id of the rule that it breaks, and what is wrong, in English."""


class InvalidFields(Refusal):
    """Fields of the request break their rules. Facts: field and rule of the first one."""

    reason = "INVALID_FIELD"

    def __init__(self, violations: list[Violation]) -> None:
        """Remember every violation; the first one explains the refusal in short."""
        field, rule, _ = violations[0] if violations else ("", "", "")
        super().__init__(field=field, rule=rule)
        self.violations = violations


class MessageTooLarge(Refusal):
    """The request is larger than the server takes. Facts: size and maximum, in bytes."""

    reason = "MESSAGE_TOO_LARGE"


class MetadataTooLarge(Refusal):
    """The call has too much metadata. Facts: size and maximum, in bytes; count and maximum_count, of headers."""

    reason = "METADATA_TOO_LARGE"


class TooManyAtOnce(Refusal):
    """One caller, or one account, has too much open at once. Facts: what, maximum."""

    reason = "TOO_MANY_AT_ONCE"


class TokenInvalid(Refusal):
    """No token, or one that does not verify. Facts: problem."""

    reason = "TOKEN_INVALID"


class TokenExpired(Refusal):
    """The token's time is over."""

    reason = "TOKEN_EXPIRED"


class PermissionDenied(Refusal):
    """The caller may not do this; says nothing of whether what was asked for exists. Facts: method, allowed."""

    reason = "PERMISSION_DENIED"


class MfaRequired(Refusal):
    """The call needs a second factor that was shown recently. Facts: maximum_seconds."""

    reason = "MFA_REQUIRED"


class RateLimited(Refusal):
    """As many calls were made in a minute as may be.

    Facts: by, which is caller, address or method; limit, in calls a minute; retry_seconds.
    """

    reason = "RATE_LIMITED"
