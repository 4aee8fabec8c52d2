"""Old entries leave the ledger for files that the seals prove, and come back."""
