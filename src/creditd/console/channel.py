"""The console's connection to the service."""

from typing import Any

import grpc

from credit.v1.access_service_pb2_grpc import AccessServiceStub
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.api_key_service_pb2_grpc import ApiKeyServiceStub
from credit.v1.approval_service_pb2_grpc import ApprovalServiceStub
from credit.v1.audit_service_pb2_grpc import AuditServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.event_endpoint_service_pb2_grpc import EventEndpointServiceStub
from credit.v1.identity_service_pb2_grpc import IdentityServiceStub
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from credit.v1.payment_service_pb2_grpc import PaymentServiceStub
from credit.v1.promo_service_pb2_grpc import PromoServiceStub
from credit.v1.statement_service_pb2_grpc import StatementServiceStub
from credit.v1.support_service_pb2_grpc import SupportServiceStub
from creditd.console import limits
from creditd.console.settings import ConsoleSettings
from creditd.front.service_channel import ServiceChannel, ServicePlace


class Stubs:
    """The services, each by its name, over one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Call over ``channel``."""
        # Any: what the stubs of asyncio are is known to type checkers alone.
        self.access: Any = AccessServiceStub(channel)
        self.admin: Any = AdminServiceStub(channel)
        self.api_key: Any = ApiKeyServiceStub(channel)
        self.approval: Any = ApprovalServiceStub(channel)
        self.audit: Any = AuditServiceStub(channel)
        self.credit: Any = CreditServiceStub(channel)
        self.endpoint: Any = EventEndpointServiceStub(channel)
        self.identity: Any = IdentityServiceStub(channel)
        self.payment: Any = PaymentServiceStub(channel)
        self.payment_admin: Any = PaymentAdminServiceStub(channel)
        self.promo: Any = PromoServiceStub(channel)
        self.statement: Any = StatementServiceStub(channel)
        self.support: Any = SupportServiceStub(channel)


ConsoleChannel = ServiceChannel[Stubs]


def console_channel(settings: ConsoleSettings) -> ConsoleChannel:
    """Return a channel that connects at the first call. Raises InvalidSetting."""
    files = (settings.tls_ca_file, settings.tls_certificate_file, settings.tls_key_file)
    return ConsoleChannel(ServicePlace(settings.service, *files, "CREDITD_CONSOLE", limits.RPC_SECONDS), Stubs)
