"""The console: the pages that staff keep open all day. It speaks only to the RPCs, and knows no database.

Whoever has signed in acts by their own token, so that the service decides what they may do, and its audit log tells who
did it. Nothing is kept here: a session is an encrypted cookie.
"""
