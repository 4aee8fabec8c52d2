"""Omise's hints where no webhook secret is set: anybody may have sent them.

What such a hint says besides an id counts for nothing, its own id included: hints about one thing are one.
"""

from collections.abc import Mapping

import orjson

from creditd.payments.documents import mapping
from creditd.payments.omise.api import OmiseApi
from creditd.payments.omise.ids import ObjectKind, id_in
from creditd.payments.provider import Delivery

_READ = (ObjectKind.DISPUTE, ObjectKind.LINK, ObjectKind.CHARGE)
"""The kinds of objects that are read for a hint: the first of these that it names."""


def subject_of(ids: Mapping[str, str]) -> str:
    """Return the id of what a hint with these ids is about; empty if it means nothing to credits."""
    return next((ids[kind.name.lower()] for kind in _READ if kind.name.lower() in ids), "")


class UnsignedHints:
    """How unsigned hints of one account are handled."""

    def __init__(self, account: OmiseApi) -> None:
        """Ask ``account``."""
        self._account = account

    def about(self, delivery: Delivery, reference: str) -> Delivery:
        """Return a hint that is about a link or a charge alone, one of those that it names.

        Of a charge that is said to be of a link of ours the link is read: what else is said may be made up.
        """
        if reference == delivery.key:
            return delivery
        kind = ObjectKind.LINK if id_in(reference, ObjectKind.LINK) else ObjectKind.CHARGE
        event_id = mapping(orjson.loads(delivery.body)).get("event")
        body = orjson.dumps({"event": event_id, kind.name.lower(): reference}).decode()
        return delivery._replace(key=reference, body=body)

    async def is_real(self, delivery: Delivery) -> bool:
        """Ask Omise whether the subject of a hint exists. Raises CallFailed."""
        if id_in(delivery.key, ObjectKind.DISPUTE):
            return await self._account.dispute(delivery.key) is not None
        if id_in(delivery.key, ObjectKind.LINK):
            return await self._account.link(delivery.key) is not None
        return await self._account.charge(delivery.key) is not None
