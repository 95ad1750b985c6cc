"""What keeps statement statistics honest over time: PostgreSQL forgets the least used statements."""

from collections.abc import Sequence

from opskit.exporter.reading import Row


def members(previous: frozenset[str], ranked: Sequence[str], limit: int) -> frozenset[str]:
    """Which statements are reported singly: sticky, so that near-equal costs do not make series come and go.

    A member stays while it is among the first 2 x limit; places that are left go to the costliest others.

    Args:
        previous: the members so far.
        ranked: statement ids, the costliest first.
    """
    kept = [one for one in ranked[: 2 * limit] if one in previous][:limit]
    others = [one for one in ranked if one not in previous]
    return frozenset([*kept, *others][:limit])


class Ratchet:
    """Sums that never fall: a sum over statements falls when PostgreSQL evicts one, and Prometheus would read
    that as a restart and count the whole sum again.
    """

    def __init__(self, key: str, columns: Sequence[str]) -> None:
        self._key = key
        self._columns = columns
        self._seen: dict[tuple[object, str], float] = {}
        self._published: dict[tuple[object, str], float] = {}

    def apply(self, row: Row) -> Row:
        """The row with its sums raised to what was published before, plus what was added since."""
        return {**row, **{column: self._raised(row, column) for column in self._columns}}

    def _raised(self, row: Row, column: str) -> float:
        place, value = (row[self._key], column), float(row[column] or 0)
        grown = max(0.0, value - self._seen.get(place, 0.0))
        self._seen[place] = value
        self._published[place] = self._published.get(place, 0.0) + grown
        return self._published[place]
