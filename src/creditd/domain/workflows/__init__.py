"""Workflows: what an account runs for credits, and what is asked of an executor."""
