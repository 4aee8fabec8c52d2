"""What requests have in common: their origin, the expiry, the account they are about."""

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor

from creditd.domain.instant import Instant
from creditd.domain.wallet import Origin
from creditd.server.credit_messages import instant, microseconds
from creditd.server.fingerprints import fingerprint
from creditd.service.call import Call, origin_of


def origin(call: Call, request: Any, reason: str) -> Origin:
    """Return the origin of a mutation: who asks, under which request id, with which content.

    The fingerprint tells the same id with other content apart. Raises InvalidField.
    """
    labels = getattr(request, "metadata", None)
    metadata = dict(labels) if labels else None
    return origin_of(call, request.request_id or None, fingerprint(request), reason, metadata)


def stated_version(request: Any) -> int | None:
    """Return the version that a request expects, or None."""
    version: int | None = request.expected_version if request.HasField("expected_version") else None
    return version


def stated_amount(request: Any) -> int | None:
    """Return the amount that a request states, or None for all that there is."""
    amount: int | None = request.amount if request.HasField("amount") else None
    return amount


def expiry(request: Any) -> tuple[Instant | None, int | None]:
    """Return the expire time or the lifetime that a request states (AIP-214), or neither. Raises InvalidFields."""
    stated = request.WhichOneof("expiration")
    if stated is None:
        return None, None
    if stated == "ttl":
        return None, microseconds(request.ttl)
    return instant(request.expire_time, "expire_time"), None


def account_reader(request: Descriptor) -> Callable[[Any], str | None]:
    """Return the function that tells which account a request is about; None for one about several or none."""
    names = request.fields_by_name
    if "account_id" in names:
        return _account_id
    if "name" in names:
        return _account_of_name
    if "update_mask" in names:
        # An update has its resource in full, and the resource its name (AIP-134).
        (resource,) = (field.name for field in request.fields if field.message_type and field.name != "update_mask")
        return lambda request: _account_of_name(getattr(request, resource))
    return _no_account


def _account_id(request: Any) -> str | None:
    account_id: str = request.account_id
    return account_id


def _account_of_name(request: Any) -> str | None:
    # The name is not validated yet: one that does not begin with an account is about none.
    collection, *rest = request.name.split("/", 2)
    return rest[0] if rest and collection == "accounts" else None


def _no_account(request: Any) -> str | None:
    del request
    return None
