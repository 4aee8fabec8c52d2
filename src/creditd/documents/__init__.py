"""Documents drawn as PDF, in a process of their own: see README.md."""
