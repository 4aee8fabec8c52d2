"""Whoever could rewrite what is kept of sign-ins does not serve them, unless it is said."""

import logging
from dataclasses import replace

import pytest

from creditd.bootstrap import IdentityCore
from tests.support.service import RunningService


@pytest.mark.requirement("I7")
def test_an_owner_does_not_serve_identity_unless_told_so(
    service: RunningService, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so once, and what to do; the URL in these settings is the owner's."""
    core = IdentityCore(service.config)
    with caplog.at_level(logging.WARNING):
        assert [core.is_ready() for _ in range(3)] == [False] * 3
    (warning,) = caplog.messages
    assert "could rewrite identity's history" in warning
    assert "a member of creditd_identity and nothing more" in warning
    assert warning.endswith("or set CREDITD_REQUIRE_LEAST_PRIVILEGE to false")
    core.close()
    told = IdentityCore(replace(service.config, require_least_privilege=False))
    assert told.is_ready()
    told.close()
