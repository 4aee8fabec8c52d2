"""The migrations of identity's database, in order."""
