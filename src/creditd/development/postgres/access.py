"""Who may log in: over the socket the user that started PostgreSQL, over TCP whoever has the password, nobody else."""

import os
import pwd
from pathlib import Path
from typing import Final

from creditd.development.postgres.programs import Owner, give

_MAP: Final = "creditd"

_RULES: Final = f"""# Written at each start.
local all all peer map={_MAP}
local replication all peer map={_MAP}
host all all 127.0.0.1/32 scram-sha-256
"""


def write_access(cluster: Path, owner: Owner | None) -> None:
    """Write who may log in, in place of what an earlier start or an older version has written.

    The kernel tells PostgreSQL which user a connection over the socket is of. The one that started it may become any
    role of the database; the one that it runs under, where that is another, has no business there.
    """
    user = pwd.getpwuid(os.geteuid()).pw_name.replace('"', '""')
    for name, text in (("pg_hba.conf", _RULES), ("pg_ident.conf", f'# Written at each start.\n{_MAP} "{user}" all\n')):
        fresh = cluster / f"{name}.new"
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(text, encoding="utf-8")
        give(fresh, owner)
        fresh.replace(cluster / name)
