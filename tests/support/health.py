"""What a server that was started as a command tells of its health."""

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.support.programs import PATIENCE_SECONDS, Creditd


def is_serving(creditd: Creditd) -> bool:
    """Ask for the server's health."""
    with grpc.insecure_channel(creditd.settings["CREDITD_LISTEN"]) as channel:
        answer = HealthStub(channel).Check(HealthCheckRequest(), wait_for_ready=True, timeout=PATIENCE_SECONDS)
        return bool(answer.status == HealthCheckResponse.SERVING)
