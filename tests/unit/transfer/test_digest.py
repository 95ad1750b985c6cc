"""A table's digest says nothing about the order of its rows, and everything else about them."""

from hypothesis import given
from hypothesis import strategies as st

from opskit.transfer.digest import Digest, digest

LINES = st.lists(st.binary(max_size=8))


@given(lines=LINES, cut=st.integers(0, 10))
def test_it_is_the_sum_of_its_parts_in_any_order(lines: list[bytes], cut: int) -> None:
    assert digest(lines) == digest(reversed(lines)) == digest(lines[:cut]) + digest(lines[cut:])


@given(lines=LINES, other=LINES)
def test_different_multisets_have_different_digests(lines: list[bytes], other: list[bytes]) -> None:
    assert (digest(lines) == digest(other)) is (sorted(lines) == sorted(other))


def test_it_is_shown_as_32_hexadecimal_digits() -> None:
    assert str(Digest()) == "0" * 32
    assert len(str(digest([b"x"]))) == 32
