"""The only place that wires everything: configuration in, a running service out."""

from creditd.bootstrap.core import Core
from creditd.bootstrap.service import Service
from creditd.bootstrap.telemetry import Telemetry
from creditd.bootstrap.transport import TransportFailure

__all__ = ["Core", "Service", "Telemetry", "TransportFailure"]
