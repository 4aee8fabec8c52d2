"""Statements as files: their words, figures and times, and CSV."""
