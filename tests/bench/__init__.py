"""Measures what a credit call costs with everything on, beside what PostgreSQL alone can do."""
