"""Which entries a round of the sealer seals: some of every wallet that it gets to, however much there is of one."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.storage.controls.seals import Unsealed

ENTRIES_AT_A_TIME: Final = 50_000
"""Entries that a round seals, a stretch more or less: 10,000 a second, and some hundred milliseconds of PostgreSQL."""

STRETCH_ENTRIES: Final = 1_000
"""Entries of one seal at most: a statement makes, or looks at, their hashes all at once."""

MAX_BEHIND: Final = 1_000
"""Wallets behind that a server remembers; the others are found again when the rounds come back to them."""

BEGINNING: Final = WalletKey("", "")


class UnsealedStretch(NamedTuple):
    """Entries of a wallet, from a version to another, both included."""

    wallet: WalletKey
    first_version: int
    last_version: int

    @property
    def entries(self) -> int:
        """How many there are."""
        return max(0, self.last_version - self.first_version + 1)


class SealPlan(NamedTuple):
    """What a round seals, in passes with a stretch of a wallet at most, as each seal follows from the one before.

    ``hashes`` are those of the wallets' last seals. ``come_to`` is the wallet that the rounds have come to, and
    ``behind`` are those on the way to it that were not sealed to their ends.
    """

    passes: list[list[UnsealedStretch]]
    hashes: Mapping[WalletKey, bytes | None]
    come_to: WalletKey
    behind: list[WalletKey]


def plan_of(page: Sequence[Unsealed], behind: Sequence[Unsealed], horizon: Instant, *, is_last: bool) -> SealPlan:
    """Plan a round for the wallets of a ``page``, in order, and for those that are ``behind``.

    Of the page each wallet gets a stretch, as far as there is room, so that the rounds come round whatever there is of
    one. What room is left, and half of it if somebody is behind, is for those that have more, a stretch in turn.
    """
    known = {one.wallet for one in behind}
    waiting = [left for one in page if one.wallet not in known and (left := _left(one, horizon)).entries]
    room = ENTRIES_AT_A_TIME
    first = _one_each(waiting, max(1, room // 2) if behind else room)
    room -= _entries_of(first)
    passes = [first]
    line = [left for one in behind if (left := _left(one, horizon)).entries]
    line += _what_is_left(waiting[: len(first)], first)
    while line and room > 0:
        passes.append(_one_each(line, room))
        room -= _entries_of(passes[-1])
        served = len(passes[-1])
        line = [*line[served:], *_what_is_left(line[:served], passes[-1])]
    return SealPlan(
        [stretches for stretches in passes if stretches],
        {one.wallet: one.hash for one in (*page, *behind)},
        _come_to(page, waiting, len(first), is_last=is_last),
        [left.wallet for left in line[:MAX_BEHIND]],
    )


def _left(wallet: Unsealed, horizon: Instant) -> UnsealedStretch:
    """Return what is to be sealed of a wallet: all, once the first entry was made before the ``horizon``.

    Before that only as many as make whole stretches: a seal of every few entries would be as much as the ledger.
    """
    _, version, sealed_version, _, since = wallet
    if since is not None and since > horizon:
        version -= (version - sealed_version) % STRETCH_ENTRIES
    return UnsealedStretch(wallet.wallet, sealed_version + 1, version)


def _one_each(line: Sequence[UnsealedStretch], room: int) -> list[UnsealedStretch]:
    """Return a stretch of each of the first in line, as many as there is room for."""
    stretches: list[UnsealedStretch] = []
    for left in line:
        if room <= 0:
            break
        last_version = min(left.last_version, left.first_version + STRETCH_ENTRIES - 1)
        stretches.append(left._replace(last_version=last_version))
        room -= stretches[-1].entries
    return stretches


def _what_is_left(line: Sequence[UnsealedStretch], sealed: Sequence[UnsealedStretch]) -> list[UnsealedStretch]:
    rest = [left._replace(first_version=one.last_version + 1) for left, one in zip(line, sealed, strict=True)]
    return [left for left in rest if left.entries]


def _entries_of(stretches: Sequence[UnsealedStretch]) -> int:
    return sum(stretch.entries for stretch in stretches)


def _come_to(page: Sequence[Unsealed], waiting: Sequence[UnsealedStretch], served: int, *, is_last: bool) -> WalletKey:
    if served < len(waiting):
        return waiting[served - 1].wallet
    return BEGINNING if is_last else page[-1].wallet
