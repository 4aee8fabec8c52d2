"""The configured providers, and the threads for their blocking work."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from creditd.domain.payments.payment_errors import ProviderNotConfigured
from creditd.domain.payments.provider import Provider
from creditd.payments.provider import PaymentProvider

Answer = TypeVar("Answer")


class InThread(Protocol):
    """Runs a blocking function on a thread.

    Raises DatabaseUnavailable, VersionConflict for failures of the database.
    """

    async def __call__(self, function: Callable[[], Answer], /, *, owner: str = "") -> Answer:
        """Run it; ``owner`` is the account that it is for, if any. Raises Overloaded, ShuttingDown."""


class Providers:
    """The configured providers."""

    def __init__(self, configured: Iterable[PaymentProvider]) -> None:
        """Hold these providers."""
        self._providers = {provider.provider: provider for provider in configured}

    def __iter__(self) -> Iterator[PaymentProvider]:
        """Iterate over all of them."""
        return iter(self._providers.values())

    def get(self, provider: Provider) -> PaymentProvider:
        """Return a provider. Raises ProviderNotConfigured."""
        found = self._providers.get(provider)
        if found is None:
            raise ProviderNotConfigured(provider=provider.name)
        return found

    async def close(self) -> None:
        """Close their connections."""
        for provider in self:
            await provider.close()
