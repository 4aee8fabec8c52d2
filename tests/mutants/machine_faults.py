"""Faults in what runs beside the service on a machine: the embedded PostgreSQL, certificates, logs."""

from tests.mutants.fault import Fault

_ACCESS = "tests/development/postgres/test_access.py"
_CERTIFICATES = "tests/test_certificates.py"
_CONFIG = "tests/config/test_environment.py"
_REVIVAL = "tests/development/postgres/test_revival.py"

MACHINE_FAULTS = (
    Fault(
        "an expired certificate is served",
        "certificates.py",
        "    if now >= certificate.not_valid_after_utc:\n",
        "    if now >= certificate.not_valid_after_utc and not file:\n",
        (_CERTIFICATES,),
        "test_one_that_cannot_be_used_is_refused",
    ),
    Fault(
        "only the first certificate of a chain is looked at",
        "certificates.py",
        "    for one in chain:\n",
        "    for one in chain[:1]:\n",
        (_CERTIFICATES,),
        "test_a_chain_ends_with_its_first_certificate_that_does",
    ),
    Fault(
        "the key of another certificate is taken",
        "certificates.py",
        "    if _public_key(*key) != _spki(chain[0].public_key()):\n",
        "    if not _public_key(*key):\n",
        (_CERTIFICATES,),
        "test_one_that_cannot_be_used_is_refused",
    ),
    Fault(
        "the log does not say where a call came from",
        "server/pipeline.py",
        "                address_of(exchange.peer),\n",
        '                "",\n',
        ("tests/cli/test_serve.py",),
        "test_the_line_of_a_call_says_where_it_came_from",
    ),
    Fault(
        "an outage fills the log",
        "telemetry/failures.py",
        "        if time.monotonic() < self.next_line:\n",
        "        if self.rounds < 0:\n",
        ("tests/telemetry/test_failures.py",),
        "test_each_failure_is_logged_once_also_those_of_one_kind",
    ),
    Fault(
        "the end of an outage is not told",
        "telemetry/failures.py",
        "        if self._outage is not None:\n            seconds",
        "        if self._outage is None:\n            seconds",
        ("tests/telemetry/test_failures.py",),
        "test_an_outage_is_a_line_at_first_then_one_a_minute_with_its_count_and_one_at_its_end",
    ),
    Fault(
        "whoever reaches the embedded PostgreSQL's socket is trusted",
        "development/postgres/access.py",
        "local all all peer map={_MAP}",
        "local all all trust",
        (_ACCESS,),
        "test_every_other_user_is_refused_by_postgresql_itself",
    ),
    Fault(
        "the socket's folder stays as open as it was",
        "development/postgres/server.py",
        "        folder.chmod(0o700)\n",
        "",
        (_ACCESS,),
        "test_its_socket_is_open_to_nobody_else_also_where_it_was",
    ),
    Fault(
        "an embedded PostgreSQL that died stays dead",
        "development/postgres/revival.py",
        "            if self._server.is_dead:\n",
        "            if not self._server:\n",
        (_REVIVAL,),
        "test_it_is_back_after_a_kill_as_often_as_it_dies",
    ),
    Fault(
        "one that cannot start is tried once",
        "development/postgres/revival.py",
        "        except Exception:\n            # The next look",
        "        except KeyError:\n            # The next look",
        (_REVIVAL,),
        "test_what_cannot_start_is_tried_until_its_cause_is_gone_and_says_it",
    ),
    Fault(
        "a secret may be in two places",
        "config/environment.py",
        "    if texts.get(_FILES[name]):\n",
        "    if texts.get(_FILES[name]) == texts[name]:\n",
        (_CONFIG,),
        "test_a_secret_is_in_one_place",
    ),
    Fault(
        "a message shows a secret",
        "config/masks.py",
        "    if setting.is_secret:\n",
        "    if not setting.rule:\n",
        (_CONFIG,),
        "test_a_secret_stands_in_no_message",
    ),
    Fault(
        "a test key serves live payments",
        "config/fit.py",
        "    if is_test == config.payments_live:\n",
        "    if is_test is config:\n",
        ("tests/bootstrap/test_payment_providers.py",),
        "test_what_does_not_fit_together_is_named",
    ),
    Fault(
        "workers lose the secrets that are in files",
        "config/environment.py",
        "if _FILES.get(other) != secret}",
        "if other not in _FILES}",
        (_CONFIG,),
        "test_a_secret_that_is_handed_on_replaces_its_file_and_no_other",
    ),
)
