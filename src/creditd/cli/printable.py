"""Text that may come from anybody, made fit for a terminal: what would steer it is written out.

A name or a reason can hold escape sequences, which would move the cursor or change colours, and marks of direction,
which would show a text otherwise than it is. Letters, accents and emoji of any script stay.
"""

import json
import re
from typing import Any, Final

_STEERING: Final = (
    "\x00-\x1f\x7f-\x9f"  # Control characters of ASCII and of Latin-1.
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # Unseen, and of direction.
    "\ud800-\udfff\U000e0000-\U000e007f"  # Halves of characters, and tags, which nobody sees.
)

_ANY: Final = re.compile(f"[{_STEERING}]")
_BUT_LINES: Final = re.compile(f"(?![\n\t])[{_STEERING}]")


def printable(text: str) -> str:
    r"""Return a text of one line: what steers is written out, a line's end as ``\n``."""
    return _ANY.sub(_written_out, text)


def printable_lines(text: str) -> str:
    """Return a text that may have lines and tabs, and nothing else that steers."""
    return _BUT_LINES.sub(_written_out, text)


def json_text(document: Any) -> str:
    """Return JSON that means the same and steers nothing."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return _BUT_LINES.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
