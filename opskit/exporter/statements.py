"""What is told of pg_stat_statements: sums by kind that never fall, and the costliest singly."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from opskit.exporter.reading import Row

HIDDEN = "hidden"
"""The kind of statements that this role may not see."""

_SUMS = ("calls", "seconds", "rows")


class Statements:
    """Remembers, from one reading of a database to the next, what keeps its series steady.

    Args:
        limit: how many statements are told singly.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kinds: Mapping[str, str] = {}
        self._members: frozenset[str] = frozenset()
        self._ratchet = Ratchet("kind", _SUMS)

    def unknown(self, rows: Iterable[Row]) -> list[str]:
        """The ids whose kind has to be looked up; ids that are gone are forgotten."""
        ids = [str(row["queryid"]) for row in rows if row["queryid"] is not None]
        self._kinds = {one: self._kinds[one] for one in ids if one in self._kinds}
        return [one for one in ids if one not in self._kinds]

    def learn(self, rows: Iterable[Row]) -> None:
        """Takes the kinds that were looked up."""
        self._kinds = {**self._kinds, **{str(row["queryid"]): str(row["kind"]) for row in rows}}

    def told(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """One row a kind, and one for each of the costliest.

        Args:
            rows: one a statement, the costliest first; the one without an id is the sum of those that this
                role may not see.
        """
        kinds: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            kinds[self._kind(row)].append(row)
        sums = [
            {
                "kind": kind,
                **{column: sum(float(row[column] or 0) for row in kinds[kind]) for column in _SUMS},
            }
            for kind in sorted(kinds)
        ]
        return (*map(self._ratchet.apply, sums), *self._costliest(rows))

    def _kind(self, row: Row) -> str:
        return HIDDEN if row["queryid"] is None else self._kinds.get(str(row["queryid"]), "other")

    def _costliest(self, rows: Sequence[Row]) -> Iterable[Row]:
        seen = (row for row in rows if row["queryid"] is not None)
        ranked = list(islice(seen, 2 * self._limit))
        self._members = members(self._members, [str(row["queryid"]) for row in ranked], self._limit)
        for row in ranked:
            if row["queryid"] in self._members:
                sums = {f"top_{column}": row[column] for column in (*_SUMS, "blocks_read")}
                yield {"queryid": row["queryid"], "kind": self._kind(row), "top": 1, **sums}


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
