"""Requests filled into a template and answers skimmed, at a fraction of what protobuf objects would cost."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

SUBJECT = "account-000000"
"""Stands in a template where the account's id goes; all account ids of the benchmark are as long."""
RESERVATION = "name-of-the-reservation"
"""Stands in a template, as its field 1, where the name of the reservation goes that the step before made."""
REQUEST_ID = "R" * 32
"""Stands in a template where a fresh request id goes."""

_FIRST_FIELD = 0x0A
_RESERVATION_FIELD = bytes((_FIRST_FIELD, len(RESERVATION))) + RESERVATION.encode()
_SLOTS = re.compile(b"(" + b"|".join((_RESERVATION_FIELD, SUBJECT.encode(), REQUEST_ID.encode())) + b")")
_RESPONSE_TAG, _ERROR_TAG, _CODE_TAG = _FIRST_FIELD, 0x12, 0x08


def account_id(number: int) -> str:
    """The id of the benchmark's account `number`, as long as every other."""
    return f"account-{number:06}"


@dataclass(frozen=True)
class Template:
    """A serialized request cut at its slots: text, subject, text, request id, text, subject, ..."""

    pieces: tuple[bytes, ...]
    request_ids: int

    @classmethod
    def parse(cls, message: bytes) -> Self:
        """Cuts a message whose slots come in pairs of subject and request id, or that has one subject alone."""
        pieces = tuple(_SLOTS.split(message))
        return cls(pieces, len(pieces) // 4)

    @property
    def subjects(self) -> int:
        """How many accounts or reservations one call names."""
        return (len(self.pieces) + 1) // 4

    def fill(self, subjects: Sequence[bytes]) -> bytes:
        """The message with these subjects, each with a request id that was never used before."""
        pieces = list(self.pieces)
        pieces[1::4] = subjects
        if self.request_ids:
            pieces[3::4] = _request_ids(self.request_ids)
        return b"".join(pieces)


def _request_ids(count: int) -> list[bytes]:
    # Random ones, because that is what callers send: ids that rise would flatter the index they are kept in.
    digits = b"%0*x" % (32 * count, random.getrandbits(128 * count))
    return [digits[at : at + 32] for at in range(0, 32 * count, 32)]


def reservation_field(reserve_response: bytes) -> bytes:
    """The reservation's name in a ReserveResponse, with tag and length, as it goes into a ConfirmRequest.

    It is field 1 of field 1 in the one and field 1 in the other, and comes first in each.
    """
    _, at = _length(reserve_response, 1)
    length, start = _length(reserve_response, at + 1)
    return reserve_response[at : start + length]


def batch_outcomes(batch_response: bytes) -> tuple[int, list[int]]:
    """How many results of a batch succeeded, and the status codes of those that did not."""
    succeeded, refused = 0, []
    at, end = 0, len(batch_response)
    while at < end:
        length, at = _length(batch_response, at + 1)
        if batch_response[at] == _RESPONSE_TAG:
            succeeded += 1
        elif batch_response[at] == _ERROR_TAG:
            _, start = _length(batch_response, at + 1)
            refused.append(batch_response[start + 1] if batch_response[start] == _CODE_TAG else 0)
        at += length
    return succeeded, refused


def _length(message: bytes, at: int) -> tuple[int, int]:
    value = message[at]
    if value < 0x80:
        return value, at + 1
    value &= 0x7F
    shift = 7
    while True:
        at += 1
        byte = message[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
        shift += 7
