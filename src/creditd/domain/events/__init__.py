"""What others are told: the kinds of events, their data, balance alerts, and endpoints."""
