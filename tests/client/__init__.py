"""The Python client over a real server, in both of its styles."""
