"""What a developer's machine has and production lacks: an embedded PostgreSQL, fake providers, tokens, their commands.

Nothing else imports it. Its packages are those of the extra ``creditd[development]``.
"""
