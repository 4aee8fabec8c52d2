"""The adapter's connection to the service: one RPC."""

from collections.abc import Awaitable
from typing import Any

import grpc

from credit.v1.webhook_service_pb2 import IngestWebhookRequest, IngestWebhookResponse
from credit.v1.webhook_service_pb2_grpc import WebhookServiceStub
from creditd.front.service_channel import ServiceChannel, ServicePlace
from creditd.webhooks import limits
from creditd.webhooks.settings import WebhooksSettings


class IngestionChannel(ServiceChannel[WebhookServiceStub]):
    """A channel that webhooks are passed on by."""

    def __init__(self, settings: WebhooksSettings) -> None:
        """Connect at the first call. Raises InvalidSetting."""
        files = (settings.tls_ca_file, settings.tls_certificate_file, settings.tls_key_file)
        super().__init__(ServicePlace(settings.service, *files, "CREDITD_WEBHOOKS", limits.RPC_SECONDS), _stubs_over)

    def ingest(
        self, request: IngestWebhookRequest, metadata: tuple[tuple[str, str], ...]
    ) -> Awaitable[IngestWebhookResponse]:
        """Call the service, for limits.RPC_SECONDS at most. Raises grpc.aio.AioRpcError."""
        # Any: the stubs are typed as those that do not wait.
        method: Any = self.stubs.IngestWebhook
        call: Awaitable[IngestWebhookResponse] = method(request, timeout=limits.RPC_SECONDS, metadata=metadata)
        return call


def _stubs_over(channel: grpc.aio.Channel) -> WebhookServiceStub:
    return WebhookServiceStub(channel)
