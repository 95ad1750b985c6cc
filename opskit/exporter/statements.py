"""What is told of pg_stat_statements: sums by kind that never fall, and the costliest singly."""

from collections.abc import Iterable, Mapping, Sequence

from opskit.exporter.reading import Row

KNOWN_LIMIT = 20_000
"""So many kinds are remembered; PostgreSQL keeps 5,000 statements unless told otherwise, and forgets some."""


class Statements:
    """Remembers, from one reading of a database to the next, what keeps its series steady.

    Args:
        limit: how many statements are told singly.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kinds: Mapping[str, str] = {}
        self._members: frozenset[str] = frozenset()
        self._ratchet = Ratchet("kind", ("calls", "seconds", "rows"))
        self.learn(())

    def learn(self, rows: Iterable[Row]) -> None:
        """Remembers the kinds that were looked up."""
        found = {str(row["queryid"]): str(row["kind"]) for row in rows}
        self._kinds = {**self._kinds, **found} if len(self._kinds) < KNOWN_LIMIT else found
        self.known = _array(self._kinds)
        """The ids whose kind is known, as a parameter of a query."""
        self.parameters = (self.known, _array(self._kinds.values()), str(2 * self._limit).encode())
        """What the query for their cost is asked with."""

    def told(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """One row a kind, and one for each of the costliest; those whose kind is not yet known have to wait.

        Args:
            rows: the sums by kind, which have no id, and the costliest in their order.
        """
        known = [row for row in rows if row["kind"] is not None]
        kinds = [row for row in known if row["queryid"] is None]
        ranked = [row for row in known if row["queryid"] is not None]
        self._members = members(self._members, [str(row["queryid"]) for row in ranked], self._limit)
        singly = [_singly(row) for row in ranked if row["queryid"] in self._members]
        return (*map(self._ratchet.apply, kinds), *singly)


def lacks_kinds(rows: Iterable[Row]) -> bool:
    """Whether there are statements whose kind has to be looked up."""
    return any(row["kind"] is None for row in rows)


def _singly(row: Row) -> Row:
    """The columns of a statement that is told singly are others than those of a sum."""
    costs = {f"top_{column}": row[column] for column in ("calls", "seconds", "rows", "blocks_read")}
    return {"queryid": row["queryid"], "kind": row["kind"], "top": 1, **costs}


def _array(words: Iterable[str]) -> bytes:
    """Words as PostgreSQL's text of an array; none of ours needs quotes."""
    return f"{{{','.join(words)}}}".encode()


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
