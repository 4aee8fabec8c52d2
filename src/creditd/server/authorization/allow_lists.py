"""Allow lists: the accounts that a caller is limited to, as ids and as prefixes that end with ``*``."""


def in_both(stated: tuple[str, ...], stored: tuple[str, ...]) -> tuple[str, ...]:
    """Return the allow list of what both allow; an empty one allows all."""
    if not stated or not stored:
        return stated or stored
    narrower = {one for one in stated if is_within(stored, one)} | {one for one in stored if is_within(stated, one)}
    # An id that there cannot be: nothing is in both, and an empty list would allow all.
    return tuple(sorted(narrower)) or ("",)


def is_within(accounts: tuple[str, ...], name: str) -> bool:
    """Tell whether an allow list has an account, or all that a prefix with ``*`` stands for.

    No list has the empty name: what names no account is on none, not even on one of ``*``.
    """
    return bool(name) and (name in accounts or any(one[-1:] == "*" and name.startswith(one[:-1]) for one in accounts))
