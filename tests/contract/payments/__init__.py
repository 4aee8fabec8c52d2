"""Packages, purchases, webhooks and what staff do about payments, over the wire and with fake providers."""
