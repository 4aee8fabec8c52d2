"""Connections to the database: what makes and judges them, and who has one when."""
