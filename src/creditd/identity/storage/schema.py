"""The schema of identity's database, and whom it is served by."""

from typing import Final

from creditd.storage.migrations.schema_rules import SchemaRules

IDENTITY_ROLE: Final = "creditd_identity"

IDENTITY: Final = SchemaRules(
    "creditd.identity.storage",
    # Another name than the ledger's, so that neither schema is taken for a state of the other.
    "identity_revisions",
    IDENTITY_ROLE,
    {
        "SELECT": ("identity_compatibility", "identity_revisions"),
        "SELECT, INSERT": ("security_events",),
        "SELECT, INSERT, UPDATE": ("api_keys", "authenticators", "users"),
        "SELECT, INSERT, DELETE": ("recovery_codes",),
        "SELECT, INSERT, UPDATE, DELETE": ("sessions", "token_keys"),
    },
    {
        "users": ("password_hash",),
        "api_keys": ("secret_hash",),
        "sessions": ("token_hash",),
        "token_keys": ("private_key",),
        "authenticators": ("secret", "pending_secret"),
        "recovery_codes": ("code_hash",),
    },
    "identity's history",
    "identity_compatibility",
    # "idnt" in ASCII.
    0x69646E74,
)
"""Users are never deleted, and what happened is never changed; sessions and keys are deleted once they have ended.

Security events go after 400 days, by a function that deletes nothing else; the role that serves may delete none."""
