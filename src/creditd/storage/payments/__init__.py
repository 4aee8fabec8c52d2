"""The rows of packages, purchases, subscriptions and payment events."""
