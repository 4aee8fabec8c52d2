"""What ids look like that stand in a URL, as the service has them, and how long a page token is."""

from typing import Final

ACCOUNT_ID: Final = r"[A-Za-z0-9._:@+-]{1,128}"

CREDIT_TYPE: Final = r"[A-Za-z][A-Za-z0-9_]{0,31}"

RESOURCE_NAME: Final = r"accounts/[!-~]{1,250}"
"""Of something that is an account's."""

MAX_PAGE_TOKEN: Final = 8_192
"""Characters of it."""
