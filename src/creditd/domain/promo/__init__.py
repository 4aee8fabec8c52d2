"""Promo codes: their terms, their texts, and the claims on them."""
