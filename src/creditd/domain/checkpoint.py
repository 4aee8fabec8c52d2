"""Checkpoints: what a wallet's entries up to one of them add up to, so that adding up can go on from there."""

from collections.abc import Mapping
from typing import NamedTuple

from creditd.domain.grants import Slice, Source
from creditd.domain.instant import Instant


class Checkpoint(NamedTuple):
    """A wallet as the entries up to ``version`` leave it.

    ``by_source`` is what its grants hold, without sources that hold nothing; ``graces`` are those that began, by grant;
    ``holds`` the slices of the reservations that were pending then. The counts that limits go by are left out: they are
    compared on their day alone, and a checkpoint is of a day long over.
    """

    version: int
    available: int
    reserved: int
    debt: int
    by_source: Mapping[Source, int]
    graces: Mapping[str, Instant]
    holds: Mapping[str, tuple[Slice, ...]]
