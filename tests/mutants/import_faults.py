"""Faults in an import: rows that come in twice or as other ones, and files that say otherwise."""

from tests.mutants.fault import Fault

_ROWS = ("tests/service/transfer/test_import_rows.py",)
_IMPORT = ("tests/cli/test_import.py",)

IMPORT_FAULTS = (
    Fault(
        "an import's name is no part of what makes a row itself",
        "service/transfer/import_row.py",
        'return f"import:{name}:{digest[:32]}"',
        'return f"import:{digest[:32]}"',
        _ROWS,
        "test_two_rows_have_one_request_id_if_their_keys_say_so_and_not_otherwise",
    ),
    Fault(
        "rows of two expiries taken for the same",
        "service/transfer/import_row.py",
        "else (self.credit_type, source_name(self.source), self._expiry)",
        "else (self.credit_type, source_name(self.source))",
        _ROWS,
        "test_two_rows_have_one_request_id_if_their_keys_say_so_and_not_otherwise",
    ),
    Fault(
        "another amount under a known key passes for a repeat",
        "service/transfer/import_row.py",
        "content = (self.credit_type, source_name(self.source), str(self.amount), self._expiry)",
        "content = (self.credit_type, source_name(self.source), self._expiry)",
        _ROWS,
        "test_another_amount_under_a_key_is_another_content",
    ),
    Fault(
        "the last row of a key counts",
        "service/transfer/import_spool.py",
        "INSERT OR IGNORE INTO rows",
        "INSERT OR REPLACE INTO rows",
        _ROWS,
        "test_the_spool_keeps_the_first_of_a_key_and_gives_rows_by_account",
    ),
    Fault(
        "what was brought in otherwise before passes without a word",
        "service/transfer/importer.py",
        "    if row.is_as_told:",
        "    if row.entry:",
        _IMPORT,
        "test_another_amount_under_a_known_key_is_a_finding_and_brings_nothing",
    ),
    Fault(
        "a debt is brought in as credits",
        "service/transfer/importer.py",
        "        if row.source == DEBT:\n",
        "        if row.source == DEBT and row.key:\n",
        _IMPORT,
        "test_what_is_exported_is_imported_once_and_differs_in_nothing",
    ),
)
