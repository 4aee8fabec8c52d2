"""The rows of events, from the outbox to the last attempt to deliver one."""
