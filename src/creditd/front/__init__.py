"""What the webhook adapter and the console have in common: HTTP in front, one channel to the service behind."""
