"""The log says where a call came from."""

import pytest

from creditd.server.peers import address_of


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.7:40962", "10.0.0.7:40962"),
        ("ipv6:%5B2001:db8::1%5D:40962", "[2001:db8::1]:40962"),
        ("ipv6:[::1]:40962", "[::1]:40962"),
        ("unix:", "unix"),
        ("unix:/run/creditd.sock", "unix"),
        ("unix-abstract:creditd", "unix"),
    ],
)
def test_a_peer_is_an_address_with_its_port(peer: str, address: str) -> None:
    assert address_of(peer) == address
