"""The only place that wires everything: configuration in, a running service out."""

from creditd.bootstrap.core import Core
from creditd.bootstrap.cores import Cores
from creditd.bootstrap.identity import IdentityCore
from creditd.bootstrap.service import Service
from creditd.bootstrap.telemetry import Telemetry
from creditd.bootstrap.transport import TransportFailure

__all__ = ["Core", "Cores", "IdentityCore", "Service", "Telemetry", "TransportFailure"]
