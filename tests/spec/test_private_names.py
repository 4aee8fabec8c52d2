"""Tests go by what is public. Where one plants a fault in a private place, or looks into one, it is listed here."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

TESTS = Path(__file__).parents[1]

OWN = {"self", "cls"}

PUBLIC = {"_asdict", "_replace", "_fields", "_make", "_exit"}
"""Of named tuples, whose other names are their fields; and of ``os``."""

PATCHES = {"setattr", "getattr", "delattr"}

PRIVATE: Mapping[str, set[str]] = {
    "server/transport/test_ends.py": {"_threads"},
    "server/transport/test_long_work.py": {"_core", "_server"},
    "server/transport/test_rapid_resets.py": {"_gate"},
    "server/transport/test_untaken_answers.py": {"_server"},
    "server/transport/test_stop.py": {"_core", "_server", "_serving", "_sink", "_thread", "_until"},
    "clocks/test_jumps.py": {"_doubted"},
    "support/held_up.py": {"_save", "_writer"},
    "contract/payments/test_card_numbers.py": {"_refusal"},
    "contract/payments/test_cases.py": {"_inbox_workers", "_wake"},
    "contract/payments/test_unsigned_hints.py": {
        "_hint_workers",
        "_hints",
        "_make_charge",
        "_of_all",
        "_of_one",
        "_unsigned",
        "_wake",
    },
    "contract/test_client_retries.py": {"_KINDS", "_retries"},
    "contract/test_error_details.py": {"_lane", "_lanes", "_max_waiting"},
    "contract/test_heavy_answers.py": {"_turn"},
    "development/postgres/test_access.py": {"_own_account"},
    "domain/books.py": {"_names"},
    "layouts/test_reads.py": {"_answer"},
    "ledger/driving.py": {"_is_idle", "_writer"},
    "ledger/test_clock.py": {"_clock", "_distance"},
    "ledger/test_counts.py": {"_SAVE_OF_SPENDERS", "_cache"},
    "ledger/test_drafts.py": {"_draft"},
    "ledger/test_interleavings.py": {"_save"},
    "ledger/test_reading.py": {"_apart", "_max_waiting", "_read_light", "_read_whole"},
    "ledger/test_shares.py": {"_save"},
    "ledger/test_sharing.py": {"_thread"},
    "ledger/test_sweep.py": {"_aside", "_clock"},
    "server/test_connections.py": {"_connections", "_crowded"},
    "server/test_strangers.py": {"_checking"},
    "server/test_tokens.py": {"_verified"},
    "server/transport/test_fallback.py": {"_has_worked"},
    "server/transport/test_wake_ups.py": {"_core", "_is_stopping", "_server"},
    "service/payments/test_comparisons.py": {"_work"},
    "service/payments/test_rejections_kept.py": {"_clock", "_next_line", "_write_once"},
    "service/test_refusals_kept.py": {"_settings", "_write_once"},
    "storage/test_audit.py": {"_engine", "_settings"},
    "storage/test_batch_memory.py": {"_settings"},
    "storage/test_loading.py": {"_LIGHT_WALLETS"},
    "storage/test_lost_connections.py": {"_settings"},
    "support/desk.py": {"_cache", "_save", "_wallets"},
    "support/statements.py": {"_SAVE", "_engine"},
    "telemetry/test_failures.py": {"_defects"},
    "telemetry/test_metrics_server.py": {"_Handler"},
}
"""By file, the private names of others' objects that it uses. The list is to become shorter: take a name out with its
last use; for a new one, give the tests a public place to go by, or let them go by what callers see."""


def private_names(tree: ast.Module) -> Iterator[str]:
    """Yield each private name of somebody else's that some code uses, by itself or as what is to be patched."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id in OWN):
            yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in PATCHES:
            yield from (
                word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)
            )


def used_in(file: Path) -> set[str]:
    """Return the private names of others that a file uses."""
    names = set(private_names(ast.parse(file.read_text(encoding="utf-8"))))
    return {name for name in names if name.startswith("_") and not name.startswith("__")} - PUBLIC


def test_no_test_uses_a_private_name_that_is_not_listed_and_none_is_listed_in_vain() -> None:
    used = {str(file.relative_to(TESTS)): used_in(file) for file in sorted(TESTS.rglob("*.py"))}
    assert {file: names for file, names in used.items() if names} == PRIVATE
