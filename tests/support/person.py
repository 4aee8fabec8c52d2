"""Somebody who registers and signs in."""

import base64
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from credit.v1 import identity_service_pb2 as pb
from tests.support.service import RunningService

PASSWORD = "correct horse battery"  # noqa: S105 - of the tests, and of nothing else.


@dataclass
class Person:
    """A person with an email of their own, and what they do, in a word each."""

    service: RunningService
    email: str
    password: str = PASSWORD
    numbers: "count[int]" = field(default_factory=count)

    @property
    def stranger(self) -> SimpleNamespace:
        """Return the stubs of whoever has no token."""
        return self.service.as_bearer("")

    def register(self) -> pb.RegisterResponse:
        """Register."""
        answer: pb.RegisterResponse = self.stranger.identity.Register(self.registering())
        return answer

    def registering(self, **fields: Any) -> pb.RegisterRequest:
        """Return the request to register."""
        return pb.RegisterRequest(**{"email": self.email, "password": self.password} | fields)

    def log_in(self, **fields: Any) -> pb.LoginResponse:
        """Sign in."""
        answer: pb.LoginResponse = self.stranger.identity.Login(self.logging_in(**fields))
        return answer

    def signed_in(self, **fields: Any) -> "SignedIn":
        """Sign in, and return the session."""
        return SignedIn(self, self.log_in(**fields).tokens)

    def logging_in(self, **fields: Any) -> pb.LoginRequest:
        """Return the request to sign in."""
        return pb.LoginRequest(**{"email": self.email, "password": self.password} | fields)

    def refresh(self, token: str, **fields: Any) -> pb.RefreshResponse:
        """Get new tokens."""
        answer: pb.RefreshResponse = self.stranger.identity.Refresh(self.refreshing(token, **fields))
        return answer

    def refreshing(self, token: str, **fields: Any) -> pb.RefreshRequest:
        """Return the request for new tokens."""
        return pb.RefreshRequest(**{"refresh_token": token, "request_id": str(uuid4())} | fields)


@dataclass
class SignedIn:
    """A person's session, and the calls that need it."""

    person: Person
    tokens: pb.SessionTokens

    @cached_property
    def stubs(self) -> SimpleNamespace:
        """The stubs that carry its access token."""
        return self.person.service.as_bearer(self.tokens.access_token)

    def enrolling(self, code: str = "", **fields: Any) -> pb.EnrolTotpRequest:
        """Return the request for an authenticator's secret."""
        usual = {"password": self.person.password, "code": code, "refresh_token": self.tokens.refresh_token}
        return pb.EnrolTotpRequest(**usual | fields)

    def confirming(self, code: str) -> pb.ConfirmTotpRequest:
        """Return the request that shows that the authenticator has the secret."""
        return pb.ConfirmTotpRequest(code=code, refresh_token=self.tokens.refresh_token)

    def regenerating(self, code: str) -> pb.RegenerateRecoveryCodesRequest:
        """Return the request for new recovery codes."""
        return pb.RegenerateRecoveryCodesRequest(code=code, refresh_token=self.tokens.refresh_token)

    def stepping_up(self, code: str) -> pb.StepUpRequest:
        """Return the request for a token that tells of a second factor."""
        return pb.StepUpRequest(code=code, refresh_token=self.tokens.refresh_token)

    def step_up(self, code: str) -> str:
        """Return such a token."""
        return str(self.stubs.identity.StepUp(self.stepping_up(code)).access_token)

    def enrol(self) -> tuple["Phone", list[str]]:
        """Enrol a telephone, and return it and the recovery codes."""
        phone = Phone(self.person, self.stubs.identity.EnrolTotp(self.enrolling()).secret)
        return phone, list(self.stubs.identity.ConfirmTotp(self.confirming(phone.code())).recovery_codes)


class Phone:
    """An authenticator, by the service's clock."""

    def __init__(self, person: Person, secret: str) -> None:
        self._person = person
        self._totp = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - as authenticators have it.

    def code(self, steps: int = 0) -> str:
        """Return what it shows now, or so many steps from now."""
        seconds = self._person.service.clock.now() // 1_000_000 + 30 * steps
        return self._totp.generate(seconds).decode()

    def next_code(self) -> str:
        """Wait for a code that was not shown yet."""
        self._person.service.clock.advance(30)
        return self.code()
