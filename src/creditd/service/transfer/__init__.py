"""Moving in and out: balances from files into the ledger, and from the ledger into files."""
