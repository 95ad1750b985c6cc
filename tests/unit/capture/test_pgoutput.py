"""pgoutput's messages, as the manual describes them, become keys."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.capture.pgoutput import Begin, Change, Commit, Decoder, Malformed, Marker, Relation, Truncate

TABLE = Relation(7, "public", "t", ("note", "id", "part"), (1, 2))


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def described() -> bytes:
    """TABLE as the server tells it."""
    columns = b"".join(
        bytes([position in TABLE.key]) + text(name) + pack("!Ii", 25, -1)
        for position, name in enumerate(TABLE.columns)
    )
    return b"R" + pack("!I", 7) + text("public") + text("t") + b"d" + pack("!H", 3) + columns


def row(*values: str | bytes | None) -> bytes:
    """A row: texts, NULLs as None, and what did not change as b"u"."""
    fields = (
        b"n"
        if one is None
        else one
        if isinstance(one, bytes)
        else b"t" + pack("!I", len(one.encode())) + one.encode()
        for one in values
    )
    return pack("!H", len(values)) + b"".join(fields)


@pytest.fixture
def decoder() -> Decoder:
    decoder = Decoder()
    assert decoder.decode(described()) == TABLE
    return decoder


def change(kind: bytes, *parts: bytes) -> bytes:
    return kind + pack("!I", 7) + b"".join(parts)


def test_a_row_that_is_written_tells_its_key(decoder: Decoder) -> None:
    assert decoder.decode(change(b"I", b"N", row("x", "1", "a"))) == Change(TABLE, (("1", "a"),))
    assert decoder.decode(change(b"U", b"N", row(b"u", "1", "a"))) == Change(TABLE, (("1", "a"),))


def test_a_row_that_goes_tells_the_key_that_it_had(decoder: Decoder) -> None:
    assert decoder.decode(change(b"D", b"K", row(None, "1", "a"))) == Change(TABLE, (("1", "a"),))


def test_a_key_that_changes_tells_both(decoder: Decoder) -> None:
    message = change(b"U", b"K", row(None, "1", "a"), b"N", row("x", "2", "a"))
    assert decoder.decode(message) == Change(TABLE, (("1", "a"), ("2", "a")))


def test_a_large_key_that_did_not_change_is_taken_from_the_old_values(decoder: Decoder) -> None:
    message = change(b"U", b"K", row(None, "1", "large"), b"N", row(b"u", "1", b"u"))
    assert decoder.decode(message) == Change(TABLE, (("1", "large"), ("1", "large")))


def test_transactions_messages_and_truncations_are_told(decoder: Decoder) -> None:
    assert decoder.decode(b"B" + pack("!QQI", 5, 0, 700)) == Begin(5, 700)
    assert decoder.decode(b"C" + pack("!BQQQ", 0, 5, 9, 0)) == Commit(9)
    assert decoder.decode(b"T" + pack("!IBI", 1, 0, 7)) == Truncate((TABLE,))
    message = b"M" + pack("!BQ", 1, 5) + text("opskit") + pack("!I", 3) + b"end"
    assert decoder.decode(message) == Marker("opskit", b"end")
    assert decoder.decode(b"Y" + pack("!I", 1)) is None


@given(st.text(), st.text())
def test_any_text_may_be_a_key(one: str, other: str) -> None:
    decoder = Decoder()
    decoder.decode(described())
    assert decoder.decode(change(b"I", b"N", row("x", one, other))) == Change(TABLE, ((one, other),))


@pytest.mark.parametrize("data", [b"Z", change(b"D", b"K", row(None, None, "a"))])
def test_what_is_not_understood_is_not_passed_over(decoder: Decoder, data: bytes) -> None:
    with pytest.raises(Malformed):
        decoder.decode(data)
