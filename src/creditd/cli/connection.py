"""How commands reach a server: a channel to its address, and a token to show."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from creditd.cli.data_folder import DataFolder, Identity, development_token
from creditd.cli.invocation import creditd
from creditd.cli.screen import remark
from creditd.config import Config
from creditd.server.listening import is_loopback

Metadata = tuple[tuple[str, str], ...]


@contextmanager
def channel_to(address: str) -> Iterator[grpc.Channel]:
    """Keep a channel until the block ends: in plaintext to this machine, over TLS to any other."""
    if is_loopback(address):
        channel = grpc.insecure_channel(address)
    else:
        channel = grpc.secure_channel(address, grpc.ssl_channel_credentials())
    with channel:
        yield channel


def authorization(token: str | None, identity: Identity, config: Config) -> Metadata:
    """Return what to send along: the token given, else one made now, if the data folder has a key."""
    if token is None:
        if not DataFolder(config.data_dir).has_key:
            remark(f"no token: {config.data_dir} has no development key (`{creditd()} run` makes one)")
            return ()
        token = development_token(config, identity)
    return (("authorization", f"Bearer {token}"),)
