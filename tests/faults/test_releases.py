"""An old release that is not in the clone is told of in one clear line."""

from pathlib import Path

import pytest

from tests.faults.releases import old_release


def test_a_clone_without_the_commit_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"is not in this clone, which is shallow .*git fetch --unshallow"):
        old_release(tmp_path, "0" * 40)
