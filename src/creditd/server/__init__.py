"""The gRPC edge: proto in, service, proto out."""
