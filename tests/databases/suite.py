"""Other tests of ours, run on a database of another kind."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

WORKERS = "2"

NO_MATTER_OF_DATABASES = (
    # They run on a PostgreSQL of their own, whatever is given here.
    "tests/contract/test_database_gone.py",
    # Whom the edge lets in, before anything is asked of a database.
    "tests/contract/test_tls.py",
    "tests/contract/test_client_certificates.py",
    "tests/contract/test_callers.py",
)

CONTRACT = ("tests/contract", *(f"--ignore={file}" for file in NO_MATTER_OF_DATABASES))
"""All that the service promises of what it keeps."""

WHERE_CONNECTIONS_SHOW = (
    # What a login and the application's role may do, and what is made of one that may not.
    "tests/contract/test_append_only.py",
    "tests/contract/test_unready.py",
    # How long a connection waits, for whom, and how it is called back.
    "tests/contract/test_database_codes.py",
    "tests/contract/test_locked.py",
    "tests/contract/test_under_way.py",
    "tests/contract/payments/test_bulkheads.py",
    # Locks and savepoints that hold for a transaction, and no longer.
    "tests/contract/test_validate_only.py",
    "tests/contract/payments/test_request_ids.py",
    "tests/contract/payments/test_staff_repeats.py",
    # Every kind of statement, often enough to be prepared, alone and in a batch; and many reads one after the other.
    "tests/contract/test_batches.py",
    "tests/contract/test_opening.py",
    "tests/contract/test_replays.py",
    "tests/contract/test_traps_of_time.py",
    "tests/contract/test_verify_ledger.py",
    "tests/contract/test_watch_balance.py",
    "tests/contract/payments/test_ingest_webhook.py",
)
"""What depends on who connects, and by what. All else is SQL, which is the same for every connection: it is seen on the
oldest version by PgBouncer, which keeps nothing of a connection from one transaction to the next, and on the newest by
``make test``."""


def run_suite(*paths: str, workers: str = WORKERS, **environment: str) -> None:
    """Run tests in a pytest of their own, with these variables of tests.postgres; fail unless all of them pass."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CREDITD"))}
    # From the controlling process on: it makes no cluster of its own where one is named.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *paths, "-n", workers, "--dist", "worksteal", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=inherited | environment,
        check=False,
    )
    assert done.returncode == 0, f"the suite failed on {environment}"
