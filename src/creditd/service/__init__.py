"""One function, one promise to a caller; what is promised is carried out by the ledger."""
