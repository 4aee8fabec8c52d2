"""IdentityService: users, their sessions, and the keys of their tokens."""

from credit.v1 import identity_service_pb2 as pb
from creditd.domain.controls.access import SERVICE
from creditd.identity.key_ring import KeyRing
from creditd.identity.refusals import UserNotFound
from creditd.identity.second_factors import SecondFactors
from creditd.identity.sessions import Sessions, Tokens
from creditd.identity.sign_in import SignIn
from creditd.identity.user_ids import user_id_of
from creditd.server.credit_messages import timestamp
from creditd.server.peers import address_of
from creditd.service.call import Call


class SignInHandlers:
    """Users registered and signed in."""

    def __init__(self, sign_in: SignIn) -> None:
        """Sign users in by ``sign_in``."""
        self._sign_in = sign_in

    async def register(self, request: pb.RegisterRequest, call: Call) -> pb.RegisterResponse:
        """Answer Register."""
        await self._sign_in.register(request.email, request.password, address_of(call.peer))
        return pb.RegisterResponse()

    async def login(self, request: pb.LoginRequest, call: Call) -> pb.LoginResponse:
        """Answer Login."""
        tokens = await self._sign_in.log_in(request.email, request.password, address_of(call.peer))
        return pb.LoginResponse(user_id=tokens.user_id, tokens=tokens_message(tokens))

    async def change_password(self, request: pb.ChangePasswordRequest, call: Call) -> pb.ChangePasswordResponse:
        """Answer ChangePassword."""
        tokens, call.replayed = await self._sign_in.change_password(
            user_of(call), request.current_password, request.new_password, request.request_id, address_of(call.peer)
        )
        return pb.ChangePasswordResponse(tokens=tokens_message(tokens))


class SessionHandlers:
    """Sessions refreshed and revoked."""

    def __init__(self, sessions: Sessions) -> None:
        """Keep sessions by ``sessions``."""
        self._sessions = sessions

    async def refresh(self, request: pb.RefreshRequest, call: Call) -> pb.RefreshResponse:
        """Answer Refresh."""
        tokens, call.replayed = await self._sessions.refresh(
            request.refresh_token, request.request_id, address_of(call.peer)
        )
        return pb.RefreshResponse(user_id=tokens.user_id, tokens=tokens_message(tokens))

    async def revoke(self, request: pb.RevokeRequest, call: Call) -> pb.RevokeResponse:
        """Answer Revoke."""
        await self._sessions.revoke(user_of(call), request.refresh_token, address_of(call.peer))
        return pb.RevokeResponse()


class SecondFactorHandlers:
    """Authenticators enrolled, and shown."""

    def __init__(self, factors: SecondFactors) -> None:
        """Keep them by ``factors``."""
        self._factors = factors

    async def enrol_totp(self, request: pb.EnrolTotpRequest, call: Call) -> pb.EnrolTotpResponse:
        """Answer EnrolTotp."""
        enrolment = await self._factors.enrol(
            user_of(call), request.password, request.code, request.refresh_token, address_of(call.peer)
        )
        return pb.EnrolTotpResponse(**enrolment._asdict())

    async def confirm_totp(self, request: pb.ConfirmTotpRequest, call: Call) -> pb.ConfirmTotpResponse:
        """Answer ConfirmTotp."""
        codes = await self._factors.confirm(user_of(call), request.code, request.refresh_token, address_of(call.peer))
        return pb.ConfirmTotpResponse(recovery_codes=codes)

    async def regenerate_recovery_codes(
        self, request: pb.RegenerateRecoveryCodesRequest, call: Call
    ) -> pb.RegenerateRecoveryCodesResponse:
        """Answer RegenerateRecoveryCodes."""
        codes = await self._factors.regenerate(
            user_of(call), request.code, request.refresh_token, address_of(call.peer)
        )
        return pb.RegenerateRecoveryCodesResponse(recovery_codes=codes)

    async def step_up(self, request: pb.StepUpRequest, call: Call) -> pb.StepUpResponse:
        """Answer StepUp."""
        token = await self._factors.step_up(user_of(call), request.code, request.refresh_token, address_of(call.peer))
        return pb.StepUpResponse(access_token=token.text, access_token_expire_time=timestamp(token.expire_time))


class KeyHandlers:
    """The public keys that tokens are verified with."""

    def __init__(self, keys: KeyRing) -> None:
        """Show ``keys``."""
        self._keys = keys

    async def get_keys(self, request: pb.GetKeysRequest, call: Call) -> pb.GetKeysResponse:
        """Answer GetKeys."""
        del request, call
        keys = [
            pb.JsonWebKey(kid=key.kid, kty="OKP", crv="Ed25519", x=key.x, alg="EdDSA") for key in self._keys.public_keys
        ]
        return pb.GetKeysResponse(keys=keys)


def user_of(call: Call) -> str:
    """Return the id of the user who calls.

    Raises UserNotFound for a subject that no user of ours can have, and for a service account, whatever its id.
    """
    user_id = user_id_of(call.subject)
    if user_id is None or SERVICE in call.roles:
        raise UserNotFound
    return user_id


def tokens_message(tokens: Tokens) -> pb.SessionTokens:
    """Write a session's tokens."""
    return pb.SessionTokens(
        access_token=tokens.access_token,
        access_token_expire_time=timestamp(tokens.access_token_expire_time),
        refresh_token=tokens.refresh_token,
        refresh_token_expire_time=timestamp(tokens.refresh_token_expire_time),
    )
