"""Faults in statements: entries missing or twice, balances of another time, cells that do harm."""

from tests.mutants.fault import Fault

_WIRE = ("tests/contract/test_statements.py",)
_CELLS = ("tests/server/test_statement_files.py",)

STATEMENT_FAULTS = (
    Fault(
        "a statement that goes on repeats the entry that it was broken off at",
        "storage/statements.py",
        "e.version > :after",
        "e.version >= :after",
        _WIRE,
        "test_a_statement_broken_off_anywhere_goes_on_byte_for_byte",
    ),
    Fault(
        "a statement that goes on has a header line in its midst",
        "server/handlers/statement_handlers.py",
        'head = b"" if request.resume_token else file.header()',
        "head = file.header()",
        _WIRE,
        "test_a_statement_broken_off_anywhere_goes_on_byte_for_byte",
    ),
    Fault(
        "a statement opens with the balance right after its period has begun",
        "service/statements.py",
        "Instant(instant - 1)",
        "instant",
        _WIRE,
        "test_an_entry_of_the_first_instant_is_in_a_period_and_one_of_the_last_is_not",
    ),
    Fault(
        "a statement goes on in the language of who asks for the rest",
        "server/handlers/statement_handlers.py",
        "language, position = _opened(self._tokens.open(query, request.resume_token))",
        "language, position = call.language, _opened(self._tokens.open(query, request.resume_token))[1]",
        _WIRE,
        "test_a_statement_broken_off_anywhere_goes_on_byte_for_byte",
    ),
    Fault(
        "a resume token opens the statement of another account",
        "server/handlers/statement_handlers.py",
        "        account=request.account_id,\n",
        "",
        _WIRE,
        "test_a_resume_token_is_of_one_statement",
    ),
    Fault(
        "the place of an export that is over is never free again",
        "server/handlers/statement_handlers.py",
        "            self._callers[subject] -= 1\n",
        "            pass\n",
        _WIRE,
        "test_a_caller_has_few_at_once_and_a_place_is_free_again",
    ),
    Fault(
        "a reason that begins with = is a formula",
        "server/statements/csv_file.py",
        'harmless = _FORMULA.sub(r"\\1\'", _CONTROL.sub(" ", text))',
        'harmless = _CONTROL.sub(" ", text)',
        _CELLS,
        'test_a_text_is_one_cell_and_no_formula[=1+1-"\'=1+1"]',
    ),
    Fault(
        "a line break within a reason ends the record",
        "server/statements/csv_file.py",
        '_CONTROL.sub(" ", text)',
        "text",
        _CELLS,
        'test_a_text_is_one_cell_and_no_formula[two\\r\\nlines-"two lines"]',
    ),
    Fault(
        "an amount below one unit loses its zeros",
        "server/statements/figures.py",
        '.rjust(decimals + 1, "0")',
        "",
        _CELLS,
        "test_an_amount_is_exact[-1-2--0.01]",
    ),
    Fault(
        "quotes after a semicolon hide a formula",
        "server/statements/csv_file.py",
        '[\\s"]*',
        "\\s*",
        _CELLS,
        'test_a_text_is_one_cell_and_no_formula[a; "=1;-"a;\' ""=1;"]',
    ),
    Fault(
        "a statement with a gap goes out",
        "service/statements.py",
        "            if after + len(rows) != last:\n",
        "            if not last:\n",
        _WIRE,
        "test_a_statement_with_a_gap_is_not_made",
    ),
    Fault(
        "a statement's chunk can be larger than clients take",
        "service/statements.py",
        "ROWS_AT_A_TIME: Final = 100",
        "ROWS_AT_A_TIME: Final = 200",
        _CELLS,
        "test_a_chunk_of_the_longest_entries_is_less_than_clients_take",
    ),
    Fault(
        "SUPPORT exports any account",
        "server/authorization/policy.py",
        'EXPORT: Final = Permission("statements.export", _FINANCE,',
        'EXPORT: Final = Permission("statements.export", _STAFF,',
        ("tests/server/test_policy.py",),
        "test_support_reads_and_changes_nothing",
    ),
)
