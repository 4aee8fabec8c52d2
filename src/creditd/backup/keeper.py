"""The small shell between us and PostgreSQL, by which PostgreSQL ends with us however we end, by SIGKILL too.

The keeper waits at a pipe of which only we hold the other end, and shuts PostgreSQL down when that end closes. Both are
in a session of their own, so that Ctrl-C reaches us alone and PostgreSQL goes in order, after its last client.
"""

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from creditd.backup.postgres_account import environment

_STOP_SECONDS: Final = 60.0

# TERM, from us or from the reader of the pipe, asks PostgreSQL for a fast shutdown, which is its INT. A shell starts
# what goes on beside it with INT ignored, so that one that comes before PostgreSQL listens is lost: it is told again
# until it has ended, and hears what it heard already without harm. `wait` returns at every signal, hence the loop.
_SCRIPT: Final = """
stopping= server=
exec 3<&0 </dev/null
trap 'stopping=1; kill -INT "$server" 2>/dev/null' TERM
"$@" 3<&- &
server=$!
(trap - TERM; read -r _; kill -TERM $$ 2>/dev/null) <&3 3<&- &
reader=$!
exec 3<&-
until [ "$stopping" ] || ! kill -0 "$server" 2>/dev/null; do wait "$server"; done
while kill -INT "$server" 2>/dev/null; do sleep 0.1 || sleep 1; done
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
    # Both ways at once: a forked child of ours that lives on may still hold the pipe open.
    keeper.terminate()
    if keeper.stdin is not None:
        keeper.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        keeper.wait(_STOP_SECONDS)
