"""Which copies in memory are not trusted: those of wallets that other servers write too.

A copy that was stale costs a save that saves nothing. A wallet found so is locked and loaded before it is decided on,
until others have left it alone for a while; that is counted in saves, not in seconds.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from creditd.domain.wallet import WalletKey
from creditd.storage.changes import Changes

CALM_SAVES: Final = 20
"""Saves of a wallet in a row, none of another server's in between, after which its copy is trusted again. Servers that
take turns by chance hardly ever have so many, and once the other has gone it is not many."""

MAX_DOUBTED: Final = 10_000
"""Wallets remembered; each costs some hundred bytes. One that is forgotten is trusted, and found out again."""


class _Seen(NamedTuple):
    version: int
    calm: int


class Trust:
    """Remembers the wallets lately found to have moved. Used by one thread."""

    def __init__(self) -> None:
        """Trust every copy."""
        self._doubted: OrderedDict[WalletKey, _Seen] = OrderedDict()

    def has_doubts(self, keys: Iterable[WalletKey]) -> bool:
        """Tell that none of the wallets should be decided on from memory."""
        return bool(self._doubted) and all(key in self._doubted for key in keys)

    def doubt(self, keys: Iterable[WalletKey]) -> None:
        """Note wallets whose copies were stale."""
        for key in keys:
            self._doubted.pop(key, None)
            self._doubted[key] = _Seen(0, 0)
        while len(self._doubted) > MAX_DOUBTED:
            self._doubted.popitem(last=False)

    def saved(self, changes: Changes, unsaved: frozenset[str]) -> None:
        """Note what was saved, of other accounts than ``unsaved``: doubts end where nobody else saved in between."""
        if not self._doubted:
            return
        for key, base_version in changes.base_versions.items():
            seen = self._doubted.get(key)
            if seen is None or key.account_id in unsaved:
                continue
            calm = seen.calm + 1 if base_version == seen.version else 0
            if calm >= CALM_SAVES:
                del self._doubted[key]
            else:
                self._doubted[key] = _Seen(changes.wallets[key].version, calm)
