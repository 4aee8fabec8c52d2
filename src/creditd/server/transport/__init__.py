"""The transport on gRPC's completion queue: one thread takes all that has arrived, and answers the hot methods."""
