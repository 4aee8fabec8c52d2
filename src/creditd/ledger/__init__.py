"""Commands in, committed entries out: load, decide, save, retry; group commit; the expiry sweep; verification."""
