"""Are protobuf's bytes taken apart, and is what is none of it refused?"""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.records.protobuf import Malformed, Message, fields


def test_the_two_examples_of_the_encodings_own_page() -> None:
    assert list(fields(b"\x08\x96\x01")) == [(1, 150)]
    assert Message(b"\x12\x07\x74\x65\x73\x74\x69\x6e\x67").text(2) == "testing"


def test_numbers_of_eight_and_four_bytes() -> None:
    message = Message(b"\x09" + struct.pack("<d", 0.25) + b"\x15" + struct.pack("<f", 0.5))

    assert (message.double(1), message.double(2), message.double(3)) == (0.25, 0.5, None)


def test_a_negative_number_has_ten_bytes() -> None:
    assert Message(b"\x08" + b"\xff" * 9 + b"\x01").signed(1) == -1


def test_of_a_repeated_single_field_the_last_one_counts() -> None:
    assert (Message(b"\x08\x01\x08\x02").number(1), Message(b"\x0a\x01a\x0a\x01b").text(1)) == (2, "b")
    assert Message(b"\x0a\x01a\x0a\x01b").texts(1) == ("a", "b")


def test_what_is_not_there_is_empty() -> None:
    message = Message(b"")

    assert (message.text(1), message.number(1), message.double(1), list(message.messages(1)), 1 in message) == (
        "",
        0,
        None,
        [],
        False,
    )


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\x08", "cut off"),
        (b"\x0a\x05abc", "cut off"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut off"),
        (b"\x08" + b"\xff" * 11, "a number without an end"),
        (b"\x0b\x00", "wire type 3"),
        (b"\x00\x00", "a field without a number"),
    ],
)
def test_what_is_damaged_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        Message(raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_malformed(raw: bytes) -> None:
    try:
        Message(raw)
    except Malformed as error:
        assert str(error)
