"""The fault battery: what was acknowledged stays, whatever is killed, cut or repeated meanwhile.

Callers spend over gRPC; the servers are processes of their own, on a PostgreSQL of their own that is durable; meanwhile
something breaks. What each call was told is then held against the ledger. `make faults` runs every battery at its full
length and prints a line of figures for each; `make test` runs a round of each.
"""
