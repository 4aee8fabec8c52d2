"""AdminService: balance alerts."""

from credit.v1 import balance_alert_pb2 as pb
from creditd.domain.events.balance_alert import BalanceAlert
from creditd.domain.resource_names import id_in
from creditd.server.acts import act_of
from creditd.server.alert_messages import alert_message
from creditd.server.requests import stated_version
from creditd.service.call import Call
from creditd.service.events.balance_alerts import BalanceAlerts


class AlertHandlers:
    """Balance alerts, set and shown."""

    def __init__(self, alerts: BalanceAlerts) -> None:
        """Act by ``alerts``."""
        self._alerts = alerts

    async def set_balance_alerts(self, request: pb.SetBalanceAlertsRequest, call: Call) -> pb.SetBalanceAlertsResponse:
        """Answer SetBalanceAlerts."""
        account = await self._alerts.set(
            call,
            id_in(request.name),
            tuple(BalanceAlert(alert.credit_type, alert.below) for alert in request.alerts),
            act_of(call, request),
            version=stated_version(request),
            dry_run=request.validate_only,
        )
        return pb.SetBalanceAlertsResponse(alerts=map(alert_message, account.alerts), version=account.version)

    async def get_balance_alerts(self, request: pb.GetBalanceAlertsRequest, call: Call) -> pb.GetBalanceAlertsResponse:
        """Answer GetBalanceAlerts."""
        del call
        account = await self._alerts.get(id_in(request.name))
        return pb.GetBalanceAlertsResponse(alerts=map(alert_message, account.alerts), version=account.version)
