"""Balance alerts as messages of credit.v1."""

from credit.v1 import balance_alert_pb2 as pb
from creditd.domain.events.balance_alert import BalanceAlert


def alert_message(alert: BalanceAlert) -> pb.BalanceAlert:
    """Write an alert."""
    return pb.BalanceAlert(credit_type=alert.credit_type, below=alert.below)
