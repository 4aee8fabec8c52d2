"""Packages, purchases and payments: what callers ask for, and what providers report."""
