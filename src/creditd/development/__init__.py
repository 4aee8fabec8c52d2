"""What a developer's machine and the tests need, and production never runs: PostgreSQL, providers, tokens."""
