"""Faults in how work is kept apart, ended with its caller, and finished at a stop."""

from tests.mutants.fault import Fault

_OVER_THE_WIRE = "tests/contract/payments/test_bulkheads.py"

BULKHEAD_FAULTS = (
    Fault(
        "health shares threads with reads",
        "server/health.py",
        "await self._threads.health(self._is_ready)",
        "await self._threads.lookups(self._is_ready)",
        (_OVER_THE_WIRE,),
    ),
    Fault(
        "webhooks share threads with staff's queries",
        "bootstrap/payments.py",
        "            threads.webhooks,\n",
        "            threads.surveys,\n",
        (_OVER_THE_WIRE,),
    ),
    Fault(
        "a verification goes on though its caller has gone",
        "service/kinds.py",
        'Kind("verification", READ_SECONDS, ends_with_caller=True)',
        'Kind("verification", READ_SECONDS, ends_with_caller=False)',
        (_OVER_THE_WIRE,),
    ),
    Fault(
        "a page is read to its end though its caller has gone",
        "service/kinds.py",
        'Kind("pages", READ_SECONDS, ends_with_caller=True)',
        'Kind("pages", READ_SECONDS, ends_with_caller=False)',
        (_OVER_THE_WIRE,),
    ),
    Fault(
        "a job runs though its call was cancelled while it waited",
        "service/threads.py",
        "                self._waiting.remove(job)\n            elif",
        "                pass\n            elif",
        ("tests/service/test_threads.py",),
    ),
    Fault(
        "one account takes all threads of a kind",
        "service/threads.py",
        "max(1, threads // 2)",
        "threads",
        (_OVER_THE_WIRE, "tests/service/test_threads.py"),
    ),
    Fault(
        "a statement that was cancelled is a defect of ours",
        "service/threads.py",
        "    SaveFailure.TOO_SLOW: DatabaseUnavailable,\n",
        "",
        (_OVER_THE_WIRE,),
    ),
    Fault(
        "a connection that answers nothing is waited for",
        "storage/connections/turns.py",
        "            _cut(self._connection)",
        "            return",
        ("tests/storage/test_turns.py",),
    ),
    Fault(
        "each connection to a server that hangs is asked for its cancellation",
        "storage/connections/turns.py",
        "                    takes_cancellations = False",
        "                    pass",
        ("tests/storage/test_turns.py",),
    ),
    Fault(
        "a connection may be waited for without end",
        "storage/connections/conninfo.py",
        "min(seconds, LONGEST_CONNECT_SECONDS) if seconds > 0 else CONNECT_TIMEOUT_SECONDS",
        "seconds",
        ("tests/storage/test_black_hole.py",),
    ),
    Fault(
        "a server is ready whose own threads have yet to connect",
        "bootstrap/service.py",
        "            self._core.connect_ahead()",
        "            pass",
        ("tests/storage/test_connecting_ahead.py",),
    ),
    Fault(
        "a verification folds what came after its look at the wallet",
        "ledger/verification.py",
        "Stretch(folded.fold.version, folded.kept.last_version)",
        "Stretch(folded.fold.version, folded.kept.last_version + 1)",
        ("tests/ledger/test_verification.py",),
    ),
    Fault(
        "what is known of a watched wallet outlives its streams",
        "server/watch_handlers.py",
        "                del self._wallets[key]",
        "                pass",
        ("tests/contract/test_watch_balance.py",),
    ),
    Fault(
        "counts of rejected webhooks go with the write that failed",
        "service/payments/rejections.py",
        "                self._keep(row)\n            raise",
        "                del row\n            raise",
        ("tests/service/payments/test_rejections_kept.py",),
    ),
    Fault(
        "a stop does not wait for what a provider is asked",
        "service/payments/purchases.py",
        "            await asyncio.wait(self._under_way, timeout=seconds)",
        "            await asyncio.sleep(0)",
        ("tests/cli/test_stopping.py",),
    ),
)
