"""The pure rules of credits: no I/O, no clock, no SQL, no gRPC.

Start with :mod:`creditd.domain.decide`: a wallet, a command and an instant give a movement, or a refusal.
"""
