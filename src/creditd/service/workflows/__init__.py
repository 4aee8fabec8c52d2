"""Workflows: kept for accounts."""
