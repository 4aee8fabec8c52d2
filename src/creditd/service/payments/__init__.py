"""Packages sold and paid for: what callers ask for, and what providers say."""
