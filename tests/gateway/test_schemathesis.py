"""Schemathesis calls all that is described, with what fits and what does not, and finds nothing (H5)."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.gateway.envoy import ENVIRONMENT, Gateway, Shown
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

EXAMPLES = int(os.environ.get("CREDITD_TEST_EXAMPLES", "0"))
"""Of each operation, drawn at random: `make gateway-tests EXAMPLES=20` searches further. Unset, a few."""

FEW = 2

BOUNDS = """\
[phases.coverage]
# Another method at a path is no path, which test_errors.py shows.
unexpected-methods = []
"""

FITTING = BOUNDS + 'generation.mode = "positive"\n'
"""Of each bound what is within it alone: most calls are of what is beyond, and some of that is drawn as well."""

ROLES = ("ADMIN", "SERVICE") if EXAMPLES else ("ADMIN",)
"""An administrator may call all; a service is refused most of it."""

SCOPES = {"SERVICE": "credits.spend credits.read credits.admin payments.write"}

SEED = 20261128
"""The same calls each time: what it finds is a fault, and no matter of luck."""


@pytest.mark.timeout(1_800 if EXAMPLES else 200)
@pytest.mark.parametrize("role", ROLES)
def test_it_finds_nothing(gateway: Gateway, tmp_path: Path, shown: Shown, role: str) -> None:
    token = bearer("schemathesis", [role], SCOPES.get(role, ""), mfa_time=time.time())
    (tmp_path / "schemathesis.toml").write_text(BOUNDS if EXAMPLES else FITTING, encoding="utf-8")
    command = [
        str(ENVIRONMENT / "bin" / "schemathesis"),
        "--no-color",
        "run",
        f"{gateway.url}/openapi.json",
        f"--tls-verify={gateway.authority}",
        f"--header=Authorization: {token}",
        f"--checks={','.join(CHECKS)}",
        f"--max-examples={EXAMPLES or FEW}",
        f"--seed={SEED}",
        "--phases=examples,coverage,fuzzing",
        "--workers=2",
        "--request-timeout=40",
        "--continue-on-failure",
        # A stream has no end.
        "--exclude-operation-id=WatchBalance",
    ]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    shown(summary_of(run.stdout))
    assert run.returncode == 0, run.stdout[-20_000:] + run.stderr[-5_000:]


def summary_of(said: str) -> str:
    """Return the end of what it says: how many operations and calls there were, and what came of them."""
    return said[said.rfind("= SUMMARY =") :]
