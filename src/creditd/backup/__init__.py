"""Backups of the whole database server, their way back, and the proof that there is one."""
