"""What is known of each payment provider: how its webhooks are verified and read, and how it is called."""
