"""The operations that callers are offered; the ledger carries them out."""
