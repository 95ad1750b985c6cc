"""A table's digest says nothing about the order of its rows, and everything else about them."""

from hypothesis import given
from hypothesis import strategies as st

from opskit.transfer.digest import digest

LINES = st.lists(st.binary(max_size=8))


@given(lines=LINES, cut=st.integers(0, 10))
def test_it_is_the_sum_of_its_parts_in_any_order(lines: list[bytes], cut: int) -> None:
    assert digest(lines) == digest(lines[::-1]) == digest(lines[:cut]) + digest(lines[cut:])


@given(lines=LINES, other=LINES)
def test_different_multisets_have_different_digests(lines: list[bytes], other: list[bytes]) -> None:
    assert (digest(lines) == digest(other)) is (sorted(lines) == sorted(other))
