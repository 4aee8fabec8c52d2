"""Faults in what runs beside the service on a machine: the embedded PostgreSQL, certificates, logs."""

from tests.mutants.fault import Fault

_ACCESS = "tests/storage/test_embedded_access.py"
_REVIVAL = "tests/storage/test_revival.py"

MACHINE_FAULTS = (
    Fault(
        "whoever reaches the embedded PostgreSQL's socket is trusted",
        "storage/embedded/access.py",
        "local all all peer map={_MAP}",
        "local all all trust",
        (_ACCESS,),
    ),
    Fault(
        "the socket's folder stays as open as it was",
        "storage/embedded/server.py",
        "        folder.chmod(0o700)\n",
        "",
        (_ACCESS,),
    ),
    Fault(
        "an embedded PostgreSQL that died stays dead",
        "storage/embedded/revival.py",
        "            if self._server.is_dead:\n",
        "            if not self._server:\n",
        (_REVIVAL,),
    ),
    Fault(
        "one that cannot start is tried once",
        "storage/embedded/revival.py",
        "        except Exception:  # noqa: BLE001",
        "        except KeyError:  # noqa: BLE001",
        (_REVIVAL,),
    ),
)
