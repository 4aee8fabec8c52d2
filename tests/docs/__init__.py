"""The documents do as they say."""
