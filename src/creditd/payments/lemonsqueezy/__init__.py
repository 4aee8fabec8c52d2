"""Lemon Squeezy: checkouts that sell credits, and subscriptions that keep the unlimited plan in force."""
