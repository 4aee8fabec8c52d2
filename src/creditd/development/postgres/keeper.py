"""The small shell between us and PostgreSQL, by which PostgreSQL ends with us however we end, by SIGKILL too.

The keeper waits at a pipe of which only we hold the other end, and shuts PostgreSQL down when that end closes. Both are
in a session of their own, so that Ctrl-C reaches us alone and PostgreSQL goes in order, after its last client.
"""

import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from creditd.development.postgres.programs import environment

_STOP_SECONDS: Final = 60.0

_AGAIN_SECONDS: Final = 1
"""After which PostgreSQL is asked to shut down once more: it hears nothing before it has read its settings."""

# TERM, from us or from the reader of the pipe, asks PostgreSQL for a fast shutdown, which is its INT. A shell starts
# what goes on beside it with INT ignored, so that one that comes before PostgreSQL listens is lost; one that comes
# again changes nothing. `wait` returns at every signal, hence the loop.
_SCRIPT: Final = f"""
exec 3<&0 </dev/null
trap : TERM
"$@" 3<&- &
server=$!
trap 'kill -INT "$server" 2>/dev/null' TERM
(trap - TERM; read -r _; while kill -TERM $$ 2>/dev/null; do sleep {_AGAIN_SECONDS}; done) <&3 3<&- &
reader=$!
exec 3<&-
while kill -0 "$server" 2>/dev/null; do wait "$server"; done
kill "$reader" 2>/dev/null
exit 0
"""


def start_keeper(account: list[str], command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Run the command under a keeper; ``account`` goes before both. Their output is added to the log."""
    log.touch(mode=0o600)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the program and its arguments are our own.
            [*account, "/bin/sh", "-c", _SCRIPT, "creditd-postgres-keeper", *command],
            cwd="/",
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end_keeper(keeper: subprocess.Popen[bytes]) -> None:
    """Has PostgreSQL shut down and waits for it, for a minute at most."""
    deadline = time.monotonic() + _STOP_SECONDS
    while keeper.poll() is None and time.monotonic() < deadline:
        keeper.terminate()
        with suppress(subprocess.TimeoutExpired):
            keeper.wait(_AGAIN_SECONDS)
    if keeper.stdin is not None:
        keeper.stdin.close()
