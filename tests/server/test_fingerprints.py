"""A fingerprint is the same for the same content, for good, and another one for any other content."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import BytesValue, DoubleValue
from hypothesis import given
from hypothesis import strategies as st

from credit.v1 import (
    account_pb2,
    admin_service_pb2,
    credit_service_pb2,
    payment_admin_service_pb2,
    payment_service_pb2,
    source_pb2,
)
from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount, SetPlanRequest
from credit.v1.credit_service_pb2 import ConfirmRequest, DeductRequest, RefundRequest, ReserveRequest
from creditd.domain.resource_names import account_name
from creditd.server.fingerprints import fingerprint

RESERVATION = "accounts/alice/wallets/chat/reservations/01975c5e-0000-7000-8000-000000000000"

VECTORS: list[tuple[Message, int]] = [
    (ReserveRequest(), 8_692_800_399_551_242_579),
    (ReserveRequest(account_id="alice", credit_type="chat", amount=5, request_id="r-1"), -4_944_187_130_399_145_910),
    (
        ReserveRequest(
            account_id="alice",
            credit_type="chat",
            amount=2**63 - 1,
            ttl={"seconds": 60, "nanos": 500},
            expected_version=0,
            validate_only=True,
            reason='ภาษาไทย "\\\n\x7f 🙂',
            metadata={"model": "large", "b": "", "ก": "\t"},
        ),
        -7_295_322_955_662_764_867,
    ),
    (DeductRequest(account_id="alice", credit_type="chat", amount=5), -331_028_162_145_759_829),
    (
        ConfirmRequest(name=RESERVATION, amount=3, allow_excess=True, request_id="r-2"),
        -7_539_315_148_482_595_992,
    ),
    (RefundRequest(name=RESERVATION, reason="the model failed"), -7_426_190_681_631_472_965),
    (
        AddCreditsRequest(
            account_id="alice",
            amounts=[CreditAmount(credit_type="chat", amount=10), CreditAmount(credit_type="THB", amount=1)],
            source=source_pb2.SOURCE_PROMO,
            expire_time={"seconds": 1_800_000_000},
            reason="spring",
        ),
        -1_334_567_456_206_633_920,
    ),
    (
        SetPlanRequest(
            name=account_name("alice"),
            plan=account_pb2.Plan(kind=account_pb2.PLAN_KIND_UNLIMITED),
            reason="a month for free",
        ),
        -9_067_682_795_696_611_880,
    ),
]
"""Fingerprints that rows have. A change of one of these refuses honest replays of what was done before it."""

KINDS: list[Descriptor] = [
    message
    for module in (credit_service_pb2, admin_service_pb2, payment_admin_service_pb2, payment_service_pb2)
    for message in module.DESCRIPTOR.message_types_by_name.values()
    if message.name.endswith("Request") and "request_id" in message.fields_by_name
]

texts = st.text(max_size=12)
labels = st.dictionaries(texts, texts, max_size=5)


def is_map(field: Any) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def filled(kind: Descriptor) -> Message:
    """Return a message with every field set; of a oneof it is the last one."""
    message = GetMessageClass(kind)()
    for field in kind.fields:
        fill(message, field)
    return message


def fill(message: Any, field: Any) -> None:
    """Set a field to something, or to something else."""
    there = getattr(message, field.name)
    if is_map(field):
        there["key"] = there.get("key", "") + "value"
    elif field.message_type is not None and field.is_repeated:
        there.append(filled(field.message_type))
    elif field.message_type is not None:
        there.CopyFrom(filled(field.message_type))
    elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        setattr(message, field.name, there + "text")
    elif field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        setattr(message, field.name, not there)
    else:
        setattr(message, field.name, there + 1)


def changed(message: Message) -> Iterator[tuple[str, Message]]:
    """Return the message with each of its fields changed, one at a time and at every depth, by their paths."""
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof and not message.HasField(field.name):
            continue
        other = type(message)()
        other.CopyFrom(message)
        if field.message_type is not None and not field.is_repeated:
            for path, part in changed(getattr(message, field.name)):
                deep = type(message)()
                deep.CopyFrom(message)
                getattr(deep, field.name).CopyFrom(part)
                yield f"{field.name}.{path}", deep
            other.ClearField(field.name)
        else:
            fill(other, field)
        yield field.name, other


@pytest.mark.parametrize(("request_", "number"), VECTORS)
def test_vectors(request_: Message, number: int) -> None:
    assert fingerprint(request_) == number


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_any_change_of_a_field_gives_another_one_and_only_the_request_id_does_not(kind: Descriptor) -> None:
    message = filled(kind)
    same = {path for path, other in changed(message) if fingerprint(other) == fingerprint(message)}
    assert same == {"request_id"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_field_differs_from_its_zero_exactly_where_its_absence_can_be_told(kind: Descriptor) -> None:
    empty = GetMessageClass(kind)()
    for field in kind.fields:
        if field.is_repeated or field.name == "request_id":
            continue
        zero = GetMessageClass(kind)()
        if field.message_type is not None:
            getattr(zero, field.name).SetInParent()
        else:
            setattr(zero, field.name, field.default_value)
        assert (fingerprint(zero) != fingerprint(empty)) == field.has_presence, field.name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_reading_it_changes_nothing_and_the_wire_neither(kind: Descriptor) -> None:
    message = filled(kind)
    before = message.SerializeToString()
    number = fingerprint(message)
    assert message.SerializeToString() == before
    assert fingerprint(type(message).FromString(before)) == number


def test_kinds_of_equal_content_differ() -> None:
    numbers = {fingerprint(GetMessageClass(kind)()) for kind in KINDS}
    assert len(numbers) == len(KINDS) >= 10


@given(labels, st.randoms())
def test_the_order_of_labels_is_no_content(pairs: dict[str, str], random: Any) -> None:
    shuffled = list(pairs.items())
    random.shuffle(shuffled)
    assert fingerprint(ReserveRequest(metadata=dict(shuffled))) == fingerprint(ReserveRequest(metadata=pairs))


@given(labels, labels)
def test_other_labels_give_another_one(first: dict[str, str], second: dict[str, str]) -> None:
    same = fingerprint(ReserveRequest(metadata=first)) == fingerprint(ReserveRequest(metadata=second))
    assert same == (first == second)


@given(st.tuples(texts, texts, texts), st.tuples(texts, texts, texts))
def test_text_that_moves_from_one_field_to_the_next_gives_another_one(first: Any, second: Any) -> None:
    numbers = [
        fingerprint(ReserveRequest(account_id=account_id, credit_type=credit_type, reason=description))
        for account_id, credit_type, description in (first, second, ("".join(first), "", ""))
    ]
    assert (numbers[0] == numbers[1]) == (first == second)
    assert (numbers[0] == numbers[2]) == (not first[1] and not first[2])


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_other_figures_give_another_one(first: int, second: int) -> None:
    numbers = [fingerprint(ReserveRequest(amount=amount, expected_version=second)) for amount in (first, second)]
    assert (numbers[0] == numbers[1]) == (first == second)
    assert all(-(2**63) <= number < 2**63 for number in numbers)


def test_a_field_that_this_version_does_not_know_is_no_content() -> None:
    known = ReserveRequest(account_id="alice", amount=5)
    # Field 500, a varint, as a later version might send it.
    later = ReserveRequest.FromString(known.SerializeToString() + b"\xa0\x1f\x01")
    assert later != known
    assert fingerprint(later) == fingerprint(known)


@pytest.mark.parametrize("message", [DoubleValue(), BytesValue(), Struct()])
def test_what_has_no_canonical_form_is_refused_when_its_kind_is_compiled(message: Message) -> None:
    with pytest.raises(TypeError, match="canonical form"):
        fingerprint(message)
