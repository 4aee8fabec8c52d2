"""The providers that are configured here, and the threads that block for them."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from creditd.domain.payment_errors import ProviderNotConfigured
from creditd.domain.provider import Provider
from creditd.payments.provider import PaymentProvider

Answer = TypeVar("Answer")


class InThread(Protocol):
    """Awaits a function that blocks. Raises DatabaseUnavailable, VersionConflict for what these stand for."""

    async def __call__(self, function: Callable[[], Answer], /, *, owner: str = "") -> Answer:
        """Run it; ``owner`` is the account that it works for, if it is one. Raises Overloaded, ShuttingDown."""


class Providers:
    """The providers that are configured, by their kind."""

    def __init__(self, configured: Iterable[PaymentProvider]) -> None:
        """Know these."""
        self._providers = {provider.provider: provider for provider in configured}

    def __iter__(self) -> Iterator[PaymentProvider]:
        """Go through all of them."""
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
