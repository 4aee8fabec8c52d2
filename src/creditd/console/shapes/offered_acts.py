"""Acts that pages offer, to whoever may do them."""

from typing import NamedTuple


class OfferedAct(NamedTuple):
    """An act that is offered to whoever has its permission: the key of its text, and the path of its page."""

    key: str
    path: str
    permission: str
    icon: str = ""
    is_main: bool = False
    is_danger: bool = False
