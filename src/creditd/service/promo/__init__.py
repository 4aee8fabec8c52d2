"""Promo codes: made and listed, claimed and granted, guessed at only so often."""
