"""Faults in backups: the last one dropped, half a one that counts, damage that is restored."""

from tests.mutants.fault import Fault

_RETENTION = ("tests/backup/test_retention.py",)
_STREAMS = ("tests/backup/test_sealed_streams.py",)
_MANIFEST = ("tests/backup/test_manifest.py",)
_FOLDER = ("tests/backup/test_backup_folder.py",)
_LOG = ("tests/backup/test_log_archive.py",)
_DUE = ("tests/bootstrap/test_backups.py",)

BACKUP_FAULTS = (
    Fault(
        "the last good backup is dropped once it is old",
        "backup/retention.py",
        " - {backup.name for backup in good[:1]}",
        "",
        _RETENTION,
        "test_the_last_good_one_is_never_dropped",
    ),
    Fault(
        "broken backups take the places of good ones",
        "backup/retention.py",
        "for backup in good[KEPT:]",
        "for backup in newest_first[KEPT:]",
        _RETENTION,
        "test_one_that_is_broken_takes_no_place_of_a_good_one",
    ),
    Fault(
        "a stream that was cut after a segment is taken for whole",
        "backup/sealed_streams.py",
        'return prefix + number.to_bytes(4, "big") + bytes([is_last])',
        'return prefix + number.to_bytes(4, "big") + bytes([is_last and False])',
        _STREAMS,
        "test_segments_that_were_cut_moved_or_doubled_are_noticed",
    ),
    Fault(
        "segments can be moved within a stream",
        "backup/sealed_streams.py",
        'return prefix + number.to_bytes(4, "big") + bytes([is_last])',
        "return prefix + bytes(4) + bytes([is_last])",
        _STREAMS,
        "test_segments_that_were_cut_moved_or_doubled_are_noticed",
    ),
    Fault(
        "a manifest that was changed is believed",
        "backup/manifest.py",
        "if not hmac.compare_digest(str(seal), _seal(document, key)):",
        "if not seal:",
        _MANIFEST,
        "test_a_byte_that_was_changed_is_noticed_and_the_file_is_named",
    ),
    Fault(
        "an unfinished backup is left for ever",
        "backup/backup_folder.py",
        "if entry.name.endswith((_UNFINISHED, _DROPPED))",
        "if entry.name.endswith(_DROPPED)",
        _FOLDER,
        "test_one_that_was_not_finished_does_not_count_and_is_cleared_up",
    ),
    Fault(
        "a backup is dropped while somebody restores it",
        "backup/backup_folder.py",
        "fcntl.flock(descriptor, fcntl.LOCK_SH)",
        "fcntl.flock(descriptor, fcntl.LOCK_UN)",
        _FOLDER,
        "test_one_that_is_being_restored_is_not_dropped",
    ),
    Fault(
        "a restore ends quietly where a file of the log is missing",
        "backup/log_archive.py",
        "        if number not in numbers:\n",
        "        if number not in numbers and not numbers:\n",
        _LOG,
        "test_a_backup_is_given_what_follows_from_it_and_a_gap_is_refused",
    ),
    Fault(
        "a file of the log that a backup needs is forgotten",
        "backup/log_archive.py",
        "if segment and segment.number < first:",
        "if segment and segment.number <= first:",
        _LOG,
        "test_what_no_backup_needs_is_forgotten",
    ),
    Fault(
        "0 hours make backups without end",
        "bootstrap/backups.py",
        "return hours > 0 and",
        "return",
        _DUE,
        "test_a_backup_is_due_once_the_newest_is_old_enough",
    ),
)
