"""Faults planted on purpose: each one has to be caught by a test, or the tests prove less than they seem to."""
