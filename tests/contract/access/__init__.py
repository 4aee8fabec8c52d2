"""Roles, service accounts and second factors, over the wire."""
