"""ApiKeyService: the API keys of service accounts."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from credit.v1 import api_key_service_pb2 as pb
from creditd.domain.resource_names import api_key_name, id_in
from creditd.identity.api_keys import ApiKeys, KeyAct
from creditd.identity.storage.api_keys import ApiKey
from creditd.server.credit_messages import timestamp
from creditd.server.peers import address_of
from creditd.service.call import Call
from creditd.service.pages import Asked, PageTokens, query_of


class ApiKeyHandlers:
    """Keys made, listed, rotated, revoked and exchanged."""

    def __init__(self, api_keys: ApiKeys, tokens: PageTokens) -> None:
        """Keep keys by ``api_keys``, and seal pages by ``tokens``."""
        self._api_keys = api_keys
        self._tokens = tokens

    async def create_api_key(self, request: pb.CreateApiKeyRequest, call: Call) -> pb.CreateApiKeyResponse:
        """Answer CreateApiKey."""
        act = _act(call, request.reason, request.request_id)
        made = await self._api_keys.create(request.service_account_id, _seconds(request, "ttl"), act)
        call.replayed = not made.secret
        return pb.CreateApiKeyResponse(api_key=api_key_message(made.key), secret=made.secret)

    async def list_api_keys(self, request: pb.ListApiKeysRequest, call: Call) -> pb.ListApiKeysResponse:
        """Answer ListApiKeys."""
        account, asked = request.service_account_id, Asked(request.page_size, request.page_token)
        query = query_of("apiKeys", service_account_id=account)
        before = str(self._tokens.open(query, asked.page_token)) if asked.page_token else ""
        found = await self._api_keys.page(account, before, asked.size + 1, call.subject)
        page = self._tokens.page(query, found, asked.size, api_key_message, lambda key: key.api_key_id)
        return pb.ListApiKeysResponse(api_keys=page.items, next_page_token=page.next_page_token)

    async def rotate_api_key(self, request: pb.RotateApiKeyRequest, call: Call) -> pb.RotateApiKeyResponse:
        """Answer RotateApiKey."""
        act = _act(call, request.reason, request.request_id)
        made = await self._api_keys.rotate(
            id_in(request.name), _seconds(request, "ttl"), _seconds(request, "overlap"), act
        )
        call.replayed = not made.secret
        return pb.RotateApiKeyResponse(api_key=api_key_message(made.key), secret=made.secret)

    async def revoke_api_key(self, request: pb.RevokeApiKeyRequest, call: Call) -> pb.RevokeApiKeyResponse:
        """Answer RevokeApiKey."""
        key = await self._api_keys.revoke(id_in(request.name), _act(call, request.reason))
        return pb.RevokeApiKeyResponse(api_key=api_key_message(key))

    async def exchange_api_key(self, request: pb.ExchangeApiKeyRequest, call: Call) -> pb.ExchangeApiKeyResponse:
        """Answer ExchangeApiKey."""
        account, token = await self._api_keys.exchange(request.secret, address_of(call.peer))
        return pb.ExchangeApiKeyResponse(
            access_token=token.text, access_token_expire_time=timestamp(token.expire_time), service_account_id=account
        )


def api_key_message(key: ApiKey) -> pb.ApiKey:
    """Write a key."""
    return pb.ApiKey(
        name=api_key_name(key.api_key_id),
        service_account_id=key.service_account_id,
        prefix=key.prefix,
        create_time=timestamp(key.create_time),
        expire_time=timestamp(key.expire_time),
        last_use_time=None if key.last_use_time is None else timestamp(key.last_use_time),
        revoke_time=None if key.revoke_time is None else timestamp(key.revoke_time),
        created_by=key.created_by,
        reason=key.reason,
        revoked_by=key.revoked_by,
        revoke_reason=key.revoke_reason,
    )


def _act(call: Call, reason: str, request_id: str = "") -> KeyAct:
    return KeyAct(call.subject, call.person, address_of(call.peer), reason, request_id)


def _seconds(request: Message, field: str) -> int | None:
    """Return a duration in whole seconds; None if it is not stated."""
    if not request.HasField(field):
        return None
    duration: Duration = getattr(request, field)
    return duration.seconds
