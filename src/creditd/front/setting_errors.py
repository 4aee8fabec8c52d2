"""What is refused before anything is served."""


class InvalidSetting(ValueError):
    """A setting that cannot be used; the message says which, and why."""
