"""Who calls: tokens, their issuers and keys, and client certificates."""
