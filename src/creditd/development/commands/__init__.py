"""The commands of development: run, demo and token."""
