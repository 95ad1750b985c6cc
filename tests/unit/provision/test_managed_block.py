"""The part of a foreign file that is opskit's."""

from hypothesis import given
from hypothesis import strategies as st

from opskit.provision.access.managed_block import (
    BEGIN,
    END,
    block_lines,
    block_place,
    with_block,
    without_block,
)

LINES = ("local app app scram-sha-256", "host app app 127.0.0.1/32 scram-sha-256")
MARKED = st.sampled_from([BEGIN, END, f"{BEGIN} x", "local all all peer", "", "# a comment", "\r"])
FOREIGN = st.lists(MARKED | st.text(max_size=20), max_size=8).map(lambda lines: "\n".join(lines).encode())
"""Files of others: any lines at all, among them opskit's markers in any order."""
BYTES = st.binary(max_size=60) | FOREIGN


@given(BYTES)
def test_what_is_others_stays_byte_for_byte(text: bytes) -> None:
    others = without_block(text)
    assert with_block(text, LINES).endswith(others)
    assert without_block(with_block(text, LINES)) == others


@given(BYTES)
def test_a_file_without_a_block_comes_back_exactly(text: bytes) -> None:
    if block_lines(text) is None:
        assert without_block(with_block(text, LINES)) == text


@given(BYTES)
def test_writing_twice_is_writing_once(text: bytes) -> None:
    once = with_block(text, LINES)
    assert with_block(once, LINES) == once


@given(BYTES)
def test_the_block_is_read_back_from_the_top(text: bytes) -> None:
    written = with_block(text, LINES)
    assert block_lines(written) == LINES
    assert block_place(written) == 1


@given(BYTES, st.lists(st.text(alphabet="ab #", min_size=1, max_size=9), max_size=4))
def test_another_block_takes_the_place_of_the_first(text: bytes, lines: list[str]) -> None:
    assert with_block(with_block(text, LINES), lines) == with_block(text, lines)


def test_lines_above_the_block_are_found_and_stay() -> None:
    text = b"local all all trust\n" + with_block(b"local all all peer\n", LINES)
    assert block_place(text) == 2
    assert without_block(text) == b"local all all trust\nlocal all all peer\n"


def test_a_marker_without_its_partner_is_a_comment() -> None:
    text = f"{BEGIN}\nlocal all all peer\n".encode()
    assert block_lines(text) is None
    assert without_block(text) == text


def test_a_last_line_without_newline_stays_without() -> None:
    assert with_block(b"local all all peer", LINES).endswith(b"\nlocal all all peer")
