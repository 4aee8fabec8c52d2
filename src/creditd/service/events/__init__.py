"""Others are told what happens to accounts: events published, followed, and configured to be delivered."""
