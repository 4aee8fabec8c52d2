"""What a process serves, as far as it knows neither gRPC nor an event loop."""

from typing import NamedTuple

from creditd.bootstrap.core import Core
from creditd.bootstrap.identity import IdentityCore
from creditd.config import Config


class Cores(NamedTuple):
    """The cores of a process: that of credits, that of identity, or both."""

    credit: Core | None = None
    identity: IdentityCore | None = None

    @property
    def first(self) -> Core | IdentityCore:
        """The one whose database the server as a whole depends on. Raises ValueError if there is none."""
        first = self.credit or self.identity
        if first is None:
            raise ValueError("nothing is to be served")
        return first

    @property
    def config(self) -> Config:
        """The configuration of the process."""
        return self.first.config

    def close(self) -> None:
        """Close the databases' connections, and drop what still waits for them; again is harmless. Blocks."""
        for core in self:
            if core is not None:
                core.close()
