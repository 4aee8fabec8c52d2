"""Stripe: payments by Checkout sessions."""
