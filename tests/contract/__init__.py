"""The service as its callers see it: over gRPC, on a real database."""
