"""Faults in statements: entries missing or twice, balances of another time, cells that do harm."""

from tests.mutants.fault import Fault

_WIRE = ("tests/contract/test_statements.py",)
_CELLS = ("tests/server/test_statement_files.py",)
_PDFS = ("tests/contract/test_statement_pdfs.py",)
_RECEIPTS = ("tests/contract/payments/test_receipts.py",)

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
        "SUPPORT exports any account",
        "server/authorization/policy.py",
        'EXPORT: Final = Permission("statements.export", _FINANCE,',
        'EXPORT: Final = Permission("statements.export", _STAFF,',
        ("tests/server/test_policy.py",),
        "test_support_reads_and_changes_nothing",
    ),
    Fault(
        "halves of two PDFs are put together",
        "server/handlers/statement_handlers.py",
        'if digest not in {"", found}:',
        "if not found:",
        _PDFS,
        "test_halves_that_were_drawn_otherwise_are_not_put_together",
    ),
    Fault(
        "a PDF that goes on begins again",
        "server/handlers/statement_handlers.py",
        "range(sent, len(printed), CHUNK_BYTES)",
        "range(0, len(printed), CHUNK_BYTES)",
        _PDFS,
        "test_a_pdf_broken_off_goes_on_byte_for_byte",
    ),
    Fault(
        "a PDF takes any number of entries",
        "server/handlers/statement_handlers.py",
        "if position.rows > MAX_PDF_ROWS:",
        "if not MAX_PDF_ROWS:",
        _PDFS,
        "test_more_entries_than_a_pdf_takes_are_refused",
    ),
    Fault(
        "an amount in Vietnamese has the separators of English",
        "server/statements/figures.py",
        '_SEPARATORS.get(language, (",", "."))',
        '(",", ".")',
        _PDFS,
        "test_amounts_are_as_the_language_has_them",
    ),
    Fault(
        "there is a receipt of what was never paid",
        "server/statements/receipt.py",
        "if not purchase.paid:",
        "if not purchase.amount:",
        _RECEIPTS,
        "test_there_is_no_receipt_of_what_did_not_happen",
    ),
    Fault(
        "a receipt of refunds shows each as all that was given back until then",
        "server/statements/receipt.py",
        "figures = change.refunded - before, change.refunded",
        "figures = change.refunded, change.refunded",
        _RECEIPTS,
        "test_a_receipt_of_refunds_has_each_of_them",
    ),
)
