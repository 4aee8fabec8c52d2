"""The rows of access, approvals, audit, account flags and velocity counts."""
