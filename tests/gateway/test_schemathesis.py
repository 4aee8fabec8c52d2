"""Schemathesis calls all that is described, with what fits and what does not, and finds nothing (H5)."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.gateway.envoy import ENVIRONMENT, Gateway
from tests.support.tokens import bearer

pytestmark = [pytest.mark.gateway, pytest.mark.requirement("H5")]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "ignored_auth",
)
"""Not whether what fits the description is taken, or what does not is refused: rules between fields, and what the state
of an account allows, are not in it; unknown fields are passed over; and another method at a path is no path (404)."""

EXAMPLES = 6
"""Of each operation, drawn at random."""

PHASES = {"ADMIN": "examples,coverage,fuzzing", "SERVICE": "fuzzing"}
"""What stands in the description, every bound of it, and what is drawn. A service is refused much: once is enough."""

SEED = 20261128
"""The same calls each time: what it finds is a fault, and no matter of luck."""


@pytest.mark.timeout(200)
@pytest.mark.parametrize("role", PHASES)
def test_it_finds_nothing(gateway: Gateway, tmp_path: Path, role: str) -> None:
    scopes = "credits.spend credits.read credits.admin payments.write" if role == "SERVICE" else ""
    token = bearer("schemathesis", [role], scopes, mfa_time=time.time())
    command = [
        str(ENVIRONMENT / "bin" / "schemathesis"),
        "--no-color",
        "run",
        f"{gateway.url}/openapi.json",
        f"--tls-verify={gateway.authority}",
        f"--header=Authorization: {token}",
        f"--checks={','.join(CHECKS)}",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        f"--phases={PHASES[role]}",
        "--workers=2",
        "--request-timeout=40",
        "--continue-on-failure",
        # A stream has no end.
        "--exclude-operation-id=WatchBalance",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    print(summary_of(run.stdout))
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]


def summary_of(said: str) -> str:
    """Return the end of what it says: how many operations and calls there were, and what came of them."""
    return said[said.rfind("= SUMMARY =") :]
