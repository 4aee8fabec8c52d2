"""Delivery of events to endpoints: signed HTTP requests by the Standard Webhooks convention."""
