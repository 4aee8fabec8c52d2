"""Accounts that cross the figure of a balance alert again and again, and so have events told of them."""

import random

from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.balance_alert_pb2 import BalanceAlert, SetBalanceAlertsRequest
from tests.faults.arena import STAFF
from tests.faults.audit import OF_THE_BATTERY
from tests.faults.client import open_channel
from tests.faults.mix import SIGN_UP_CREDITS, Mix, Perform
from tests.faults.operations import CREDIT_TYPE, refund, reserve

CALLERS = 12
"""They leave the processors to the servers that start, of which one is nearly always at it."""

ACCOUNTS = 12
"""As many as callers: now one has an account to itself, now several cross its figure together."""

BELOW = SIGN_UP_CREDITS - 5
SHORT_SHARE = 0.1
"""Of the holds, left to the sweep."""


class Crossings(Mix):
    """Holds that take an account below its figure, and are given back, or end by themselves."""

    def story(self, perform: Perform) -> None:
        """Hold, and most often give back."""
        account_id = f"crossing-{random.randrange(ACCOUNTS)}"
        if random.random() < SHORT_SHARE:
            perform(reserve(account_id, random.randint(6, 20), 1))
            return
        held = perform(reserve(account_id, random.randint(6, 20)))
        if held.is_done:
            perform(refund(held))


def set_alerts(address: str) -> None:
    """Set the alerts, by a server at an address."""
    with open_channel(address) as channel:
        for number in range(ACCOUNTS):
            request = SetBalanceAlertsRequest(
                name=f"accounts/crossing-{number}",
                alerts=[BalanceAlert(credit_type=CREDIT_TYPE, below=BELOW)],
                reason="to be told",
                request_id=f"{OF_THE_BATTERY}{number}",
            )
            AdminServiceStub(channel).SetBalanceAlerts(request, metadata=STAFF, timeout=10)
