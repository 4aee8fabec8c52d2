"""How often passwords and codes are tried from one address."""

from math import ceil

from creditd.addresses import place_of
from creditd.call_windows import Windows
from creditd.console import limits
from creditd.console.visit import Visit


class AddressAttempts:
    """Counts them, so that one address does not use up what the service allows the whole console."""

    def __init__(self) -> None:
        """Have counted none."""
        self._windows = Windows(limits.MAX_ADDRESSES)

    def refused(self, visit: Visit) -> str:
        """Count one of an address; return what to tell if there were too many, else nothing."""
        host = visit.request.client.host if visit.request.client else ""
        window = self._windows.of(place_of(f"[{host}]:0"), visit.now)
        wait = ceil(window.take(limits.ATTEMPTS_PER_MINUTE, visit.now))
        return visit.reader.texts("sign_in.limited", seconds=wait) if wait else ""
