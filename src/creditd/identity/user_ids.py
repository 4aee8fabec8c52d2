"""Ids of users: UUIDs, in the one form that they are issued in."""

from uuid import UUID


def user_id_of(subject: str) -> str | None:
    """Return a subject that is written as ids of users are; None for any other.

    Others could write the same UUID in other forms, with braces or in capitals, and would be another's subject here
    and nobody's elsewhere.
    """
    try:
        return subject if str(UUID(subject)) == subject else None
    except ValueError:
        return None
