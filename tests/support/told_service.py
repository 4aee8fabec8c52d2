"""What stands where the service would: a real gRPC server with IngestWebhook, which answers as it is told."""

import asyncio
from typing import Any, NamedTuple

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from credit.v1.webhook_service_pb2 import DESCRIPTOR, IngestResult, IngestWebhookRequest, IngestWebhookResponse

SECRET = "what only we should know"  # noqa: S105 - it is to be looked for.


_RESULT_TAG = 8
"""Field 1, a number: written by hand, as results that are not in the proto cannot be written otherwise."""


class Taken(NamedTuple):
    """A call as it came."""

    request: IngestWebhookRequest
    metadata: dict[str, Any]
    seconds_left: float
    shown: bytes
    """The caller's certificate in PEM, if it has shown one."""


class Refused(NamedTuple):
    """How a call is refused; without a reason it carries no details, as what others send; 0 seconds: no RetryInfo."""

    code: StatusCode
    reason: str = ""
    retry_seconds: int = 0


class ToldService:
    """Answers with ``refusal`` or else with ``result``; while ``open`` is not set, calls wait for it."""

    def __init__(self) -> None:
        """Take all webhooks for stored."""
        self.result = int(IngestResult.INGEST_RESULT_STORED)
        self.refusal: Refused | None = None
        self.delay_seconds = 0.0
        self.open = asyncio.Event()
        self.open.set()
        self.taken: list[Taken] = []
        self.address = "127.0.0.1:0"
        self._server: grpc.aio.Server | None = None

    async def start(self, credentials: grpc.ServerCredentials | None = None) -> None:
        """Listen: the first time on a free port, then on the same again."""
        self._server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(
            self._ingest, IngestWebhookRequest.FromString, IngestWebhookResponse.SerializeToString
        )
        name = DESCRIPTOR.services_by_name["WebhookService"].full_name
        service = grpc.method_handlers_generic_handler(name, {"IngestWebhook": handler})
        self._server.add_generic_rpc_handlers((service,))
        if credentials:
            port = self._server.add_secure_port(self.address, credentials)
        else:
            port = self._server.add_insecure_port(self.address)
        await self._server.start()
        self.address = f"127.0.0.1:{port}"

    async def stop(self) -> None:
        """Go away at once, with what is under way."""
        if self._server:
            await self._server.stop(0)

    async def hold(self) -> None:
        """Keep callers waiting."""
        self.open.clear()

    async def release(self) -> None:
        """Answer them."""
        self.open.set()

    async def _ingest(self, request: IngestWebhookRequest, context: Any) -> IngestWebhookResponse:
        metadata = dict(context.invocation_metadata())
        (shown,) = context.auth_context().get("x509_pem_cert", (b"",))
        self.taken.append(Taken(request, metadata, context.time_remaining(), shown))
        await self.open.wait()
        await asyncio.sleep(self.delay_seconds)
        if self.refusal:
            details = (("grpc-status-details-bin", _status(self.refusal)),) if self.refusal.reason else ()
            await context.abort(self.refusal.code, SECRET, details)
        return IngestWebhookResponse.FromString(bytes([_RESULT_TAG, self.result]))


def _status(refused: Refused) -> bytes:
    info, retry = AnyMessage(), AnyMessage()
    info.Pack(ErrorInfo(reason=refused.reason, domain="credit.v1", metadata={"problem": SECRET}))
    retry.Pack(RetryInfo(retry_delay=Duration(seconds=refused.retry_seconds)))
    details = [retry, info] if refused.retry_seconds else [info]
    return Status(code=refused.code.value[0], message=SECRET, details=details).SerializeToString()
