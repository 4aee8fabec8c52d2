"""Resource names (AIP-122) of one collection and one id; reservations and purchases have their own modules."""


def account_name(account_id: str) -> str:
    """Write an account's resource name."""
    return f"accounts/{account_id}"


def credit_type_name(code: str) -> str:
    """Write a credit type's resource name."""
    return f"creditTypes/{code}"


def package_name(package_id: str) -> str:
    """Write a package's resource name."""
    return f"packages/{package_id}"


def payment_event_name(event_id: str) -> str:
    """Write a payment event's resource name."""
    return f"paymentEvents/{event_id}"


def id_in(name: str) -> str:
    """Return the id in a resource name of two parts, whose form has been validated."""
    return name.partition("/")[2]
