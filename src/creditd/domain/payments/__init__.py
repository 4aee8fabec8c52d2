"""What is bought and how it is paid: packages, purchases, subscriptions, and what providers report."""
