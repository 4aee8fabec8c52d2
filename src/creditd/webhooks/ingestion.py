"""The service as the adapter sees it: one RPC."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import grpc

from credit.v1.webhook_service_pb2 import IngestWebhookRequest, WebhookHeader
from creditd.webhooks.answers import Answer, answer_to, answer_to_failure
from creditd.webhooks.channel import IngestionChannel
from creditd.webhooks.senders import Sender
from creditd.webhooks.settings import Token

MAX_ADDRESS_LENGTH: Final = 64
"""What the service takes (`IngestWebhookRequest.remote_address`)."""


class Arrived(NamedTuple):
    """A webhook as it arrived.

    Names of headers are in small letters; values are latin-1, so that any byte is a character, and can be had back.
    ``remote_address`` is an IP address, or empty if it is not known.
    """

    sender: Sender
    body: bytes
    headers: Iterable[tuple[str, str]]
    remote_address: str


class Ingestion:
    """Passes webhooks on over a channel, which stays its owner's to close."""

    def __init__(self, channel: IngestionChannel, token: Token) -> None:
        """Call over ``channel``, each call with the token of the moment."""
        self._channel = channel
        self._token = token

    @property
    def is_reachable(self) -> bool:
        """Whether there is a connection at the moment; asking has one made."""
        return self._channel.is_reachable

    async def ingest(self, arrived: Arrived, correlation_id: str) -> Answer:
        """Pass a webhook on, and return what its sender is answered, within limits.RPC_SECONDS.

        With the service away it says so at once; the provider's next try is the better wait.
        """
        metadata = (("authorization", f"Bearer {self._token()}"), ("x-correlation-id", correlation_id))
        try:
            response = await self._channel.ingest(_request(arrived), metadata)
        except grpc.aio.AioRpcError as error:
            return answer_to_failure(error)
        return answer_to(response)


def _request(arrived: Arrived) -> IngestWebhookRequest:
    matter = arrived.sender.headers
    return IngestWebhookRequest(
        provider=arrived.sender.provider,
        body=arrived.body,
        headers=[WebhookHeader(name=name, value=value) for name, value in arrived.headers if name in matter],
        remote_address=arrived.remote_address[:MAX_ADDRESS_LENGTH],
    )
