"""What identity refuses. None of it tells whether an email is known."""

from creditd.domain.errors import Refusal


class SignInFailed(Refusal):
    """The email and the password do not belong together, whichever of the two is wrong."""

    reason = "SIGN_IN_FAILED"


class SignInLimited(Refusal):
    """There were too many failed tries. Facts: retry_seconds."""

    reason = "SIGN_IN_LIMITED"


class PasswordUnsuitable(Refusal):
    """A new password breaks a rule. Facts: field, rule."""

    reason = "PASSWORD_UNSUITABLE"


class RefreshTokenInvalid(Refusal):
    """The refresh token is none of ours, or its session is over."""

    reason = "REFRESH_TOKEN_INVALID"


class RefreshTokenReused(Refusal):
    """The refresh token was used before: somebody has a copy, and the session is revoked."""

    reason = "REFRESH_TOKEN_REUSED"


class UserNotFound(Refusal):
    """The caller's token is valid, but tells of nobody who is registered here."""

    reason = "USER_NOT_FOUND"


class SecondFactorMissing(Refusal):
    """The user has no authenticator, or none that waits to be confirmed, or it has waited too long."""

    reason = "SECOND_FACTOR_MISSING"


class SecondFactorInvalid(Refusal):
    """The code is wrong, or was used. Facts: problem."""

    reason = "SECOND_FACTOR_INVALID"


class SessionOver(Refusal):
    """The refresh token shown is not the current one of a session of the user's, though the access token lives on."""

    reason = "SESSION_OVER"


class ApiKeyInvalid(Refusal):
    """The API key is nobody's, was revoked, or has ended: which of these is not told."""

    reason = "API_KEY_INVALID"


class ApiKeyNotFound(Refusal):
    """There is no such API key, or for a rotation none that counts. Facts: api_key."""

    reason = "API_KEY_NOT_FOUND"


class ApiKeysFull(Refusal):
    """The service account has as many API keys as may count at once. Facts: maximum."""

    reason = "API_KEYS_FULL"
