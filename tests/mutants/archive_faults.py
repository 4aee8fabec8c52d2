"""Faults in the archive: entries lost, ids that are free again, answers that leave out what is in files."""

from tests.mutants.fault import Fault

_ACT = ("tests/ledger/archive/test_archiver.py",)
_BACK = ("tests/ledger/archive/test_restoration.py",)
_READERS = ("tests/ledger/archive/test_readers.py",)
_WIRE = ("tests/contract/test_archived.py",)
_COMMAND = ("tests/cli/test_archive.py",)

ARCHIVE_FAULTS = (
    Fault(
        "a part that takes too long keeps all later wallets waiting",
        "storage/failures.py",
        "_LIMITS = {_CANCELLED, _LOCK_NOT_AVAILABLE}",
        "_LIMITS = {_CANCELLED}",
        _COMMAND,
        "test_what_takes_the_database_too_long_is_left_alone_and_the_rest_is_moved",
    ),
    Fault(
        "a request id is free again once its entry is archived",
        "storage/archive/archive_acts.py",
        "claimed = connection.execute(_CLAIM, values).rowcount",
        'claimed = connection.execute(text(f"SELECT 1 FROM entries WHERE {_MOVED} AND request_id IS NOT NULL"), '
        "values).rowcount",
        _ACT,
        "test_a_request_id_stays_used",
    ),
    Fault(
        "the entry that a file ends with is deleted too",
        "storage/archive/archive_acts.py",
        "AND version < :last_version AND kind",
        "AND version <= :last_version AND kind",
        _ACT,
        "test_what_is_old_is_in_files_and_what_brought_credits_stays",
    ),
    Fault(
        "a file has its name before it is on the disk",
        "ledger/archive/archive_files.py",
        'path, part = folder / file, folder / f"{file}.part"',
        "path, part = folder / file, folder / file",
        _ACT,
        "test_a_process_that_ends_at_any_step_has_lost_and_doubled_nothing",
    ),
    Fault(
        "a file is not held against the seals",
        "ledger/archive/archive_proof.py",
        "if self._digest.digest() != seal.hash:",
        "if False:",
        _ACT,
        "test_a_file_changed_with_its_hash_is_told_by_the_seals",
    ),
    Fault(
        "a checkpoint forgets the holds of then",
        "domain/fold.py",
        "            dict(self._holds),\n",
        "            {},\n",
        _ACT,
        "test_what_is_old_is_in_files_and_what_brought_credits_stays",
    ),
    Fault(
        "a hold that is not ended is archived",
        "ledger/archive/archiver.py",
        "horizon = min(self._horizon, standing.first_hold or self._horizon)",
        "horizon = self._horizon",
        _ACT,
        "test_a_hold_that_is_not_ended_keeps_all_since_it_began",
    ),
    Fault(
        "what is not added up as usage is archived",
        "ledger/archive/archiver.py",
        "last = min(first - 1, standing.counted)",
        "last = first - 1",
        _ACT,
        "test_usage_is_not_left_behind",
    ),
    Fault(
        "a balance before the checkpoint is told as none",
        "service/historical_balances.py",
        "if archived and 0 < version < archived.last_version:",
        "if archived and not version:",
        _WIRE,
        "test_a_balance_before_what_is_there_is_refused",
    ),
    Fault(
        "a statement begins with what is there",
        "service/statements.py",
        "            if period.start is None:\n",
        "            if newest is None:\n",
        _READERS,
        "test_a_statement_of_several_wallets_is_refused_before_any_of_it_is_told",
    ),
    Fault(
        "a stream passes over what was archived",
        "service/history.py",
        "if found and found[-1].entry.version != version + len(found):",
        "if not found:",
        _WIRE,
        "test_a_stream_does_not_go_on_from_before",
    ),
    Fault(
        "what the sums of an account do not have is archived",
        "storage/archive/archives.py",
        "SELECT p.summed FROM usage_positions",
        "SELECT p.version FROM usage_positions",
        _READERS,
        "test_what_the_sums_of_an_account_do_not_have_stays",
    ),
    Fault(
        "a statement that had begun goes on beyond what was archived",
        "service/statements.py",
        "part.credit_type, after, last, ROWS_AT_A_TIME)",
        "part.credit_type, after, part.closing, ROWS_AT_A_TIME)",
        _READERS,
        "test_a_statement_that_had_begun_is_refused_when_its_entries_go",
    ),
    Fault(
        "a balance that only the archive would tell is told",
        "storage/historical_balances.py",
        "if first[credit_type] <= part.last_version]",
        "if first[credit_type] < part.last_version]",
        _READERS,
        "test_usage_of_archived_times_is_told_and_what_there_was_then_is_not",
    ),
    Fault(
        "a request id is looked for among entries before it is claimed",
        "storage/requests.py",
        """    if not _add(connection, key, kind, now, fingerprint, answer):
        raise load_claims(connection, [key])[key]
    # Afterwards: an entry that came back from the archive has taken the place of a claim that was waited for.
    used = connection.execute(_ENTRY, key._asdict()).one_or_none()
""",
        """    used = connection.execute(_ENTRY, key._asdict()).one_or_none()
    if not used and not _add(connection, key, kind, now, fingerprint, answer):
        raise load_claims(connection, [key])[key]
""",
        _BACK,
        "test_a_request_id_that_comes_back_is_not_taken_meanwhile",
    ),
    Fault(
        "what came back from the archive has freed no request id",
        "storage/archive/archive_acts.py",
        "return connection.execute(_UNCLAIM, asked).rowcount, written",
        "return len(request_ids), written",
        _BACK,
        "test_a_request_id_is_its_entry_s_again",
    ),
    Fault(
        "a file whose entries came back while it was verified is told as broken",
        "ledger/archive/archive_verification.py",
        "if self._is_there(archive):",
        "if archive.file:",
        _BACK,
        "test_what_comes_back_while_files_are_verified_is_no_damage",
    ),
    Fault(
        "a stream passes over what came back while it was read",
        "service/history.py",
        "                return entries.entries_after(connection, key.account_id, key.credit_type, version, "
        "ENTRIES_AT_A_TIME)\n            return found",
        "                return found\n            return found",
        _READERS,
        "test_a_stream_has_no_gap_whatever_comes_back_while_it_is_read",
    ),
)
