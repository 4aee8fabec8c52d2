"""Resource names (AIP-122) of one collection and one id; reservations and purchases have their own modules."""

from typing import Final

SERVICE_ACCOUNTS: Final = "serviceAccounts/"
"""What the resource names of service accounts begin with."""


def account_name(account_id: str) -> str:
    """Write an account's resource name."""
    return f"accounts/{account_id}"


def grant_name(account_id: str, credit_type: str, grant_id: str) -> str:
    """Write a grant's resource name."""
    return f"accounts/{account_id}/wallets/{credit_type}/grants/{grant_id}"


def entry_name(account_id: str, credit_type: str, version: int) -> str:
    """Write the resource name of a row of the ledger."""
    return f"accounts/{account_id}/wallets/{credit_type}/entries/{version}"


def credit_type_name(code: str) -> str:
    """Write a credit type's resource name."""
    return f"creditTypes/{code}"


def package_name(package_id: str) -> str:
    """Write a package's resource name."""
    return f"packages/{package_id}"


def payment_event_name(event_id: str) -> str:
    """Write a payment event's resource name."""
    return f"paymentEvents/{event_id}"


def event_name(account_id: str, event_id: str) -> str:
    """Write the resource name of an event for others."""
    return f"accounts/{account_id}/events/{event_id}"


def event_endpoint_name(endpoint_id: str) -> str:
    """Write an event endpoint's resource name."""
    return f"eventEndpoints/{endpoint_id}"


def audit_event_name(event_id: str) -> str:
    """Write an audit event's resource name."""
    return f"auditEvents/{event_id}"


def id_in(name: str) -> str:
    """Return the id in a resource name of two parts, whose form has been validated."""
    return name.partition("/")[2]


def role_grant_name(grant_id: str) -> str:
    """Write a role grant's resource name."""
    return f"roleGrants/{grant_id}"


def service_account_name(service_account_id: str) -> str:
    """Write a service account's resource name."""
    return f"{SERVICE_ACCOUNTS}{service_account_id}"


def api_key_name(api_key_id: str) -> str:
    """Write an API key's resource name."""
    return f"apiKeys/{api_key_id}"
