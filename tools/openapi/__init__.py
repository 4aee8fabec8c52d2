"""The description of the API over HTTP, in OpenAPI 3.1, written from the protos: docs/decisions/0063."""
