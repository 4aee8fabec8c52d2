"""The rows of what has been moved to the archive: its acts, its files, and the checkpoints that stand for it."""
