"""The states of the schema: each named by four digits, which are in order of age."""

import re
from collections.abc import Sequence
from typing import Final

from creditd.storage.connections.session import UnsuitableDatabase

_REVISION: Final = re.compile("[0-9]{4}")

_MAX_SHOWN: Final = 60
"""Of what another program has left there: enough to know it by, and never more than one line."""


def revision_of(names: Sequence[str]) -> str:
    """Return the revision that a schema is at, by the rows of its `alembic_version`; empty if there are none.

    Raises UnsuitableDatabase if they are not of this service: compared as text, any word is newer than all of ours.
    """
    if not names:
        return ""
    if len(names) > 1 or not _REVISION.fullmatch(names[0]):
        raise not_ours(", ".join(names))
    return names[0]


def not_ours(name: str) -> UnsuitableDatabase:
    """Return what to say of a revision that this service never had."""
    return UnsuitableDatabase(
        f"its alembic_version is {name[:_MAX_SHOWN]!r}, which is no revision of creditd's: "
        "is it the database of another program?"
    )


def too_old(revision: str, migration: str) -> UnsuitableDatabase:
    """Return what to say of a schema at ``revision``, empty for none, that lacks a ``migration``; it may come."""
    found = f"at {revision}" if revision else "missing"
    return UnsuitableDatabase(
        f"the database's schema is {found}, and this release needs {migration}: run `creditd migrate` of this release",
        is_lasting=False,
    )


def require_revision(names: Sequence[str], migration: str) -> str:
    """Return the revision that a schema is at.

    Raises UnsuitableDatabase if it is not ours, or older than ``migration``.
    """
    revision = revision_of(names)
    if revision < migration:
        raise too_old(revision, migration)
    return revision


def require_fitting_server(revision: str, least_server: str, release: str) -> None:
    """Verify that a server whose newest migration is ``release`` may use a schema at ``revision``.

    ``least_server`` is the oldest release that may. Raises UnsuitableDatabase, which a newer release mends.
    """
    if release < least_server:
        raise UnsuitableDatabase(
            f"the database's schema is at {revision} and takes servers of schema {least_server} or newer, and this "
            f"release is of schema {release}: run a newer release"
        )
