"""The handlers: a request to the service, and its outcome to a response, a few lines each."""
