"""Faults in who may do what, in what is configured, and in how much one answer holds up."""

from tests.mutants.fault import Fault

_CROWDS = ("tests/webhooks/test_crowds.py",)

_STOPPING = ("tests/cli/test_stopping.py",)

_POWERS = ("tests/storage/test_powers.py",)

_UNREADY = ("tests/contract/test_unready.py",)

_WHO_OPENS = ("tests/contract/test_who_opens.py",)

SURROUNDINGS_FAULTS = (
    Fault(
        "a look of the staff's opens an account",
        "server/policy.py",
        "allowed=_allowed(rule))\n    return False",
        "allowed=_allowed(rule))\n    return True",
        _WHO_OPENS,
    ),
    Fault(
        "staff who spend open an account",
        "ledger/batch.py",
        "        if not work.opens:\n",
        "        if False:\n",
        _WHO_OPENS,
    ),
    Fault(
        "staff open accounts by a look at many",
        "service/balances.py",
        "            _require_to_open(call, unseen[0])\n",
        "",
        _WHO_OPENS,
    ),
    Fault(
        "calls that come to a stop are left to the library",
        "bootstrap/service.py",
        "        await self._gate.close()\n",
        "",
        _STOPPING,
    ),
    Fault(
        "a stream outlives its caller's token",
        "server/gate.py",
        "if stream.token_end <= now",
        "if stream.token_end <= 0",
        ("tests/contract/test_watch_balance.py",),
    ),
    Fault(
        "calls are looked at on a database that is not fit",
        "server/pipeline.py",
        "if not self._steps.takes_calls():",
        "if False:",
        _UNREADY,
    ),
    Fault(
        "a schema that was changed under a server is a defect of the server's",
        "storage/failures.py",
        "    if error.sqlstate in _OTHER_SCHEMA:\n",
        "    if False:\n",
        _UNREADY,
    ),
    Fault(
        "another program's revision is newer than all of ours",
        "storage/migrations/revisions.py",
        "if len(names) > 1 or not _REVISION.fullmatch(names[0]):",
        "if False:",
        ("tests/cli/test_migrate.py",),
    ),
    Fault(
        "a version that nothing comes to is waited for",
        "service/balances.py",
        "        if version > current:\n",
        "        if False:\n",
        ("tests/contract/test_watch_balance.py",),
    ),
    Fault(
        "who waits longest keeps the place that others need",
        "webhooks/places.py",
        "        lose()\n",
        "        lose\n",
        _CROWDS,
    ),
    Fault(
        "one address takes all places",
        "webhooks/places.py",
        "if own and len(own) >= self._places_each:",
        "if own and False:",
        _CROWDS,
    ),
    Fault(
        "connections of scrapers who send nothing are never cut",
        "telemetry/metrics_server.py",
        "            if len(self._since) >= MAX_ANSWERS_AT_ONCE:\n",
        "            if False:\n",
        ("tests/telemetry/test_metrics_server.py",),
    ),
    Fault(
        "a batch's long work is done in one go",
        "server/chunks.py",
        "        await _turn()\n",
        "",
        ("tests/contract/test_heavy_answers.py",),
    ),
    Fault(
        "a read that came upon a lock is an internal error",
        "ledger/balances.py",
        "return error if reason is SaveFailure.OTHER else DatabaseUnavailable()",
        "return DatabaseUnavailable() if reason is SaveFailure.UNAVAILABLE else error",
        ("tests/contract/test_database_codes.py",),
    ),
    Fault(
        "what is granted to everybody is nobody's power",
        "storage/migrations/powers.py",
        "OR by_role = 0 OR",
        "OR",
        _POWERS,
    ),
    Fault(
        "a login with power serves where least privilege is required",
        "storage/connections/fitness.py",
        "        if login and login.powers:\n",
        "        if False:\n",
        _POWERS,
    ),
    Fault(
        "a database that comes late is not asked who has logged in",
        "bootstrap/service.py",
        "            if not self._core.may_serve_by_its_login():\n",
        "            if False:\n",
        _POWERS,
    ),
    Fault(
        "an option of gRPC's is misspelt",
        "server/listener.py",
        '"grpc.http2.min_ping_interval_without_data_ms"',
        '"grpc.http2.min_recv_ping_interval_without_data_ms"',
        ("tests/settings/test_every_setting_has_an_effect.py",),
    ),
    Fault(
        "a start goes on although it was told to stop",
        "cli/signals.py",
        "        if self._starting:\n            self._starting.cancel()\n",
        "",
        ("tests/cli/test_starting.py",),
    ),
    Fault(
        "an adapter that stops waits for nobody",
        "webhooks/adapter.py",
        "                await application.drain(limits.GRACE_SECONDS)\n",
        "",
        ("tests/webhooks/test_process.py",),
    ),
    Fault(
        "streams wait on at a database that is fit no more",
        "server/health.py",
        "                self._lose()\n",
        "                pass\n",
        _UNREADY,
    ),
    Fault(
        "privileges that are lost later are not looked for",
        "storage/database.py",
        "                    require_privileges(connection)\n",
        "",
        _UNREADY,
    ),
    Fault(
        "texts with NUL are left to the database",
        "server/pipeline.py",
        "        if self._is_of_one:\n            require_storable(message, self._kind)\n",
        "",
        ("tests/contract/test_unwritable_texts.py",),
    ),
    Fault(
        "certificates that are renewed are served after a restart only",
        "server/listener.py",
        "            return _configuration(tls) if renewals.take() else None\n",
        "            return None\n",
        ("tests/contract/test_tls.py",),
    ),
    Fault(
        "a connection that was lost is rolled back",
        "storage/connections/turns.py",
        "            if driver.closed:\n                connection.invalidate()\n",
        "            pass\n",
        ("tests/storage/test_lost_connections.py",),
    ),
    Fault(
        "a service that hangs is kept for as long as gRPC has it by itself",
        "webhooks/channel.py",
        '        ("grpc.http2.ping_timeout_ms", limits.KEEPALIVE_TIMEOUT_SECONDS * 1_000),\n',
        "",
        ("tests/webhooks/test_channel.py",),
    ),
    Fault(
        "every name that the logging library has is a level",
        "config/rules.py",
        "ValueRule(_LEVELS.__contains__,",
        "ValueRule({*_LEVELS, 'WARN'}.__contains__,",
        ("tests/config/test_environment.py",),
    ),
    Fault(
        "an option that is missing is asked for where it was misspelt",
        "cli/arguments.py",
        '            if option.startswith("--") and option not in self._option_string_actions:\n',
        "            if False:\n",
        ("tests/cli/test_main.py",),
    ),
)
