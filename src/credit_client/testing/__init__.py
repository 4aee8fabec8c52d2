"""A real credit service for the tests of whoever spends credits; a plugin of pytest. Needs ``credit-client[testing]``.

    def test_a_hold_expires_with_its_program(credit_server, credit_accounts):
        ann = credit_accounts("ann")
        credit_server.give(ann, "chat", 100)
        held = credit_server.credits.call(ReserveRequest(account_id=ann, credit_type="chat", amount=30))
        credit_server.clock.advance(minutes=6)
        assert credit_server.available(ann, "chat") == 100

It is refused where a production database is configured.
"""

from credit_client.testing.server import Clock, LocalServer, NotStarted, local_server

__all__ = ["Clock", "LocalServer", "NotStarted", "local_server"]
