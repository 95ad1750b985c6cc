"""A table of the sample data, and how many rows of a total it gets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from opskit.demo.sample_columns import Maker, Sizes
from opskit.demo.sample_values import Value


@dataclass(frozen=True, slots=True)
class SampleTable:
    """A table: its weight among all tables of the sample, and what its columns hold."""

    name: str
    weight: float
    columns: Mapping[str, Maker]

    def rows(self, counts: Mapping[str, int], seed: int) -> Iterator[tuple[Value, ...]]:
        """Its rows, made while they are read; the same for the same counts and seed."""
        columns = [
            make(Sizes(counts, Random(f"{seed} {self.name} {column}")))  # noqa: S311 - to be repeatable
            for column, make in self.columns.items()
        ]
        return islice(zip(*columns, strict=True), counts[self.name])


def share_out(tables: Sequence[SampleTable], total: int) -> dict[str, int]:
    """How many rows each table gets: at least one, by weight, and in sum exactly the total.

    Raises:
        ValueError: the total is smaller than the number of tables.
    """
    if total < len(tables):
        raise ValueError(f"{total} rows are fewer than {len(tables)} tables")
    spare = total - len(tables)
    whole = sum(table.weight for table in tables)
    counts = {table.name: 1 + int(spare * table.weight / whole) for table in tables}
    heaviest = max(tables, key=lambda table: table.weight)
    counts[heaviest.name] += total - sum(counts.values())
    return counts
