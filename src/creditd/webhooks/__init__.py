"""The webhook adapter: HTTP from the payment providers in, one RPC to the service out. It knows no database.

It verifies nothing, parses nothing and decompresses nothing: authenticity is checked behind the RPC, so that a captured
adapter can mint nothing. An answer of 200 means that the service has stored the webhook; any other makes the provider
send it again, or tells it that this cannot help.
"""
