"""Tests, in folders that mirror src/creditd."""
